/* When the process that answers for --metrics is made, and made anew; it is a child of the test that does nothing. */
/* wrap: fork metrics_server_main clock_gettime */
#include "tests/support/cmocka_all.h"

#include "master/metrics_server.h"
#include "master/reactor_state.h"
#include "tests/support/log_capture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct reactor reactor;
static struct service_setup setup;
static int64_t now_ms;
static bool fork_fails;
static int fork_count;

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    fork_count++;
    errno = EAGAIN;
    return fork_fails ? -1 : __real_fork();
}

_Noreturn void __wrap_metrics_server_main(const struct service_setup *given, pid_t supervisor_pid);
_Noreturn void __wrap_metrics_server_main(const struct service_setup *given, pid_t supervisor_pid)
{
    if (given != &setup || supervisor_pid != getppid())
        _exit(9);
    alarm(20);
    for (;;)
        pause();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * 1000000};
    return 0;
}

static int begin(void **state)
{
    (void)state;
    setup = (struct service_setup){.metrics_bound = "127.0.0.1:9100"};
    reactor = (struct reactor){.setup = &setup};
    now_ms = 50000;
    fork_fails = false;
    fork_count = 0;
    log_capture_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    look_end_metrics(&reactor);
    log_capture_end();
    return 0;
}

static pid_t look(void)
{
    look_for_metrics(&reactor, now_ms);
    return reactor.metrics.pid;
}

/* Ends it, and returns when that can be seen. */
static void kill_it(int number)
{
    siginfo_t info = {0};

    assert_int_equal(kill(reactor.metrics.pid, number), 0);
    assert_int_equal(waitid(P_PID, (id_t)reactor.metrics.pid, &info, WEXITED | WNOWAIT), 0);
}

static void expect_died(const char *words)
{
    const char *event = log_capture_expect("metrics_died");

    if (!strstr(event, words))
        fail_msg("no %s in %s", words, event);
}

static void child__asked_for__made_once(void **state)
{
    (void)state;
    pid_t pid = look();
    assert_true(pid > 0);
    assert_int_equal(look(), pid);
    assert_int_equal(fork_count, 1);
    log_capture_expect_nothing();
}

static void child__not_asked_for__never_made(void **state)
{
    (void)state;
    setup.metrics_bound[0] = '\0';
    assert_int_equal(look(), 0);
    assert_int_equal(fork_count, 0);
}

static void child__dies_after_a_while__made_anew_at_once(void **state)
{
    (void)state;
    pid_t first = look();
    now_ms += 1000;
    kill_it(SIGKILL);
    assert_true(look() > 0);
    assert_true(reactor.metrics.pid != first);
    expect_died("cause=SIGKILL status=9 retry_ms=0");
}

static void child__cannot_live__made_later_and_later(void **state)
{
    static const int pauses_ms[] = {100, 200, 400};

    (void)state;
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        assert_true(look() > 0);
        kill_it(SIGKILL);
        assert_int_equal(look(), 0);
        expect_died("retry_ms=");
        now_ms += pauses_ms[i] - 1;
        assert_int_equal(look(), 0);
        now_ms++;
    }
    reactor.metrics.pause_ms = 29000;
    assert_true(look() > 0);
    kill_it(SIGTERM);
    assert_int_equal(look(), 0);
    expect_died("cause=SIGTERM status=15 retry_ms=30000");
}

static void child__reaped_with_others__is_noted(void **state)
{
    (void)state;
    pid_t pid = look();
    look_note_reaped(&reactor, pid + 1, 0); /* somebody else */
    look_note_reaped(&reactor, -1, 0);
    assert_int_equal(reactor.metrics.pid, pid);
    kill_it(SIGKILL);
    waitpid(pid, NULL, 0);
    look_note_reaped(&reactor, pid, 3 << 8);
    assert_int_equal(reactor.metrics.pid, 0);
    expect_died("cause=exit status=3");
}

static void child__fork_fails__tried_again_later(void **state)
{
    (void)state;
    fork_fails = true;
    assert_int_equal(look(), 0);
    assert_non_null(strstr(log_capture_expect("failed"), "what=metrics why=EAGAIN retry_ms=30000"));
    now_ms += 29999;
    assert_int_equal(look(), 0);
    assert_int_equal(fork_count, 1);
    now_ms++;
    fork_fails = false;
    assert_true(look() > 0);
}

static void end__supervisor_leaves__it_is_gone(void **state)
{
    (void)state;
    pid_t pid = look();
    look_end_metrics(&reactor);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    look_end_metrics(&reactor);
    log_capture_expect_nothing();
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(child__asked_for__made_once),
        TEST(child__not_asked_for__never_made),
        TEST(child__dies_after_a_while__made_anew_at_once),
        TEST(child__cannot_live__made_later_and_later),
        TEST(child__reaped_with_others__is_noted),
        TEST(child__fork_fails__tried_again_later),
        TEST(end__supervisor_leaves__it_is_gone),
    };

    return cmocka_run_group_tests_name("look_metrics", tests, NULL, NULL);
}
