/* Asking a server, which is a child of the test that plays a script: it expects requests and sends lines. */
/* wrap: socket connect send recv realloc clock_gettime */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
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

/* ---- the kernel, once otherwise ---- */

static int socket_errno, connect_errno, recv_errno; /* of the next call of the test itself; 0: it works */
static bool send_is_short, send_is_late, no_memory; /* late: nobody is there to hear it */
static int64_t clock_offset_ms;
static int64_t
    left_ms; /* of the deadline, once a line was heard and its connection is cut; -1: as it comes */

static bool fails(int *error)
{
    if (server == 0 || !*error) /* the child has no part in it */
        return false;
    errno = *error;
    *error = 0;
    return true;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    return fails(&socket_errno) ? -1 : __real_socket(family, type, protocol);
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return fails(&connect_errno) ? -1 : __real_connect(fd, address, length);
}

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    ssize_t sent = __real_send(fd, bytes, send_is_short ? size - 1 : size, flags);

    errno = EPIPE;
    return send_is_late ? -1 : sent;
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    return fails(&recv_errno) ? -1 : __real_recv(fd, bytes, size, flags);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);
    now->tv_sec += clock_offset_ms / 1000;
    now->tv_nsec += clock_offset_ms % 1000 * 1000000;
    now->tv_sec += now->tv_nsec / 1000000000;
    now->tv_nsec %= 1000000000;
    return result;
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return no_memory ? NULL : __real_realloc(old, size);
}

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
    if (left_ms < 0)
        return;
    struct pollfd cut = {.fd = session.fd, .events = POLLRDHUP};
    assert_int_equal(poll(&cut, 1, DEADLINE_MS), 1);
    clock_offset_ms += session.deadline_ms - clock_now_ms() - left_ms;
}

static void open_session(int64_t timeout_ms)
{
    heard[0] = '\0';
    left_ms = -1;
    assert_int_equal(ctl_session_open(&session, path, timeout_ms), 0);
    session.on_log = hear;
    session.command = "test";
}

static int ask(const char *request, int64_t timeout_ms)
{
    open_session(timeout_ms);
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

static void ask__no_deadline_or_a_far_one__answered(void **state)
{
    (void)state;
    SERVE({"status", "json {}\nend 0\n", false}, {"status", "json {}\nend 0\n", false});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask("status", i == 0 ? 0 : INT_MAX), 0);
        json_decref(answer.json);
    }
    assert_int_equal(end_server(false), 0);
}

static void ask__nobody_wants_to_hear__answered(void **state)
{
    (void)state;
    SERVE({"scale 8", "log info event=x\nend 0\n", false});
    open_session(DEADLINE_MS);
    session.on_log = NULL;
    assert_int_equal(ctl_session_ask(&session, "scale 8", &answer), 0);
    assert_string_equal(heard, "");
    ctl_session_close(&session);
    assert_int_equal(end_server(false), 0);
}

static void ask__calls_are_interrupted__answered(void **state)
{
    (void)state;
    SERVE({"status", "end 0\n", false}, {"status", "end 0\n", false});
    connect_errno = recv_errno = EINTR;
    assert_int_equal(ask("status", DEADLINE_MS), 0);
    connect_errno = recv_errno = EAGAIN;
    assert_int_equal(ask("status", DEADLINE_MS), 0);
    assert_int_equal(connect_errno + recv_errno, 0);
    assert_int_equal(end_server(false), 0);
}

static void ask__a_call_fails__its_error(void **state)
{
    (void)state;
    SERVE({"status", "end 0\n", false});
    recv_errno = EIO;
    assert_int_equal(ask("status", DEADLINE_MS), -EIO);
    assert_int_equal(end_server(false), 0);
    SERVE({"status", "end 0\n", true});
    send_is_short = true;
    int error = ask("status", DEADLINE_MS);
    send_is_short = false;
    assert_int_equal(error, -EPROTO);
    end_server(true);
    SERVE({"status", "end 0\n", true});
    no_memory = true;
    error = ask("status", DEADLINE_MS);
    no_memory = false;
    assert_int_equal(error, -E2BIG);
    end_server(true);
}

