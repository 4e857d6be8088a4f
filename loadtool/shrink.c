#include "loadtool/shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "loadtool/trial.h"
#include "loadtool/verdict.h"

/* -- the search -- */

void shrink_format_kill(const struct shrink_set *set, char word[SHRINK_KILL_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        const char *name = plan_mode_name((enum plan_mode)i);
        const char *comma = used > 0 ? "," : "";
        if (!(set->modes >> i & 1))
            continue;
        used +=
            (size_t)(set->rate_per_s[i] > 0 ? snprintf(word + used, SHRINK_KILL_BYTES - used,
                                                       "%s%s:%" PRIu64 "/s", comma, name, set->rate_per_s[i])
                                            : snprintf(word + used, SHRINK_KILL_BYTES - used, "%s%s:%g%%",
                                                       comma, name, set->share[i]));
    }
    if (used == 0)
        strcpy(word, "none");
}

struct search {
    int (*fails)(void *owner, const struct shrink_set *set);
    void *owner;
    int trials;
};

/* 1 the set fails too; 0 it does not, or there were trials enough. */
static int try_set(struct search *search, const struct shrink_set *set)
{
    if (search->trials >= SHRINK_TRIALS_MAX)
        return 0;
    search->trials++;
    return search->fails(search->owner, set);
}

static int drop_modes(struct search *search, struct shrink_set *set)
{
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        struct shrink_set smaller = *set;
        if (!(set->modes >> i & 1))
            continue;
        smaller.modes &= ~(UINT32_C(1) << i);
        int rc = try_set(search, &smaller);
        if (rc < 0)
            return rc;
        if (rc == 1)
            *set = smaller;
    }
    return 0;
}

static int drop_clients(struct search *search, struct shrink_set *set)
{
    uint32_t good = 0; /* with so many it does not fail, as far as is known */

    while (set->clients - good > 1) {
        struct shrink_set smaller = *set;
        smaller.clients = good + (set->clients - good) / 2;
        int rc = try_set(search, &smaller);
        if (rc < 0)
            return rc;
        if (rc == 1)
            *set = smaller;
        else
            good = smaller.clients;
    }
    return 0;
}

int shrink_search(struct shrink_set *set, int (*fails)(void *owner, const struct shrink_set *set),
                  void *owner)
{
    struct search search = {.fails = fails, .owner = owner};

    int rc = drop_modes(&search, set);
    if (rc == 0)
        rc = drop_clients(&search, set);
    return rc < 0 ? rc : search.trials;
}

/* -- trials -- */

struct shrinking {
    char **words;
    size_t word_count;
    int exit_code; /* that must come again */
    char seed[24];
};

static int run_set(void *owner, const struct shrink_set *set)
{
    const struct shrinking *shrinking = owner;
    struct trial trial;
    char clients[16], kill[SHRINK_KILL_BYTES];
    const char *const more[TRIAL_MORE_MAX + 1] = {"--clients", clients,  "--kill",
                                                  kill,        "--seed", shrinking->seed};

    snprintf(clients, sizeof(clients), "%" PRIu32, set->clients);
    shrink_format_kill(set, kill);
    int rc = trial_run(&trial, shrinking->words, shrinking->word_count, more);
    if (rc < 0)
        return rc;
    int code = trial.exit_code;
    trial_free(&trial);
    printf("  -c %-8s --kill %s: %s\n", clients, kill,
           code == shrinking->exit_code ? "fails"
           : code == EXIT_PASS          ? "passes"
                                        : "ends otherwise");
    fflush(stdout);
    return code == EXIT_INTERRUPTED ? -EINTR : code == shrinking->exit_code;
}

/* The set that the first run had, from its report. */
static void take_set(struct shrink_set *set, const json_t *report)
{
    const json_t *disconnects = json_object_get(report, "disconnects");

    *set = (struct shrink_set){.clients = (uint32_t)json_integer_value(json_object_get(report, "clients"))};
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        const json_t *mode = json_object_get(disconnects, plan_mode_name((enum plan_mode)i));
        if (mode == NULL)
            continue;
        set->modes |= UINT32_C(1) << i;
        set->share[i] = json_number_value(json_object_get(mode, "share"));
        set->rate_per_s[i] = (uint64_t)json_integer_value(json_object_get(mode, "rate_per_s"));
    }
}

