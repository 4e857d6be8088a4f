/* The last incidents, a line each. */
#include "tests/support/cmocka_all.h"

#include "master/incident.h"
#include "worker/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct incident_ring ring;
static struct incident incident;

static int begin(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof ring);
    incident = (struct incident){
        .pending = true,
        .slot = 2,
        .generation = 5,
        .report = {.pid = 77,
                   .cause = "SIGSEGV",
                   .uptime_ms = 1234,
                   .connection_count = 9,
                   .phase = PHASE_ANSWERING},
    };
    incident.report.time_ns = clock_now_ns() - 60 * (int64_t)1000000000;
    snprintf(incident.name, sizeof incident.name, "incident-1.txt");
    return 0;
}

static void add__a_death__who_and_when_with_the_outcome_open(void **state)
{
    (void)state;
    assert_int_equal(incident_ring_add(&ring, &incident), 1);
    const struct incident_line *line = incident_ring_find(&ring, 1);
    assert_non_null(line);
    assert_int_equal(line->slot, 2);
    assert_int_equal(line->generation, 5);
    assert_int_equal(line->pid, 77);
    assert_int_equal(line->held, 9);
    assert_int_equal(line->uptime_ms, 1234);
    assert_string_equal(line->cause, "SIGSEGV");
    assert_string_equal(line->phase, "answering");
    assert_string_equal(line->file, "incident-1.txt");
    assert_int_equal(line->is_settled, 0);
    assert_int_equal(line->gap_us, -1);
    int64_t age_s = (int64_t)time(NULL) - line->time_ms / 1000;
    assert_true(age_s >= 59 && age_s <= 62);
}

static void settle__successor_known__outcome_and_gap(void **state)
{
    (void)state;
    uint32_t number = incident_ring_add(&ring, &incident);
    incident.replaced = true;
    incident.gap_us = 705;
    incident.outcome = (struct incident_outcome){
        .continued = 8, .owed = 1, .redone = 9, .adopted = 2, .reset = 3, .closed = 4};
    incident.name[0] = '\0'; /* could not be written */
    incident_ring_settle(&ring, number, &incident);
    const struct incident_line *line = incident_ring_find(&ring, number);
    assert_int_equal(line->is_settled, 1);
    assert_int_equal(line->continued, 8);
    assert_int_equal(line->owed, 1);
    assert_int_equal(line->redone, 9);
    assert_int_equal(line->adopted, 2);
    assert_int_equal(line->reset, 3);
    assert_int_equal(line->closed, 4);
    assert_int_equal(line->gap_us, 705);
    assert_string_equal(line->file, "");
}

static void settle__no_successor__no_gap(void **state)
{
    (void)state;
    uint32_t number = incident_ring_add(&ring, &incident);
    incident_ring_settle(&ring, number, &incident);
    assert_int_equal(incident_ring_find(&ring, number)->gap_us, -1);
}

static void ring__full__the_oldest_is_forgotten_and_not_settled_in_anothers_place(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= INCIDENT_LINE_COUNT_MAX + 1; i++)
        assert_int_equal(incident_ring_add(&ring, &incident), i);
    assert_null(incident_ring_find(&ring, 1));
    assert_non_null(incident_ring_find(&ring, 2));
    assert_non_null(incident_ring_find(&ring, INCIDENT_LINE_COUNT_MAX + 1));
    incident_ring_settle(&ring, 1, &incident);
    assert_int_equal(incident_ring_find(&ring, INCIDENT_LINE_COUNT_MAX + 1)->is_settled, 0);
}

static void find__never_added_or_half_written__none(void **state)
{
    (void)state;
    assert_null(incident_ring_find(&ring, 0));
    assert_null(incident_ring_find(&ring, 1));
    ring.lines[1].number = 1; /* as left by a death between line and number */
    assert_null(incident_ring_find(&ring, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(add__a_death__who_and_when_with_the_outcome_open, begin),
        cmocka_unit_test_setup(settle__successor_known__outcome_and_gap, begin),
        cmocka_unit_test_setup(settle__no_successor__no_gap, begin),
        cmocka_unit_test_setup(ring__full__the_oldest_is_forgotten_and_not_settled_in_anothers_place, begin),
        cmocka_unit_test_setup(find__never_added_or_half_written__none, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
