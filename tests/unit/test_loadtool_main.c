/* The load tool's main(), included here under another name: the order of a run, where its reports go, and
 * with which code it ends. Everything that it calls is stood in for. */
/* wrap: child_is_wanted child_run options_parse target_resolve descriptors_provide engine_run */
/* wrap: health_look health_wait verdict_judge report_write_text report_write_json progress_clear */
/* wrap: progress_columns open_memstream */

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

static int call(const char *word)
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

static int begin(void **state)
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
static int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void read_back(FILE *file, char *text)
{
    rewind(file);
    text[fread(text, 1, SAID_BYTES - 1, file)] = '\0';
    fclose(file);
}

static int run_words(int argc, char **argv)
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

static int start(void)
{
    char name[] = "loadtool";
    char target[] = "host:9999";
    char *argv[] = {name, target, NULL};

    return run_words(2, argv);
}

/* Exit code of a run in a child whose stdout takes nothing: what it could not write stays in that child. */
static int run_without_room(void)
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

static const char *in_directory(const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void expect_file(const char *path, const char *content)
{
    char text[SAID_BYTES];
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    read_back(file, text);
    assert_string_equal(text, content);
    unlink(path);
}

/* ---- who runs ---- */

static void main__child__owns_connections_and_nothing_else(void **state)
{
    char name[] = "loadtool";
    char word[] = CHILD_ARGUMENT;
    char *argv[] = {name, word, NULL};

    (void)state;
    assert_int_equal(run_words(2, argv), CHILD_CODE);
    assert_string_equal(calls, "child");
}

static void main__wrong_usage__2_and_no_run(void **state)
{
    (void)state;
    failing = "options";
    code_of_failing = -EINVAL;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(calls, "options");
}

/* Else a peer that has gone would end the load tool with 141. */
static void main__sigpipe__ignored(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    start();
    assert_true(signal(SIGPIPE, SIG_IGN) == SIG_IGN);
}

/* ---- a run ---- */

static void run__passes__report_on_stdout_in_its_width(void **state)
{
    (void)state;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(calls, "options target descriptors memory engine clear judge text");
    assert_string_equal(said, "<text 93>");
    assert_string_equal(complained, "");
    assert_null(csv_seen);
    assert_true(shows_progress);
    assert_int_equal(connections, 500);
    assert_string_equal(command, "loadtool host:9999 --seed 77");
}

static void run__verdict__its_exit_code(void **state)
{
    (void)state;
    verdict_code = EXIT_BYTES;
    assert_int_equal(start(), EXIT_BYTES);
    verdict_code = EXIT_UNRELIABLE;
    assert_int_equal(start(), EXIT_UNRELIABLE);
}

static void run__no_memory_for_the_command__reported_without(void **state)
{
    (void)state;
    failing = "memory";
    code_of_failing = -1;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(command, "");
}

static void run__engine_cannot_begin__2_and_no_report(void **state)
{
    (void)state;
    failing = "engine";
    code_of_failing = -EMFILE;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: the run could not be set up: Too many open files\n");
    assert_string_equal(calls, "options target descriptors memory engine clear");
    assert_string_equal(said, "");
}

static void target__not_known__2_and_the_resolvers_reason(void **state)
{
    (void)state;
    failing = "target";
    code_of_failing = EAI_NONAME;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: target host:9999: Name or service not known\n");
    assert_string_equal(calls, "options target");
}

static void descriptors__too_few__2_and_both_numbers(void **state)
{
    (void)state;
    failing = "descriptors";
    code_of_failing = -EMFILE;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(
        complained,
        "loadtool: --clients 500: needs 30000 descriptors, and the hard limit is 20000 (ulimit -Hn)\n");
    code_of_failing = -EPERM;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained,
                        "loadtool: the descriptor limit cannot be raised: Operation not permitted\n");
    assert_string_equal(calls, "options target descriptors");
}

static void descriptors__churn__room_for_its_clients_too(void **state)
{
    (void)state;
    given.churn_per_s = 10;
    assert_int_equal(start(), EXIT_PASS);
    assert_int_equal(connections, 500 + LIMIT_CHURN_CLIENTS);
}

/* ---- outputs ---- */

static void json__to_stdout__the_text_makes_room(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "-";
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<json>");
    assert_string_equal(complained, "<text 94>");
}

static void csv__to_stdout__the_text_makes_room(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = "-";
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<csv>");
    assert_string_equal(complained, "<text 94>");
}

static void json__to_a_file__whole(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = in_directory("json");
    verdict_code = EXIT_CLIENTS;
    assert_int_equal(start(), EXIT_CLIENTS);
    assert_string_equal(said, "<text 93>");
    expect_file(given.output_paths[OUTPUT_JSON], "<json>");
}

static void csv__to_a_file__whole(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = in_directory("csv");
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<text 93>");
    expect_file(given.output_paths[OUTPUT_CSV], "<csv>");
}

static void outputs__cannot_be_opened__2_before_the_run(void **state)
{
    char words[SAID_BYTES];

    (void)state;
    given.output_paths[OUTPUT_JSON] = in_directory("no/json");
    assert_int_equal(start(), EXIT_USAGE);
    snprintf(words, sizeof(words), "loadtool: --json %s: No such file or directory\n",
             given.output_paths[OUTPUT_JSON]);
    assert_string_equal(complained, words);
    assert_string_equal(calls, "options target descriptors");
    given.output_paths[OUTPUT_JSON] = NULL;
    given.output_paths[OUTPUT_CSV] = in_directory("no/csv");
    assert_int_equal(start(), EXIT_USAGE);
    snprintf(words, sizeof(words), "loadtool: --csv %s: No such file or directory\n",
             given.output_paths[OUTPUT_CSV]);
    assert_string_equal(complained, words);
    assert_string_equal(calls, "options target descriptors");
}

