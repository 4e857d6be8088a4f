/* When a worker counts as hanging: by its processor clock, in looks that came on time. */
#include "tests/support/cmocka_all.h"

#include "master/hang.h"

#define LIMIT_MS 2000
#define LOOK_MS  100
#define MS       1000000LL

/* A worker that has not answered its ping; tests change what they are about. */
static struct hang_look look;
static struct hang hang;

static int begin(void **state)
{
    (void)state;
    hang = (struct hang){0};
    look = (struct hang_look){.generation = 3, .progress = 7, .cpu_ns = 500 * MS};
    return 0;
}

static enum hang_verdict observe(void)
{
    return hang_observe(&hang, &look, LOOK_MS, true, LIMIT_MS);
}

/* Looks until a verdict, with so much processor time between two; returns the number of looks, 0: none came.
 */
static int looks_until(enum hang_verdict wanted, int64_t cpu_ns_per_look)
{
    for (int count = 1; count <= 1000; count++) {
        enum hang_verdict verdict = observe();

        if (verdict != HANG_NONE) {
            assert_int_equal(verdict, wanted);
            return count;
        }
        look.cpu_ns += cpu_ns_per_look;
    }
    return 0;
}

static void busy__processor_clock_has_advanced_by_the_limit__hangs(void **state)
{
    (void)state;
    assert_int_equal(looks_until(HANG_BUSY, LOOK_MS * MS), 1 + LIMIT_MS / LOOK_MS);
}

static void busy__half_a_processor__takes_twice_as_long(void **state)
{
    (void)state;
    assert_int_equal(looks_until(HANG_BUSY, LOOK_MS * MS / 2), 1 + 2 * LIMIT_MS / LOOK_MS);
}

static void busy__progress_between__begins_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        look.cpu_ns += LIMIT_MS * MS / 2;
        look.progress += (uint64_t)(i % 2);
        assert_int_equal(observe(), HANG_NONE);
    }
}

static void silent__no_processor_time_for_three_limits__hangs(void **state)
{
    (void)state;
    assert_int_equal(looks_until(HANG_SILENT, 0), 1 + 3 * LIMIT_MS / LOOK_MS);
}

static void silent__one_moment_of_running__begins_anew(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 3 * LIMIT_MS / LOOK_MS - 1; i++)
            assert_int_equal(observe(), HANG_NONE);
        look.cpu_ns += MS;
    }
}

/* Starved, or slow: it runs, though too little to be called busy so soon. */
static void neither__a_little_processor_time_each_look__waits(void **state)
{
    (void)state;
    look.cpu_ns = 0;
    for (int i = 0; i < 1000; i++) {
        look.cpu_ns += MS;
        assert_int_equal(observe(), HANG_NONE);
    }
}

static void answered__however_long__never_hangs(void **state)
{
    (void)state;
    look.answered = true;
    assert_int_equal(looks_until(HANG_NONE, 0), 0);
    assert_int_equal(looks_until(HANG_NONE, LIMIT_MS * MS), 0);
}

static void answered__then_silent__age_counts_from_the_silence(void **state)
{
    (void)state;
    look.answered = true;
    for (int i = 0; i < 100; i++)
        observe();
    look.answered = false;
    assert_int_equal(looks_until(HANG_SILENT, 0), 1 + 3 * LIMIT_MS / LOOK_MS);
}

static void late_look__all_ages__begin_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * LIMIT_MS / LOOK_MS; i++)
        assert_int_equal(observe(), HANG_NONE);
    look.cpu_ns += 10 * LIMIT_MS * MS;
    assert_int_equal(hang_observe(&hang, &look, 60000, false, LIMIT_MS), HANG_NONE);
    assert_int_equal(looks_until(HANG_SILENT, 0), 3 * LIMIT_MS / LOOK_MS);
}

static void traced__stopped_in_a_debugger__never_hangs(void **state)
{
    (void)state;
    look.traced = true;
    assert_int_equal(looks_until(HANG_NONE, 0), 0);
    look.traced = false;
    assert_int_equal(looks_until(HANG_SILENT, 0), 3 * LIMIT_MS / LOOK_MS);
}

static void new_generation__inherits_no_age(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * LIMIT_MS / LOOK_MS; i++)
        observe();
    look.generation++;
    assert_int_equal(looks_until(HANG_SILENT, 0), 1 + 3 * LIMIT_MS / LOOK_MS);
}

static void limit_of_zero__never_hangs(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        look.cpu_ns += i % 2 ? 0 : LIMIT_MS * MS;
        assert_int_equal(hang_observe(&hang, &look, LOOK_MS, true, 0), HANG_NONE);
    }
}

/* ---- a worker that does not answer, whether it hangs or not ---- */

static void unanswered__a_second__is_silent_until_it_answers(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(hang_is_silent(&hang, 3));
        assert_int_equal(observe(), HANG_NONE);
        look.cpu_ns += MS;
        look.progress++; /* it works, and has no time for us */
    }
    assert_false(hang_is_silent(&hang, 3));
    observe();
    assert_true(hang_is_silent(&hang, 3));
    assert_false(hang_is_silent(&hang, 4));
    look.answered = true;
    observe();
    assert_false(hang_is_silent(&hang, 3));
}

static void unanswered__no_limit_or_a_debugger__is_silent_all_the_same(void **state)
{
    (void)state;
    look.traced = true;
    for (int i = 0; i <= 10; i++)
        hang_observe(&hang, &look, LOOK_MS, true, 0);
    assert_true(hang_is_silent(&hang, 3));
}

static void unanswered__late_looks_or_another_generation__do_not_count(void **state)
{
    (void)state;
    for (int i = 0; i <= 20; i++)
        hang_observe(&hang, &look, 60000, false, LIMIT_MS);
    assert_false(hang_is_silent(&hang, 3));
    for (int i = 0; i < 10; i++)
        observe();
    look.generation = 4;
    observe();
    assert_false(hang_is_silent(&hang, 4));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(busy__processor_clock_has_advanced_by_the_limit__hangs),
        TEST(busy__half_a_processor__takes_twice_as_long),
        TEST(busy__progress_between__begins_anew),
        TEST(silent__no_processor_time_for_three_limits__hangs),
        TEST(silent__one_moment_of_running__begins_anew),
        TEST(neither__a_little_processor_time_each_look__waits),
        TEST(answered__however_long__never_hangs),
        TEST(answered__then_silent__age_counts_from_the_silence),
        TEST(late_look__all_ages__begin_anew),
        TEST(traced__stopped_in_a_debugger__never_hangs),
        TEST(new_generation__inherits_no_age),
        TEST(limit_of_zero__never_hangs),
        TEST(unanswered__a_second__is_silent_until_it_answers),
        TEST(unanswered__no_limit_or_a_debugger__is_silent_all_the_same),
        TEST(unanswered__late_looks_or_another_generation__do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
