#include "loadtool/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "loadtool/html.h"
#include "loadtool/units.h"
#include "loadtool/verdict.h"

static double rate_of(const struct series_row *row)
{
    return row->length_ns == 0 ? 0 : (double)row->sums.right * 1e9 / (double)row->length_ns;
}

static double p50_of(const struct series_row *row)
{
    return (double)row->p50_ns;
}

static double p99_of(const struct series_row *row)
{
    return (double)row->p99_ns;
}

static const struct {
    const char *name;
    double (*measure)(const struct series_row *row);
    bool is_time; /* less is better */
} measures[COMPARE_MEASURES] = {{"rate", rate_of, false}, {"p50", p50_of, true}, {"p99", p99_of, true}};

static enum compare_kind judge(const struct compare_row *row, bool is_time)
{
    double change = row->b.median - row->a.median;

    if (fabs(change) <= row->spread)
        return COMPARE_SAME;
    return (change > 0) == is_time ? COMPARE_WORSE : COMPARE_BETTER;
}

int compare_results(const struct result *a, const struct result *b, struct comparison *comparison)
{
    *comparison = (struct comparison){.code_a = a->exit_code, .code_b = b->exit_code};
    for (size_t i = 0; i < COMPARE_MEASURES; i++) {
        struct compare_row *row = &comparison->rows[i];
        row->name = measures[i].name;
        row->a = series_spread(&a->series, measures[i].measure);
        row->b = series_spread(&b->series, measures[i].measure);
        if (row->a.rows < COMPARE_SECONDS_MIN || row->b.rows < COMPARE_SECONDS_MIN)
            return -ERANGE;
        row->spread = fmax(row->a.quartiles, row->b.quartiles);
        row->kind = judge(row, measures[i].is_time);
        if (row->kind == COMPARE_WORSE || comparison->kind == COMPARE_SAME)
            comparison->kind = row->kind;
    }
    if (comparison->code_b != 0 && comparison->code_a == 0)
        comparison->kind = COMPARE_WORSE;
    return 0;
}

static const char *format(struct text *out, size_t measure, double value)
{
    if (measures[measure].is_time)
        return units_format_ns(out, (uint64_t)(value + 0.5));
    units_format_count(out, (uint64_t)(value + 0.5));
    return strcat(out->s, "/s");
}

void compare_format_row(const struct compare_row *row, size_t measure, char a[COMPARE_CELL_BYTES],
                        char b[COMPARE_CELL_BYTES], char spread[COMPARE_CELL_BYTES],
                        char change[COMPARE_CELL_BYTES])
{
    static const char *const words[] = {
        [COMPARE_SAME] = "same", [COMPARE_BETTER] = "better", [COMPARE_WORSE] = "worse"};
    struct text text;
    double percent = row->a.median > 0 ? 100 * (row->b.median / row->a.median - 1) : 0;

    snprintf(a, COMPARE_CELL_BYTES, "%.39s", format(&text, measure, row->a.median));
    snprintf(b, COMPARE_CELL_BYTES, "%.39s", format(&text, measure, row->b.median));
    snprintf(spread, COMPARE_CELL_BYTES, "%.39s", format(&text, measure, row->spread));
    snprintf(change, COMPARE_CELL_BYTES, "%+.1f %%, %s", percent, words[row->kind]);
}

void compare_write(FILE *out, const struct comparison *comparison)
{
    static const char *const heads[] = {
        [COMPARE_SAME] = "SAME", [COMPARE_BETTER] = "BETTER", [COMPARE_WORSE] = "WORSE"};
    char a[COMPARE_CELL_BYTES], b[COMPARE_CELL_BYTES], spread[COMPARE_CELL_BYTES], change[COMPARE_CELL_BYTES];

    fprintf(out, "%s\n\n  %-6s %14s %14s %14s\n", heads[comparison->kind], "", "A", "B", "spread");
    for (size_t i = 0; i < COMPARE_MEASURES; i++) {
        compare_format_row(&comparison->rows[i], i, a, b, spread, change);
        fprintf(out, "  %-6s %14s %14s %14s  %s\n", comparison->rows[i].name, a, b, spread, change);
    }
    if (comparison->code_a != 0 || comparison->code_b != 0)
        fprintf(out, "  exit   %14d %14d\n", comparison->code_a, comparison->code_b);
}

