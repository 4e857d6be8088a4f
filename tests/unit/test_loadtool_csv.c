#include "loadtool/csv.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static char text[4096];
static struct histogram latency;

static void write__a_second__is_a_line_under_its_header(void **state)
{
    const struct second second = {.number = 3,
                                  .begin_ns = 2000000000,
                                  .length_ns = 1000000000,
                                  .sums = {.sent = 50, .right = 40, .kills = 4, .missed = 9},
                                  .latency = &latency};
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    histogram_record(&latency, 2000000);
    csv_write_header(out);
    csv_write_second(out, &second);
    fclose(out);
    assert_string_equal(text,
                        "second,sent,right,bytes_right,wrong_bytes,connected,ended,kills,lost,missed,p50_us,"
                        "p99_us,max_us\n3,50,40,0,0,0,0,4,0,9,2000.0,2000.0,2000.0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__a_second__is_a_line_under_its_header),
    };

    return cmocka_run_group_tests_name("loadtool csv", tests, NULL, NULL);
}
