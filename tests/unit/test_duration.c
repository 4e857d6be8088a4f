/* Durations as people write them. */
#include "tests/support/cmocka_all.h"

#include "master/duration.h"

#include <errno.h>

static void parse__units_and_decimals__milliseconds(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"0h", 0},
        {"0.0", 0},
        {"5", 5000},
        {"1.5", 1500},
        {".5", 500},
        {"250ms", 250},
        {"30s", 30000},
        {"2m", 120000},
        {"1.5m", 90000},
        {"1h", 3600000},
        {"0.5h", 1800000},
        {"007s", 7000},
        {"1.", 1000},
        {"0.001s", 1},
        {"0.1ms", 1},
        {"0.0000001s", 1},
        {"1.0001s", 1001},
        {"8760h", 31536000000},
        {"0.0000000000001s", 0}, /* finer than a billionth: nothing */
        {"1.0000000000009s", 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;

        assert_int_equal(duration_parse(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void check_refused(const char *text, int code)
{
    int64_t ms = -7;

    assert_int_equal(duration_parse(text, &ms), code);
    assert_int_equal(ms, -7);
}

static void parse__not_a_duration__invalid(void **state)
{
    static const char *const cases[] = {"",    "s",   ".",  "ms",  "5 s",   " 5", "5x", "5sec", "1e3", "0x5",
                                        "inf", "nan", "+5", "5,5", "1.5.5", "-",  "-s", "5S",   "5d"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(cases[i], -EINVAL);
}

static void parse__negative_or_too_long__out_of_range(void **state)
{
    static const char *const cases[] = {"-1",
                                        "-0.5s",
                                        "8760.1h",
                                        "8761h",
                                        "31536000.001s",
                                        "31536001",
                                        "99999999999999999999999999999999h",
                                        "99999999999ms"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(cases[i], -ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__units_and_decimals__milliseconds),
        cmocka_unit_test(parse__not_a_duration__invalid),
        cmocka_unit_test(parse__negative_or_too_long__out_of_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
