/* Actions carried out on real boards; processes are neither made nor signalled. */
/* wrap: process_clone process_signal */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "tests/support/log_capture.h"
#include "worker/heritage.h"
#include "worker/keeper.h"
#include "worker/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT = 1, KEEPER_GENERATION = 5 };

static struct reactor reactor;
static struct service_setup setup;
static struct board *board;
static int clone_result, signal_result, signals[4];
static unsigned clone_count, signal_count;

int __wrap_process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation);
int __wrap_process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int number);

int __wrap_process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation)
{
    (void)flags;
    clone_count++;
    atomic_store(&cell->generation, generation);
    atomic_store(&cell->pid, clone_result > 0 ? clone_result : 0);
    return clone_result;
}

int __wrap_process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int number)
{
    (void)cell;
    (void)death;
    (void)generation;
    assert_true(signal_count < sizeof signals / sizeof signals[0]);
    signals[signal_count++] = number;
    return signal_result;
}

static int begin(void **state)
{
    (void)state;
    clone_result = 4711;
    clone_count = signal_count = 0;
    signal_result = 0;
    setup = (struct service_setup){.ready_fd = -1, .connection_count_max = 99};
    reactor = (struct reactor){
        .setup = &setup,
        .settings = {.connection_count_max = 50, .service_index = 2, .idle_timeout_ms = 1234}};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    reactor.state.slot_limit = 2;
    log_capture_begin();
    int error = shared_pages_create(&reactor.pages);
    board = error ? NULL : shared_board(reactor.pages, SLOT);
    return error ? error : heritage_place(eventfd(0, EFD_NONBLOCK), FD_POKE + SLOT);
}

static int end(void **state)
{
    (void)state;
    log_capture_end();
    munmap(reactor.pages, sizeof *reactor.pages);
    close(FD_POKE + SLOT);
    return close(FD_SHARED);
}

static void do_it(enum supervisor_action_kind kind, uint32_t generation)
{
    act(&reactor, &(struct supervisor_action){.kind = kind,
                                              .slot = SLOT,
                                              .generation = generation,
                                              .letter = KEEPER_B,
                                              .keeper_generation = KEEPER_GENERATION,
                                              .reason = KILL_HANG_BUSY});
}

static void expect_look(void)
{
    uint64_t sum = 0;

    assert_int_equal(read(FD_POKE + SLOT, &sum, sizeof sum), sizeof sum);
    assert_true(sum == POKE_LOOK);
}

