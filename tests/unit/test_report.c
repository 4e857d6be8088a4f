/* What the boards say about a death, and how the log says it. */
#include "tests/support/cmocka_all.h"

#include "master/report.h"
#include "tests/support/log_capture.h"
#include "worker/limits.h"
#include "worker/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { GENERATION = 4, PID = 4711, SUSPECT = FIRST_CONNECTION + 9, SLOT = 2 };

static struct board board;
static struct load_cell cell;
static struct death_report report;
static struct slot_memory after; /* what the policy made of it */

/* A worker that has served for 1.5 s, holds 12 connections, has answered, and was killed between two. */
static int begin(void **state)
{
    (void)state;
    memset(&board, 0, sizeof board);
    memset(&cell, 0, sizeof cell);
    after = (struct slot_memory){.phase = SLOT_STARTING};
    atomic_store(&board.worker.generation, GENERATION);
    atomic_store(&board.worker.pid, PID);
    atomic_store(&board.worker_death.generation, GENERATION);
    atomic_store(&board.worker_death.code, CLD_KILLED);
    atomic_store(&board.worker_death.status, SIGKILL);
    atomic_store(&board.worker_death.time_ns, 3500000000);
    atomic_store(&board.ready_generation, GENERATION);
    atomic_store(&board.ready_ns, 2000000000);
    atomic_store(&board.answered_at_start, 100);
    counter_add(&cell, COUNTER_answered, 101);
    atomic_store(&cell.connection_count, 12);
    log_capture_begin();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    log_capture_end();
    return 0;
}

static void collect(enum kill_reason reason)
{
    report_collect(&report, &board, &cell, GENERATION, reason);
}

static void end_with(int code, int status)
{
    atomic_store(&board.worker_death.code, code);
    atomic_store(&board.worker_death.status, status);
    collect(KILL_NONE);
}

static void fault_with(int signal_number)
{
    atomic_store(&board.fault_generation, GENERATION);
    atomic_store(&board.fault_signal, signal_number);
    atomic_store(&board.fault_address, 0xdeadbeef);
}

/* ---- causes ---- */

