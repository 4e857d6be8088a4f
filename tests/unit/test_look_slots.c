/* The boards of slots become events: workers and keepers that are made, ready, dead or silent. */
/* wrap: feed feed_decide feed_carry_out fopen clock_getcpuclockid */
#include "tests/unit/test_look.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static const char *process_status; /* in place of every file; NULL: the truth */
static bool has_no_clock;          /* no process has one of its processor time any more */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (!process_status)
        return __real_fopen(path, mode);
    return fmemopen((void *)(uintptr_t)process_status, strlen(process_status), "r");
}

int __real_clock_getcpuclockid(pid_t pid, clockid_t *clock);
int __wrap_clock_getcpuclockid(pid_t pid, clockid_t *clock);
int __wrap_clock_getcpuclockid(pid_t pid, clockid_t *clock)
{
    if (!has_no_clock)
        return __real_clock_getcpuclockid(pid, clock);
    *clock = 0x7fffffff; /* as of a process that dies between two calls */
    return 0;
}

static int begin_true(void **state)
{
    process_status = NULL;
    has_no_clock = false;
    return begin(state);
}

static const struct supervisor_event *expect_only(enum supervisor_event_kind kind)
{
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].kind, kind);
    assert_int_equal(seen[0].slot, SLOT);
    return &seen[0];
}

static void die(struct death_cell *cell, uint32_t generation)
{
    atomic_store(&cell->code, CLD_KILLED);
    atomic_store(&cell->status, SIGKILL);
    atomic_store(&cell->generation, generation);
}

/* ---- workers ---- */

static void worker_died__told_and_taken_once(void **state)
{
    (void)state;
    atomic_store(&board->worker.generation, 4);
    die(&board->worker_death, 4);
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(expect_only(SUPERVISOR_DEATH)->generation, 4);
    assert_int_equal(seen[0].death.kind, DEATH_KILL);
    assert_int_equal(atomic_load(&board->death_taken), 4);
    log_capture_expect("worker_died");
}

static void worker_died__before_this_supervisor_knew_it__taken_without_a_word(void **state)
{
    (void)state;
    die(&board->worker_death, 3);
    look_around(&reactor);
    assert_int_equal(seen_count, 0);
    assert_int_equal(atomic_load(&board->death_taken), 3);
    log_capture_expect_nothing();
}

/* Symptom: a slot that was taken into use again told a gap of as long as nobody had needed it. */
static void worker_born__in_a_slot_that_was_unused__replaces_nobody(void **state)
{
    (void)state;
    memory->phase = SLOT_STARTING;
    memory->fresh = 1;
    die(&board->worker_death, 3); /* long ago, of one that went out */
    atomic_store(&board->death_taken, 3);
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, 1);
    atomic_store(&board->ready_generation, 4);
    look_around(&reactor);
    log_capture_expect("worker_started");
    log_capture_expect_nothing();
}

static void worker_born__made_then_ready(void **state)
{
    (void)state;
    memory->phase = SLOT_STARTING;
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, 999999);
    look_around(&reactor);
    assert_int_equal(expect_only(SUPERVISOR_MADE)->generation, 4);
    memory->made = 1;
    seen_count = 0;
    atomic_store(&board->ready_generation, 4);
    look_around(&reactor);
    assert_int_equal(expect_only(SUPERVISOR_READY)->generation, 4);
    log_capture_expect("worker_started");
}

static int oom_score(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "re");
    int score = -1;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &score), 1);
    fclose(file);
    return score;
}

/* It is not this one whose score is to be raised. */
static void worker_born__followed_by_another_already__that_one_is_left_as_it_is(void **state)
{
    int before = oom_score();

    (void)state;
    memory->phase = SLOT_STARTING;
    memory->made = 1;
    atomic_store(&board->worker.generation, 5);
    atomic_store(&board->worker.pid, getpid());
    atomic_store(&board->ready_generation, 4);
    look_around(&reactor);
    assert_int_equal(expect_only(SUPERVISOR_READY)->generation, 4);
    assert_int_equal(oom_score(), before);
}

static void worker_born__after_a_death_that_an_earlier_supervisor_took__since_then(void **state)
{
    (void)state;
    memory->phase = SLOT_STARTING;
    die(&board->worker_death, 3);
    atomic_store(&board->worker_death.time_ns, 1000000);
    atomic_store(&board->death_taken, 3);
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, 1);
    atomic_store(&board->ready_ns, 3000000);
    atomic_store(&board->ready_generation, 4);
    look_around(&reactor);
    log_capture_expect("worker_started");
    assert_non_null(strstr(log_capture_expect("worker_replaced"), "gap_ms=2.000"));
}

/* The first generation follows nobody, whatever the death cell says of generation 0. */
static void worker_born__the_first_one__replaces_nobody(void **state)
{
    (void)state;
    memory->phase = SLOT_STARTING;
    memory->generation = 1;
    atomic_store(&board->worker_death.time_ns, 1000000);
    atomic_store(&board->worker.generation, 1);
    atomic_store(&board->worker.pid, 1);
    atomic_store(&board->ready_generation, 1);
    look_around(&reactor);
    log_capture_expect("worker_started");
    log_capture_expect_nothing();
}

static void clone_failed__told_once(void **state)
{
    (void)state;
    reactor.clone_failed[SLOT] = true;
    look_around(&reactor);
    look_around(&reactor);
    expect_only(SUPERVISOR_SPAWN_FAILED);
}

/* ---- keepers ---- */