static void spawn__protected__ordered_from_that_keeper_with_its_settings(void **state)
{
    (void)state;
    reactor.state.slots[SLOT].recover_how = RECOVER_RESET_SUSPECT;
    reactor.state.slots[SLOT].suspect = 170;
    do_it(ACTION_SPAWN, 9);
    assert_true(atomic_load(&board->order_spawn) == keeper_order(KEEPER_B, KEEPER_GENERATION, 9));
    assert_int_equal(clone_count, 0);
    assert_int_equal(signal_count, 2);
    assert_int_equal(signals[0], SIGCONT); /* one that was stopped would not look */
    assert_int_equal(signals[1], KEEPER_WAKE_SIGNAL);
    assert_int_equal(board->settings.connection_count_max, 50);
    assert_int_equal(board->settings.connection_room, 99); /* some may be left from before a reload */
    assert_int_equal(board->settings.idle_timeout_ms, 1234);
    assert_int_equal(board->settings.service_index, 2);
    assert_int_equal(board->settings.recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(board->settings.suspect, 170);
    assert_int_equal(atomic_load(&board->order), ORDER_SERVE);
}

static void spawn__while_draining__born_with_that_order(void **state)
{
    (void)state;
    reactor.state.stage = STAGE_DRAINING;
    do_it(ACTION_SPAWN, 9);
    assert_int_equal(atomic_load(&board->order), ORDER_DRAIN);
}

static void spawn__unprotected_and_told_twice__made_once(void **state)
{
    (void)state;
    reactor.state.protect = 0;
    do_it(ACTION_SPAWN, 1);
    do_it(ACTION_SPAWN, 1);
    assert_int_equal(clone_count, 1);
    assert_false(reactor.clone_failed[SLOT]);
}

static void spawn__clone_fails_then_succeeds__failure_is_withdrawn(void **state)
{
    (void)state;
    reactor.state.protect = 0;
    clone_result = -EAGAIN;
    do_it(ACTION_SPAWN, 1);
    assert_true(reactor.clone_failed[SLOT]);
    assert_non_null(strstr(log_capture_expect("failed"), "what=clone slot=1 why=EAGAIN"));
    clone_result = 4711;
    do_it(ACTION_SPAWN, 1);
    assert_int_equal(clone_count, 2);
    assert_false(reactor.clone_failed[SLOT]);
}

static void first_keeper__told_twice__made_once_on_a_fresh_table(void **state)
{
    (void)state;
    atomic_store(&board->highest, 500);
    do_it(ACTION_KEEPER, 1);
    do_it(ACTION_KEEPER, 1);
    assert_int_equal(clone_count, 1);
    assert_int_equal(atomic_load(&board->highest), 0);
}

static void twin__ordered_from_the_other(void **state)
{
    (void)state;
    do_it(ACTION_TWIN, 3);
    assert_true(atomic_load(&board->order_twin) == keeper_order(KEEPER_B, KEEPER_GENERATION, 3));
}

static void keeper__told_to_leave__that_generation_and_no_later_one(void **state)
{
    (void)state;
    do_it(ACTION_KEEPER_LEAVE, 6);
    assert_int_equal(atomic_load(&board->leave_generation[KEEPER_B]), 6);
    assert_int_equal(atomic_load(&board->leave_generation[KEEPER_A]), 0);
}

static void kills__said_only_if_there_was_somebody(void **state)
{
    (void)state;
    do_it(ACTION_KEEPER_KILL, 6);
    assert_non_null(strstr(log_capture_expect("keeper_killed"), "keeper=b"));
    do_it(ACTION_KILL, 9);
    assert_non_null(strstr(log_capture_expect("worker_killed"), "why=hang_busy"));
    signal_result = -ESRCH;
    do_it(ACTION_KEEPER_KILL, 6);
    do_it(ACTION_KILL, 9);
    log_capture_expect_nothing();
}

static void orders_to_the_worker__on_the_board_then_poked(void **state)
{
    (void)state;
    do_it(ACTION_LEAVE, 0);
    assert_int_equal(atomic_load(&board->order), ORDER_LEAVE);
    expect_look();
    reactor.state.drain_deadline_ms = 5000;
    do_it(ACTION_DRAIN, 0);
    assert_int_equal(atomic_load(&board->order), ORDER_DRAIN);
    assert_true(atomic_load(&board->drain_deadline_ns) == 5000000000);
    expect_look();
    reactor.state.drain_deadline_ms = INT64_MAX;
    do_it(ACTION_DRAIN, 0);
    assert_true(atomic_load(&board->drain_deadline_ns) == INT64_MAX);
}

static void troubles__said_with_what_they_cost(void **state)
{
    (void)state;
    atomic_store(&reactor.pages->loads.cells[SLOT].connection_count, 7);
    do_it(ACTION_UNPROTECTED, 0);
    assert_non_null(strstr(log_capture_expect("slot_unprotected"), "connections=7"));
    do_it(ACTION_TABLE_LOST, 0);
    assert_non_null(strstr(log_capture_expect("connections_lost"), "lost=7"));
    do_it(ACTION_RESTS, 0);
    log_capture_expect("slot_rests");
}

/* ---- the end ---- */

enum { LINES_LEFT = 600 };

/* As the supervisor does it, with a log of its own in that file. */
_Noreturn static void finish_in_child(const char *path)
{
    const struct logsink_settings settings = {.path = path};
    int ends[2];

    control_init(&reactor.control, -1, (struct control_calls){0});
    if (pipe(ends) < 0 || logsink_init(&reactor.sink, ends[0], &settings) < 0)
        _exit(9);
    log_init(ends[1], LOG_LEVEL_INFO);
    for (int i = 0; i < LINES_LEFT; i++)
        log_event(LOG_LEVEL_INFO, "event=left number=%d", i);
    reactor.state.exit_code = 3;
    do_it(ACTION_FINISH, 0);
    _exit(8);
}

static void finish__many_lines_left__all_written_before_the_end(void **state)
{
    char path[] = "/tmp/test_act.XXXXXX", line[256];
    int fd = mkstemp(path), status = -1, count = 0;

    (void)state;
    assert_true(fd >= 0);
    pid_t pid = fork();
    if (pid == 0)
        finish_in_child(path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&reactor.pages->orders.finished), 1);
    assert_int_equal(atomic_load(&reactor.pages->orders.exit_code), 3);
    FILE *file = fdopen(fd, "r");
    while (fgets(line, sizeof line, file))
        count += strstr(line, "event=left ") != NULL;
    fclose(file);
    unlink(path);
    assert_int_equal(count, LINES_LEFT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spawn__protected__ordered_from_that_keeper_with_its_settings),
        TEST(spawn__while_draining__born_with_that_order),
        TEST(spawn__unprotected_and_told_twice__made_once),
        TEST(spawn__clone_fails_then_succeeds__failure_is_withdrawn),
        TEST(first_keeper__told_twice__made_once_on_a_fresh_table),
        TEST(twin__ordered_from_the_other),
        TEST(keeper__told_to_leave__that_generation_and_no_later_one),
        TEST(kills__said_only_if_there_was_somebody),
        TEST(orders_to_the_worker__on_the_board_then_poked),
        TEST(troubles__said_with_what_they_cost),
        TEST(finish__many_lines_left__all_written_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
