#include "loadtool/merge.h"

#include <stdlib.h>
#include <string.h>

#include "loadtool/report_json_parts.h"
#include "loadtool/verdict.h"

enum { RESULTS_MAX = 256 };

/* -- sums -- */

/* Add numbers key by key; what is no number, and what one side lacks, is taken as it is. */
static void add_object(json_t *into, const json_t *from)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        json_t *old = json_object_get(into, key);
        if (old == NULL)
            json_object_set_new(into, key, json_deep_copy(value));
        else if (json_is_integer(old) && json_is_integer(value))
            json_integer_set(old, json_integer_value(old) + json_integer_value(value));
        else if (json_is_real(old) && json_is_number(value))
            json_real_set(old, json_real_value(old) + json_number_value(value));
        else if (json_is_object(old))
            add_object(old, value);
    }
}

static void forget_felt(json_t *disconnects)
{
    const char *mode = NULL;
    json_t *value = NULL;

    json_object_foreach(disconnects, mode, value)
    {
        json_object_del(value, "felt");
        json_object_del(value, "share");
    }
}

/* What every report has, added. Examples of wrong bytes are those of the first report that has any. */
static void add_counts(json_t *sum, const json_t *report)
{
    static const char *const keys[] = {"messages",    "control", "victims", "disconnects",
                                       "connections", "churn",   "rate"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *part = json_deep_copy(json_object_get(report, keys[i]));
        if (strcmp(keys[i], "disconnects") == 0)
            forget_felt(part);
        if (json_object_get(sum, keys[i]) == NULL)
            json_object_set_new(sum, keys[i], part);
        else {
            add_object(json_object_get(sum, keys[i]), part);
            json_decref(part);
        }
    }
}

static void add_wrong(json_t *sum, const json_t *report)
{
    json_t *part = json_deep_copy(json_object_get(report, "wrong"));
    json_t *all = json_object_get(sum, "wrong");

    if (all == NULL) {
        json_object_set_new(sum, "wrong", part);
        return;
    }
    if (json_is_null(json_object_get(all, "first")))
        json_object_set(all, "first", json_object_get(part, "first"));
    json_object_del(part, "first");
    json_object_del(part, "examples");
    add_object(all, part);
    json_decref(part);
}

static void add_list(json_t *sum, const json_t *report, const char *key)
{
    if (json_object_get(sum, key) == NULL)
        json_object_set_new(sum, key, json_array());
    json_array_extend(json_object_get(sum, key), json_object_get(report, key));
}

static void add_number(json_t *sum, const json_t *report, const char *key)
{
    json_int_t value =
        json_integer_value(json_object_get(sum, key)) + json_integer_value(json_object_get(report, key));

    json_object_set_new(sum, key, json_integer(value));
}

/* -- the worst verdict -- */

/* The order in which codes win, as in verdict.h. */
static int rank_of(int code)
{
    static const int order[] = {EXIT_INTERRUPTED, EXIT_BYTES,     EXIT_CLIENTS,   EXIT_RECOVERY,
                                EXIT_RESIDUE,     EXIT_THRESHOLD, EXIT_UNRELIABLE};
    int rank = 0;

    while (rank < (int)(sizeof(order) / sizeof(order[0])) && order[rank] != code)
        rank++;
    return rank;
}

static void take_verdict(json_t *sum, const struct result *results, size_t count)
{
    const struct result *worst = &results[0];

    for (size_t i = 1; i < count; i++)
        if (rank_of(results[i].exit_code) < rank_of(worst->exit_code))
            worst = &results[i];
    json_object_set_new(sum, "verdict", json_string(worst->verdict));
    json_object_set_new(sum, "exit_code", json_integer(worst->exit_code));
}

/* -- times -- */

static int add_times(json_t *sum, const struct result *results, size_t count)
{
    static const char *const names[] = {"latency_us", "latency_sent_us", "connect_us"};
    struct histogram *all = calloc(1, sizeof(*all));
    json_t *histograms = json_object();

    for (int which = 0; all != NULL && which < RESULT_HISTOGRAMS; which++) {
        histogram_init(all);
        for (size_t i = 0; i < count; i++)
            histogram_add(all, results[i].times[which]);
        json_object_set_new(sum, names[which], report_latency_json(all));
        json_object_set_new(histograms, result_histogram_name(which), report_histogram_json(all));
    }
    json_object_set_new(sum, "histograms", histograms);
    bool has_memory = all != NULL;
    free(all);
    return has_memory ? 0 : -1;
}