/* Whoever reads the file must not take half a report for a whole one. */
static void outputs__no_room__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "/dev/full";
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --json /dev/full: No space left on device\n");
    verdict_code = EXIT_BYTES;
    assert_int_equal(start(), EXIT_BYTES);
    given.output_paths[OUTPUT_JSON] = NULL;
    given.output_paths[OUTPUT_CSV] = "/dev/full";
    assert_int_equal(start(), EXIT_BYTES);
    verdict_code = EXIT_PASS;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --csv /dev/full: No space left on device\n");
}

static void outputs__json_cannot_be_made__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "-";
    failing = "json";
    code_of_failing = -ENOMEM;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained,
                        "<text 94>loadtool: the JSON could not be written: Cannot allocate memory\n");
    verdict_code = EXIT_RECOVERY;
    assert_int_equal(start(), EXIT_RECOVERY);
}

static void outputs__text_cannot_be_written__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    assert_int_equal(run_without_room(), EXIT_USAGE);
    verdict_code = EXIT_RESIDUE;
    assert_int_equal(run_without_room(), EXIT_RESIDUE);
}

static void outputs__csv_on_a_full_stdout__2(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = "-";
    assert_int_equal(run_without_room(), EXIT_USAGE);
}

/* ---- the server's health ---- */

static void health__watched__looked_at_before_and_after_a_rest(void **state)
{
    (void)state;
    given.server_pid = 4711;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(
        calls, "options target descriptors memory look_before engine clear wait look_after judge text");
    assert_int_equal(looked_ms[0], LIMIT_HEALTH_BEFORE_MS);
    assert_int_equal(waited_ms, LIMIT_HEALTH_REST_MS);
    assert_int_equal(looked_ms[1], LIMIT_HEALTH_AFTER_MS);
    assert_true(judged_health.is_watched);
    assert_int_equal(judged_health.pid, 4711);
    assert_int_equal(judged_health.before.processes, 1);
    assert_int_equal(judged_health.after.processes, 2);
    assert_false(judged_interrupted);
}

static void health__no_such_server__2_and_no_load(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_before";
    code_of_failing = -ESRCH;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --server-pid 4711: No such process\n");
    assert_string_equal(calls, "options target descriptors memory look_before");
}

static void health__interrupted_before__130(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_before";
    code_of_failing = -EINTR;
    assert_int_equal(start(), EXIT_INTERRUPTED);
}

static void health__interrupted_meanwhile_or_after__the_verdict_knows(void **state)
{
    (void)state;
    given.server_pid = 4711;
    engine_is_interrupted = true;
    start();
    assert_true(judged_interrupted);
    assert_int_equal(looks, 1); /* nobody wants to wait any more */
    engine_is_interrupted = false;
    failing = "wait";
    code_of_failing = -EINTR;
    start();
    assert_true(judged_interrupted);
    assert_int_equal(looks, 1);
    failing = "look_after";
    start();
    assert_true(judged_interrupted);
}

/* What that means is the verdict's to say, by the sample. */
static void health__server_is_gone_afterwards__not_an_interruption(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_after";
    code_of_failing = -ESRCH;
    assert_int_equal(start(), EXIT_PASS);
    assert_false(judged_interrupted);
}

static void health__not_watched__not_looked_at(void **state)
{
    (void)state;
    engine_is_interrupted = true;
    assert_int_equal(start(), EXIT_PASS);
    assert_true(judged_interrupted);
    assert_false(judged_health.is_watched);
    assert_int_equal(looks, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(main__child__owns_connections_and_nothing_else),
        TEST(main__wrong_usage__2_and_no_run),
        TEST(main__sigpipe__ignored),
        TEST(run__passes__report_on_stdout_in_its_width),
        TEST(run__verdict__its_exit_code),
        TEST(run__no_memory_for_the_command__reported_without),
        TEST(run__engine_cannot_begin__2_and_no_report),
        TEST(target__not_known__2_and_the_resolvers_reason),
        TEST(descriptors__too_few__2_and_both_numbers),
        TEST(descriptors__churn__room_for_its_clients_too),
        TEST(json__to_stdout__the_text_makes_room),
        TEST(csv__to_stdout__the_text_makes_room),
        TEST(json__to_a_file__whole),
        TEST(csv__to_a_file__whole),
        TEST(outputs__cannot_be_opened__2_before_the_run),
        TEST(outputs__no_room__2_unless_the_verdict_is_worse),
        TEST(outputs__json_cannot_be_made__2_unless_the_verdict_is_worse),
        TEST(outputs__text_cannot_be_written__2_unless_the_verdict_is_worse),
        TEST(outputs__csv_on_a_full_stdout__2),
        TEST(health__watched__looked_at_before_and_after_a_rest),
        TEST(health__no_such_server__2_and_no_load),
        TEST(health__interrupted_before__130),
        TEST(health__interrupted_meanwhile_or_after__the_verdict_knows),
        TEST(health__server_is_gone_afterwards__not_an_interruption),
        TEST(health__not_watched__not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
