/*
 * Incident reports: which files are there, and when an incident is told. What stands in a report is in
 * test_incident_text.c; a directory in trouble in test_incident_directory.c.
 */
#include "tests/support/cmocka_all.h"

#include "tests/support/incident_fixture.h"
#include "tests/support/log_capture.h"
#include "worker/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

static void file__one_death__there_at_once_for_its_owner_alone(void **state)
{
    static char names[2][256];
    struct stat status;

    (void)state;
    umask(0);
    death_happen(DEATH_GENERATION);
    assert_int_equal(death_list(names, 2), 1);
    assert_non_null(strstr(names[0], "-worker2-generation4.txt"));
    assert_int_equal(stat(death_path_of(names[0]), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void file__worker_that_left__none(void **state)
{
    static char names[2][256];

    (void)state;
    death.report.facts.kind = DEATH_LEFT;
    death_happen(DEATH_GENERATION);
    death_settle_and_flush();
    assert_int_equal(death_list(names, 2), 0);
    log_capture_expect_nothing();
}

static void file__hundred_deaths__the_last_64_are_kept(void **state)
{
    static char names[200][256];
    bool first_kept = false;

    (void)state;
    for (uint32_t generation = 1; generation <= 100; generation++)
        death_happen(generation);
    assert_int_equal(death_list(names, 200), INCIDENT_FILE_COUNT_MAX);
    for (int i = 0; i < INCIDENT_FILE_COUNT_MAX; i++) {
        const char *generation = strstr(names[i], "generation");
        int number = generation ? atoi(generation + strlen("generation")) : 0;

        assert_true(number > 100 - INCIDENT_FILE_COUNT_MAX);
        first_kept |= number == 101 - INCIDENT_FILE_COUNT_MAX;
    }
    assert_true(first_kept);
}

/* Symptom: where a clock that was ahead had given 64 reports later names, each new one was removed as the oldest. */
static void file__others_have_later_names__those_that_the_ring_names_stay(void **state)
{
    static char names[200][256];

    (void)state;
    for (int i = 0; i < INCIDENT_FILE_COUNT_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "incident-20990101T000000.%06d-worker0-generation1.txt", i);
        FILE *file = fopen(death_path_of(name), "we");
        assert_non_null(file);
        fclose(file);
    }
    for (uint32_t generation = 1; generation <= 4; generation++) {
        death_happen(generation);
        assert_int_equal(access(death_path_of(death.incident.name), F_OK), 0);
    }
    assert_int_equal(death_list(names, 200), INCIDENT_FILE_COUNT_MAX);
    for (uint32_t back = 0; back < 4; back++) {
        const struct incident_line *line = incident_ring_find(&death.ring, death.incident.line - back);
        assert_int_equal(access(death_path_of(line->file), F_OK), 0);
    }
}

/* Symptom: one half of a report stayed in the old folder, and a whole one came into the new. */
static void file__begun__finished_where_it_was_begun(void **state)
{
    static char names[2][256];
    char dir[sizeof death.dir];

    (void)state;
    death_happen(DEATH_GENERATION);
    death_replace();
    memcpy(dir, death.dir, sizeof dir);
    strcpy(death.dir, "/no/other/folder"); /* as a reload says */
    death_settle_and_flush();
    memcpy(death.dir, dir, sizeof dir);
    assert_non_null(strstr(log_capture_expect("incident"), " file=incident-"));
    log_capture_expect_nothing();
    assert_int_equal(death_list(names, 2), 1);
    death_expect_line("gap:          1.723 ms");
}

static void file__others_in_the_directory__are_left_alone(void **state)
{
    static char names[200][256];
    FILE *file = fopen(death_path_of("a-file-of-mine"), "we");

    (void)state;
    assert_non_null(file);
    fclose(file);
    for (uint32_t generation = 1; generation <= INCIDENT_FILE_COUNT_MAX + 3; generation++)
        death_happen(generation);
    assert_int_equal(death_list(names, 200), INCIDENT_FILE_COUNT_MAX + 1);
    assert_int_equal(access(death_path_of("a-file-of-mine"), F_OK), 0);
}

/* ---- when ---- */

static void when__successor_has_settled__one_event(void **state)
{
    int64_t now_ms = clock_now_ms();
    const char *text;

    (void)state;
    death_happen(DEATH_GENERATION);
    death_replace();
    incident_tick(&death.incident, &death.board, now_ms);
    log_capture_expect_nothing();
    incident_tick(&death.incident, &death.board, now_ms + 2 * INCIDENT_SETTLE_MS);
    text = log_capture_expect("incident");
    assert_non_null(
        strstr(text, " slot=2 generation=4 cause=SIGSEGV held=12 continued=11 owed=3 redone=5 adopted=1 "));
    assert_non_null(strstr(text, " gap_ms=1.723 file=incident-"));
    incident_tick(&death.incident, &death.board, now_ms + 3 * INCIDENT_SETTLE_MS);
    death_settle_and_flush();
    log_capture_expect_nothing();
}

static void when__another_generation_is_ready__not_its_successor(void **state)
{
    (void)state;
    death_happen(DEATH_GENERATION);
    incident_ready(&death.incident, &death.board, DEATH_GENERATION);
    incident_ready(&death.incident, &death.board, DEATH_GENERATION + 2);
    assert_false(death.incident.replaced);
    death_settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " continued=0 "));
}

static void when__the_end__all_that_wait_are_told(void **state)
{
    static struct incident all[SLOT_COUNT_MAX];
    struct shared_pages *pages = aligned_alloc(BOARD_BYTES, sizeof *pages);

    (void)state;
    assert_non_null(pages);
    memset(pages, 0, sizeof *pages);
    for (uint32_t slot = 0; slot < 3; slot++)
        incident_begin(&all[slot], NULL, &death.ring, &death.report, slot, DEATH_GENERATION, &death.after);
    incident_flush_all(all, pages);
    for (int slot = 0; slot < 3; slot++)
        log_capture_expect("incident");
    log_capture_expect_nothing();
    free(pages);
}

static void directory__not_wanted__event_alone(void **state)
{
    static char names[2][256];

    (void)state;
    incident_begin(&death.incident, NULL, &death.ring, &death.report, DEATH_SLOT, DEATH_GENERATION,
                   &death.after);
    incident_settle(&death.incident, &death.board);
    incident_flush(&death.incident);
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
    assert_int_equal(death_list(names, 2), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, death_open, death_close)
    const struct CMUnitTest tests[] = {
        TEST(file__one_death__there_at_once_for_its_owner_alone),
        TEST(file__worker_that_left__none),
        TEST(file__hundred_deaths__the_last_64_are_kept),
        TEST(file__others_have_later_names__those_that_the_ring_names_stay),
        TEST(file__begun__finished_where_it_was_begun),
        TEST(file__others_in_the_directory__are_left_alone),
        TEST(when__successor_has_settled__one_event),
        TEST(when__another_generation_is_ready__not_its_successor),
        TEST(when__the_end__all_that_wait_are_told),
        TEST(directory__not_wanted__event_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
