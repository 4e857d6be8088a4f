/*
 * The load tool's main(), included here under another name, for tests of the order of a run, of where its
 * reports go, and of the code with which it ends. Everything that it calls is stood in for (a test that
 * includes this names that in its "wrap" comments).
 */
#ifndef TESTS_UNIT_TEST_LOADTOOL_MAIN_H
#define TESTS_UNIT_TEST_LOADTOOL_MAIN_H

/* Before cmocka, which has names of its own. */
#define main loadtool_main
int loadtool_main(int argc, char **argv);
#include "loadtool/main.c"
#undef main

#include <sys/wait.h>

#include "tests/support/cmocka_all.h"

enum { SEED = 77, CHILD_CODE = 42, COLUMNS = 93, SAID_BYTES = 4096, PATH_BYTES = 128 };

static char directory[] = "/tmp/test_loadtool_main.XXXXXX";
static char said[SAID_BYTES], complained[SAID_BYTES]; /* on stdout, on stderr */
static char calls[512];                               /* in their order, a word each */

/* What the run is given, and what comes of it. */
static struct settings given;
static const char *failing; /* the call that comes to `code` */
static int code_of_failing;
static bool engine_is_interrupted;
static int verdict_code;

/* What was seen. */
static uint64_t connections;
static FILE *csv_seen;
static bool judged_interrupted;
static struct health judged_health;
static char command[SAID_BYTES];
static uint64_t looked_ms[2], waited_ms;
static unsigned looks;
static bool shows_progress;

static inline int call(const char *word)
{
    size_t used = strlen(calls);

    snprintf(calls + used, sizeof(calls) - used, "%s%s", used > 0 ? " " : "", word);
    return failing != NULL && strcmp(failing, word) == 0 ? code_of_failing : 0;
}

/* ---- in place of other modules ---- */

bool __wrap_child_is_wanted(int argc, char **argv);
bool __wrap_child_is_wanted(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], CHILD_ARGUMENT) == 0;
}

int __wrap_child_run(void);
int __wrap_child_run(void)
{
    call("child");
    return CHILD_CODE;
}

int __wrap_options_parse(int argc, char **argv, struct settings *settings);
int __wrap_options_parse(int argc, char **argv, struct settings *settings)
{
    (void)argc;
    (void)argv;
    *settings = given;
    return call("options");
}

int __wrap_target_resolve(const struct target_name *name, uint64_t timeout_ms, struct target *target);
int __wrap_target_resolve(const struct target_name *name, uint64_t timeout_ms, struct target *target)
{
    assert_string_equal(name->port, "9999");
    assert_int_equal(timeout_ms, 1500);
    *target = (struct target){.length = 5};
    return call("target");
}

int __wrap_descriptors_provide(uint64_t clients, uint64_t *needed, uint64_t *hard_limit);
int __wrap_descriptors_provide(uint64_t clients, uint64_t *needed, uint64_t *hard_limit)
{
    connections = clients;
    *needed = 30000;
    *hard_limit = 20000;
    return call("descriptors");
}

int __wrap_health_look(pid_t pid, uint64_t idle_ms, struct health_sample *sample);
int __wrap_health_look(pid_t pid, uint64_t idle_ms, struct health_sample *sample)
{
    assert_int_equal(pid, given.server_pid);
    assert_true(looks < 2);
    looked_ms[looks++] = idle_ms;
    *sample = (struct health_sample){.is_there = true, .processes = looks};
    return call(looks == 1 ? "look_before" : "look_after");
}

int __wrap_health_wait(uint64_t ms);
int __wrap_health_wait(uint64_t ms)
{
    waited_ms = ms;
    return call("wait");
}

int __wrap_engine_run(struct engine *engine, const struct settings *settings, const struct target *target,
                      struct outcome *outcome);
