/*
 * A supervisor that outlives its master: the addresses are free at once, and it stays until the workers have
 * ended, which it cannot reap.
 */
/* wrap: feed feed_load_memory look_around look_on_tick announce_progress keeper_probe oom_kill_count */
/* wrap: control_init control_on_line control_turn control_flush logsink_drain title_set */
/* wrap: poll __poll_chk clock_gettime getrandom */
#include "tests/support/cmocka_all.h"

#include "tests/support/reactor_fixture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);

static pid_t worker_pid; /* a child of the test; 0: none */

static int finish(void **state)
{
    if (worker_pid > 0) {
        kill(worker_pid, SIGKILL);
        waitpid(worker_pid, NULL, 0);
        worker_pid = 0;
    }
    return rig_finish(state);
}

static void master_dies(struct reactor *r)
{
    const uint64_t one = 1;

    (void)r;
    if (write(FD_MASTER, &one, sizeof one) != sizeof one)
        _exit(96);
}

/* A child of the test stands on that board as its worker. */
static void start_worker(unsigned slot)
{
    struct board *board = shared_board(rig.pages, slot);

    worker_pid = fork();
    assert_true(worker_pid >= 0);
    if (worker_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    atomic_store(&board->worker.pid, worker_pid);
    atomic_store(&board->worker.generation, 1);
    atomic_store(&rig.pages->loads.cells[slot].connection_count, 4);
}

static void begin_without_master(uint32_t slot_limit)
{
    rig.remembers = true;
    rig.memory.slot_limit = slot_limit;
    rig.script[0] = master_dies;
    rig.script[1] = rig_go_on; /* it does not come to that */
}

static bool accepts_connections(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (struct sockaddr *)&rig.worker.address, rig.worker.address_length);

    assert_true(fd >= 0);
    close(fd);
    return result == 0;
}

static void outlive__no_workers__said_and_the_port_is_free(void **state)
{
    (void)state;
    begin_without_master(1);
    assert_true(accepts_connections());
    assert_int_equal(rig_run(), 1);
    assert_int_equal(rig.seen->turn_count, 1); /* it looks for nothing any more */
    rig_expect_in_log("event=master_died connections=0\n");
    assert_false(accepts_connections());
    assert_int_equal(rig.seen->outlived_count, 0);
}

static int listen_at_control(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "test_reactor.%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(dup2(fd, FD_CONTROL), FD_CONTROL);
    close(fd);
    return FD_CONTROL;
}

static int connect_to(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;

    close(fd);
    return result;
}

static void outlive__control_socket__refuses_from_now_on(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    strcpy(rig.setup.control.path, "@");
    assert_int_equal(connect_to(&address), 0);
    assert_int_equal(rig_run(), 1);
    assert_int_equal(connect_to(&address), -ECONNREFUSED);
}

/* Without a control socket the number is anybody's. */
static void outlive__no_control_socket__its_number_is_left_alone(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    assert_int_equal(rig_run(), 1);
    assert_int_equal(connect_to(&address), 0);
}

/* As the port, the address for whoever looks in from outside is free at once. */
static void outlive__metrics_socket__refuses_from_now_on(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    strcpy(rig.setup.metrics_bound, "127.0.0.1:9100");
    assert_int_equal(dup2(FD_CONTROL, FD_METRICS), FD_METRICS);
    assert_int_equal(connect_to(&address), 0);
    assert_int_equal(rig_run(), 1);
    assert_int_equal(connect_to(&address), -ECONNREFUSED);
    close(FD_METRICS);
}

static void end_worker(void)
{
    struct pollfd ended = {.fd = pidfd_open(worker_pid, 0), .events = POLLIN};

    if (kill(worker_pid, SIGKILL) < 0 || __real_poll(&ended, 1, RIG_DEADLINE_S * 1000) != 1)
        _exit(95);
    close(ended.fd);
}

static void speak_then_die(unsigned number)
{
    log_event(LOG_LEVEL_INFO, "event=n");
    if (number == 4)
        end_worker();
}

/* Its parent is the test, which does not reap it: dead is who has ended. */
static void outlive__workers_finish__until_the_last_one_has_ended(void **state)
{
    (void)state;
    begin_without_master(2);
    start_worker(1);
    rig.outlived = speak_then_die;
    assert_int_equal(rig_run(), 1);
    rig_expect_in_log("event=master_died connections=4\n");
    assert_int_equal(rig.seen->outlived_count, 5);
    assert_int_equal(rig_count_in_log("event=n\n"), 5);
}

/* All their time to drain, to linger and to leave; the first wait is cut short by our own last word. Symptom: a worker that
 * hung when the master had died stayed for ever, and so did its clients. */
static void outlive__workers_do_not_leave__killed_at_the_deadline(void **state)
{
    int status = 0;

    (void)state;
    begin_without_master(1);
    start_worker(0);
    assert_int_equal(rig_run(), 1);
    assert_int_equal(rig.seen->outlived_count, 1 + (5000 + LINGER_MS + LEAVE_GRACE_MS) / REACTOR_TICK_MS);
    rig_expect_in_log("event=worker_killed slot=0 generation=");
    assert_int_equal(waitpid(worker_pid, &status, 0), worker_pid);
    worker_pid = 0;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void die_late(unsigned number)
{
    if (number == 300)
        end_worker();
}

static void outlive__drains_without_a_deadline__however_long_it_takes(void **state)
{
    (void)state;
    begin_without_master(1);
    rig.setup.settings.drain_timeout_ms = 0;
    start_worker(0);
    rig.outlived = die_late;
    assert_int_equal(rig_run(), 1);
    assert_int_equal(rig.seen->outlived_count, 301);
}

/* Somebody else has reaped it, and its number may be nobody's. */
static void outlive__worker_is_gone_altogether__not_waited_for(void **state)
{
    (void)state;
    begin_without_master(1);
    start_worker(0);
    assert_int_equal(kill(worker_pid, SIGKILL), 0);
    assert_int_equal(waitpid(worker_pid, NULL, 0), worker_pid);
    worker_pid = 0;
    assert_int_equal(rig_run(), 1);
    assert_int_equal(rig.seen->outlived_count, 0);
}

/* Slots from the limit on were never used. */
static void outlive__board_beyond_the_limit__not_looked_at(void **state)
{
    (void)state;
    begin_without_master(1);
    start_worker(1);
    assert_int_equal(rig_run(), 1);
    assert_int_equal(rig.seen->outlived_count, 0);
    rig_expect_in_log("event=master_died connections=0\n");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, rig_begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(outlive__no_workers__said_and_the_port_is_free),
        TEST(outlive__control_socket__refuses_from_now_on),
        TEST(outlive__no_control_socket__its_number_is_left_alone),
        TEST(outlive__workers_finish__until_the_last_one_has_ended),
        TEST(outlive__workers_do_not_leave__killed_at_the_deadline),
        TEST(outlive__drains_without_a_deadline__however_long_it_takes),
        TEST(outlive__worker_is_gone_altogether__not_waited_for),
        TEST(outlive__board_beyond_the_limit__not_looked_at),
        TEST(outlive__metrics_socket__refuses_from_now_on),
    };

    return cmocka_run_group_tests_name("reactor_outlive", tests, NULL, NULL);
}
