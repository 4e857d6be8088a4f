/* Asking a server: what of its lines is told and by when, where there is no answer, and the exit codes. */
/* wrap: clock_gettime connect send recv realloc poll __poll_chk */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "tests/support/asking_fixture.h"
#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the kernel, once otherwise ---- */

static int connect_errno, recv_errno;               /* of the next call of the test itself; 0: it works */
static int polls_in_vain, vain_poll_ms;             /* so many end without an event; the last one's time */
static bool send_is_short, send_is_late, no_memory; /* late: nobody is there to hear it */

static bool fails(int *error)
{
    if (asking.server == 0 || !*error) /* the child has no part in it */
        return false;
    errno = *error;
    *error = 0;
    return true;
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

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    if (asking.server == 0 || polls_in_vain == 0)
        return __real_poll(polled, count, timeout_ms);
    polls_in_vain--;
    vain_poll_ms = timeout_ms;
    return 0;
}

int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return no_memory ? NULL : __real_realloc(old, size);
}

/* ---- answers ---- */

static void ask__whole_answer__events_code_and_text(void **state)
{
    (void)state;
    ASKING_SERVE({"scale 8",
                  "attempt 3\nlog info event=x a=1\nsomething new\nlog warn event=y\nend 1 too many\n",
                  false});
    assert_int_equal(asking_run("scale 8", ASKING_DEADLINE_MS), 0);
    assert_int_equal(asking.answer.code, 1);
    assert_int_equal(asking.answer.attempt, 3);
    assert_string_equal(asking.answer.text, "too many");
    assert_string_equal(asking.heard, "info=event=x a=1;warn=event=y;");
    assert_int_equal(asking.session.pid, getpid()); /* who called listen() */
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__json__parsed(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "json {\"a\":[1,2]}\nend 0\n", false});
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), 0);
    assert_int_equal(json_array_size(json_object_get(asking.answer.json, "a")), 2);
    json_decref(asking.answer.json);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__json_longer_than_any_buffer__whole(void **state)
{
    static char reply[300000];

    (void)state;
    size_t used = (size_t)snprintf(reply, sizeof reply, "json [\"");
    memset(reply + used, 'x', sizeof reply - used - 20);
    strcpy(reply + sizeof reply - 20, "\"]\nend 0\n");
    ASKING_SERVE({"status", reply, false});
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), 0);
    assert_int_equal(json_string_length(json_array_get(asking.answer.json, 0)), sizeof reply - 20 - used);
    json_decref(asking.answer.json);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__broken_json__not_understood(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "json {\"a\":\nend 0\n", false});
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), -EPROTO);
    assert_null(asking.answer.json);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__no_end_by_the_deadline__attempt_known(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "attempt 5\n", true});
    assert_int_equal(asking_run("drain", ASKING_SHORT_MS), -ETIMEDOUT);
    assert_int_equal(asking.answer.attempt, 5);
    assert_int_equal(asking_end_server(true), 128 + SIGKILL);
}

static void ask__silent_server__deadline(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "", true});
    int64_t begin_ms = clock_now_ms();
    assert_int_equal(asking_run("status", ASKING_SHORT_MS), -ETIMEDOUT);
    assert_true(clock_now_ms() - begin_ms >= ASKING_SHORT_MS);
    assert_int_equal(asking_end_server(true), 128 + SIGKILL);
}

static void ask__request_too_long__refused_here(void **state)
{
    char request[5000];

    (void)state;
    memset(request, 'x', sizeof request - 1);
    request[sizeof request - 1] = '\0';
    ASKING_SERVE({"", "", true});
    assert_int_equal(asking_run(request, ASKING_DEADLINE_MS), -E2BIG);
    assert_int_equal(asking_end_server(true), 128 + SIGKILL);
}

static void ask__no_deadline_or_a_far_one__answered(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "json {}\nend 0\n", false}, {"status", "json {}\nend 0\n", false});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(asking_run("status", i == 0 ? 0 : INT_MAX), 0);
        json_decref(asking.answer.json);
    }
    assert_int_equal(asking_end_server(false), 0);
}

