/* How long a worker's loop takes to come round: the longest of two windows, of one generation. */
#include "tests/support/cmocka_all.h"

#include "master/slowest.h"

enum { GENERATION = 3 };

#define MS ((int64_t)1000000)

static struct slowest slowest;

static int begin(void **state)
{
    (void)state;
    slowest = (struct slowest){0};
    return 0;
}

/* A question at that time and its answer so much later. */
static void ask(int64_t at_ms, int64_t took_us)
{
    slowest_asked(&slowest, GENERATION, at_ms * MS);
    slowest_look(&slowest, GENERATION, at_ms * MS + took_us * 1000, (at_ms + 100) * MS);
}

static void never_asked__nothing_known(void **state)
{
    (void)state;
    slowest_look(&slowest, 0, 5 * MS, 5 * MS);
    assert_int_equal(slowest_ns(&slowest, 0, 5 * MS), 0);
}

static void several_answers__the_slowest(void **state)
{
    (void)state;
    ask(10000, 20);
    ask(10500, 700);
    ask(11000, 30);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 11100 * MS), 700000);
}

static void no_answer_yet__grows(void **state)
{
    (void)state;
    slowest_asked(&slowest, GENERATION, 10000 * MS);
    slowest_look(&slowest, GENERATION, 0, 10100 * MS);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 10100 * MS), 100 * MS);
    slowest_look(&slowest, GENERATION, 0, 10200 * MS);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 10200 * MS), 200 * MS);
}

static void window_over__counts_for_one_more(void **state)
{
    (void)state;
    ask(10000, 700);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 15000 * MS), 700000);
    ask(15100, 20);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 19900 * MS), 700000);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 20000 * MS), 20000);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 25000 * MS), 0);
}

static void silence_for_long__old_windows_forgotten(void **state)
{
    (void)state;
    ask(10000, 700);
    ask(60000, 20);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 60100 * MS), 20000);
}

static void next_generation__begins_anew(void **state)
{
    (void)state;
    ask(10000, 700);
    slowest_look(&slowest, GENERATION + 1, 0, 10500 * MS);
    assert_int_equal(slowest_ns(&slowest, GENERATION + 1, 10500 * MS), 0);
    slowest_asked(&slowest, GENERATION + 1, 10600 * MS);
    slowest_look(&slowest, GENERATION + 1, 10601 * MS, 10700 * MS);
    assert_int_equal(slowest_ns(&slowest, GENERATION + 1, 10700 * MS), MS);
    assert_int_equal(slowest_ns(&slowest, GENERATION, 10700 * MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(never_asked__nothing_known, begin),
        cmocka_unit_test_setup(several_answers__the_slowest, begin),
        cmocka_unit_test_setup(no_answer_yet__grows, begin),
        cmocka_unit_test_setup(window_over__counts_for_one_more, begin),
        cmocka_unit_test_setup(silence_for_long__old_windows_forgotten, begin),
        cmocka_unit_test_setup(next_generation__begins_anew, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