/* As one that is turned away is: what the server said before it hung up is there to be read. */
static void ask__server_has_hung_up__its_word_counts(void **state)
{
    (void)state;
    SERVE({"status", "end 1 not yours\n", false});
    send_is_late = true;
    int error = ask("status", DEADLINE_MS);
    send_is_late = false;
    assert_int_equal(error, 0);
    assert_string_equal(answer.text, "not yours");
    assert_int_equal(end_server(false), 0);
}

static void ask__line_without_an_end__given_up(void **state)
{
    static char reply[CTL_ANSWER_BYTES_MAX + 2];

    (void)state;
    memset(reply, 'x', sizeof reply - 1);
    SERVE({"status", reply, false});
    assert_int_equal(ask("status", DEADLINE_MS), -E2BIG);
    end_server(true);
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

static void cut__path_is_gone_too__said(void **state)
{
    (void)state;
    SERVE({"drain", "attempt 4\n", false});
    open_session(DEADLINE_MS);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ctl_session_ask(&session, "drain", &answer), -ECONNREFUSED);
    ctl_session_close(&session);
    assert_int_equal(end_server(false), 0);
}

static void cut__another_server_is_in_its_place__not_asked(void **state)
{
    (void)state;
    SERVE({"drain", "attempt 4\n", false}, {"never", "", true});
    open_session(DEADLINE_MS);
    session.pid = 1; /* so it is not who answers now */
    assert_int_equal(ctl_session_ask(&session, "drain", &answer), -ECONNREFUSED);
    ctl_session_close(&session);
    end_server(true);
}

static void cut__no_descriptor_to_come_back_with__its_error(void **state)
{
    (void)state;
    SERVE({"drain", "attempt 4\n", false});
    open_session(DEADLINE_MS);
    socket_errno = EMFILE;
    assert_int_equal(ctl_session_ask(&session, "drain", &answer), -EMFILE);
    ctl_session_close(&session);
    assert_int_equal(end_server(false), 0);
}

static void cut__again_when_time_is_over__deadline(void **state)
{
    (void)state;
    SERVE({"status", "", false}, {"status", "log info event=a\n", false});
    open_session(DEADLINE_MS);
    left_ms = 0;
    assert_int_equal(ctl_session_ask(&session, "status", &answer), -ETIMEDOUT);
    assert_string_equal(heard, "info=event=a;");
    ctl_session_close(&session);
    assert_int_equal(end_server(false), 0);
}

static void cut__then_silence__until_the_deadline(void **state)
{
    (void)state;
    SERVE({"status", "", false}, {"status", "", true});
    assert_int_equal(ask("status", SHORT_MS), -ETIMEDOUT);
    assert_int_equal(end_server(true), 128 + SIGKILL);
}

/* ---- the end of the server ---- */