static void cause__signals_and_exits__by_name(void **state)
{
    const struct {
        int code, status;
        const char *cause;
    } ends[] = {
        {CLD_KILLED, SIGKILL, "SIGKILL"},
        {CLD_KILLED, SIGSEGV, "SIGSEGV"},
        {CLD_DUMPED, SIGABRT, "SIGABRT"},
        {CLD_KILLED, SIGBUS, "SIGBUS"},
        {CLD_EXITED, 0, "exit:0"},
        {CLD_EXITED, 3, "exit:3"},
        {CLD_KILLED, SIGRTMIN + 5, "signal:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        end_with(ends[i].code, ends[i].status);
        assert_memory_equal(report.cause, ends[i].cause, strlen(ends[i].cause));
    }
    assert_int_equal(report.pid, PID);
}

/* A SIGKILL during the dump of a crash: the crash is the cause. */
static void cause__killed_while_dumping__the_true_signal(void **state)
{
    (void)state;
    fault_with(SIGSEGV);
    end_with(CLD_KILLED, SIGKILL);
    assert_string_equal(report.cause, "SIGSEGV");
    assert_int_equal(report.facts.kind, DEATH_CRASH);
    assert_int_equal(report.fault_address, 0xdeadbeef);
}

/* A crash like any other, and the report knows the call. */
static void cause__call_that_the_sandbox_forbids__named(void **state)
{
    (void)state;
    fault_with(SIGSYS);
    atomic_store(&board.fault_call, SYS_openat + 1);
    end_with(CLD_KILLED, SIGSYS);
    assert_string_equal(report.cause, "SIGSYS");
    assert_string_equal(report.call, "openat");
    assert_int_equal(report.facts.kind, DEATH_CRASH);
}

static void cause__fault_of_an_older_generation__does_not_count(void **state)
{
    (void)state;
    fault_with(SIGSEGV);
    atomic_store(&board.fault_generation, GENERATION - 1);
    end_with(CLD_KILLED, SIGKILL);
    assert_string_equal(report.cause, "SIGKILL");
    assert_int_equal(report.fault_address, 0);
}

/* ---- kinds ---- */

static void kind__sigkill__by_whom_and_why(void **state)
{
    const struct {
        enum kill_reason reason;
        enum death_kind kind;
    } kills[] = {
        {KILL_NONE, DEATH_KILL},  {KILL_HANG_SILENT, DEATH_KILL}, {KILL_HANG_BUSY, DEATH_HANG},
        {KILL_STOP, DEATH_ORDER}, {KILL_OVERDUE, DEATH_ORDER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kills / sizeof kills[0]; i++) {
        collect(kills[i].reason);
        assert_int_equal(report.facts.kind, kills[i].kind);
        assert_int_equal(report.killed_for, kills[i].reason);
    }
}

static void kind__fatal_signal_before_our_kill_arrived__crash(void **state)
{
    (void)state;
    atomic_store(&board.worker_death.status, SIGSEGV);
    collect(KILL_HANG_BUSY);
    assert_int_equal(report.facts.kind, DEATH_CRASH);
}

static void kind__exit_0__left_only_if_told_to(void **state)
{
    (void)state;
    end_with(CLD_EXITED, 0);
    assert_int_equal(report.facts.kind, DEATH_CRASH);
    atomic_store(&board.order, ORDER_DRAIN);
    end_with(CLD_EXITED, 0); /* the service called exit while the last clients were served */
    assert_int_equal(report.facts.kind, DEATH_CRASH);
    atomic_store(&board.left_generation, GENERATION);
    end_with(CLD_EXITED, 0);
    assert_int_equal(report.facts.kind, DEATH_LEFT);
    end_with(CLD_EXITED, 3);
    assert_int_equal(report.facts.kind, DEATH_CRASH);
}

/* ---- life ---- */

static void life__served__as_the_board_says(void **state)
{
    (void)state;
    atomic_store(&board.current, (uint64_t)SUSPECT << 8 | PHASE_ANSWERING);
    atomic_store(&board.in_service, 1);
    atomic_store(&board.suspect_cleared, GENERATION);
    collect(KILL_NONE);
    assert_int_equal(report.uptime_ms, 1500);
    assert_int_equal(report.connection_count, 12);
    assert_int_equal(report.phase, PHASE_ANSWERING);
    assert_int_equal(report.facts.suspect, SUSPECT);
    assert_true(report.facts.in_service);
    assert_true(report.facts.answered);
    assert_true(report.facts.suspect_cleared);
}

static void life__accepting_or_closing__nobody_is_suspect(void **state)
{
    (void)state;
    for (uint64_t phase = PHASE_NONE; phase <= PHASE_CLOSING; phase++) {
        atomic_store(&board.current, (uint64_t)SUSPECT << 8 | phase);
        collect(KILL_NONE);
        assert_int_equal(report.facts.suspect, phase == PHASE_ANSWERING ? SUSPECT : 0);
    }
}

static void life__nothing_answered_since_its_start__not_healthy(void **state)
{
    (void)state;
    atomic_store(&board.answered_at_start, 101);
    collect(KILL_NONE);
    assert_false(report.facts.answered);
}

/* What its predecessor left on the board must not be laid at its door. */
static void life__died_before_it_was_ready__nothing_of_its_predecessor(void **state)
{
    (void)state;
    atomic_store(&board.ready_generation, GENERATION - 1);
    atomic_store(&board.current, (uint64_t)SUSPECT << 8 | PHASE_ANSWERING);
    atomic_store(&board.in_service, 1);
    atomic_store(&board.suspect_cleared, GENERATION - 1);
    collect(KILL_NONE);
    assert_int_equal(report.uptime_ms, 0);
    assert_int_equal(report.facts.suspect, 0);
    assert_false(report.facts.in_service);
    assert_false(report.facts.answered);
    assert_false(report.facts.suspect_cleared);
}

static void phase__each__has_its_word(void **state)
{
    (void)state;
    assert_string_equal(report_phase_name(PHASE_NONE), "waiting");
    assert_string_equal(report_phase_name(PHASE_ACCEPTING), "accepting");
    assert_string_equal(report_phase_name(PHASE_ANSWERING), "answering");
    assert_string_equal(report_phase_name(PHASE_CLOSING), "closing");
    assert_string_equal(report_phase_name(200), "waiting");
}

/* ---- the log ---- */

static void expect_key(const char *text, const char *key_and_value)
{
    const char *found = strstr(text, key_and_value);
    char after_it = found ? found[strlen(key_and_value)] : 'x';

    if (!found || found[-1] != ' ' || (after_it != ' ' && after_it != '\0'))
        fail_msg("no %s in: %s", key_and_value, text);
}

static const char *log_death(bool protect)
{
    collect(KILL_NONE);
    report_death(&report, SLOT, GENERATION, &after, protect);
    return log_capture_expect("worker_died");
}

static void log__forbidden_call__its_name_or_none(void **state)
{
    (void)state;
    expect_key(log_death(true), "call=none");
    fault_with(SIGSYS);
    atomic_store(&board.fault_call, SYS_socket + 1);
    expect_key(log_death(true), "call=socket");
}

static struct shared_pages *map_pages(void)
{
    void *pages =
        mmap(NULL, sizeof(struct shared_pages), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(pages, MAP_FAILED);
    return pages;
}

static uint32_t outcome_with(enum sandbox_step step, enum sandbox_result result)
{
    uint32_t outcome = SANDBOX_TOLD | (uint32_t)SANDBOX_ON << 24 | 6u << 16;

    for (enum sandbox_step i = 0; i < SANDBOX_STEP_COUNT; i++)
        outcome |= (uint32_t)(i == step ? result : SANDBOX_APPLIED) << (2 * i);
    return outcome;
}

static void log__sandbox__once_for_all_that_fare_alike(void **state)
{
    struct shared_pages *pages = map_pages();

    (void)state;
    report_sandbox(pages, SLOT, 1); /* that worker has not said anything */
    log_capture_expect_nothing();
    for (unsigned slot = 0; slot < 3; slot++)
        atomic_store(&shared_board(pages, slot)->sandbox_outcome,
                     outcome_with(SANDBOX_USER, SANDBOX_LEFT_OUT));
    for (unsigned slot = 0; slot < 3; slot++)
        report_sandbox(pages, slot, GENERATION);
    const char *text = log_capture_expect("sandbox");
    expect_key(text, "slot=0");
    expect_key(text, "mode=on");
    expect_key(text, "seccomp=applied");
    expect_key(text, "landlock_abi=6");
    expect_key(text, "user=left_out");
    log_capture_expect_nothing();
    munmap(pages, sizeof *pages);
}

static void log__sandbox__a_worker_that_fares_otherwise_is_said(void **state)
{
    struct shared_pages *pages = map_pages();

    (void)state;
    atomic_store(&shared_board(pages, SLOT)->sandbox_outcome, outcome_with(SANDBOX_USER, SANDBOX_LEFT_OUT));
    report_sandbox(pages, SLOT, GENERATION);
    log_capture_expect("sandbox");
    atomic_store(&shared_board(pages, SLOT)->sandbox_outcome,
                 outcome_with(SANDBOX_SECCOMP, SANDBOX_FAILED) ^
                     (uint32_t)(SANDBOX_UNSUPPORTED ^ SANDBOX_APPLIED) << (2 * SANDBOX_PAGES));
    report_sandbox(pages, SLOT, GENERATION + 1);
    expect_key(log_capture_expect("sandbox"), "seccomp=failed");
    expect_key(log_capture_expect("sandbox_incomplete"), "missing=\"pages seccomp\"");
    log_capture_expect_nothing();
    munmap(pages, sizeof *pages);
}

static void log__death_under_protection__nothing_lost(void **state)
{
    const char *text = log_death(true);

    (void)state;
    expect_key(text, "slot=2");
    expect_key(text, "generation=4");
    expect_key(text, "pid=4711");
    expect_key(text, "cause=SIGKILL");
    expect_key(text, "uptime_ms=1500");
    expect_key(text, "connections=12");
    expect_key(text, "lost=0");
    expect_key(text, "next=respawn");
    log_capture_expect_nothing();
}

static void log__death_that_costs_all__says_how_many(void **state)
{
    (void)state;
    expect_key(log_death(false), "lost=12");
    after.recover_how = RECOVER_RESET_ALL;
    expect_key(log_death(true), "lost=12");
    after = (struct slot_memory){.phase = SLOT_RESTING};
    expect_key(log_death(true), "lost=12");
    after.phase = SLOT_KEEPING; /* all three are dead: begun anew */
    expect_key(log_death(true), "lost=12");
}

static void log__what_comes_next__by_the_phase(void **state)
{
    (void)state;
    after.phase = SLOT_RESTING;
    expect_key(log_death(true), "next=rest");
    after.phase = SLOT_ENDED;
    expect_key(log_death(true), "next=none");
    after.phase = SLOT_UNUSED;
    expect_key(log_death(true), "next=none");
}

static void log__worker_left__is_no_death(void **state)
{
    (void)state;
    atomic_store(&board.left_generation, GENERATION);
    end_with(CLD_EXITED, 0);
    report_death(&report, SLOT, GENERATION, &after, true);
    expect_key(log_capture_expect("worker_left"), "uptime_ms=1500");
    log_capture_expect_nothing();
}

static void log__failed_check__quoted_in_a_line_of_its_own(void **state)
{
    (void)state;
    snprintf(board.check_note, sizeof board.check_note, "worker/conn.c:12: a \"b\"\nc");
    atomic_store(&board.check_generation, GENERATION);
    log_death(true);
    expect_key(log_capture_expect("check_failed"), "check=\"worker/conn.c:12: a \\\"b\\\"\\nc\"");
}

static void log__check_of_an_older_generation__not_repeated(void **state)
{
    (void)state;
    snprintf(board.check_note, sizeof board.check_note, "old");
    atomic_store(&board.check_generation, GENERATION - 1);
    log_death(true);
    log_capture_expect_nothing();
}

static void log__longest_check_note__fits(void **state)
{
    (void)state;
    memset(board.check_note, '\n', sizeof board.check_note); /* nobody ended it */
    atomic_store(&board.check_generation, GENERATION);
    log_death(true);
    log_capture_expect("check_failed");
}

static void log__first_generation__started_not_replaced(void **state)
{
    (void)state;
    atomic_store(&board.worker.pid, 99);
    report_ready(&board, SLOT, 1, 0);
    expect_key(log_capture_expect("worker_started"), "pid=99");
    log_capture_expect_nothing();
}

static void log__successor__says_the_gap(void **state)
{
    (void)state;
    atomic_store(&board.ready_ns, 3500000000 + 1723000);
    report_ready(&board, SLOT, GENERATION + 1, 3500000000);
    expect_key(log_capture_expect("worker_started"), "generation=5");
    expect_key(log_capture_expect("worker_replaced"), "gap_ms=1.723");
}

/* Its own death is told already, or the last death is of long ago: the gap would be nonsense. */
static void log__death_cell_of_another__no_gap(void **state)
{
    (void)state;
    report_ready(&board, SLOT, GENERATION + 2, 0);
    log_capture_expect("worker_started");
    log_capture_expect_nothing();
}

/* Symptom: times that a hostile worker wrote overflowed in the supervisor. */
static void log__time_that_is_none__no_uptime_and_no_gap(void **state)
{
    (void)state;
    atomic_store(&board.ready_ns, INT64_MIN);
    collect(KILL_NONE);
    assert_int_equal(report.uptime_ms, 0);
    report_ready(&board, SLOT, GENERATION + 1, 3500000000);
    log_capture_expect("worker_started");
    expect_key(log_capture_expect("worker_replaced"), "gap_ms=0.000");
}

static void log__summary__every_counter_fits_one_line(void **state)
{
    const char *text;

    (void)state;
    for (int i = 0; i < COUNTER_COUNT; i++)
        atomic_store(&cell.counters[i], UINT64_MAX);
    report_slot_summary(&cell, 127, UINT32_MAX);
    text = log_capture_expect("slot_summary");
    expect_key(text, "slot=127");
    for (int i = 0; i < COUNTER_COUNT; i++) {
        char expected[80];

        snprintf(expected, sizeof expected, "%s=18446744073709551615", counter_descriptions[i].name);
        expect_key(text, expected);
    }
    expect_key(text, "deaths=4294967295");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(cause__signals_and_exits__by_name),
        TEST(cause__killed_while_dumping__the_true_signal),
        TEST(cause__call_that_the_sandbox_forbids__named),
        TEST(cause__fault_of_an_older_generation__does_not_count),
        TEST(kind__sigkill__by_whom_and_why),
        TEST(kind__fatal_signal_before_our_kill_arrived__crash),
        TEST(kind__exit_0__left_only_if_told_to),
        TEST(life__served__as_the_board_says),
        TEST(log__time_that_is_none__no_uptime_and_no_gap),
        TEST(life__accepting_or_closing__nobody_is_suspect),
        TEST(life__nothing_answered_since_its_start__not_healthy),
        TEST(life__died_before_it_was_ready__nothing_of_its_predecessor),
        TEST(phase__each__has_its_word),
        TEST(log__forbidden_call__its_name_or_none),
        TEST(log__sandbox__once_for_all_that_fare_alike),
        TEST(log__sandbox__a_worker_that_fares_otherwise_is_said),
        TEST(log__death_under_protection__nothing_lost),
        TEST(log__death_that_costs_all__says_how_many),
        TEST(log__what_comes_next__by_the_phase),
        TEST(log__worker_left__is_no_death),
        TEST(log__failed_check__quoted_in_a_line_of_its_own),
        TEST(log__check_of_an_older_generation__not_repeated),
        TEST(log__longest_check_note__fits),
        TEST(log__first_generation__started_not_replaced),
        TEST(log__successor__says_the_gap),
        TEST(log__death_cell_of_another__no_gap),
        TEST(log__summary__every_counter_fits_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
