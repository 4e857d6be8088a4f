/*
 * loadtool: load a server with many clients, kill some of them, and say whether the others noticed.
 *
 * The order of a run: options, target, descriptors, engine, verdict, reports.
 */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtool/child.h"
#include "loadtool/descriptors.h"
#include "loadtool/engine.h"
#include "loadtool/limits.h"
#include "loadtool/options.h"
#include "loadtool/progress.h"
#include "loadtool/report.h"
#include "loadtool/verdict.h"

static int provide_descriptors(const struct settings *settings)
{
    uint64_t needed = 0;
    uint64_t hard_limit = 0;

    uint64_t connections = settings->clients + (settings->churn_per_s > 0 ? LIMIT_CHURN_CLIENTS : 0);

    int rc = descriptors_provide(connections, &needed, &hard_limit);
    if (rc == -EMFILE)
        fprintf(stderr,
                "loadtool: --clients %" PRIu32 ": needs %" PRIu64
                " descriptors, and the hard limit is %" PRIu64 " (ulimit -Hn)\n",
                settings->clients, needed, hard_limit);
    else if (rc < 0)
        fprintf(stderr, "loadtool: the descriptor limit cannot be raised: %s\n", strerror(-rc));
    return rc;
}

static char *command_of(int argc, char **argv, uint64_t seed)
{
    char *command = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&command, &size);
    if (out == NULL)
        return NULL;
    options_write_command(out, argc, argv, seed);
    return fclose(out) == 0 ? command : NULL;
}

/* Opened before the run: a path that cannot be written must not cost a run. */
static FILE *open_json(const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

    if (out == NULL)
        fprintf(stderr, "loadtool: --json %s: %s\n", path, strerror(errno));
    return out;
}

static int write_reports(const struct report *report, FILE *json)
{
    FILE *text = json == stdout ? stderr : stdout;

    report_write_text(text, report, progress_columns(fileno(text)));
    int text_rc = fflush(text) != 0 || ferror(text) ? -EIO : 0;
    if (text_rc < 0)
        fprintf(stderr, "loadtool: the report could not be written\n");
    int rc = json == NULL ? 0 : report_write_json(json, report);
    if (rc < 0)
        fprintf(stderr, "loadtool: the JSON could not be written: %s\n", strerror(-rc));
    return rc < 0 ? rc : text_rc;
}

static int load(const struct settings *settings, const struct target *target, const char *command, FILE *json)
{
    static struct engine engine; /* large: not for the stack */
    static struct outcome outcome;
    static struct verdict verdict;
    struct report report = {
        .settings = settings, .outcome = &outcome, .verdict = &verdict, .command = command};

    engine.show_progress = progress_show;
    int rc = engine_run(&engine, settings, target, &outcome);
    progress_clear();
    if (rc < 0) {
        fprintf(stderr, "loadtool: the run could not be set up: %s\n", strerror(-rc));
        return EXIT_USAGE;
    }
    verdict_judge(settings, &outcome, &verdict);
    rc = write_reports(&report, json);
    return rc < 0 && verdict.exit_code == EXIT_PASS ? EXIT_USAGE : verdict.exit_code;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct target target;
    FILE *json = NULL;

    if (child_is_wanted(argc, argv))
        return child_run();
    signal(SIGPIPE,
           SIG_IGN); /* libuv does not: a peer that went away must be an error of a write, not our end */
    if (options_parse(argc, argv, &settings) < 0)
        return EXIT_USAGE;
    int rc = target_resolve(&settings.target_name, settings.connect_timeout_ms, &target);
    if (rc != 0) {
        fprintf(stderr, "loadtool: target %s: %s\n", settings.target_word, gai_strerror(rc));
        return EXIT_USAGE;
    }
    if (provide_descriptors(&settings) < 0)
        return EXIT_USAGE;
    if (settings.json_path != NULL && (json = open_json(settings.json_path)) == NULL)
        return EXIT_USAGE;
    char *command = command_of(argc, argv, settings.seed);
    rc = load(&settings, &target, command == NULL ? "" : command, json);
    free(command);
    if (json != NULL && json != stdout && fclose(json) != 0) {
        fprintf(stderr, "loadtool: --json %s: %s\n", settings.json_path, strerror(errno));
        rc = rc == EXIT_PASS ? EXIT_USAGE : rc;
    }
    return rc;
}
