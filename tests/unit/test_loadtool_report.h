/*
 * A made-up run, of which a test writes a report: set up with fresh(), a good one; changed by the test, by spoil() or by
 * disturb(). The report lies in `text`, valid until the next one is written.
 */
#ifndef TESTS_UNIT_TEST_LOADTOOL_REPORT_H
#define TESTS_UNIT_TEST_LOADTOOL_REPORT_H

#include "loadtool/report.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

enum { REPORT_BYTES = 32768 };

static struct settings settings;
static struct outcome outcome;
static struct verdict verdict;
static struct report report = {
    .settings = &settings, .outcome = &outcome, .verdict = &verdict, .command = "loadtool :9999 --seed 7"};
static char text[REPORT_BYTES];

static inline int fresh(void **state)
{
    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    settings = (struct settings){.target_word = ":9999",
                                 .clients = 500,
                                 .duration_ms = 10000,
                                 .size_word = "64",
                                 .dialogue = {.sizes = SIZES_ONE(64)},
                                 .seed = 7};
    assert_int_equal(plan_parse("10%", &settings.plan), 0);
    outcome.tally.messages_sent = outcome.tally.messages_right = 1203456;
    outcome.tally.bytes_right = 1203456 * 64;
    outcome.control.clients = 450;
    outcome.victims = 50;
    outcome.done_count = 941;
    for (size_t i = 0; i < 5; i++)
        outcome.done[i] = 188;
    outcome.done[PLAN_FIN]++;
    outcome.recovery.is_checked = outcome.recovery.is_ok = true;
    outcome.recovery.ns = 1200000;
    for (int i = 0; i < 1000; i++)
        histogram_record(&outcome.latency, 312000);
    outcome.silence.max_ns = 2000000;
    outcome.messages_per_s = 120345.4;
    outcome.elapsed_ns = 10100000000;
    return 0;
}

/* Wrong bytes, resets, faults that were not done, and a load tool that was the bottleneck. */
static inline void spoil(void)
{
    outcome.tally.found_bytes[FINDING_WRONG] = 3;
    outcome.tally.differs_from_request = true;
    outcome.tally.examples[FINDING_WRONG] = (struct tally_wrong){.is_set = true,
                                                                 .connection = 12,
                                                                 .offset = 345,
                                                                 .shown_offset = 344,
                                                                 .count = 3,
                                                                 .got_count = 3,
                                                                 .expected = {0x40, 0x41, 0x42},
                                                                 .got = {0x40, 0x61, 0xff}};
    outcome.control.reset = outcome.control.lost = 2;
    outcome.not_done[PLAN_RST] = 4;
    outcome.not_done[PLAN_FIN] = 3;
    outcome.forestalled[PLAN_FIN] = 2;
    tally_note(&outcome.tally, FAULT_RESET, WHERE_REPLY, "connection 17 (control): connection reset by peer");
    outcome.self.busy_share = 0.97;
}

/* Deaths in three buckets of 10 ms: the worst is over and normal again, the second never, the third at once. */
static inline void disturb(void)
{
    const uint64_t ms = 1000000;

    outcome.normal_limit_ns = 2 * ms;
    outcome.disturbances =
        (struct disturbances_told){.count = 3,
                                   .deaths = 50,
                                   .lost = 7,
                                   .lost_apart = 1,
                                   .not_normal = 1,
                                   .untold = 1,
                                   .silences = {.count = 2, .p50_ns = ms, .max_ns = 302 * ms},
                                   .normals = {.count = 1, .p50_ns = 310 * ms, .max_ns = 310 * ms},
                                   .kept = 4};
    struct disturbance *worst = outcome.disturbances.worst;
    worst[0] = (struct disturbance){.at_ns = 1000 * ms,
                                    .deaths = 48,
                                    .modes = 1U << PLAN_RST | 1U << PLAN_STORM,
                                    .has_silence = true,
                                    .is_over = true,
                                    .last_good_ns = 999 * ms,
                                    .first_good_ns = 1301 * ms,
                                    .lost = 7,
                                    .is_judged = true,
                                    .is_normal = true,
                                    .normal_ns = 310 * ms,
                                    .watched_ns = 900 * ms};
    worst[1] = (struct disturbance){.at_ns = 1500 * ms, .deaths = 1, .is_judged = true, .watched_ns = ms};
    worst[2] = (struct disturbance){.at_ns = 1600 * ms,
                                    .deaths = 1,
                                    .has_silence = true,
                                    .is_over = true,
                                    .is_judged = true,
                                    .is_normal = true};
}

#endif
