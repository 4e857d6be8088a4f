/* Asking a server, which is a child of the test that plays a script: it expects requests and sends lines. */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 5000, SHORT_MS = 50 };

/* One connection of the script: what is expected, what is said to it; NULL: the end of the connection. */
struct scene {
    const char *request, *reply;
    bool stays; /* the connection is not closed */
};

static char directory[] = "/tmp/test_ctl_session.XXXXXX";
static char path[CONTROL_PATH_SIZE];
static struct ctl_session session;
static struct ctl_answer answer;
static pid_t server;
static char heard[256];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/c.sock", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* ---- the server ---- */

static bool read_request(int fd, const char *request)
{
    char line[256] = "";
    size_t used = 0;

    while (used < sizeof line - 1 && !strchr(line, '\n')) {
        ssize_t length = recv(fd, line + used, sizeof line - 1 - used, 0);
        if (length <= 0)
            return false;
        used += (size_t)length;
        line[used] = '\0';
    }
    return strlen(request) + 1 == used && strncmp(line, request, used - 1) == 0;
}

_Noreturn static void play(int listener, const struct scene *scenes, size_t count)
{
    alarm(2 * DEADLINE_MS / 1000);
    for (size_t i = 0; i < count; i++) {
        int fd = accept(listener, NULL, NULL);
        if (!read_request(fd, scenes[i].request))
            _exit(9);
        send(fd, scenes[i].reply, strlen(scenes[i].reply), MSG_NOSIGNAL);
        if (!scenes[i].stays)
            close(fd);
    }
    for (size_t i = 0; i < count; i++)
        if (scenes[i].stays)
            pause(); /* until the test ends us */
    _exit(0);
}

/* The test calls listen(), so that for the client it is the master; the child serves. */
static void serve(const struct scene *scenes, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(bind(listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 5), 0);
    server = fork();
    if (server == 0)
        play(listener, scenes, count);
    close(listener);
}

/* The exit code of the server, which has been through its script, or was ended by us. */
static int end_server(bool kill_it)
{
    int status = 0;

    if (kill_it)
        kill(server, SIGKILL);
    assert_int_equal(waitpid(server, &status, 0), server);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define SERVE(...)                                                                                           \
    serve((const struct scene[]){__VA_ARGS__},                                                               \
          sizeof((const struct scene[]){__VA_ARGS__}) / sizeof(struct scene))

static void hear(const char *level, size_t level_length, const char *text)
{
    size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "%.*s=%s;", (int)level_length, level, text);
}

static int ask(const char *request, int64_t timeout_ms)
{
    heard[0] = '\0';
    assert_int_equal(ctl_session_open(&session, path, timeout_ms), 0);
    session.on_log = hear;
    session.command = "test";
    int error = ctl_session_ask(&session, request, &answer);
    ctl_session_close(&session);
    return error;
}

/* ---- answers ---- */

static void ask__whole_answer__events_code_and_text(void **state)
{
    (void)state;
    SERVE({"scale 8", "attempt 3\nlog info event=x a=1\nsomething new\nlog warn event=y\nend 1 too many\n",
           false});
    assert_int_equal(ask("scale 8", DEADLINE_MS), 0);
    assert_int_equal(answer.code, 1);
    assert_int_equal(answer.attempt, 3);
    assert_string_equal(answer.text, "too many");
    assert_string_equal(heard, "info=event=x a=1;warn=event=y;");
    assert_int_equal(session.pid, getpid()); /* who called listen() */
    assert_int_equal(end_server(false), 0);
}

static void ask__json__parsed(void **state)
{
    (void)state;
    SERVE({"status", "json {\"a\":[1,2]}\nend 0\n", false});
    assert_int_equal(ask("status", DEADLINE_MS), 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "a")), 2);
    json_decref(answer.json);
    assert_int_equal(end_server(false), 0);
}

static void ask__json_longer_than_any_buffer__whole(void **state)
{
    static char reply[300000];

    (void)state;
    size_t used = (size_t)snprintf(reply, sizeof reply, "json [\"");
    memset(reply + used, 'x', sizeof reply - used - 20);
    strcpy(reply + sizeof reply - 20, "\"]\nend 0\n");
    SERVE({"status", reply, false});
    assert_int_equal(ask("status", DEADLINE_MS), 0);
    assert_int_equal(json_string_length(json_array_get(answer.json, 0)), sizeof reply - 20 - used);
    json_decref(answer.json);
    assert_int_equal(end_server(false), 0);
}

static void ask__broken_json__not_understood(void **state)
{
    (void)state;
    SERVE({"status", "json {\"a\":\nend 0\n", false});
    assert_int_equal(ask("status", DEADLINE_MS), -EPROTO);
    assert_null(answer.json);
    assert_int_equal(end_server(false), 0);
}

static void ask__no_end_by_the_deadline__attempt_known(void **state)
{
    (void)state;
    SERVE({"drain", "attempt 5\n", true});
    assert_int_equal(ask("drain", SHORT_MS), -ETIMEDOUT);
    assert_int_equal(answer.attempt, 5);
    assert_int_equal(end_server(true), 128 + SIGKILL);
}

static void ask__silent_server__deadline(void **state)
{
    (void)state;
    SERVE({"status", "", true});
    int64_t begin_ms = clock_now_ms();
    assert_int_equal(ask("status", SHORT_MS), -ETIMEDOUT);
    assert_true(clock_now_ms() - begin_ms >= SHORT_MS);
    assert_int_equal(end_server(true), 128 + SIGKILL);
}

