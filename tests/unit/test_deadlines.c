/* Deadline lists. */
#include "tests/support/cmocka_all.h"

#include "worker/deadlines.h"

#include <stdbool.h>
#include <string.h>

#define CONNECTION_COUNT 16

struct connection {
    char other[20];
    struct deadline_link link;
    char more[3];
};

static struct connection connections[CONNECTION_COUNT];
static struct deadlines deadlines;

static void start(uint32_t timeout_ticks)
{
    memset(connections, 0, sizeof connections);
    deadlines_init(&deadlines, &connections[0].link, sizeof connections[0], timeout_ticks);
}

static void arm__in_order__expire_in_order_when_due(void **state)
{
    (void)state;
    start(10);
    assert_false(deadlines_armed(&deadlines, 3));
    deadlines_arm(&deadlines, 3, 100);
    deadlines_arm(&deadlines, 0, 101);
    deadlines_arm(&deadlines, 7, 101);
    assert_true(deadlines_armed(&deadlines, 0));
    assert_int_equal(deadlines.count, 3);
    assert_int_equal(deadlines_expired(&deadlines, 109), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 110), 3);
    assert_int_equal(deadlines_expired(&deadlines, 110), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 200), 0);
    assert_int_equal(deadlines_expired(&deadlines, 200), 7);
    assert_int_equal(deadlines_expired(&deadlines, 200), DEADLINES_NONE);
    assert_int_equal(deadlines.count, 0);
    assert_false(deadlines_armed(&deadlines, 7));
}

static void arm__armed_already__moves_to_the_tail(void **state)
{
    (void)state;
    start(10);
    deadlines_arm(&deadlines, 1, 0);
    deadlines_arm(&deadlines, 2, 0);
    deadlines_arm(&deadlines, 1, 5);
    assert_int_equal(deadlines.count, 2);
    assert_int_equal(deadlines_expired(&deadlines, 10), 2);
    assert_int_equal(deadlines_expired(&deadlines, 14), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 15), 1);
}

static void disarm__head_middle_tail_and_none__the_others_stay(void **state)
{
    static const uint32_t victims[] = {0, 2, 4};

    (void)state;
    for (size_t v = 0; v < 3; v++) {
        start(1);
        for (uint32_t i = 0; i < 5; i++)
            deadlines_arm(&deadlines, i, i);
        deadlines_disarm(&deadlines, victims[v]);
        deadlines_disarm(&deadlines, victims[v]);
        deadlines_disarm(&deadlines, 9);
        assert_int_equal(deadlines.count, 4);
        for (uint32_t i = 0; i < 5; i++)
            if (i != victims[v])
                assert_int_equal(deadlines_expired(&deadlines, 100), i);
        assert_int_equal(deadlines_expired(&deadlines, 100), DEADLINES_NONE);
    }
}

static void arm__timeout_off__nothing(void **state)
{
    (void)state;
    start(0);
    deadlines_arm(&deadlines, 1, 0);
    assert_false(deadlines_armed(&deadlines, 1));
    assert_int_equal(deadlines_expired(&deadlines, 1000), DEADLINES_NONE);
}

static void expired__ticks_wrap_around__still_in_time(void **state)
{
    (void)state;
    start(10);
    deadlines_arm(&deadlines, 1, UINT32_MAX - 3);
    deadlines_arm(&deadlines, 2, UINT32_MAX);
    assert_int_equal(deadlines_expired(&deadlines, UINT32_MAX), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 5), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 6), 1);
    assert_int_equal(deadlines_expired(&deadlines, 8), DEADLINES_NONE);
    assert_int_equal(deadlines_expired(&deadlines, 9), 2);
}

/* Two lists over the same links, as a worker has them: idle and writing. */
static void two_lists__one_link__moves_from_one_to_the_other(void **state)
{
    struct deadlines writing;

    (void)state;
    start(100);
    deadlines_init(&writing, &connections[0].link, sizeof connections[0], 5);
    deadlines_arm(&deadlines, 1, 0);
    deadlines_arm(&deadlines, 2, 0);
    deadlines_disarm(&deadlines, 1);
    deadlines_arm(&writing, 1, 0);
    assert_int_equal(deadlines_expired(&writing, 5), 1);
    deadlines_arm(&deadlines, 1, 5);
    assert_int_equal(deadlines_expired(&deadlines, 105), 2);
    assert_int_equal(deadlines_expired(&deadlines, 105), 1);
}

/* Against a plain list of due times, over the wrap-around of the tick. */
static void any__random_steps__as_the_naive_list(void **state)
{
    bool armed[CONNECTION_COUNT] = {false};
    uint64_t due[CONNECTION_COUNT] = {0};
    uint64_t now = (uint64_t)UINT32_MAX - 2000;
    uint32_t random = 4711;

    (void)state;
    start(50);
    for (int step = 0; step < 50000; step++) {
        random = random * 1664525 + 1013904223;

        uint32_t index = (random >> 8) % CONNECTION_COUNT;

        now += (random >> 29) == 0;
        if ((random >> 24) % 3) {
            deadlines_arm(&deadlines, index, (uint32_t)now);
            armed[index] = true;
            due[index] = now + 50;
        } else {
            deadlines_disarm(&deadlines, index);
            armed[index] = false;
        }
        if ((random >> 20) % 64 == 0)
            now += 45;
        for (uint32_t i; (i = deadlines_expired(&deadlines, (uint32_t)now)) != DEADLINES_NONE;) {
            assert_true(armed[i] && due[i] <= now);
            armed[i] = false;
        }
        for (uint32_t i = 0; i < CONNECTION_COUNT; i++) {
            assert_int_equal(deadlines_armed(&deadlines, i), armed[i]);
            assert_false(armed[i] && due[i] <= now);
        }
    }
    assert_true(now > UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arm__in_order__expire_in_order_when_due),
        cmocka_unit_test(arm__armed_already__moves_to_the_tail),
        cmocka_unit_test(disarm__head_middle_tail_and_none__the_others_stay),
        cmocka_unit_test(arm__timeout_off__nothing),
        cmocka_unit_test(expired__ticks_wrap_around__still_in_time),
        cmocka_unit_test(two_lists__one_link__moves_from_one_to_the_other),
        cmocka_unit_test(any__random_steps__as_the_naive_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
