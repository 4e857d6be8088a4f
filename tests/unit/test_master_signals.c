/* The master's signals: which it counts and tells, which are nothing to it, and which it was started with. */
/* wrap: reactor_main fork sigtimedwait clock_gettime */
#include "tests/support/cmocka_all.h"

#include "tests/support/master_fixture.h"
#include "worker/heritage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static enum order_signal signal_kind;

static bool signal_came(void)
{
    return atomic_load(&master.pages->orders.signals[signal_kind]) == 1;
}

static void signals__each_of_the_services__is_counted_and_told(void **state)
{
    const struct {
        int number;
        enum order_signal kind;
    } signals[] = {{SIGTERM, SIGNAL_TERM}, {SIGINT, SIGNAL_INT},   {SIGQUIT, SIGNAL_QUIT},
                   {SIGHUP, SIGNAL_HUP},   {SIGUSR1, SIGNAL_USR1}, {SIGUSR2, SIGNAL_USR2},
                   {SIGTTIN, SIGNAL_TTIN}, {SIGTTOU, SIGNAL_TTOU}};
    uint64_t pokes = 0;

    (void)state;
    master.script[1] = master_fixture_live_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal_kind = signals[i].kind;
        assert_int_equal(kill(master.pid, signals[i].number), 0);
        assert_true(master_fixture_wait_until(signal_came));
        socket_wait_events(FD_SUPERVISOR, POLLIN);
        assert_int_equal(read(FD_SUPERVISOR, &pokes, sizeof pokes), sizeof pokes);
    }
    assert_int_equal(sizeof signals / sizeof signals[0], SIGNAL_KIND_COUNT);
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
}

static void signals__of_other_kinds__are_nothing_to_it(void **state)
{
    const int others[] = {SIGWINCH, SIGPIPE, SIGALRM, SIGCONT, SIGVTALRM, SIGRTMIN, SIGRTMAX};

    (void)state;
    master.script[1] = master_fixture_live_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(kill(master.pid, others[i]), 0);
    for (int i = 0; i < 8; i++)
        master_fixture_let_it_look();
    atomic_store(&master.pages->orders.signals[SIGNAL_HUP], 0);
    for (int kind = 0; kind < SIGNAL_KIND_COUNT; kind++)
        assert_int_equal(atomic_load(&master.pages->orders.signals[kind]), 0);
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
}

static void live_without_the_ready_descriptor(void)
{
    close(master.setup.ready_fd);
    master_fixture_live_until_told();
}

/* Whoever reads there has been told that it serves, and waits for the end. */
static void signals__serving_was_told__ready_descriptor_is_closed(void **state)
{
    int ready[2];

    (void)state;
    master.script[1] = live_without_the_ready_descriptor;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    master.setup.ready_fd = ready[1];
    master_fixture_start();
    close(ready[1]);
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    master_fixture_let_it_look();
    struct pollfd end = {.fd = ready[0]};
    assert_int_equal(poll(&end, 1, 0), 0);
    assert_int_equal(kill(master.pid, SIGRTMIN), 0);
    assert_int_equal(poll(&end, 1, MASTER_DEADLINE_MS), 1);
    /* It is not the end of the master that was seen. */
    assert_int_equal(atomic_load(&master.pages->orders.finished), 0);
    close(ready[0]);
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
}

/* What exec handed on from whoever started us. */
static void signals__inherited_masks_and_ignored_deaths__are_undone(void **state)
{
    sigset_t mask;
    int status = -1;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGCHLD, SIG_IGN);
        sigfillset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        master_block_signals();
        sigprocmask(SIG_SETMASK, NULL, &mask);
        bool is_right = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD) &&
                        !sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGABRT) &&
                        signal(SIGCHLD, SIG_DFL) == SIG_DFL;
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, master_fixture_open, master_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signals__each_of_the_services__is_counted_and_told),
        TEST(signals__of_other_kinds__are_nothing_to_it),
        TEST(signals__serving_was_told__ready_descriptor_is_closed),
        TEST(signals__inherited_masks_and_ignored_deaths__are_undone),
    };

    return cmocka_run_group_tests_name("master_signals", tests, NULL, NULL);
}
