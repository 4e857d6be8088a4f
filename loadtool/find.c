#include "loadtool/find.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/trial.h"
#include "loadtool/units.h"
#include "loadtool/verdict.h"

/* -- the search -- */

uint64_t find_next(const struct find_search *search)
{
    uint64_t low = search->holds, high = search->fails;

    if (high == 0)
        return low == 0               ? FIND_FIRST_RATE
               : low >= LIMIT_RATE    ? 0
               : low * 2 > LIMIT_RATE ? LIMIT_RATE
                                      : low * 2;
    if (low == 0)
        return high / 2;
    return (high - low) * 100 <= high * FIND_GAP_PERCENT || high - low < 2 ? 0 : low + (high - low) / 2;
}

void find_take(struct find_search *search, uint64_t rate, bool held)
{
    if (held)
        search->holds = rate;
    else
        search->fails = rate;
}

int find_turn_slo(const char *slo, char limit[FIND_LIMIT_BYTES])
{
    size_t at = strcspn(slo, "<>");

    if (slo[at] == '\0' || strlen(slo) >= FIND_LIMIT_BYTES)
        return -EINVAL;
    snprintf(limit, FIND_LIMIT_BYTES, "%.*s%c%s", (int)at, slo, slo[at] == '<' ? '>' : '<', slo + at + 1);
    return 0;
}

/* -- the command line: ours are taken out, the rest is that of every trial -- */

enum { SLOS_MAX = 3 };

struct asked {
    char limits[SLOS_MAX][FIND_LIMIT_BYTES];
    const char *slos[SLOS_MAX];
    size_t slo_count;
    char **words; /* owned */
    size_t word_count;
};

static int take_slo(struct asked *asked, const char *slo)
{
    if (slo != NULL && asked->slo_count < SLOS_MAX &&
        find_turn_slo(slo, asked->limits[asked->slo_count]) == 0) {
        asked->slos[asked->slo_count++] = slo;
        return 0;
    }
    fprintf(stderr,
            "loadtool: --slo %s: accepted is MEASURE<VALUE or MEASURE>VALUE in quotes, such as 'p99<5ms', up "
            "to %d times\n",
            slo == NULL ? "" : slo, SLOS_MAX);
    return -EINVAL;
}

static int take_words(struct asked *asked, int argc, char **argv)
{
    asked->words = calloc((size_t)argc, sizeof(*asked->words));
    if (asked->words == NULL)
        return -ENOMEM;
    for (int i = 1; i < argc; i++) {
        int rc = 0;
        if (strcmp(argv[i], "--slo") == 0) {
            rc = take_slo(asked, argv[i + 1]);
            i++;
        } else if (strncmp(argv[i], "--slo=", strlen("--slo=")) == 0) {
            rc = take_slo(asked, argv[i] + strlen("--slo="));
        } else {
            asked->words[asked->word_count++] = argv[i];
        }
        if (rc < 0)
            return rc;
    }
    if (asked->slo_count > 0)
        return 0;
    fputs("loadtool: find: --slo is missing, such as --slo 'p99<5ms'; loadtool find --help says more\n",
          stderr);
    return -EINVAL;
}

/* -- trials -- */

static const char *reason_of(const struct trial *trial)
{
    const char *reason =
        !trial->has_result
            ? NULL
            : json_string_value(json_array_get(json_object_get(trial->result.json, "reasons"), 0));

    return reason == NULL ? "" : reason;
}

static int try_rate(const struct asked *asked, uint64_t rate, struct trial *trial)
{
    char number[24];
    const char *more[TRIAL_MORE_MAX + 1] = {"--rate", number};
    size_t used = 2;
    struct text shown, p99;

    snprintf(number, sizeof(number), "%" PRIu64, rate);
    for (size_t i = 0; i < asked->slo_count; i++) {
        more[used++] = "--fail";
        more[used++] = asked->limits[i];
    }
    int rc = trial_run(trial, asked->words, asked->word_count, more);
    if (rc < 0 || !trial->has_result)
        return rc < 0 ? rc : -EINVAL;
    printf("  %12s/s  %-10s p99 %-10s %s\n", units_format_count(&shown, rate),
           trial->exit_code == EXIT_PASS         ? "holds"
           : trial->exit_code == EXIT_UNRELIABLE ? "unreliable"
                                                 : "fails",
           units_format_ns(&p99, histogram_percentile_ns(trial->result.times[RESULT_LATENCY], 99)),
           trial->exit_code == EXIT_PASS ? "" : reason_of(trial));
    fflush(stdout);
    return 0;
}

