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
#include "loadtool/hdr_log.h"
#include "loadtool/limits.h"
#include "loadtool/options.h"
#include "loadtool/outputs.h"
#include "loadtool/progress.h"
#include "loadtool/report.h"
#include "loadtool/subcommand.h"
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

static int write_reports(const struct report *report, const struct outputs *outputs)
{
    FILE *text = outputs_use_stdout(outputs) ? stderr : stdout;

    report_write_text(text, report, progress_columns(fileno(text)));
    int text_rc = fflush(text) != 0 || ferror(text) ? -EIO : 0;
    if (text_rc < 0)
        fprintf(stderr, "loadtool: the report could not be written\n");
    int rc = outputs_write(outputs, report);
    return rc < 0 ? rc : text_rc;
}

/* Before the load the server must be there, and ours to look into. */
static int look_before(const struct settings *settings, struct health *health)
{
    *health = (struct health){.is_watched = settings->server_pid != 0, .pid = settings->server_pid};
    if (!health->is_watched)
        return 0;
    int rc = health_look(health->pid, LIMIT_HEALTH_BEFORE_MS, &health->before);
    if (rc < 0)
        fprintf(stderr, "loadtool: --server-pid %d: %s\n", settings->server_pid, strerror(-rc));
    return rc;
}

/* After it, the server has two seconds to put its things in order; the second of them it is watched idling.
 */
static void look_after(struct outcome *outcome)
{
    struct health *health = &outcome->health;

    if (!health->is_watched || outcome->was_interrupted)
        return;
    int rc = health_wait(LIMIT_HEALTH_REST_MS);
    if (rc == 0)
        rc = health_look(health->pid, LIMIT_HEALTH_AFTER_MS, &health->after);
    outcome->was_interrupted = rc == -EINTR;
}

/* What is written while the run goes on is complete when it returns. */
static int run_engine(struct engine *engine, const struct settings *settings, const struct target *target,
                      struct outcome *outcome, const struct outputs *outputs)
{
    static struct hdr_log hdr; /* large */

    hdr.out = outputs->files[OUTPUT_HDR];
    engine->seconds.csv = outputs->files[OUTPUT_CSV];
    engine->seconds.hdr = hdr.out == NULL ? NULL : &hdr;
    engine->seconds.series = &outcome->series;
    int rc = series_init(&outcome->series);
    if (rc == 0)
        rc = engine_run(engine, settings, target, outcome);
    if (rc == 0 && hdr.out != NULL)
        rc = hdr_log_end(&hdr, &outcome->latency);
    if (rc < 0)
        series_free(&outcome->series);
    return rc;
}

static int load(const struct settings *settings, const struct target *target, const char *command,
                const struct outputs *outputs)
{
    static struct engine engine; /* large: not for the stack */
    static struct outcome outcome;
    static struct verdict verdict;
    struct report report = {
        .settings = settings, .outcome = &outcome, .verdict = &verdict, .command = command};

    int rc = look_before(settings, &outcome.health);
    if (rc < 0)
        return rc == -EINTR ? EXIT_INTERRUPTED : EXIT_USAGE;
    engine.show_progress = progress_show;
    rc = run_engine(&engine, settings, target, &outcome, outputs);
    progress_clear();
    if (rc < 0) {
        fprintf(stderr, "loadtool: the run could not be set up: %s\n", strerror(-rc));
        return EXIT_USAGE;
    }
    look_after(&outcome);
    verdict_judge(settings, &outcome, &verdict);
    rc = write_reports(&report, outputs);
    series_free(&outcome.series);
    return rc < 0 && verdict.exit_code == EXIT_PASS ? EXIT_USAGE : verdict.exit_code;
}

static int run(int argc, char **argv, const struct settings *settings)
{
    struct target target;
    struct outputs outputs = {.files = {NULL}};

    int rc = target_resolve(&settings->target_name, settings->connect_timeout_ms, &target);
    if (rc != 0) {
        fprintf(stderr, "loadtool: target %s: %s\n", settings->target_word, gai_strerror(rc));
        return EXIT_USAGE;
    }
    if (provide_descriptors(settings) < 0 || outputs_open(&outputs, settings->output_paths) < 0)
        return EXIT_USAGE;
    char *command = command_of(argc, argv, settings->seed);
    int code = load(settings, &target, command == NULL ? "" : command, &outputs);
    free(command);
    rc = outputs_close(&outputs, settings->output_paths);
    return rc < 0 && code == EXIT_PASS ? EXIT_USAGE : code;
}

int main(int argc, char **argv)
{
    static struct settings settings; /* large: it holds a script */
    int code = EXIT_PASS;

    if (child_is_wanted(argc, argv))
        return child_run();
    signal(SIGPIPE,
           SIG_IGN); /* libuv does not: a peer that went away must be an error of a write, not our end */
    if (subcommand_run(argc, argv, &code))
        return code;
    if (options_parse(argc, argv, &settings) < 0)
        return EXIT_USAGE;
    return run(argc, argv, &settings);
}
