/* What the supervisor says about the service as a whole. */
/* wrap: sigqueue */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "tests/support/log_capture.h"
#include "worker/heritage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct reactor reactor;
static struct service_setup setup;
static int nudged_pid;

int __wrap_sigqueue(pid_t pid, int number, const union sigval value);

int __wrap_sigqueue(pid_t pid, int number, const union sigval value)
{
    (void)value;
    assert_int_equal(number, SIGRTMIN);
    nudged_pid = pid;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    nudged_pid = 0;
    reactor = (struct reactor){.setup = &setup, .settings = {.worker_count = 2}};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    reactor.state.slot_limit = 2;
    setup = (struct service_setup){.ready_fd = -1, .bound = "127.0.0.1:4242"};
    log_capture_begin();
    return shared_pages_create(&reactor.pages);
}

static int end(void **state)
{
    (void)state;
    log_capture_end();
    munmap(reactor.pages, sizeof *reactor.pages);
    return close(FD_SHARED);
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in: %s", part, text);
}

static void live_worker(unsigned slot, uint32_t connections)
{
    atomic_store(&shared_board(reactor.pages, slot)->worker.pid, 4711);
    atomic_store(&shared_board(reactor.pages, slot)->worker.generation, 1);
    atomic_store(&reactor.pages->loads.cells[slot].connection_count, connections);
}

static void serving__each_kind_of_address__says_how_to_try_it(void **state)
{
    static const struct {
        const char *bound, *try_it;
        bool is_unix;
    } rows[] = {
        {"127.0.0.1:4242", "try=\"nc 127.0.0.1 4242\"", false},
        {"0.0.0.0:80", "try=\"nc localhost 80\"", false},
        {"[::1]:4242", "try=\"nc ::1 4242\"", false},
        {"[::]:80", "try=\"nc localhost 80\"", false},
        {"unix:/run/x.sock", "try=\"nc -U /run/x.sock\"", true},
        {"unix:@name", "try=\"socat - ABSTRACT-CONNECT:name\"", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(setup.bound, sizeof setup.bound, "%s", rows[i].bound);
        setup.listener_is_unix = rows[i].is_unix;
        announce_serving(&reactor);
        expect_in(log_capture_expect("serving"), rows[i].try_it);
    }
}

static void serving__unprotected__says_so(void **state)
{
    (void)state;
    reactor.state.protect = 0;
    announce_serving(&reactor);
    expect_in(log_capture_expect("serving"), "protect=off");
}

static void serving__ready_descriptor__told_closed_and_the_master_nudged(void **state)
{
    char line[64] = "";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    setup.ready_fd = ends[1];
    reactor.pages->orders.master_pid = 77;
    announce_serving(&reactor);
    assert_int_equal(read(ends[0], line, sizeof line - 1), (int)strlen("127.0.0.1:4242\n"));
    assert_string_equal(line, "127.0.0.1:4242\n");
    assert_int_equal(read(ends[0], line, sizeof line), 0);
    assert_int_equal(nudged_pid, 77);
    close(ends[0]);
}

static void serving__ready_descriptor_takes_nothing__said_and_gone_on(void **state)
{
    int ends[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    setup.ready_fd = ends[1];
    announce_serving(&reactor);
    log_capture_expect("serving");
    expect_in(log_capture_expect("failed"), "what=ready_fd why=EPIPE");
}

static void connections__of_dead_workers__not_counted(void **state)
{
    (void)state;
    live_worker(0, 5);
    live_worker(1, 7);
    assert_int_equal(announce_connections(&reactor), 12);
    atomic_store(&shared_board(reactor.pages, 1)->worker_death.generation, 1);
    assert_int_equal(announce_connections(&reactor), 5);
}

static void progress__only_while_draining_and_once_a_second(void **state)
{
    (void)state;
    announce_progress(&reactor, INT64_MAX / 2);
    log_capture_expect_nothing();
    reactor.state.stage = STAGE_DRAINING;
    reactor.next_progress_ms = 5000;
    announce_progress(&reactor, 4999);
    log_capture_expect_nothing();
    announce_progress(&reactor, 5000);
    log_capture_expect("drain_progress");
    announce_progress(&reactor, 5001);
    log_capture_expect_nothing();
}

/* What a worker had counted before the drain is none of it. */
static void end__after_a_drain__who_ended_the_connections(void **state)
{
    (void)state;
    live_worker(0, 10);
    counter_add(&reactor.pages->loads.cells[0], COUNTER_closed_drain, 3);
    announce_draining(&reactor);
    expect_in(log_capture_expect("draining"), "connections=10 deadline_ms=8000");
    counter_add(&reactor.pages->loads.cells[0], COUNTER_closed_drain, 4);
    announce_end(&reactor);
    expect_in(log_capture_expect("drained"), "by_client=6 by_deadline=4");
    log_capture_expect("slot_summary");
    log_capture_expect("slot_summary");
    expect_in(log_capture_expect("stopped"), "exit=0");
}

/* Symptom: whoever a second signal cut off was told as gone by itself. */
static void end__at_once_in_a_drain__who_was_cut_off_is_nobodys_end(void **state)
{
    (void)state;
    live_worker(0, 10);
    announce_draining(&reactor);
    log_capture_expect("draining");
    live_worker(0, 3); /* of the ten */
    announce_ending(&reactor);
    expect_in(log_capture_expect("ending_at_once"), "connections=3");
    announce_end(&reactor);
    expect_in(log_capture_expect("drained"), "by_client=7 by_deadline=0");
    log_capture_expect("slot_summary");
    log_capture_expect("slot_summary");
    log_capture_expect("stopped");
}

static void end__every_slot_rests__says_why(void **state)
{
    (void)state;
    reactor.state.exit_code = EXIT_ALL_SLOTS_REST;
    announce_end(&reactor);
    log_capture_expect("all_slots_rest");
    log_capture_expect("slot_summary");
    log_capture_expect("slot_summary");
    expect_in(log_capture_expect("stopped"), "exit=70");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(serving__each_kind_of_address__says_how_to_try_it),
        TEST(serving__unprotected__says_so),
        TEST(serving__ready_descriptor__told_closed_and_the_master_nudged),
        TEST(serving__ready_descriptor_takes_nothing__said_and_gone_on),
        TEST(connections__of_dead_workers__not_counted),
        TEST(progress__only_while_draining_and_once_a_second),
        TEST(end__after_a_drain__who_ended_the_connections),
        TEST(end__at_once_in_a_drain__who_was_cut_off_is_nobodys_end),
        TEST(end__every_slot_rests__says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
