#include "loadtool/prng.h"

#include "tests/support/cmocka_all.h"

#include <stdbool.h>

/* The finaliser of splitmix64 with its gamma: the numbers that the published generator gives for state 0. */
static void at__key_0__the_published_numbers(void **state)
{
    (void)state;
    assert_true(prng_at(0, 0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(prng_at(0, 1) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(prng_at(0, 2) == UINT64_C(0x06c45d188009454f));
}

static void key__seed_domain_or_stream_differs__another_stream(void **state)
{
    uint64_t key = prng_key(7, PRNG_LIFE, 3);

    (void)state;
    assert_true(key == prng_key(7, PRNG_LIFE, 3));
    assert_true(key != prng_key(8, PRNG_LIFE, 3));
    assert_true(key != prng_key(7, PRNG_DEATH, 3));
    assert_true(key != prng_key(7, PRNG_LIFE, 4));
}

static void range__many_numbers__both_ends_are_reached_and_never_passed(void **state)
{
    uint64_t key = prng_key(1, PRNG_URGENT, 0);
    unsigned seen[4] = {0};

    (void)state;
    for (uint64_t n = 0; n < 4000; n++) {
        uint64_t number = prng_range(key, n, 10, 13);

        assert_in_range(number, 10, 13);
        seen[number - 10]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(seen[i], 800, 1200);
}

static void range__of_one__that_one(void **state)
{
    (void)state;
    assert_int_equal(prng_range(99, 5, 42, 42), 42);
}

static void fresh_seed__asked_again__another_and_32_bits(void **state)
{
    uint64_t first = prng_fresh_seed();
    bool differs = false;

    (void)state;
    for (int i = 0; i < 8; i++) {
        uint64_t next = prng_fresh_seed();

        assert_true(next <= UINT32_MAX);
        differs |= next != first;
    }
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at__key_0__the_published_numbers),
        cmocka_unit_test(key__seed_domain_or_stream_differs__another_stream),
        cmocka_unit_test(range__many_numbers__both_ends_are_reached_and_never_passed),
        cmocka_unit_test(range__of_one__that_one),
        cmocka_unit_test(fresh_seed__asked_again__another_and_32_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
