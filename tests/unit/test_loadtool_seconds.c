#include "loadtool/seconds.h"

#include <string.h>

#include "loadtool/hdr_log.h"
#include "loadtool/series.h"
#include "tests/support/cmocka_all.h"

static const uint64_t second = 1000000000;

static struct seconds seconds;
static struct series series;
static struct hdr_log hdr;
static char csv_text[4096], hdr_text[16384];

static int begin(void **state)
{
    (void)state;
    memset(&seconds, 0, sizeof(seconds));
    memset(&hdr, 0, sizeof(hdr));
    return series_init(&series);
}

static int end(void **state)
{
    (void)state;
    series_free(&series);
    return 0;
}

static void step__seconds_pass__each_has_its_own_values(void **state)
{
    struct seconds_sums sums = {.sent = 100, .right = 90};

    (void)state;
    seconds.series = &series;
    seconds_begin(&seconds, &sums, 5 * second);
    histogram_record(&seconds.latency, 2000000);
    sums.sent = 150;
    sums.right = 130;
    seconds.modes = 5;
    seconds_step(&seconds, &sums, 6 * second - 1); /* not over yet */
    assert_int_equal(series.count, 0);
    seconds_step(&seconds, &sums, 6 * second);
    sums.right = 140;
    sums.kills = 4;
    seconds_step(&seconds, &sums, 8 * second + 5); /* two at once */
    assert_int_equal(series.count, 3);
    assert_int_equal(series.rows[0].sums.sent, 50);
    assert_int_equal(series.rows[0].sums.right, 40);
    assert_int_equal(series.rows[0].max_ns, 2000000);
    assert_int_equal(series.rows[0].modes, 5);
    assert_int_equal(series.rows[1].sums.right, 10);
    assert_int_equal(series.rows[1].sums.kills, 4);
    assert_int_equal(series.rows[1].max_ns, 0);
    assert_int_equal(series.rows[1].modes, 0);
    assert_int_equal(series.rows[2].sums.right, 0);
    assert_int_equal(series.rows[2].begin_ns, 2 * second);
}

static void step__of_a_tenth__is_a_line_each_and_a_row_a_second(void **state)
{
    struct seconds_sums sums = {.right = 90};
    FILE *out = fmemopen(csv_text, sizeof(csv_text), "w");

    (void)state;
    seconds.series = &series;
    seconds.csv = out;
    seconds.step_ns = second / 10;
    seconds_begin(&seconds, &sums, 5 * second);
    sums.right = 99;
    seconds_step(&seconds, &sums, 5 * second + second / 10 - 1);
    assert_int_equal(seconds.count, 0);
    seconds_step(&seconds, &sums, 5 * second + second / 10);
    sums.right = 100;
    seconds_step(&seconds, &sums, 7 * second);
    fclose(out);
    assert_non_null(strstr(csv_text, "\n0.1,0,9,"));
    assert_non_null(strstr(csv_text, "\n0.2,0,1,"));
    assert_non_null(strstr(csv_text, "\n1,0,0,"));
    assert_int_equal(series.count, 2);
    assert_int_equal(series.rows[0].sums.right, 10);
    assert_int_equal(series.rows[0].length_ns, second);
}

static void step__nobody_wants_it__does_nothing(void **state)
{
    const struct seconds_sums sums = {.sent = 1};

    (void)state;
    seconds_step(&seconds, &sums, 100 * second); /* the load is not on yet */
    assert_int_equal(seconds.count, 0);
    seconds_begin(&seconds, &sums, second);
    seconds_step(&seconds, &sums, 2 * second);
    assert_int_equal(seconds.count, 1);
}

/* A line of --csv is a whole second; the histograms must come to the report's all the same. */
static void end__within_a_second__goes_to_all_but_the_csv(void **state)
{
    struct seconds_sums sums = {.sent = 1};

    (void)state;
    seconds.series = &series;
    seconds.hdr = &hdr;
    seconds.csv = fmemopen(csv_text, sizeof(csv_text), "w");
    hdr.out = fmemopen(hdr_text, sizeof(hdr_text), "w");
    seconds_begin(&seconds, &sums, second);
    sums.right = 7;
    histogram_record(&seconds.latency, 1000);
    seconds_end(&seconds, &sums, second + second / 4);
    fclose(seconds.csv);
    fclose(hdr.out);
    assert_int_equal(series.count, 1);
    assert_int_equal(series.rows[0].length_ns, second / 4);
    assert_int_equal(series.rows[0].sums.right, 7);
    assert_int_equal(hdr.written.count, 1);
    assert_non_null(strstr(hdr_text, "\n0.000,0.250,0.001000,HISTFAAA"));
    assert_string_equal(strchr(csv_text, '\n'), "\n");
}

static void end__nothing_happened_since__no_row(void **state)
{
    const struct seconds_sums sums = {.sent = 1, .right = 1};

    (void)state;
    seconds.series = &series;
    seconds_end(&seconds, &sums, 9 * second); /* it never began */
    seconds_begin(&seconds, &sums, second);
    seconds_end(&seconds, &sums, second + second / 2);
    assert_int_equal(series.count, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(step__seconds_pass__each_has_its_own_values),
        TEST(step__of_a_tenth__is_a_line_each_and_a_row_a_second),
        TEST(step__nobody_wants_it__does_nothing),
        TEST(end__within_a_second__goes_to_all_but_the_csv),
        TEST(end__nothing_happened_since__no_row),
    };

    return cmocka_run_group_tests_name("loadtool seconds", tests, NULL, NULL);
}
