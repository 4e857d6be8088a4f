/* Numbers in few columns, and values of JSON that may be missing. */
#include "tests/support/cmocka_all.h"

#include "master/ctl_text.h"

#include <string.h>

static char out[CTL_TEXT_SIZE];

static void duration__each_unit(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{-5, "0ms"},         {0, "0ms"},         {999, "999ms"},       {1000, "1s"},
                 {59999, "59s"},      {60000, "1m00s"},   {192000, "3m12s"},    {3599999, "59m59s"},
                 {3600000, "1h00m"},  {7500000, "2h05m"}, {86399999, "23h59m"}, {86400000, "1d00h"},
                 {356400000, "4d03h"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ctl_duration(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void delay__three_digits_or_so(void **state)
{
    static const struct {
        double ms;
        const char *text;
    } cases[] = {{0, "-"}, {0.0213, "0.02ms"}, {3.44, "3.4ms"}, {119.9, "120ms"}, {2100, "2.1s"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ctl_delay(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void count__plain_then_scaled(void **state)
{
    static const struct {
        double count;
        const char *text;
    } cases[] = {{-3, "0"},           {0, "0"},          {99999, "99999"},   {100000, "100k"},
                 {999499, "999k"},    {999500, "1.00M"}, {1234567, "1.23M"}, {9995000, "10.0M"},
                 {45600000, "45.6M"}, {789e6, "789M"},   {1.234e9, "1.23G"}, {5e21, "5000E"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ctl_count(cases[i].count, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void bytes__with_their_unit(void **state)
{
    (void)state;
    ctl_bytes(-1, out); /* of another server */
    assert_string_equal(out, "0B");
    ctl_bytes(0, out);
    assert_string_equal(out, "0B");
    ctl_bytes(999, out);
    assert_string_equal(out, "999B");
    ctl_bytes(1000, out);
    assert_string_equal(out, "1.00kB");
    ctl_bytes(13.6e6, out);
    assert_string_equal(out, "13.6MB");
}

static void expect_state(const char *slot_text, const char *wanted)
{
    json_t *slot = json_loads(slot_text, 0, NULL);

    assert_non_null(slot);
    ctl_slot_state(slot, out);
    assert_string_equal(out, wanted);
    json_decref(slot);
}

static void state__what_is_being_done_goes_before(void **state)
{
    (void)state;
    expect_state("{\"state\":\"serving\",\"going_out\":false}", "serving");
    expect_state("{\"state\":\"serving\",\"going_out\":true,\"handing_over\":true}", "going out");
    expect_state("{\"state\":\"serving\",\"handing_over\":true}", "renewing");
    expect_state("{\"state\":\"resting\",\"resting_ms\":2500}", "rests 2s");
    expect_state("{\"state\":\"a state of a later version\"}", "a state of a");
    expect_state("{}", "?");
}

static void values__missing_or_of_another_kind__zero(void **state)
{
    json_t *object = json_loads("{\"n\":7,\"r\":2.5,\"s\":\"x\",\"t\":true}", 0, NULL);

    (void)state;
    assert_int_equal(ctl_number_at(object, "n"), 7);
    assert_int_equal(ctl_number_at(object, "s"), 0);
    assert_int_equal(ctl_number_at(object, "gone"), 0);
    assert_int_equal(ctl_number_at(NULL, "n"), 0);
    assert_true(ctl_real_at(object, "r") == 2.5);
    assert_true(ctl_real_at(object, "n") == 7.0);
    assert_string_equal(ctl_string_at(object, "s"), "x");
    assert_string_equal(ctl_string_at(object, "n"), "?");
    assert_true(ctl_true_at(object, "t"));
    assert_false(ctl_true_at(object, "n"));
    json_decref(object);
}

static void keepers__counts_those_that_are_ready(void **state)
{
    json_t *slot = json_loads("{\"keepers\":[{\"state\":\"ready\"},{\"state\":\"starting\"}]}", 0, NULL);

    (void)state;
    assert_int_equal(ctl_keepers_ready(slot), 1);
    assert_int_equal(ctl_keepers_ready(NULL), 0);
    json_decref(slot);
}

static void operation__as_one_asks_for_it(void **state)
{
    json_t *scale = json_pack("{ss si}", "operation", "scale", "goal", 8);
    json_t *reload = json_pack("{ss si}", "operation", "reload", "goal", 8);
    json_t *restart = json_pack("{ss si}", "operation", "restart", "goal", 3);
    json_t *off = json_pack("{ss}", "operation", "drain_off");

    (void)state;
    ctl_operation_text(scale, out);
    assert_string_equal(out, "scale 8");
    ctl_operation_text(restart, out);
    assert_string_equal(out, "restart 3");
    ctl_operation_text(reload, out);
    assert_string_equal(out, "reload");
    ctl_operation_text(off, out);
    assert_string_equal(out, "drain --off");
    json_decref(scale);
    json_decref(restart);
    json_decref(reload);
    json_decref(off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration__each_unit),
        cmocka_unit_test(delay__three_digits_or_so),
        cmocka_unit_test(count__plain_then_scaled),
        cmocka_unit_test(bytes__with_their_unit),
        cmocka_unit_test(state__what_is_being_done_goes_before),
        cmocka_unit_test(values__missing_or_of_another_kind__zero),
        cmocka_unit_test(operation__as_one_asks_for_it),
        cmocka_unit_test(keepers__counts_those_that_are_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
