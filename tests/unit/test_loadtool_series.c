/* wrap: calloc */
#include "loadtool/series.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static const uint64_t second = 1000000000;

static struct series series;
static struct histogram latency;
static bool has_no_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return has_no_memory ? NULL : __real_calloc(count, size);
}

static int begin(void **state)
{
    (void)state;
    histogram_init(&latency);
    return series_init(&series);
}

static int end(void **state)
{
    (void)state;
    series_free(&series);
    return 0;
}

static void add(uint64_t number, uint64_t right, uint32_t modes)
{
    const struct second made = {.number = number + 1,
                                .begin_ns = number * second,
                                .length_ns = second,
                                .sums = {.right = right},
                                .latency = &latency,
                                .modes = modes};

    series_add(&series, &made);
}

static void init__no_memory__says_so_and_keeps_nothing(void **state)
{
    struct series none;

    (void)state;
    has_no_memory = true;
    assert_int_equal(series_init(&none), -ENOMEM);
    has_no_memory = false;
    series_add(&none, &(struct second){.latency = &latency});
    assert_int_equal(none.count, 0);
    series_free(&none);
}

static void band_of__any_latency__is_the_last_band_that_begins_below(void **state)
{
    (void)state;
    assert_int_equal(series_band_of(0), 0);
    assert_int_equal(series_band_of(1279), 0);
    for (size_t band = 1; band < SERIES_BANDS; band++) {
        assert_int_equal(series_band_of(series_band_ns(band)), band);
        assert_int_equal(series_band_of(series_band_ns(band) - 1), band - 1);
    }
    assert_int_equal(series_band_of(UINT64_MAX), SERIES_BANDS - 1);
}

static void add__a_second__has_its_percentiles_and_bands(void **state)
{
    (void)state;
    for (int i = 0; i < 99; i++)
        histogram_record(&latency, 5000);
    histogram_record(&latency, 90000);
    add(0, 100, 2);
    assert_int_equal(series.rows[0].bands[series_band_of(5000)], 99);
    assert_int_equal(series.rows[0].bands[series_band_of(90000)], 1);
    assert_int_equal(series.rows[0].max_ns, 90000);
    assert_in_range(series.rows[0].p99_ns, 5000, 5005);
}

static void add__more_seconds_than_rows__two_become_one_and_nothing_is_lost(void **state)
{
    uint64_t right = 0;

    (void)state;
    for (uint64_t i = 0; i < 2 * SERIES_ROWS_MAX + 3; i++)
        add(i, 1, i == 5 ? 8 : 0);
    assert_int_equal(series.seconds_per_row, 4);
    assert_in_range(series.count, SERIES_ROWS_MAX / 2, SERIES_ROWS_MAX);
    for (size_t i = 0; i < series.count; i++) {
        right += series.rows[i].sums.right;
        assert_int_equal(series.rows[i].begin_ns, 4 * i * second);
    }
    assert_int_equal(right, 2 * SERIES_ROWS_MAX + 3);
    assert_int_equal(series.rows[1].modes, 8);
    assert_int_equal(series.rows[1].length_ns, 4 * second);
    assert_int_equal(series.rows[series.count - 1].length_ns, 3 * second);
}

static void add__worse_of_two__stays(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < SERIES_ROWS_MAX; i++) {
        histogram_init(&latency);
        histogram_record(&latency, 100 + i % 2);
        add(i, 1, 0);
    }
    add(SERIES_ROWS_MAX, 1, 0);
    assert_int_equal(series.rows[0].p50_ns, 101);
    assert_int_equal(series.rows[0].max_ns, 101);
    assert_int_equal(series.rows[0].bands[0], 2);
}

static double right_of(const struct series_row *row)
{
    return (double)row->sums.right;
}

static void spread__known_rows__median_and_quartiles_without_a_short_end(void **state)
{
    const struct second rest = {.begin_ns = 5 * second, .length_ns = second / 3, .latency = &latency};

    (void)state;
    assert_int_equal(series_spread(&series, right_of).rows, 0);
    for (uint64_t i = 0; i < 5; i++)
        add(i, 50 - 10 * i, 0);
    series_add(&series, &rest);
    struct series_spread spread = series_spread(&series, right_of);
    assert_int_equal(spread.rows, 5);
    assert_true(spread.median == 30);
    assert_true(spread.quartiles == 20);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init__no_memory__says_so_and_keeps_nothing),
        TEST(band_of__any_latency__is_the_last_band_that_begins_below),
        TEST(add__a_second__has_its_percentiles_and_bands),
        TEST(add__more_seconds_than_rows__two_become_one_and_nothing_is_lost),
        TEST(add__worse_of_two__stays),
        TEST(spread__known_rows__median_and_quartiles_without_a_short_end),
    };

    return cmocka_run_group_tests_name("loadtool series", tests, NULL, NULL);
}