/* Symptom: an hour of time was over with the longest poll, after 1000 s. */
static void ask__deadline_farther_than_one_poll__waited_for(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "end 0\n", false});
    polls_in_vain = 3;
    assert_int_equal(asking_run("drain", 3600000), 0);
    assert_int_equal(polls_in_vain, 0);
    assert_true(vain_poll_ms < 3600000);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__nobody_wants_to_hear__answered(void **state)
{
    (void)state;
    ASKING_SERVE({"scale 8", "log info event=x\nend 0\n", false});
    asking_open_session(ASKING_DEADLINE_MS);
    asking.session.on_log = NULL;
    assert_int_equal(ctl_session_ask(&asking.session, "scale 8", &asking.answer), 0);
    assert_string_equal(asking.heard, "");
    ctl_session_close(&asking.session);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__calls_are_interrupted__answered(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "end 0\n", false}, {"status", "end 0\n", false});
    connect_errno = recv_errno = EINTR;
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), 0);
    connect_errno = recv_errno = EAGAIN;
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), 0);
    assert_int_equal(connect_errno + recv_errno, 0);
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__a_call_fails__its_error(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "end 0\n", false});
    recv_errno = EIO;
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), -EIO);
    assert_int_equal(asking_end_server(false), 0);
    ASKING_SERVE({"status", "end 0\n", true});
    send_is_short = true;
    int error = asking_run("status", ASKING_DEADLINE_MS);
    send_is_short = false;
    assert_int_equal(error, -EPROTO);
    asking_end_server(true);
    ASKING_SERVE({"status", "end 0\n", true});
    no_memory = true;
    error = asking_run("status", ASKING_DEADLINE_MS);
    no_memory = false;
    assert_int_equal(error, -E2BIG);
    asking_end_server(true);
}

/* As one that is turned away is: what the server said before it hung up is there to be read. */
static void ask__server_has_hung_up__its_word_counts(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "end 1 not yours\n", false});
    send_is_late = true;
    int error = asking_run("status", ASKING_DEADLINE_MS);
    send_is_late = false;
    assert_int_equal(error, 0);
    assert_string_equal(asking.answer.text, "not yours");
    assert_int_equal(asking_end_server(false), 0);
}

static void ask__line_without_an_end__given_up(void **state)
{
    static char reply[CTL_ANSWER_BYTES_MAX + 2];

    (void)state;
    memset(reply, 'x', sizeof reply - 1);
    ASKING_SERVE({"status", reply, false});
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), -E2BIG);
    asking_end_server(true);
}

/* ---- no server ---- */

static void open__nobody_there__errno(void **state)
{
    char too_long[200];

    (void)state;
    assert_int_equal(ctl_session_open(&asking.session, asking.path, ASKING_DEADLINE_MS), -ENOENT);
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(ctl_session_open(&asking.session, too_long, ASKING_DEADLINE_MS), -ENAMETOOLONG);
    assert_int_equal(asking.session.fd, -1);
    ctl_session_close(&asking.session); /* bears it */
}

/* A queue that stays full, since nobody accepts. */
static void open__queue_is_full__until_the_deadline(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ctl_session first;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    strcpy(address.sun_path, asking.path);
    assert_int_equal(bind(listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(ctl_session_open(&first, asking.path, ASKING_DEADLINE_MS), 0);
    assert_int_equal(ctl_session_open(&asking.session, asking.path, ASKING_SHORT_MS), -ETIMEDOUT);
    assert_int_equal(asking.session.fd, -1);
    ctl_session_close(&first);
    close(listener);
    assert_int_equal(unlink(asking.path), 0);
}

/* ---- exit codes ---- */

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
    asking.session = (struct ctl_session){.command = "test", .fd = -1};
    begin_quiet();
    int code = ctl_session_fail(&asking.session, error, attempt);
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
        ASKING_SERVE({"status", cases[i].reply, false});
        asking_open_session(ASKING_DEADLINE_MS);
        begin_quiet();
        int code = ctl_session_ask_json(&asking.session, "status", &json);
        end_quiet();
        ctl_session_close(&asking.session);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(json != NULL, i == 0);
        json_decref(json);
        assert_int_equal(asking_end_server(false), 0);
    }
    json_t *none = NULL;
    ASKING_SERVE({"status", "end 0\n", true});
    asking_open_session(ASKING_DEADLINE_MS);
    recv_errno = EIO;
    begin_quiet();
    int code = ctl_session_ask_json(&asking.session, "status", &none);
    end_quiet();
    ctl_session_close(&asking.session);
    asking_end_server(true);
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
        cmocka_unit_test(open__nobody_there__errno),
        cmocka_unit_test(fail__each_error__its_exit_code),
        cmocka_unit_test(ask__no_deadline_or_a_far_one__answered),
        cmocka_unit_test(ask__deadline_farther_than_one_poll__waited_for),
        cmocka_unit_test(ask__nobody_wants_to_hear__answered),
        cmocka_unit_test(ask__calls_are_interrupted__answered),
        cmocka_unit_test(ask__a_call_fails__its_error),
        cmocka_unit_test(ask__line_without_an_end__given_up),
        cmocka_unit_test(open__queue_is_full__until_the_deadline),
        cmocka_unit_test(json__asked_for__or_why_there_is_none),
        cmocka_unit_test(ask__server_has_hung_up__its_word_counts),
    };

    return cmocka_run_group_tests(tests, asking_make_directory, asking_remove_directory);
}
