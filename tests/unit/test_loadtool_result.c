/* wrap: calloc */
/* Reports that are read back: result.c, and what compare.c and merge.c make of them. */
#include "loadtool/result.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "loadtool/compare.h"
#include "loadtool/merge.h"
#include "loadtool/report.h"
#include "tests/support/cmocka_all.h"

static const uint64_t second = 1000000000;

static struct settings settings;
static struct outcome outcome;
static struct verdict verdict;
static char path[] = "/tmp/test_loadtool_result.XXXXXX";
static bool has_no_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return has_no_memory ? NULL : __real_calloc(count, size);
}

/* A run of six seconds, a little different from each other. */
static int fresh(void **state)
{
    static struct histogram latency;

    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    settings = (struct settings){.target_word = ":9",
                                 .clients = 10,
                                 .size_word = "64",
                                 .dialogue = {.sizes = SIZES_ONE(64)},
                                 .seed = 7};
    assert_int_equal(plan_parse("rst:10%", &settings.plan), 0);
    outcome.tally.messages_right = 6000;
    outcome.done[PLAN_RST] = outcome.done_count = 3;
    outcome.control.clients = 9;
    assert_int_equal(series_init(&outcome.series), 0);
    for (uint64_t i = 0; i < 6; i++) {
        histogram_init(&latency);
        histogram_record(&latency, 100000 + i * 1000);
        histogram_add(&outcome.latency, &latency);
        series_add(&outcome.series, &(struct second){.begin_ns = i * second,
                                                     .length_ns = second,
                                                     .sums = {.right = 1000 + i * 10},
                                                     .latency = &latency});
    }
    strcpy(path, "/tmp/test_loadtool_result.XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    has_no_memory = false;
    series_free(&outcome.series);
    return unlink(path);
}

static void write_report(void)
{
    const struct report report = {
        .settings = &settings, .outcome = &outcome, .verdict = &verdict, .command = "x"};
    FILE *out = fopen(path, "we");

    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(report_write_json(out, &report), 0);
    fclose(out);
}

static void write_words(const char *words)
{
    FILE *out = fopen(path, "we");

    fputs(words, out);
    fclose(out);
}

static struct result read_report(void)
{
    struct result result;

    write_report();
    assert_int_equal(result_read(&result, path), 0);
    return result;
}

/* What is said on stderr while a bad file is read. */
static const char *refusal(int rc)
{
    static char said[600];
    struct result result;
    FILE *errors = tmpfile();
    int kept = dup(2);

    dup2(fileno(errors), 2);
    assert_int_equal(result_read(&result, path), rc);
    dup2(kept, 2);
    close(kept);
    rewind(errors);
    said[fread(said, 1, sizeof(said) - 1, errors)] = '\0';
    fclose(errors);
    return said;
}

static void read__own_report__is_what_was_written(void **state)
{
    struct result result = read_report();

    (void)state;
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(result.verdict, "PASS");
    assert_memory_equal(result.times[RESULT_LATENCY]->buckets, outcome.latency.buckets,
                        sizeof(outcome.latency.buckets));
    assert_int_equal(result.times[RESULT_LATENCY]->max_ns, 105000);
    assert_int_equal(result.series.count, 6);
    assert_int_equal(result.series.rows[2].begin_ns, 2 * second);
    assert_int_equal(result.series.rows[2].sums.right, 1020);
    result_free(&result);
}

static void read__bad_files__named_with_their_place(void **state)
{
    static const struct {
        const char *words, *said;
    } rows[] = {
        {"{\"a\":\n 1,}", ", line 2, column 4: no JSON"},
        {"[]", "key 'tool': this is no report"},
        {"{\"tool\": \"wrk\"}", "key 'tool': this is no report"},
        {"{\"tool\": \"loadtool\", \"format\": 99}", "key 'format': a report of another version"},
        {"{\"tool\": \"loadtool\", \"format\": 1}", "key 'verdict': is missing"},
        {"{\"tool\": \"loadtool\", \"format\": 1, \"verdict\": \"PASS\"}", "key 'exit_code': is missing"},
        {"{\"tool\": \"loadtool\", \"format\": 1, \"verdict\": \"PASS\", \"exit_code\": 0}",
         "key 'histograms.latency': is missing: written by an older"},
        {"{\"tool\": \"loadtool\", \"format\": 1, \"verdict\": \"PASS\", \"exit_code\": 0, \"histograms\": "
         "{\"latency\": "
         "{\"hdr\": \"HIST\", \"over\": 0, \"max_ns\": 0}}}",
         "key 'histograms.latency': 'hdr' is no histogram"},
        {"{\"tool\": \"loadtool\", \"format\": 1, \"verdict\": \"PASS\", \"exit_code\": 0, \"histograms\": "
         "{\"latency\": "
         "{\"hdr\": \"HIST\", \"over\": 0, \"max_ns\": -1}}}",
         "key 'histograms.latency': 'over' and 'max_ns' are counts"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_words(rows[i].words);
        const char *said = refusal(-EINVAL);
        assert_non_null(strstr(said, path));
        assert_non_null(strstr(said, rows[i].said));
    }
    unlink(path);
    assert_non_null(strstr(refusal(-EIO), ": No such file or directory\n"));
    write_words("");
}

static void read__seconds_that_are_no_table__refused(void **state)
{
    static const char *const keys[] = {"right", "p99_us"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct result result = read_report();
        json_t *seconds = json_object_get(result.json, "seconds");
        if (i == 0)
            json_array_remove(json_object_get(seconds, keys[i]), 0);
        else
            json_array_set_new(json_object_get(seconds, keys[i]), 0, json_real(-1));
        json_dump_file(result.json, path, 0);
        assert_non_null(strstr(refusal(-EINVAL), "key 'seconds': is no table"));
        json_object_del(result.json, "seconds");
        json_dump_file(result.json, path, 0);
        assert_non_null(strstr(refusal(-EINVAL), "key 'seconds': is missing"));
        result_free(&result);
    }
}

static void read__no_memory__says_so(void **state)
{
    (void)state;
    write_report();
    has_no_memory = true;
    assert_non_null(strstr(refusal(-ENOMEM), ": Cannot allocate memory\n"));
}

/* -- compare -- */

static void compare__the_same__same(void **state)
{
    struct comparison comparison;
    struct result a = read_report();

    (void)state;
    assert_int_equal(compare_results(&a, &a, &comparison), 0);
    assert_int_equal(comparison.kind, COMPARE_SAME);
    assert_true(comparison.rows[0].a.median == 1025 && comparison.rows[0].spread == 25);
    result_free(&a);
}

static void compare__beyond_the_spread__worse_one_way_and_better_the_other(void **state)
{
    struct comparison comparison;
    struct result a = read_report();

    (void)state;
    for (size_t i = 0; i < 6; i++)
        outcome.series.rows[i].p99_ns += 3000; /* the quartiles are 2500 apart */
    struct result b = read_report();
    assert_int_equal(compare_results(&a, &b, &comparison), 0);
    assert_int_equal(comparison.kind, COMPARE_WORSE);
    assert_int_equal(comparison.rows[1].kind, COMPARE_SAME);
    assert_int_equal(comparison.rows[2].kind, COMPARE_WORSE);
    assert_int_equal(compare_results(&b, &a, &comparison), 0);
    assert_int_equal(comparison.kind, COMPARE_BETTER);
    result_free(&a);
    result_free(&b);
}

static void compare__within_the_spread__same(void **state)
{
    struct comparison comparison;
    struct result a = read_report();

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        outcome.series.rows[i].p99_ns += 2400;
        outcome.series.rows[i].sums.right -= 20;
    }
    struct result b = read_report();
    assert_int_equal(compare_results(&a, &b, &comparison), 0);
    assert_int_equal(comparison.kind, COMPARE_SAME);
    result_free(&a);
    result_free(&b);
}

static void compare__a_run_that_failed__worse_whatever_its_figures(void **state)
{
    struct comparison comparison;
    struct result a = read_report();
    char text[1000];
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    outcome.control.lost = outcome.control.reset = 1;
    struct result b = read_report();
    assert_int_equal(compare_results(&a, &b, &comparison), 0);
    assert_int_equal(comparison.kind, COMPARE_WORSE);
    compare_write(out, &comparison);
    fclose(out);
    assert_memory_equal(text, "WORSE\n", 6);
    assert_non_null(strstr(text, "  exit                0              4\n"));
    result_free(&a);
    result_free(&b);
}

static void compare__too_few_seconds__cannot_be_said(void **state)
{
    struct comparison comparison;

    (void)state;
    outcome.series.count = 2;
    struct result a = read_report();
    assert_int_equal(compare_results(&a, &a, &comparison), -ERANGE);
    result_free(&a);
}

/* -- merge -- */

static void merge__two_runs__counts_and_buckets_are_sums_and_the_verdict_the_worse(void **state)
{
    struct result results[2] = {read_report()};
    struct result sum;

    (void)state;
    histogram_record(&outcome.latency, 9000000);
    outcome.tally.found_bytes[FINDING_WRONG] = 2;
    results[1] = read_report();
    json_t *merged = merge_results(results, 2);
    assert_non_null(merged);
    json_dump_file(merged, path, 0);
    json_decref(merged);
    assert_int_equal(result_read(&sum, path), 0); /* it is a report again */
    assert_int_equal(sum.times[RESULT_LATENCY]->count, 13);
    assert_int_equal(sum.times[RESULT_LATENCY]->max_ns, 9000000);
    assert_int_equal(sum.exit_code, EXIT_BYTES);
    assert_string_equal(sum.verdict, "FAIL");
    assert_int_equal(sum.series.rows[5].sums.right, 2100);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(sum.json, "messages"), "right")),
                     12000);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(sum.json, "wrong"), "wrong_bytes")),
                     2);
    assert_int_equal(json_integer_value(json_object_get(sum.json, "disconnects_done")), 6);
    assert_int_equal(json_integer_value(json_object_get(sum.json, "clients")), 20);
    const json_t *rst = json_object_get(json_object_get(sum.json, "disconnects"), "rst");
    assert_int_equal(json_integer_value(json_object_get(rst, "done")), 6);
    assert_null(json_object_get(rst, "felt"));
    for (size_t i = 0; i < 2; i++)
        result_free(&results[i]);
    result_free(&sum);
}

