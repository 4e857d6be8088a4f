#include "loadtool/units.h"

#include <errno.h>

#include "tests/support/cmocka_all.h"

static void duration__every_unit__is_milliseconds(void **state)
{
    static const struct {
        const char *word;
        uint64_t ms;
    } rows[] = {{"10", 10000}, {"250ms", 250}, {"1.5s", 1500}, {"2m", 120000}, {"1h", 3600000}, {"0", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t ms = 1;
        assert_int_equal(units_parse_duration_ms(rows[i].word, &ms), 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void duration__no_number_or_unknown_unit__is_refused(void **state)
{
    static const char *const words[] = {
        "", "s", "-1s", "1d", "1 s", "inf", "0x1", "1.2.3s", "10sx", "111111111111111111111111111111111111"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t ms = 77;
        assert_int_equal(units_parse_duration_ms(words[i], &ms), -EINVAL);
        assert_int_equal(ms, 77);
    }
}

static void duration__beyond_all_use__is_out_of_range(void **state)
{
    uint64_t ms = 0;

    (void)state;
    assert_int_equal(units_parse_duration_ms("1001h", &ms), -ERANGE);
}

static void count__within_and_outside_its_limits__is_taken_or_refused(void **state)
{
    uint64_t count = 0;

    (void)state;
    assert_int_equal(units_parse_count("500", 1, 500, &count), 0);
    assert_int_equal(count, 500);
    assert_int_equal(units_parse_count("501", 1, 500, &count), -ERANGE);
    assert_int_equal(units_parse_count("0", 1, 500, &count), -ERANGE);
    assert_int_equal(units_parse_count("99999999999999999999", 0, UINT64_MAX, &count), -ERANGE);
    assert_int_equal(units_parse_count("-1", 0, UINT64_MAX, &count), -EINVAL);
    assert_int_equal(units_parse_count("5x", 0, UINT64_MAX, &count), -EINVAL);
    assert_int_equal(units_parse_count("", 0, UINT64_MAX, &count), -EINVAL);
    assert_int_equal(units_parse_count(" 5", 0, UINT64_MAX, &count), -EINVAL);
}

static void size__with_k_and_m__is_bytes(void **state)
{
    uint64_t bytes = 0;

    (void)state;
    assert_int_equal(units_parse_size_bytes("64", 1, 1 << 26, &bytes), 0);
    assert_int_equal(bytes, 64);
    assert_int_equal(units_parse_size_bytes("200K", 1, 1 << 26, &bytes), 0);
    assert_int_equal(bytes, 204800);
    assert_int_equal(units_parse_size_bytes("64M", 1, 1 << 26, &bytes), 0);
    assert_int_equal(bytes, 1 << 26);
    assert_int_equal(units_parse_size_bytes("65M", 1, 1 << 26, &bytes), -ERANGE);
    assert_int_equal(units_parse_size_bytes("0K", 1, 1 << 26, &bytes), -ERANGE);
    assert_int_equal(units_parse_size_bytes("K", 1, 1 << 26, &bytes), -EINVAL);
    assert_int_equal(units_parse_size_bytes("", 1, 1 << 26, &bytes), -EINVAL);
    assert_int_equal(units_parse_size_bytes("1G", 1, 1 << 26, &bytes), -EINVAL);
}

static void share__in_percent__is_parts_of_10000(void **state)
{
    uint32_t share = 0;

    (void)state;
    assert_int_equal(units_parse_share("10%", &share), 0);
    assert_int_equal(share, 1000);
    assert_int_equal(units_parse_share("2.5%", &share), 0);
    assert_int_equal(share, 250);
    assert_int_equal(units_parse_share("100%", &share), 0);
    assert_int_equal(share, 10000);
    assert_int_equal(units_parse_share("101%", &share), -ERANGE);
    assert_int_equal(units_parse_share("10", &share), -EINVAL);
    assert_int_equal(units_parse_share("%", &share), -EINVAL);
}

static void format__numbers__read_well(void **state)
{
    struct text out;

    (void)state;
    assert_string_equal(units_format_count(&out, 0), "0");
    assert_string_equal(units_format_count(&out, 999), "999");
    assert_string_equal(units_format_count(&out, 1000), "1,000");
    assert_string_equal(units_format_count(&out, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(units_format_ns(&out, 312000), "312 us");
    assert_string_equal(units_format_ns(&out, 1240000), "1.24 ms");
    assert_string_equal(units_format_ns(&out, 12400000), "12.4 ms");
    assert_string_equal(units_format_ns(&out, 3100000000), "3.10 s");
    assert_string_equal(units_format_bytes(&out, 312), "312 B");
    assert_string_equal(units_format_bytes(&out, 4750), "4.75 kB");
    assert_string_equal(units_format_bytes(&out, 77e6), "77.0 MB");
    assert_string_equal(units_format_bytes(&out, 1.5e9), "1.50 GB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration__every_unit__is_milliseconds),
        cmocka_unit_test(duration__no_number_or_unknown_unit__is_refused),
        cmocka_unit_test(duration__beyond_all_use__is_out_of_range),
        cmocka_unit_test(count__within_and_outside_its_limits__is_taken_or_refused),
        cmocka_unit_test(size__with_k_and_m__is_bytes),
        cmocka_unit_test(share__in_percent__is_parts_of_10000),
        cmocka_unit_test(format__numbers__read_well),
    };

    return cmocka_run_group_tests_name("loadtool units", tests, NULL, NULL);
}
