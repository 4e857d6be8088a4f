#include "loadtool/csv.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static const uint64_t second = 1000000000;

static struct csv csv;
static char text[4096];

static const char *line_of(int number)
{
    const char *at = text;

    for (int i = 0; i < number; i++)
        at = strchr(at, '\n') + 1;
    return at;
}

static void step__seconds_pass__each_has_its_own_values(void **state)
{
    struct csv_sums sums = {.sent = 100, .right = 90};
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    csv_begin(&csv, out, &sums, 5 * second);
    histogram_record(&csv.latency, 2000000);
    sums.sent = 150;
    sums.right = 130;
    csv_step(&csv, &sums, 6 * second - 1); /* not over yet */
    csv_step(&csv, &sums, 6 * second);
    sums.right = 140;
    sums.kills = 4;
    csv_step(&csv, &sums, 8 * second + 5); /* two at once */
    fclose(out);
    assert_memory_equal(line_of(0), "second,sent,right,", strlen("second,sent,right,"));
    assert_memory_equal(line_of(1), "1,50,40,0,0,0,0,0,0,0,2000.0,2000.0,2000.0\n",
                        strlen("1,50,40,0,0,0,0,0,0,0,2000.0,2000.0,2000.0\n"));
    assert_memory_equal(line_of(2), "2,0,10,0,0,0,0,4,0,0,0.0,0.0,0.0\n",
                        strlen("2,0,10,0,0,0,0,4,0,0,0.0,0.0,0.0\n"));
    assert_memory_equal(line_of(3), "3,0,0,0,", strlen("3,0,0,0,"));
    assert_int_equal(strlen(line_of(4)), 0);
}

static void step__nobody_wants_it__does_nothing(void **state)
{
    const struct csv_sums sums = {.sent = 1};

    (void)state;
    csv_begin(&csv, NULL, &sums, 0);
    csv_step(&csv, &sums, 100 * second);
    assert_int_equal(csv.seconds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__seconds_pass__each_has_its_own_values),
        cmocka_unit_test(step__nobody_wants_it__does_nothing),
    };

    return cmocka_run_group_tests_name("loadtool csv", tests, NULL, NULL);
}