static int ask_end(const char *request, int64_t timeout_ms)
{
    open_session(timeout_ms);
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

static void end__no_deadline__waited_for(void **state)
{
    (void)state;
    SERVE({"stop", "log info event=stopped\n", false});
    assert_int_equal(ask_end("stop", 0), 0);
    assert_int_equal(end_server(false), 0);
}

/* Cut by a supervisor that died, while the server, which is the test here, goes on. */
static int ask_end_and_be_cut(int64_t left_then_ms, bool path_goes)
{
    SERVE({"stop", "log info event=a\n", false});
    open_session(DEADLINE_MS);
    left_ms = left_then_ms;
    if (path_goes)
        assert_int_equal(unlink(path), 0);
    int error = ctl_session_ask_end(&session, "stop", &answer);
    ctl_session_close(&session);
    assert_int_equal(end_server(false), 0);
    return error;
}

static void end__cut_when_time_is_almost_over__deadline(void **state)
{
    (void)state;
    assert_int_equal(ask_end_and_be_cut(5, false), -ETIMEDOUT);
}

/* Its last moment: nobody hears any more, or the path is gone, and it has not ended yet. */
static void end__nobody_hears_or_no_path__waited_for(void **state)
{
    (void)state;
    assert_int_equal(ask_end_and_be_cut(SHORT_MS, false), -ETIMEDOUT);
    assert_int_equal(ask_end_and_be_cut(SHORT_MS, true), -ETIMEDOUT);
}

static void end__no_such_process__its_error(void **state)
{
    (void)state;
    SERVE({"stop", "", true});
    open_session(DEADLINE_MS);
    session.pid = INT_MAX;
    assert_int_equal(ctl_session_ask_end(&session, "stop", &answer), -ESRCH);
    ctl_session_close(&session);
    end_server(true);
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

/* A queue that stays full, since nobody accepts. */
static void open__queue_is_full__until_the_deadline(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ctl_session first;
    int listener = __real_socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    strcpy(address.sun_path, path);
    assert_int_equal(bind(listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(ctl_session_open(&first, path, DEADLINE_MS), 0);
    assert_int_equal(ctl_session_open(&session, path, SHORT_MS), -ETIMEDOUT);
    assert_int_equal(session.fd, -1);
    ctl_session_close(&first);
    close(listener);
    assert_int_equal(unlink(path), 0);
}

static int kept_stderr;

static void begin_quiet(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    kept_stderr = dup(STDERR_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
}

static void end_quiet(void)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
}

static int fail_quietly(int error, uint32_t attempt)
{
    session = (struct ctl_session){.command = "test", .fd = -1};
    begin_quiet();
    int code = ctl_session_fail(&session, error, attempt);
    end_quiet();
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

static void json__asked_for__or_why_there_is_none(void **state)
{
    static const struct {
        const char *reply;
        int code;
    } cases[] = {{"json {\"a\":1}\nend 0\n", EXIT_DONE},
                 {"end 0\n", EXIT_FAILED},
                 {"end 1 not yours\n", EXIT_FAILED},
                 {"json {}\nend 75 later\n", EXIT_NOT_IN_TIME}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *json = NULL;
        SERVE({"status", cases[i].reply, false});
        open_session(DEADLINE_MS);
        begin_quiet();
        int code = ctl_session_ask_json(&session, "status", &json);
        end_quiet();
        ctl_session_close(&session);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(json != NULL, i == 0);
        json_decref(json);
        assert_int_equal(end_server(false), 0);
    }
    json_t *none = NULL;
    SERVE({"status", "end 0\n", true});
    open_session(DEADLINE_MS);
    recv_errno = EIO;
    begin_quiet();
    int code = ctl_session_ask_json(&session, "status", &none);
    end_quiet();
    ctl_session_close(&session);
    end_server(true);
    assert_int_equal(code, EXIT_FAILED);
    assert_null(none);
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
        cmocka_unit_test(ask__no_deadline_or_a_far_one__answered),
        cmocka_unit_test(ask__nobody_wants_to_hear__answered),
        cmocka_unit_test(ask__calls_are_interrupted__answered),
        cmocka_unit_test(ask__a_call_fails__its_error),
        cmocka_unit_test(ask__line_without_an_end__given_up),
        cmocka_unit_test(cut__path_is_gone_too__said),
        cmocka_unit_test(cut__another_server_is_in_its_place__not_asked),
        cmocka_unit_test(cut__no_descriptor_to_come_back_with__its_error),
        cmocka_unit_test(cut__again_when_time_is_over__deadline),
        cmocka_unit_test(cut__then_silence__until_the_deadline),
        cmocka_unit_test(end__no_deadline__waited_for),
        cmocka_unit_test(end__cut_when_time_is_almost_over__deadline),
        cmocka_unit_test(end__nobody_hears_or_no_path__waited_for),
        cmocka_unit_test(end__no_such_process__its_error),
        cmocka_unit_test(open__queue_is_full__until_the_deadline),
        cmocka_unit_test(json__asked_for__or_why_there_is_none),
        cmocka_unit_test(ask__server_has_hung_up__its_word_counts),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
