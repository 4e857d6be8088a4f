/* The subcommands that change something: what each asks the server for, and what it makes of the answer. */
/* wrap: ctl_find ctl_session_ask ctl_session_ask_end ctl_session_close ctl_session_fail getcwd __getcwd_chk */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENT_COUNT_MAX = 8, SERVER_PID = 4711, FAIL_CODE = 42 };

static char asked[PATH_MAX + 64]; /* the request; empty: none */
static bool asked_for_end;        /* its outcome is the server's end */
static int find_code, ask_error;  /* what these come to */
static struct ctl_answer answer;  /* to whatever is asked */
static const char *logged;        /* event that is heard meanwhile; NULL: none */
static unsigned close_count;
static int failed_with;
static uint32_t failed_attempt;
static struct {
    char command[32], control[64];
    int64_t timeout_ms;
} found_by;
static const char *folder;                /* the working directory; NULL: it is gone */
static char said[4096], complained[4096]; /* on stdout, on stderr */

/* ---- in place of the conversation ---- */

int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options);
int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options)
{
    *session = (struct ctl_session){.fd = -1, .pid = SERVER_PID};
    found_by.timeout_ms = options->timeout_ms;
    snprintf(found_by.command, sizeof found_by.command, "%s", options->command);
    snprintf(found_by.control, sizeof found_by.control, "%s", options->control ? options->control : "");
    return find_code;
}

static int converse(struct ctl_session *session, const char *request, struct ctl_answer *out)
{
    snprintf(asked, sizeof asked, "%s", request);
    if (logged)
        session->on_log("warning", 4, logged);
    *out = answer;
    return ask_error;
}

int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *out);
int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *out)
{
    return converse(session, request, out);
}

int __wrap_ctl_session_ask_end(struct ctl_session *session, const char *request, struct ctl_answer *out);
int __wrap_ctl_session_ask_end(struct ctl_session *session, const char *request, struct ctl_answer *out)
{
    asked_for_end = true;
    return converse(session, request, out);
}

void __wrap_ctl_session_close(struct ctl_session *session);
void __wrap_ctl_session_close(struct ctl_session *session)
{
    assert_int_equal(session->pid, SERVER_PID);
    close_count++;
}

int __wrap_ctl_session_fail(const struct ctl_session *session, int error, uint32_t attempt);
int __wrap_ctl_session_fail(const struct ctl_session *session, int error, uint32_t attempt)
{
    assert_int_equal(session->pid, SERVER_PID);
    failed_with = error;
    failed_attempt = attempt;
    return FAIL_CODE;
}

char *__wrap_getcwd(char *out, size_t size);
char *__wrap_getcwd(char *out, size_t size)
{
    errno = ENOENT;
    return folder && (size_t)snprintf(out, size, "%s", folder) < size ? out : NULL;
}

/* What getcwd is called where the compiler does not see how long its array is (feature_test_macros(7)). */
char *__wrap___getcwd_chk(char *out, size_t size, size_t room);
char *__wrap___getcwd_chk(char *out, size_t size, size_t room)
{
    assert_true(size <= room);
    return __wrap_getcwd(out, size);
}

/* ---- setup ---- */

static int begin(void **state)
{
    (void)state;
    asked[0] = '\0';
    asked_for_end = false;
    find_code = ask_error = failed_with = 0;
    failed_attempt = 0;
    answer = (struct ctl_answer){0};
    logged = NULL;
    close_count = 0;
    folder = "/home/somebody";
    return 0;
}

static void read_back(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

typedef int subcommand(int argc, char **argv);

/* Exit code of the subcommand with these words; the first is its name, NULL ends them. */
static int run_words(subcommand *run, const char *const words[])
{
    char *argv[ARGUMENT_COUNT_MAX + 1] = {NULL};
    int argc = 0, saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    FILE *out = tmpfile(), *errors = tmpfile();

    for (; words[argc]; argc++) {
        assert_true(argc < ARGUMENT_COUNT_MAX);
        argv[argc] = strdup(words[argc]);
    }
    assert_true(out && errors);
    fflush(stdout);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(errors), STDERR_FILENO) >= 0);
    int code = run(argc, argv);
    fflush(stdout);
    dup2(saved[0], STDOUT_FILENO);
    dup2(saved[1], STDERR_FILENO);
    close(saved[0]);
    close(saved[1]);
    read_back(out, said, sizeof said);
    read_back(errors, complained, sizeof complained);
    while (argc-- > 0)
        free(argv[argc]);
    return code;
}

