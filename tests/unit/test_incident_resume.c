/* Incident reports that one supervisor has begun and another finishes: of the death the ring alone is left. */
#include "tests/support/cmocka_all.h"

#include "tests/support/incident_fixture.h"
#include "tests/support/log_capture.h"
#include "worker/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct incident all[SLOT_COUNT_MAX];
static struct slot_memory slots[SLOT_COUNT_MAX];
static struct shared_pages *pages;

static int begin(void **state)
{
    pages = aligned_alloc(BOARD_BYTES, sizeof *pages);
    if (!pages)
        return -1;
    memset(pages, 0, sizeof *pages);
    memset(all, 0, sizeof all);
    memset(slots, 0, sizeof slots);
    return death_open(state);
}

static int end(void **state)
{
    free(pages);
    return death_close(state);
}

static struct board *board(void)
{
    return shared_board(pages, DEATH_SLOT);
}

/* The first supervisor sees the death of that generation; its successor is generation + 1. */
static void die(uint32_t generation)
{
    death.report.time_ns = clock_now_ns();
    atomic_store(&board()->worker_death.time_ns, death.report.time_ns);
    atomic_store(&board()->worker_death.generation, generation);
    incident_begin(&death.incident, death.dir, incident_ring_of(pages), &death.report, DEATH_SLOT, generation,
                   &death.after);
    slots[DEATH_SLOT] = (struct slot_memory){.phase = SLOT_STARTING, .generation = generation + 1};
}

static void serve(uint32_t generation, int64_t gap_ns)
{
    atomic_store(&board()->ready_ns, death.report.time_ns + gap_ns);
    atomic_store(&board()->ready_generation, generation);
    atomic_store(&board()->recovered.continued, 11);
    atomic_store(&board()->recovered.redone, 5);
}

static void resume(void)
{
    incident_resume(all, slots, pages, death.dir);
}

static void tick_at(int64_t ms)
{
    incident_tick(&all[DEATH_SLOT], board(), ms);
}

static void successor_serves__line_and_file_are_finished_a_moment_later(void **state)
{
    const char *text;

    (void)state;
    die(DEATH_GENERATION);
    serve(DEATH_GENERATION + 1, 1723000);
    resume();
    tick_at(clock_now_ms());
    log_capture_expect_nothing();
    tick_at(clock_now_ms() + 2 * INCIDENT_SETTLE_MS);
    text = log_capture_expect("incident");
    assert_non_null(strstr(text, " slot=2 generation=4 cause=SIGSEGV held=12 continued=11 owed=0 redone=5 "));
    assert_non_null(strstr(text, " gap_ms=1.723 file=incident-"));
    death_expect_line("cause:        SIGSEGV");
    death_expect_line("held:         12");
    death_expect_line("gap:          1.723 ms");
    death_expect_line("continued:    11");
    assert_true(incident_ring_find(incident_ring_of(pages), 1)->is_settled);
    resume();
    tick_at(clock_now_ms() + 4 * INCIDENT_SETTLE_MS);
    log_capture_expect_nothing();
}

static void successor_is_awaited__waited_for_however_long(void **state)
{
    (void)state;
    die(DEATH_GENERATION);
    resume();
    tick_at(clock_now_ms() + 100 * INCIDENT_SETTLE_MS);
    log_capture_expect_nothing();
    serve(DEATH_GENERATION + 1, 2000000);
    assert_int_equal(incident_ready(&all[DEATH_SLOT], board(), DEATH_GENERATION + 1), death.report.time_ns);
    tick_at(clock_now_ms() + 2 * INCIDENT_SETTLE_MS);
    assert_non_null(strstr(log_capture_expect("incident"), " gap_ms=2.000 "));
}

