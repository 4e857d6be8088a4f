#include "loadtool/histogram.h"

#include "loadtool/prng.h"
#include "tests/support/cmocka_all.h"

static struct histogram histogram;

static int fresh(void **state)
{
    (void)state;
    histogram_init(&histogram);
    return 0;
}

static void percentile__empty__is_zero(void **state)
{
    (void)state;
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 0);
    assert_int_equal(histogram_sorted_percentile(NULL, 0, 50), 0);
}

static void percentile__small_values__are_exact(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns <= 200; ns++)
        histogram_record(&histogram, ns);
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 100);
    assert_int_equal(histogram_percentile_ns(&histogram, 99), 198);
    assert_int_equal(histogram_percentile_ns(&histogram, 100), 200);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.0001), 1);
}

/* One value alone is its own percentile: the error of its bucket shows, whatever the size. */
static void percentile__any_value_up_to_an_hour__errs_below_one_percent(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        uint64_t ns = prng_range(77, n, 1, HISTOGRAM_NS_MAX) >> (n % 42);
        if (ns == 0)
            continue;
        histogram_record(&histogram, ns);
        histogram_record(&histogram, HISTOGRAM_NS_MAX);
        uint64_t found = histogram_percentile_ns(&histogram, 50);
        assert_true(found >= ns && found - ns <= ns / 100);
        histogram_init(&histogram);
    }
}

static void percentile__edges_of_the_buckets__stay_in_order(void **state)
{
    uint64_t before = 0;

    (void)state;
    for (unsigned bit = 7; bit < 42; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            uint64_t ns = (UINT64_C(1) << bit) + (uint64_t)off;
            histogram_init(&histogram);
            histogram_record(&histogram, ns);
            histogram_record(&histogram, HISTOGRAM_NS_MAX);
            uint64_t found = histogram_percentile_ns(&histogram, 50);
            if (ns > HISTOGRAM_NS_MAX)
                continue;
            assert_true(found >= ns && found >= before);
            before = found;
        }
    }
}

static void record__above_one_hour__is_counted_and_max_is_exact(void **state)
{
    (void)state;
    histogram_record(&histogram, 5);
    histogram_record(&histogram, 2 * HISTOGRAM_NS_MAX + 1);
    assert_int_equal(histogram.over_count, 1);
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 5);
    assert_int_equal(histogram_percentile_ns(&histogram, 99), 2 * HISTOGRAM_NS_MAX + 1);
    assert_int_equal(histogram.max_ns, 2 * HISTOGRAM_NS_MAX + 1);
}

/* What merge relies on: nothing of a sample is lost by being counted elsewhere first. */
static void add__samples_dealt_to_three__is_the_one_that_has_them_all(void **state)
{
    static struct histogram dealt[3], sum;

    (void)state;
    histogram_init(&sum);
    for (int i = 0; i < 3; i++)
        histogram_init(&dealt[i]);
    for (uint64_t n = 0; n < 10000; n++) {
        uint64_t ns = prng_range(78, n, 1, 2 * HISTOGRAM_NS_MAX) >> (n % 42);
        histogram_record(&histogram, ns);
        histogram_record(&dealt[n % 3], ns);
    }
    for (int i = 0; i < 3; i++)
        histogram_add(&sum, &dealt[i]);
    assert_true(sum.over_count > 0);
    assert_memory_equal(&sum, &histogram, sizeof(sum));
}

static void sorted_percentile__a_list__is_by_nearest_rank(void **state)
{
    const uint64_t list[] = {10, 20, 30, 40};

    (void)state;
    assert_int_equal(histogram_sorted_percentile(list, 4, 50), 20);
    assert_int_equal(histogram_sorted_percentile(list, 4, 51), 30);
    assert_int_equal(histogram_sorted_percentile(list, 4, 99), 40);
    assert_int_equal(histogram_sorted_percentile(list, 4, 100), 40);
    assert_int_equal(histogram_sorted_percentile(list, 1, 1), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(percentile__empty__is_zero, fresh),
        cmocka_unit_test_setup(percentile__small_values__are_exact, fresh),
        cmocka_unit_test_setup(percentile__any_value_up_to_an_hour__errs_below_one_percent, fresh),
        cmocka_unit_test_setup(percentile__edges_of_the_buckets__stay_in_order, fresh),
        cmocka_unit_test_setup(record__above_one_hour__is_counted_and_max_is_exact, fresh),
        cmocka_unit_test_setup(add__samples_dealt_to_three__is_the_one_that_has_them_all, fresh),
        cmocka_unit_test_setup(sorted_percentile__a_list__is_by_nearest_rank, fresh),
    };

    return cmocka_run_group_tests_name("loadtool histogram", tests, NULL, NULL);
}