/* As it was asked for: 0, and the set and code of the failure; or an exit code. */
static int run_first(struct shrinking *shrinking, struct shrink_set *set)
{
    static const char *const none[TRIAL_MORE_MAX + 1] = {NULL};
    struct trial trial;

    if (trial_run(&trial, shrinking->words, shrinking->word_count, none) < 0 || !trial.has_result)
        return EXIT_USAGE;
    shrinking->exit_code = trial.exit_code;
    take_set(set, trial.result.json);
    snprintf(shrinking->seed, sizeof(shrinking->seed), "%" PRIu64,
             (uint64_t)json_integer_value(json_object_get(trial.result.json, "seed")));
    const char *reason = json_string_value(json_array_get(json_object_get(trial.result.json, "reasons"), 0));
    printf("%s  exit %d%s%s\n\n", trial.result.verdict, trial.exit_code, reason == NULL ? "" : ": ",
           reason == NULL ? "" : reason);
    fflush(stdout);
    trial_free(&trial);
    if (shrinking->exit_code == EXIT_PASS) {
        fputs("loadtool: shrink: this run does not fail: there is nothing to make smaller\n", stderr);
        return EXIT_THRESHOLD;
    }
    return shrinking->exit_code == EXIT_INTERRUPTED ? EXIT_INTERRUPTED : 0;
}

/* How many words an option takes that what was found stands in place of: 0, it is another one. */
static size_t replaced_words(const char *word)
{
    static const char *const options[] = {"-c", "--clients", "--kill", "--seed"};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t length = strlen(options[i]);
        if (strcmp(word, options[i]) == 0)
            return 2;
        if (strncmp(word, options[i], length) == 0 && (length == 2 || word[length] == '='))
            return 1;
    }
    return 0;
}

static void write_words(char **words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t replaced = replaced_words(words[i]);
        if (replaced > 0) {
            i += replaced - 1;
            continue;
        }
        bool is_plain = words[i][0] != '\0' && strpbrk(words[i], " \t\n\\'\"$`<>|&;()*?[]#~!{}") == NULL;
        printf(" %s", is_plain ? "" : "'");
        for (const char *at = words[i]; *at != '\0'; at++)
            fputs(*at == '\'' ? "'\\''" : (char[]){*at, '\0'}, stdout);
        printf("%s", is_plain ? "" : "'");
    }
}

static const char help[] = "Usage: loadtool shrink [OPTION of loadtool]... [TARGET]\n"
                           "\n"
                           "Takes the options of a run that fails, its --seed above all, and looks for the\n"
                           "smallest one that still fails in the same way (the same exit code): kill modes\n"
                           "are left out one by one, then clients are halved. At most 60 runs, each as long\n"
                           "as its -d. A fault that comes by chance needs a -d in which it comes nearly\n"
                           "always; what was found is the last run that failed.\n"
                           "\n"
                           "    loadtool shrink :9999 -c 500 -d 3s --kill 10% --seed 4271891257\n"
                           "\n"
                           "Exit codes: 0 found, 1 the run does not fail, 2 usage, 130 interrupted.\n";

int shrink_main(int argc, char **argv)
{
    struct shrinking shrinking = {.words = argv + 1, .word_count = (size_t)argc - 1};
    struct shrink_set set;
    char kill[SHRINK_KILL_BYTES];

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 ? EXIT_USAGE : 0;
    int code = run_first(&shrinking, &set);
    if (code != 0)
        return code;
    int trials = shrink_search(&set, run_set, &shrinking);
    if (trials < 0)
        return trials == -EINTR ? EXIT_INTERRUPTED : EXIT_USAGE;
    shrink_format_kill(&set, kill);
    printf("\nSMALLEST of %d runs, exit %d:\n  loadtool", trials + 1, shrinking.exit_code);
    write_words(shrinking.words, shrinking.word_count);
    printf(" -c %" PRIu32 " --kill %s --seed %s\n", set.clients, kill, shrinking.seed);
    return 0;
}