#define RUN(run, ...) run_words(run, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what is asked ---- */

static void ask__each_subcommand__its_request(void **state)
{
    static const struct {
        subcommand *run;
        const char *words[4], *request;
    } rows[] = {
        {subcommand_scale, {"scale", "8"}, "scale 8"},
        {subcommand_reload, {"reload"}, "reload"},
        {subcommand_restart, {"restart", "3"}, "restart 3"},
        {subcommand_log, {"log", "debug"}, "log debug"},
        {subcommand_drain, {"drain"}, "drain"},
        {subcommand_drain, {"drain", "--off"}, "drain off"},
        {subcommand_upgrade, {"upgrade"}, "upgrade"},
        {subcommand_upgrade, {"upgrade", "/usr/bin/x y"}, "upgrade /usr/bin/x y"},
        {subcommand_upgrade, {"upgrade", "new/prefork-upper"}, "upgrade /home/somebody/new/prefork-upper"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(state);
        assert_int_equal(run_words(rows[i].run, rows[i].words), EXIT_DONE);
        assert_string_equal(asked, rows[i].request);
        assert_false(asked_for_end);
        assert_int_equal(close_count, 1);
        assert_string_equal(complained, "");
    }
}

static void ask__stop__its_outcome_is_the_servers_end(void **state)
{
    (void)state;
    assert_int_equal(RUN(subcommand_stop, "stop"), EXIT_DONE);
    assert_string_equal(asked, "stop");
    assert_true(asked_for_end);
    assert_string_equal(said, "stop: done, process 4711 has ended\n");
    assert_int_equal(close_count, 1);
    assert_int_equal(RUN(subcommand_stop, "stop", "--now"), EXIT_DONE);
    assert_string_equal(asked, "stop now");
}

static void ask__options__reach_the_search_for_the_server(void **state)
{
    (void)state;
    assert_int_equal(RUN(subcommand_scale, "scale", "--control", "/x.sock", "8", "--timeout", "7s"),
                     EXIT_DONE);
    assert_string_equal(asked, "scale 8");
    assert_string_equal(found_by.command, "scale");
    assert_string_equal(found_by.control, "/x.sock");
    assert_int_equal(found_by.timeout_ms, 7000);
}

/* ---- what comes of it ---- */

static void outcome__done__said_with_what_the_server_adds(void **state)
{
    (void)state;
    assert_int_equal(RUN(subcommand_reload, "reload"), EXIT_DONE);
    assert_string_equal(said, "reload: done\n");
    strcpy(answer.text, "nothing has changed");
    assert_int_equal(RUN(subcommand_reload, "reload"), EXIT_DONE);
    assert_string_equal(said, "reload: done: nothing has changed\n");
}

static void outcome__refused__why_and_the_servers_code(void **state)
{
    (void)state;
    answer.code = 1;
    strcpy(answer.text, "more than slots");
    assert_int_equal(RUN(subcommand_scale, "scale", "9"), 1);
    assert_string_equal(said, "");
    assert_string_equal(complained, "prefork-upper: scale 9: more than slots\n");
    answer.text[0] = '\0';
    answer.code = 64;
    assert_int_equal(RUN(subcommand_scale, "scale", "9"), 64);
    assert_string_equal(complained, "prefork-upper: scale 9: failed\n");
    assert_int_equal(RUN(subcommand_stop, "stop", "--now"), 64);
    assert_string_equal(complained, "prefork-upper: stop: failed\n");
    assert_string_equal(said, "");
    assert_int_equal(close_count, 3);
}

static void outcome__conversation_fails__its_code_and_the_attempt(void **state)
{
    (void)state;
    ask_error = -ETIMEDOUT;
    answer.attempt = 5;
    assert_int_equal(RUN(subcommand_restart, "restart", "0"), FAIL_CODE);
    assert_int_equal(failed_with, -ETIMEDOUT);
    assert_int_equal(failed_attempt, 5);
    assert_string_equal(said, "");
    assert_int_equal(close_count, 1);
    ask_error = -ECONNREFUSED;
    assert_int_equal(RUN(subcommand_stop, "stop"), FAIL_CODE);
    assert_int_equal(failed_with, -ECONNREFUSED);
    assert_int_equal(failed_attempt, 0); /* nothing to wait on with */
    assert_string_equal(said, "");
    assert_int_equal(close_count, 2);
}

static void outcome__no_server__nothing_is_asked(void **state)
{
    (void)state;
    find_code = EXIT_UNAVAILABLE;
    assert_int_equal(RUN(subcommand_drain, "drain"), EXIT_UNAVAILABLE);
    assert_int_equal(RUN(subcommand_stop, "stop"), EXIT_UNAVAILABLE);
    assert_string_equal(asked, "");
    assert_int_equal(close_count, 0); /* it is not open */
}

static void log__event__shown_with_its_level(void **state)
{
    (void)state;
    logged = "event=reloaded settings=2";
    assert_int_equal(RUN(subcommand_reload, "reload"), EXIT_DONE);
    assert_string_equal(complained, "warn  event=reloaded settings=2\n");
    assert_int_equal(RUN(subcommand_stop, "stop"), EXIT_DONE);
    assert_string_equal(complained, "warn  event=reloaded settings=2\n");
}

static void log__counters_of_a_slot__not_shown(void **state)
{
    (void)state;
    logged = "event=slot_summary slot=0 answered=1";
    assert_int_equal(RUN(subcommand_stop, "stop"), EXIT_DONE);
    assert_string_equal(complained, "");
}

/* ---- wrong usage ---- */

static void usage__wrong__64_and_nothing_is_asked(void **state)
{
    (void)state;
    assert_int_equal(RUN(subcommand_scale, "scale"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_scale, "scale", "many"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_reload, "reload", "x"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_restart, "restart"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_log, "log", "loud"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_drain, "drain", "--now"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_stop, "stop", "--off"), EXIT_USAGE);
    assert_int_equal(RUN(subcommand_upgrade, "upgrade", "a", "b"), EXIT_USAGE);
    assert_string_equal(asked, "");
    assert_int_equal(close_count, 0);
}

static void help__printed__0_and_nothing_is_asked(void **state)
{
    static const struct {
        subcommand *run;
        const char *name;
    } rows[] = {{subcommand_scale, "scale"},
                {subcommand_drain, "drain"},
                {subcommand_upgrade, "upgrade"},
                {subcommand_stop, "stop"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(RUN(rows[i].run, rows[i].name, "--help"), EXIT_DONE);
        assert_non_null(strstr(said, rows[i].name));
        assert_string_equal(asked, "");
    }
}

static void upgrade__path_with_a_line_break__refused_here(void **state)
{
    (void)state;
    assert_int_equal(RUN(subcommand_upgrade, "upgrade", "/a\nstop"), EXIT_USAGE);
    assert_string_equal(asked, "");
    assert_string_equal(complained, "prefork-upper upgrade: a path with a line break is not accepted\n");
}

static void upgrade__working_directory_is_gone__only_absolute_paths(void **state)
{
    (void)state;
    folder = NULL;
    assert_int_equal(RUN(subcommand_upgrade, "upgrade", "new"), EXIT_USAGE);
    assert_string_equal(asked, "");
    assert_non_null(strstr(complained, "give an absolute path\n"));
    assert_int_equal(RUN(subcommand_upgrade, "upgrade", "/new"), EXIT_DONE);
    assert_string_equal(asked, "upgrade /new");
}

#define TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ask__each_subcommand__its_request),
        TEST(ask__stop__its_outcome_is_the_servers_end),
        TEST(ask__options__reach_the_search_for_the_server),
        TEST(outcome__done__said_with_what_the_server_adds),
        TEST(outcome__refused__why_and_the_servers_code),
        TEST(outcome__conversation_fails__its_code_and_the_attempt),
        TEST(outcome__no_server__nothing_is_asked),
        TEST(log__event__shown_with_its_level),
        TEST(log__counters_of_a_slot__not_shown),
        TEST(usage__wrong__64_and_nothing_is_asked),
        TEST(help__printed__0_and_nothing_is_asked),
        TEST(upgrade__path_with_a_line_break__refused_here),
        TEST(upgrade__working_directory_is_gone__only_absolute_paths),
    };

    return cmocka_run_group_tests_name("ctl", tests, NULL, NULL);
}