/* What a busy machine did to one run it need not do to the next: a rate that is only unreliable is tried again. */
static int try_until_told(const struct asked *asked, uint64_t rate, struct trial *trial)
{
    int rc = try_rate(asked, rate, trial);

    for (int i = 1; i < FIND_UNRELIABLE_MAX && rc == 0 && trial->exit_code == EXIT_UNRELIABLE; i++) {
        trial_free(trial);
        rc = try_rate(asked, rate, trial);
    }
    return rc;
}

/* What ended the search, of the trial at `fails`. */
struct ending {
    int exit_code;
    char reason[VERDICT_REASON_BYTES];
};

static int search_rates(const struct asked *asked, struct find_search *search, struct ending *ending)
{
    struct trial trial;

    for (int i = 0; i < FIND_TRIALS_MAX; i++) {
        uint64_t rate = find_next(search);
        if (rate == 0)
            return EXIT_PASS;
        int rc = try_until_told(asked, rate, &trial);
        int code = trial.exit_code;
        if (rc == 0 && code != EXIT_PASS) {
            ending->exit_code = code;
            snprintf(ending->reason, sizeof(ending->reason), "%s", reason_of(&trial));
        }
        trial_free(&trial);
        if (rc < 0)
            return EXIT_USAGE;
        if (code == EXIT_INTERRUPTED)
            return EXIT_INTERRUPTED;
        find_take(search, rate, code == EXIT_PASS);
        /* A server that keeps something of each load is not the one any more that the search began with. */
        if (code == EXIT_RESIDUE)
            return EXIT_PASS;
    }
    return EXIT_PASS;
}

static void write_result(const struct asked *asked, const struct find_search *search,
                         const struct ending *ending)
{
    struct text holds, fails;

    if (search->holds == 0)
        printf("\nNOT FOUND  no rate holds");
    else
        printf("\nFOUND  %s/s holds", units_format_count(&holds, search->holds));
    for (size_t i = 0; i < asked->slo_count; i++)
        printf("%s%s", i == 0 ? " with " : ", ", asked->slos[i]);
    if (search->fails > 0)
        printf("; %s/s does not: %s", units_format_count(&fails, search->fails), ending->reason);
    if (ending->exit_code == EXIT_UNRELIABLE)
        printf("\n       that is loadtool's own limit here, the server may do more: give it --threads, or "
               "another machine");
    if (ending->exit_code == EXIT_RESIDUE)
        printf("\n       the search ended there: the server is not what it was before");
    putchar('\n');
}

static const char help[] = "Usage: loadtool find --slo 'MEASURE<VALUE' [OPTION of loadtool]... [TARGET]\n"
                           "\n"
                           "The highest rate at which the server keeps what was promised: runs loadtool at\n"
                           "1,000 messages/s, then at twice the rate as long as it holds (or half, until it\n"
                           "does), then between the two until they are 5 % apart. A rate holds when the run\n"
                           "passes: every byte right, no client lost, each --slo kept, and with\n"
                           "--server-pid nothing left behind in the server, which ends the search.\n"
                           "\n"
                           "  --slo WORD   what must be true of a run, up to 3 times: 'p99<5ms',\n"
                           "               'outage<200ms'; measures as for --fail\n"
                           "\n"
                           "All options of loadtool but --rate and --json may stand beside it, and are\n"
                           "those of each run. Use -d 5s or more: a p99 of less is chance.\n"
                           "\n"
                           "    loadtool find --slo 'p99<5ms' -c 50 -d 5s :6379 \\\n"
                           "        --send 'PING\\r\\n' --expect '+PONG\\r\\n'\n"
                           "\n"
                           "Exit codes: 0 a rate was found, 1 none holds, 2 usage, 130 interrupted.\n";

int find_main(int argc, char **argv)
{
    struct asked asked = {.slo_count = 0};
    struct find_search search = {.holds = 0};
    struct ending ending = {.exit_code = EXIT_PASS};

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 ? EXIT_USAGE : 0;
    int code = take_words(&asked, argc, argv) < 0 ? EXIT_USAGE : search_rates(&asked, &search, &ending);
    free(asked.words);
    if (code != EXIT_PASS)
        return code;
    write_result(&asked, &search, &ending);
    return search.holds > 0 ? EXIT_PASS : EXIT_THRESHOLD;
}
