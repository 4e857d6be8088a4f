/* Bursts of equal events. */
#include "tests/support/cmocka_all.h"

#include "worker/burst.h"

static void allow__up_to_the_limit__then_swallowed(void **state)
{
    struct burst burst;
    uint64_t suppressed = 99;

    (void)state;
    burst_init(&burst, 3, 1000);
    for (int i = 0; i < 3; i++) {
        assert_true(burst_allow(&burst, 5, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    suppressed = 99;
    for (int i = 0; i < 4; i++)
        assert_false(burst_allow(&burst, 6, &suppressed));
    assert_int_equal(suppressed, 99);
}

static void allow__next_window__tells_what_was_swallowed(void **state)
{
    struct burst burst;
    uint64_t suppressed = 99;

    (void)state;
    burst_init(&burst, 1, 1000);
    assert_true(burst_allow(&burst, 0, &suppressed));
    assert_false(burst_allow(&burst, 500, &suppressed));
    assert_false(burst_allow(&burst, 999, &suppressed));
    assert_true(burst_allow(&burst, 1000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_false(burst_allow(&burst, 1999, &suppressed));
    assert_true(burst_allow(&burst, 2000, &suppressed));
    assert_int_equal(suppressed, 1);
}

static void allow__slow_events__never_swallowed(void **state)
{
    struct burst burst;
    uint64_t suppressed;

    (void)state;
    burst_init(&burst, 1, 100);
    for (int64_t now_ms = -500; now_ms < 5000; now_ms += 100) {
        assert_true(burst_allow(&burst, now_ms, &suppressed));
        assert_int_equal(suppressed, 0);
    }
}

static void flush__window_over__tells_once(void **state)
{
    struct burst burst;
    uint64_t suppressed = 99;

    (void)state;
    burst_init(&burst, 1, 1000);
    assert_false(burst_flush(&burst, 0, &suppressed));
    assert_true(burst_allow(&burst, 0, &suppressed));
    assert_false(burst_flush(&burst, 5000, &suppressed));
    assert_true(burst_allow(&burst, 5000, &suppressed));
    assert_false(burst_allow(&burst, 5001, &suppressed));
    assert_false(burst_flush(&burst, 5999, &suppressed));
    assert_true(burst_flush(&burst, 6000, &suppressed));
    assert_int_equal(suppressed, 1);
    assert_false(burst_flush(&burst, 9000, &suppressed));
}

static void flush__its_line__counts_for_the_next_window(void **state)
{
    struct burst burst;
    uint64_t suppressed;

    (void)state;
    burst_init(&burst, 1, 1000);
    assert_true(burst_allow(&burst, 0, &suppressed));
    assert_false(burst_allow(&burst, 1, &suppressed));
    assert_true(burst_flush(&burst, 1500, &suppressed));
    assert_false(burst_allow(&burst, 1600, &suppressed));
    assert_true(burst_allow(&burst, 2500, &suppressed));
    assert_int_equal(suppressed, 1);
}

/* Whatever happens when: told and swallowed add up, and no second sees more lines than allowed. */
static void any__random_times__nothing_is_lost(void **state)
{
    struct burst burst;
    uint64_t happened = 0, told = 0, suppressed;
    int64_t now_ms = 0, window_start_ms = 0;
    unsigned lines_in_window = 0;
    uint32_t random = 12345;

    (void)state;
    burst_init(&burst, 4, 100);
    for (int i = 0; i < 20000; i++) {
        bool is_line;

        random = random * 1664525 + 1013904223;
        now_ms += random >> 28;
        suppressed = 0;
        if (random & 0x10000) {
            happened++;
            is_line = burst_allow(&burst, now_ms, &suppressed);
            told += is_line;
        } else {
            is_line = burst_flush(&burst, now_ms, &suppressed);
        }
        told += suppressed;
        if (!is_line)
            continue;
        if (now_ms >= window_start_ms + 100) {
            window_start_ms = now_ms;
            lines_in_window = 0;
        }
        assert_true(++lines_in_window <= 4);
    }
    if (burst_flush(&burst, now_ms + 1000, &suppressed))
        told += suppressed;
    assert_int_equal(told, happened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allow__up_to_the_limit__then_swallowed),
        cmocka_unit_test(allow__next_window__tells_what_was_swallowed),
        cmocka_unit_test(allow__slow_events__never_swallowed),
        cmocka_unit_test(flush__window_over__tells_once),
        cmocka_unit_test(flush__its_line__counts_for_the_next_window),
        cmocka_unit_test(any__random_times__nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