static void add_row(struct series_row *into, const struct series_row *from)
{
    into->length_ns = from->length_ns > into->length_ns ? from->length_ns : into->length_ns;
    into->sums.right += from->sums.right;
    into->sums.found_bytes += from->sums.found_bytes;
    into->sums.kills += from->sums.kills;
    into->sums.lost += from->sums.lost;
    into->p50_ns = from->p50_ns > into->p50_ns ? from->p50_ns : into->p50_ns;
    into->p99_ns = from->p99_ns > into->p99_ns ? from->p99_ns : into->p99_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
}

/* Rows of one width alone lie side by side: with others there are none. */
static int add_seconds(json_t *sum, const struct result *results, size_t count)
{
    struct series all;
    bool is_even = true;

    if (series_init(&all) < 0)
        return -1;
    all.seconds_per_row = results[0].series.seconds_per_row;
    for (size_t i = 0; i < count; i++)
        is_even = is_even && results[i].series.seconds_per_row == all.seconds_per_row;
    for (size_t i = 0; is_even && i < count; i++) {
        const struct series *one = &results[i].series;
        for (size_t k = 0; k < one->count; k++)
            add_row(&all.rows[k], &one->rows[k]);
        all.count = one->count > all.count ? one->count : all.count;
    }
    json_object_set_new(sum, "seconds", report_series_json(&all));
    series_free(&all);
    return 0;
}

/* -- all of it -- */

json_t *merge_results(const struct result *results, size_t count)
{
    static const char *const heads[] = {"tool",        "format",     "version", "target",
                                        "duration_ms", "size_bytes", "size",    "check"};
    json_t *sum = json_object();

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        json_object_set(sum, heads[i], json_object_get(results[0].json, heads[i]));
    json_object_set_new(sum, "merged", json_integer((json_int_t)count));
    json_object_set_new(sum, "commands", json_array());
    take_verdict(sum, results, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *report = results[i].json;
        json_array_append(json_object_get(sum, "commands"), json_object_get(report, "command"));
        add_number(sum, report, "clients");
        add_number(sum, report, "rate_per_s");
        add_number(sum, report, "disconnects_done");
        add_counts(sum, report);
        add_wrong(sum, report);
        add_list(sum, report, "reasons");
        add_list(sum, report, "errors");
    }
    if (add_times(sum, results, count) == 0 && add_seconds(sum, results, count) == 0)
        return sum;
    json_decref(sum);
    return NULL;
}

static const char help[] = "Usage: loadtool merge A.json B.json...\n"
                           "\n"
                           "Several load tools that loaded one server at the same time, as one report on\n"
                           "standard output, in the form of --json. Counts, rates and seconds are added,\n"
                           "and histograms bucket by bucket: a percentile of the sum is exactly what one\n"
                           "load tool would have found. Left out is what cannot be added: outages, silence,\n"
                           "recovery, health, self-checks. The verdict is the worst one. Up to 256 files.\n"
                           "\n"
                           "Exit codes: 0 merged, 2 usage, or a file that cannot be read.\n";

static int write_sum(json_t *sum)
{
    int rc = sum == NULL ? -1 : json_dumpf(sum, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

    json_decref(sum);
    if (rc == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0)
        return 0;
    fputs("loadtool: merge: the JSON could not be written\n", stderr);
    return EXIT_USAGE;
}

int merge_main(int argc, char **argv)
{
    struct result *results = NULL;
    size_t count = 0;
    int code = EXIT_USAGE;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 ? EXIT_USAGE : 0;
    if (argc < 3 || argc > RESULTS_MAX + 1 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        fputs("loadtool: merge: accepted are 2 to 256 files: loadtool merge A.json B.json...\n", stderr);
        return EXIT_USAGE;
    }
    results = calloc((size_t)argc, sizeof(*results));
    while (results != NULL && count < (size_t)argc - 1 && result_read(&results[count], argv[count + 1]) == 0)
        count++;
    if (count == (size_t)argc - 1)
        code = write_sum(merge_results(results, count));
    while (count > 0)
        result_free(&results[--count]);
    free(results);
    return code;
}