static void merge__rows_of_other_widths__there_are_none(void **state)
{
    struct result results[2] = {read_report(), read_report()};

    (void)state;
    results[1].series.seconds_per_row = 2;
    json_t *merged = merge_results(results, 2);
    assert_int_equal(json_array_size(json_object_get(json_object_get(merged, "seconds"), "right")), 0);
    json_decref(merged);
    for (size_t i = 0; i < 2; i++)
        result_free(&results[i]);
}

static void merge__no_memory__none(void **state)
{
    struct result result = read_report();

    (void)state;
    has_no_memory = true;
    assert_null(merge_results(&result, 1));
    has_no_memory = false;
    result_free(&result);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read__own_report__is_what_was_written),
        TEST(read__bad_files__named_with_their_place),
        TEST(read__seconds_that_are_no_table__refused),
        TEST(read__no_memory__says_so),
        TEST(compare__the_same__same),
        TEST(compare__beyond_the_spread__worse_one_way_and_better_the_other),
        TEST(compare__within_the_spread__same),
        TEST(compare__a_run_that_failed__worse_whatever_its_figures),
        TEST(compare__too_few_seconds__cannot_be_said),
        TEST(merge__two_runs__counts_and_buckets_are_sums_and_the_verdict_the_worse),
        TEST(merge__rows_of_other_widths__there_are_none),
        TEST(merge__no_memory__none),
    };

    return cmocka_run_group_tests_name("loadtool result", tests, NULL, NULL);
}