static void ask__request_too_long__refused_here(void **state)
{
    char request[5000];

    (void)state;
    memset(request, 'x', sizeof request - 1);
    request[sizeof request - 1] = '\0';
    SERVE({"", "", true});
    assert_int_equal(ask(request, DEADLINE_MS), -E2BIG);
    assert_int_equal(end_server(true), 128 + SIGKILL);
}

/* ---- the supervisor dies ---- */

static void cut__after_the_attempt_began__waited_for_with_the_next_one(void **state)
{
    (void)state;
    SERVE({"upgrade /b", "attempt 4\nlog info event=a\nlog inf", false}, {"wait 4", "attempt 4\n", false},
          {"wait 4", "attempt 4\nlog info event=b\nend 0\n", false});
    assert_int_equal(ask("upgrade /b", DEADLINE_MS), 0);
    assert_int_equal(answer.code, 0);
    assert_string_equal(heard, "info=event=a;info=event=b;");
    assert_int_equal(end_server(false), 0);
}

static void cut__before_anything_was_said__asked_again(void **state)
{
    (void)state;
    SERVE({"status", "", false}, {"status", "json {}\nend 0\n", false});
    assert_int_equal(ask("status", DEADLINE_MS), 0);
    assert_non_null(answer.json);
    json_decref(answer.json);
    assert_int_equal(end_server(false), 0);
}

static void cut__server_is_gone__said(void **state)
{
    (void)state;
    SERVE({"drain", "attempt 4\n", false});
    assert_int_equal(ask("drain", DEADLINE_MS), -ECONNREFUSED);
    assert_int_equal(end_server(false), 0);
}

/* ---- the end of the server ---- */

static int ask_end(const char *request, int64_t timeout_ms)
{
    heard[0] = '\0';
    assert_int_equal(ctl_session_open(&session, path, timeout_ms), 0);
    session.on_log = hear;
    session.pid = server; /* whose end is waited for; else it would be our own */
    int error = ctl_session_ask_end(&session, request, &answer);
    ctl_session_close(&session);
    return error;
}

static void end__server_ends__heard_to_the_last_word(void **state)
{
    (void)state;
    SERVE({"stop", "log info event=draining\nlog info event=stopped\n", false});
    assert_int_equal(ask_end("stop", DEADLINE_MS), 0);
    assert_string_equal(heard, "info=event=draining;info=event=stopped;");
    assert_int_equal(kill(server, 0), 0); /* a zombie: dead before we were told so */
    assert_int_equal(end_server(false), 0);
}

static void end__supervisor_dies_before_it_heard__asked_again(void **state)
{
    (void)state;
    SERVE({"stop", "", false}, {"stop", "log info event=stopped\n", false});
    assert_int_equal(ask_end("stop", DEADLINE_MS), 0);
    assert_string_equal(heard, "info=event=stopped;");
    assert_int_equal(end_server(false), 0);
}

static void end__server_goes_on__deadline(void **state)
{
    (void)state;
    SERVE({"stop", "log info event=draining\n", true});
    assert_int_equal(ask_end("stop", SHORT_MS), -ETIMEDOUT);
    assert_int_equal(end_server(true), 128 + SIGKILL);
}

static void end__refused__why(void **state)
{
    (void)state;
    SERVE({"stop", "end 1 not yours\n", false});
    assert_int_equal(ask_end("stop", DEADLINE_MS), 0);
    assert_int_equal(answer.code, 1);
    assert_string_equal(answer.text, "not yours");
    assert_int_equal(end_server(false), 0);
}

/* ---- no server ---- */

static void open__nobody_there__errno(void **state)
{
    char too_long[200];

    (void)state;
    assert_int_equal(ctl_session_open(&session, path, DEADLINE_MS), -ENOENT);
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(ctl_session_open(&session, too_long, DEADLINE_MS), -ENAMETOOLONG);
    assert_int_equal(session.fd, -1);
    ctl_session_close(&session); /* bears it */
}

static int fail_quietly(int error, uint32_t attempt)
{
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    session = (struct ctl_session){.command = "test", .fd = -1};
    dup2(null, STDERR_FILENO);
    int code = ctl_session_fail(&session, error, attempt);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    return code;
}

static void fail__each_error__its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(fail_quietly(-ETIMEDOUT, 0), EXIT_NOT_IN_TIME);
    assert_int_equal(fail_quietly(-ETIMEDOUT, 4), EXIT_NOT_IN_TIME);
    assert_int_equal(fail_quietly(-ENOENT, 0), EXIT_UNAVAILABLE);
    assert_int_equal(fail_quietly(-ECONNREFUSED, 4), EXIT_UNAVAILABLE);
    assert_int_equal(fail_quietly(-EPROTO, 0), EXIT_FAILED);
    assert_int_equal(fail_quietly(-EACCES, 0), EXIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ask__whole_answer__events_code_and_text),
        cmocka_unit_test(ask__json__parsed),
        cmocka_unit_test(ask__json_longer_than_any_buffer__whole),
        cmocka_unit_test(ask__broken_json__not_understood),
        cmocka_unit_test(ask__no_end_by_the_deadline__attempt_known),
        cmocka_unit_test(ask__silent_server__deadline),
        cmocka_unit_test(ask__request_too_long__refused_here),
        cmocka_unit_test(cut__after_the_attempt_began__waited_for_with_the_next_one),
        cmocka_unit_test(cut__before_anything_was_said__asked_again),
        cmocka_unit_test(cut__server_is_gone__said),
        cmocka_unit_test(end__server_ends__heard_to_the_last_word),
        cmocka_unit_test(end__supervisor_dies_before_it_heard__asked_again),
        cmocka_unit_test(end__server_goes_on__deadline),
        cmocka_unit_test(end__refused__why),
        cmocka_unit_test(open__nobody_there__errno),
        cmocka_unit_test(fail__each_error__its_exit_code),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