static void keeper_ready__only_the_one_that_is_awaited(void **state)
{
    (void)state;
    memory->keepers[KEEPER_B] = (struct keeper_memory){.phase = KEEPER_STARTING, .generation = 2};
    atomic_store(&board->keeper_ready[KEEPER_B], 1); /* an earlier one */
    look_around(&reactor);
    assert_int_equal(seen_count, 0);
    atomic_store(&board->keeper_ready[KEEPER_B], 2);
    look_around(&reactor);
    assert_int_equal(expect_only(SUPERVISOR_KEEPER_READY)->letter, KEEPER_B);
}

static void keeper_died__with_what_it_had_made(void **state)
{
    (void)state;
    memory->keepers[KEEPER_A] = (struct keeper_memory){.phase = KEEPER_READY, .generation = 1};
    memory->keepers[KEEPER_B] = (struct keeper_memory){.phase = KEEPER_STARTING, .generation = 2};
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, 999999);
    atomic_store(&board->keepers[KEEPER_B].generation, 2); /* noted, and no pid: not made */
    die(&board->keeper_deaths[KEEPER_A], 1);
    look_around(&reactor);
    assert_true(expect_only(SUPERVISOR_KEEPER_DEATH)->worker_made);
    assert_false(seen[0].twin_made);
    assert_non_null(strstr(log_capture_expect("keeper_died"), "keeper=a"));
}

static void keeper_died__as_it_was_told_to__no_line(void **state)
{
    (void)state;
    memory->keepers[KEEPER_A] = (struct keeper_memory){.phase = KEEPER_LEAVING, .generation = 1};
    die(&board->keeper_deaths[KEEPER_A], 1);
    look_around(&reactor);
    expect_only(SUPERVISOR_KEEPER_DEATH);
    log_capture_expect_nothing();
}

/* ---- on a tick ---- */

static void tick__clone_error_left_by_a_keeper__said_once(void **state)
{
    (void)state;
    atomic_store(&board->clone_error, EAGAIN);
    look_on_tick(&reactor, 10000);
    assert_non_null(strstr(log_capture_expect("failed"), "what=clone slot=1 why=EAGAIN"));
    look_on_tick(&reactor, 10100);
    log_capture_expect_nothing();
}

static void tick__serving_worker__pinged_while_no_ping_is_under_way(void **state)
{
    uint64_t pokes = 0;

    (void)state;
    look_on_tick(&reactor, 10000); /* another half second than the last tick's */
    assert_int_equal(atomic_load(&board->ping_asked), 1);
    assert_int_equal(read(FD_POKE + SLOT, &pokes, sizeof pokes), sizeof pokes);
    assert_true(pokes == POKE_LOOK);
    look_on_tick(&reactor, 20000);
    assert_int_equal(atomic_load(&board->ping_asked), 1);
    atomic_store(&board->ping_answered, 1);
    look_on_tick(&reactor, 30000);
    assert_int_equal(atomic_load(&board->ping_asked), 2);
}

/* Else an idle worker is killed as silent, since the supervisor before us died between asking and telling. */
static void tick__asked_and_never_told__told_again(void **state)
{
    uint64_t pokes = 0;

    (void)state;
    atomic_store(&board->ping_asked, 7);
    atomic_store(&board->ping_answered, 6);
    look_on_tick(&reactor, 10000);
    assert_int_equal(atomic_load(&board->ping_asked), 7);
    assert_int_equal(read(FD_POKE + SLOT, &pokes, sizeof pokes), sizeof pokes);
    assert_true(pokes == POKE_LOOK);
}

/* Ticks on time for ten seconds, as long as nobody is told anything but the ticks; the worker does not answer. */
static void pass_ten_seconds(void)
{
    for (int i = 0; i < 10000 / REACTOR_TICK_MS && seen_count == 0; i++) {
        look_on_tick(&reactor, reactor.last_tick_ms + REACTOR_TICK_MS);
        reactor.last_tick_ms += REACTOR_TICK_MS;
        seen_count--;
        seen[0] = seen[1]; /* behind the tick itself */
    }
}

static void silent__under_a_debugger__no_hang_until_it_has_left(void **state)
{
    (void)state;
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, getpid());
    atomic_store(&board->ping_asked, 1);
    has_no_clock = true; /* else the test's own time would be the worker's */
    process_status = "Name:\tx\nTracerPid:\t7\nUid:\t0\n";
    pass_ten_seconds();
    assert_int_equal(seen_count, 0);
    process_status = "Name:\tx\nTracerPid:\t0\n";
    pass_ten_seconds();
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].kind, SUPERVISOR_HANG);
    assert_int_equal(seen[0].hang, KILL_HANG_SILENT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin_true, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(worker_died__told_and_taken_once),
        TEST(worker_died__before_this_supervisor_knew_it__taken_without_a_word),
        TEST(worker_born__in_a_slot_that_was_unused__replaces_nobody),
        TEST(worker_born__made_then_ready),
        TEST(clone_failed__told_once),
        TEST(keeper_ready__only_the_one_that_is_awaited),
        TEST(keeper_died__with_what_it_had_made),
        TEST(keeper_died__as_it_was_told_to__no_line),
        TEST(tick__clone_error_left_by_a_keeper__said_once),
        TEST(tick__serving_worker__pinged_while_no_ping_is_under_way),
        TEST(tick__asked_and_never_told__told_again),
        TEST(worker_born__followed_by_another_already__that_one_is_left_as_it_is),
        TEST(worker_born__after_a_death_that_an_earlier_supervisor_took__since_then),
        TEST(worker_born__the_first_one__replaces_nobody),
        TEST(silent__under_a_debugger__no_hang_until_it_has_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