int __wrap_engine_run(struct engine *engine, const struct settings *settings, const struct target *target,
                      struct outcome *outcome)
{
    assert_int_equal(settings->clients, given.clients);
    assert_int_equal(target->length, 5);
    outcome->was_interrupted = engine_is_interrupted;
    csv_seen = engine->seconds.csv;
    shows_progress = engine->show_progress == progress_show;
    if (csv_seen != NULL)
        fputs("<csv>", csv_seen);
    return call("engine");
}

void __wrap_progress_clear(void);
void __wrap_progress_clear(void)
{
    call("clear");
}

int __wrap_progress_columns(int fd);
int __wrap_progress_columns(int fd)
{
    return fd == STDOUT_FILENO ? COLUMNS : COLUMNS + 1;
}

void __wrap_verdict_judge(const struct settings *settings, const struct outcome *outcome,
                          struct verdict *verdict);
void __wrap_verdict_judge(const struct settings *settings, const struct outcome *outcome,
                          struct verdict *verdict)
{
    assert_int_equal(settings->clients, given.clients);
    judged_interrupted = outcome->was_interrupted;
    judged_health = outcome->health;
    *verdict = (struct verdict){.exit_code = verdict_code};
    call("judge");
}

void __wrap_report_write_text(FILE *out, const struct report *report, int width);
void __wrap_report_write_text(FILE *out, const struct report *report, int width)
{
    assert_int_equal(report->verdict->exit_code, verdict_code);
    snprintf(command, sizeof(command), "%s", report->command);
    fprintf(out, "<text %d>", width);
    call("text");
}

int __wrap_report_write_json(FILE *out, const struct report *report);
int __wrap_report_write_json(FILE *out, const struct report *report)
{
    assert_int_equal(report->settings->clients, given.clients);
    fputs("<json>", out);
    return call("json");
}

FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return call("memory") < 0 ? NULL : __real_open_memstream(text, size);
}

/* ---- help ---- */

static inline int begin(void **state)
{
    (void)state;
    calls[0] = '\0';
    given = (struct settings){.target_word = "host:9999",
                              .target_name = {.port = "9999"},
                              .clients = 500,
                              .connect_timeout_ms = 1500,
                              .seed = SEED};
    failing = NULL;
    code_of_failing = 0;
    engine_is_interrupted = false;
    verdict_code = EXIT_PASS;
    looks = 0;
    strcpy(directory, "/tmp/test_loadtool_main.XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

/* Fails when a run has left something. */
static inline int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static inline void read_back(FILE *file, char *text)
{
    rewind(file);
    text[fread(text, 1, SAID_BYTES - 1, file)] = '\0';
    fclose(file);
}

static inline int run_words(int argc, char **argv)
{
    FILE *out = tmpfile();
    FILE *errors = tmpfile();
    int kept[2] = {dup(1), dup(2)};

    assert_true(out != NULL && errors != NULL);
    calls[0] = '\0';
    looks = 0;
    fflush(stdout);
    assert_true(dup2(fileno(out), 1) >= 0 && dup2(fileno(errors), 2) >= 0);
    int code = loadtool_main(argc, argv);
    fflush(stdout);
    dup2(kept[0], 1);
    dup2(kept[1], 2);
    close(kept[0]);
    close(kept[1]);
    read_back(out, said);
    read_back(errors, complained);
    return code;
}

static inline int start(void)
{
    char name[] = "loadtool";
    char target[] = "host:9999";
    char *argv[] = {name, target, NULL};

    return run_words(2, argv);
}

/* Exit code of a run in a child whose stdout takes nothing: what it could not write stays in that child. */
static inline int run_without_room(void)
{
    char name[] = "loadtool";
    char *argv[] = {name, NULL};
    int status = -1;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/full", "we", stdout) == NULL || freopen("/dev/null", "we", stderr) == NULL)
            _exit(99);
        _exit(loadtool_main(1, argv));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline const char *in_directory(const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static inline void expect_file(const char *path, const char *content)
{
    char text[SAID_BYTES];
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    read_back(file, text);
    assert_string_equal(text, content);
    unlink(path);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