static void no_successor__told_at_once(void **state)
{
    (void)state;
    die(DEATH_GENERATION);
    slots[DEATH_SLOT].phase = SLOT_RESTING;
    resume();
    tick_at(clock_now_ms());
    assert_non_null(strstr(log_capture_expect("incident"), " gap_ms=none "));
    death_expect_no("gap:");
}

static void two_of_a_slot__the_older_is_told_first(void **state)
{
    const char *text;

    (void)state;
    die(DEATH_GENERATION);
    serve(DEATH_GENERATION + 1, 1000000);
    die(DEATH_GENERATION + 1);
    resume();
    text = log_capture_expect("incident");
    assert_non_null(strstr(text, " generation=4 "));
    assert_non_null(strstr(text, " gap_ms=none ")); /* what the board says is another's by now */
    log_capture_expect_nothing();
    assert_int_equal(all[DEATH_SLOT].generation, DEATH_GENERATION + 1);
    assert_true(all[DEATH_SLOT].pending);
}

/* Its cell on the board is the next death's by now: the ring knows the time to the millisecond. */
static void successor_served_and_died__its_part_and_the_gap_are_known(void **state)
{
    (void)state;
    die(DEATH_GENERATION);
    serve(DEATH_GENERATION + 1, 500000000);
    atomic_store(&board()->worker_death.generation, DEATH_GENERATION + 1);
    resume();
    assert_in_range(all[DEATH_SLOT].gap_us, 490000, 510000);
    incident_settle(&all[DEATH_SLOT], board());
    assert_int_equal(all[DEATH_SLOT].outcome.continued, 11);
}

static void suspect_was_described__its_bytes_are_added(void **state)
{
    char suspect[64];

    (void)state;
    snprintf(suspect, sizeof suspect, "suspect:      descriptor %d", DEATH_SUSPECT);
    death.after.suspect = DEATH_SUSPECT;
    die(DEATH_GENERATION);
    memcpy(board()->suspect_note.queue, "boom", 4);
    board()->suspect_note.queue_bytes = 4;
    serve(DEATH_GENERATION + 1, 1000000);
    atomic_store(&board()->suspect_note.generation, DEATH_GENERATION + 1);
    resume();
    tick_at(clock_now_ms() + 2 * INCIDENT_SETTLE_MS);
    log_capture_expect("incident");
    death_expect_line(suspect);
    death_expect_line("suspect:      as above");
    death_expect_line("  queue:      first 4 bytes");
}

static void file_is_gone__one_line_and_the_event(void **state)
{
    static char names[2][256];

    (void)state;
    die(DEATH_GENERATION);
    assert_int_equal(death_list(names, 2), 1);
    assert_int_equal(unlink(death_path_of(names[0])), 0);
    slots[DEATH_SLOT].phase = SLOT_RESTING;
    resume();
    tick_at(clock_now_ms());
    assert_non_null(strstr(log_capture_expect("failed"), "what=incident_file slot=2 why=ENOENT"));
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    assert_int_equal(death_list(names, 2), 0);
}

static void nothing_unfinished_or_nonsense__nothing(void **state)
{
    struct incident_ring *ring = incident_ring_of(pages);

    (void)state;
    resume();
    die(DEATH_GENERATION);
    ring->lines[1].slot = SLOT_COUNT_MAX;
    resume();
    ring->lines[1].number = 7; /* half written, by one who died meanwhile */
    resume();
    for (int slot = 0; slot < SLOT_COUNT_MAX; slot++)
        assert_false(all[slot].pending);
    log_capture_expect_nothing();
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(successor_serves__line_and_file_are_finished_a_moment_later),
        TEST(successor_is_awaited__waited_for_however_long),
        TEST(no_successor__told_at_once),
        TEST(two_of_a_slot__the_older_is_told_first),
        TEST(successor_served_and_died__its_part_and_the_gap_are_known),
        TEST(suspect_was_described__its_bytes_are_added),
        TEST(file_is_gone__one_line_and_the_event),
        TEST(nothing_unfinished_or_nonsense__nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