/* -- the subcommand -- */

static const char help[] = "Usage: loadtool compare [--html FILE] A.json B.json\n"
                           "\n"
                           "Is run B worse than run A? Both are reports that loadtool wrote with --json.\n"
                           "Compared are the medians of rate, p50 and p99 over the seconds of each run. A\n"
                           "difference counts when it is larger than the spread: the distance between the\n"
                           "first and the third quartile of the seconds, of the run where it is larger.\n"
                           "Each run needs 3 seconds at least. A B that failed where A passed is worse,\n"
                           "whatever its figures.\n"
                           "\n"
                           "  --html FILE   write a page as well, with both runs in the same charts\n"
                           "\n"
                           "Exit codes: 0 B is not worse, 1 B is worse, 2 usage, or a file that cannot be\n"
                           "read.\n";

static int write_html(const char *path, const struct result *a, const struct result *b,
                      const struct comparison *comparison)
{
    FILE *out = path == NULL ? NULL : fopen(path, "we");
    int rc = path == NULL ? 0 : out == NULL ? -errno : html_write_comparison(out, a, b, comparison);

    if (out != NULL && fclose(out) != 0)
        rc = -errno;
    if (rc < 0)
        fprintf(stderr, "loadtool: --html %s: %s\n", path, strerror(-rc));
    return rc;
}

static int compare_files(const struct result *a, const struct result *b, const char *html_path)
{
    struct comparison comparison;

    if (compare_results(a, b, &comparison) < 0) {
        fprintf(
            stderr,
            "loadtool: compare: %s: fewer than %d seconds, from which no spread follows: use a longer -d\n",
            a->series.count <= b->series.count ? a->path : b->path, COMPARE_SECONDS_MIN);
        return EXIT_USAGE;
    }
    compare_write(stdout, &comparison);
    if (write_html(html_path, a, b, &comparison) < 0)
        return EXIT_USAGE;
    return comparison.kind == COMPARE_WORSE ? 1 : 0;
}

struct words {
    const char *html; /* NULL: no page */
    const char *files[2];
    int file_count;
};

/* --html FILE and --html=FILE may stand anywhere. Returns false unless there is at most one, and two files. */
static bool take_words(struct words *words, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool has_value = strncmp(word, "--html=", strlen("--html=")) == 0;
        if (has_value || strcmp(word, "--html") == 0) {
            if (words->html != NULL)
                return false;
            words->html = has_value ? word + strlen("--html=") : argv[++i]; /* past the last word: NULL */
            if (words->html == NULL || words->html[0] == '\0')
                return false;
            continue;
        }
        if (words->file_count == 2 || (word[0] == '-' && word[1] != '\0'))
            return false;
        words->files[words->file_count++] = word;
    }
    return words->file_count == 2;
}

static int read_and_compare(const struct words *words)
{
    struct result a, b;
    int code = EXIT_USAGE;

    if (result_read(&a, words->files[0]) < 0)
        return code;
    if (result_read(&b, words->files[1]) == 0) {
        code = compare_files(&a, &b, words->html);
        result_free(&b);
    }
    result_free(&a);
    return code;
}

int compare_main(int argc, char **argv)
{
    struct words words = {0};

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 ? EXIT_USAGE : 0;
    if (!take_words(&words, argc, argv)) {
        fputs("loadtool: compare: accepted are two files: loadtool compare [--html FILE] A.json B.json\n",
              stderr);
        return EXIT_USAGE;
    }
    return read_and_compare(&words);
}
