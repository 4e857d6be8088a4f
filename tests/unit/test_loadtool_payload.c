/* The seeded numbers and the streams that are made of them. */
#include "loadtool/payload.h"

#include <stdbool.h>
#include <string.h>

#include "loadtool/prng.h"
#include "tests/support/cmocka_all.h"

enum { STREAM_BYTES = 4096 };

static void payload__any_cut__gives_the_same_stream(void **state)
{
    static uint8_t whole[STREAM_BYTES], cut[STREAM_BYTES];
    uint64_t key = payload_key(42, 7);

    (void)state;
    payload_fill(key, 0, whole, sizeof(whole));
    for (size_t step = 1; step < 40; step++) {
        memset(cut, 0, sizeof(cut));
        for (size_t at = 0; at < sizeof(cut); at += step)
            payload_fill(key, at, cut + at, at + step < sizeof(cut) ? step : sizeof(cut) - at);
        assert_memory_equal(cut, whole, sizeof(whole));
    }
}

static void payload__nothing_asked_for__writes_nothing(void **state)
{
    uint8_t byte = 0x5a;

    (void)state;
    payload_fill(1, 3, &byte, 0);
    assert_int_equal(byte, 0x5a);
}

static void payload__a_few_kilobytes__has_every_byte_value(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    bool seen[256] = {false};
    int count = 0;

    (void)state;
    payload_fill(payload_key(1, 1), 0, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        seen[bytes[i]] = true;
    for (int i = 0; i < 256; i++)
        count += seen[i];
    assert_int_equal(count, 256);
}

static void payload__another_seed_or_connection__is_another_stream(void **state)
{
    uint8_t a[64], b[64], c[64];

    (void)state;
    payload_fill(payload_key(1, 1), 0, a, sizeof(a));
    payload_fill(payload_key(1, 2), 0, b, sizeof(b));
    payload_fill(payload_key(2, 1), 0, c, sizeof(c));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
    assert_memory_not_equal(b, c, sizeof(b));
}

/* A run must be repeatable by a later version too: these bytes are fixed. */
static void payload__seed_1_connection_1__never_changes(void **state)
{
    uint8_t bytes[4];
    uint8_t again[4];

    (void)state;
    payload_fill(payload_key(1, 1), 0, bytes, sizeof(bytes));
    payload_fill(payload_key(1, 1), 0, again, sizeof(again));
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_memory_equal(bytes, ((uint8_t[]){0x20, 0xd5, 0x3d, 0x94}), sizeof(bytes));
}

static void prng_range__many_draws__stay_inside_and_reach_both_ends(void **state)
{
    uint64_t key = prng_key(9, PRNG_DEATH, 3);
    bool low = false;
    bool high = false;

    (void)state;
    for (uint64_t n = 0; n < 1000; n++) {
        uint64_t value = prng_range(key, n, 1, 8);
        assert_in_range(value, 1, 8);
        low = low || value == 1;
        high = high || value == 8;
    }
    assert_true(low && high);
}

static void prng_key__another_domain__shares_no_numbers(void **state)
{
    (void)state;
    assert_int_not_equal(prng_key(1, PRNG_LIFE, 1), prng_key(1, PRNG_DEATH, 1));
    assert_int_not_equal(prng_key(1, PRNG_LIFE, 1), prng_key(1, PRNG_LIFE, 2));
}

static void prng_fresh_seed__asked_four_times__is_not_always_the_same(void **state)
{
    uint64_t first = prng_fresh_seed();

    (void)state;
    assert_true(prng_fresh_seed() != first || prng_fresh_seed() != first || prng_fresh_seed() != first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload__any_cut__gives_the_same_stream),
        cmocka_unit_test(payload__nothing_asked_for__writes_nothing),
        cmocka_unit_test(payload__a_few_kilobytes__has_every_byte_value),
        cmocka_unit_test(payload__another_seed_or_connection__is_another_stream),
        cmocka_unit_test(payload__seed_1_connection_1__never_changes),
        cmocka_unit_test(prng_range__many_draws__stay_inside_and_reach_both_ends),
        cmocka_unit_test(prng_key__another_domain__shares_no_numbers),
        cmocka_unit_test(prng_fresh_seed__asked_four_times__is_not_always_the_same),
    };

    return cmocka_run_group_tests_name("loadtool payload", tests, NULL, NULL);
}
