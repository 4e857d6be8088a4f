/* The report for programs, as JSON, of made-up runs. */
#include "tests/unit/test_loadtool_report.h"

#include <errno.h>
#include <jansson.h>

static json_t *write_json(void)
{
    json_error_t error;
    FILE *out = fmemopen(text, sizeof(text), "w");

    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(report_write_json(out, &report), 0);
    fclose(out);
    json_t *object = json_loads(text, 0, &error);
    assert_non_null(object);
    return object;
}

static void json__any_run__has_exactly_the_promised_keys(void **state)
{
    static const char *const keys[] = {"tool",         "version",      "command",         "seed",
                                       "target",       "clients",      "duration_ms",     "size_bytes",
                                       "size",         "check",        "rate_per_s",      "verdict",
                                       "exit_code",    "reasons",      "messages",        "wrong",
                                       "control",      "victims",      "disconnects",     "disconnects_done",
                                       "connections",  "latency_us",   "format",          "outages",
                                       "server",       "self_check",   "latency_sent_us", "connect_us",
                                       "arrivals",     "churn",        "silence_ms",      "rate",
                                       "errors",       "recovery",     "bottleneck",      "elapsed_ms",
                                       "calm",         "disturbances", "histograms",      "seconds",
                                       "begun_unix_ms"};
    json_t *object = write_json();

    (void)state;
    assert_int_equal(json_object_size(object), sizeof(keys) / sizeof(keys[0]));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_non_null(json_object_get(object, keys[i]));
    json_decref(object);
}

static void json__a_good_run__has_its_values(void **state)
{
    const char *tool = NULL, *seen = NULL;
    int code = -1, seed = 0, opened = -1, done = 0, checked = 0, ok = 0, lost = -1;
    double p50 = 0, share = 0, ms = 0;
    json_t *first = NULL;
    json_t *object = write_json();

    (void)state;
    assert_int_equal(
        json_unpack(object,
                    "{s:s s:s s:i s:i s:{s:i} s:{s:{s:i s:f}} s:{s:b s:b s:f} s:{s:f} s:{s:i} s:{s:o}}",
                    "tool", &tool, "verdict", &seen, "exit_code", &code, "seed", &seed, "connections",
                    "opened", &opened, "disconnects", "rst", "done", &done, "share", &share, "recovery",
                    "checked", &checked, "ok", &ok, "ms", &ms, "latency_us", "p50", &p50, "control", "lost",
                    &lost, "wrong", "first", &first),
        0);
    assert_string_equal(tool, "loadtool");
    assert_string_equal(seen, "PASS");
    assert_int_equal(code, 0);
    assert_int_equal(seed, 7);
    assert_int_equal(done, 188);
    assert_true(share > 1.99 && share < 2.01);
    assert_true(checked && ok && ms > 1.19 && ms < 1.21);
    assert_true(p50 > 311 && p50 < 313);
    assert_int_equal(lost, 0);
    assert_true(json_is_null(first));
    json_decref(object);
}

static void json__a_bad_run__has_the_first_wrong_bytes_and_the_errors(void **state)
{
    const char *expected = NULL, *got = NULL, *class = NULL, *side = NULL, *where = NULL, *example = NULL;
    int offset = 0, count = 0, bound = 0;

    (void)state;
    spoil();
    json_t *object = write_json();
    assert_int_equal(json_unpack(object, "{s:{s:{s:i s:s s:s}} s:[{s:s s:s s:s s:i s:s}] s:{s:b}}", "wrong",
                                 "first", "offset", &offset, "expected", &expected, "got", &got, "errors",
                                 "class", &class, "side", &side, "where", &where, "count", &count, "first",
                                 &example, "bottleneck", "client_bound", &bound),
                     0);
    assert_int_equal(offset, 345);
    assert_string_equal(expected, "4142");
    assert_string_equal(got, "61ff");
    assert_string_equal(class, "reset");
    assert_string_equal(side, "server");
    assert_string_equal(where, "reply");
    assert_int_equal(count, 1);
    assert_true(bound);
    assert_int_equal(json_array_size(json_object_get(object, "reasons")), 2);
    json_decref(object);
}

static void json__outages_server_and_self_check__have_their_values(void **state)
{
    const char *after = NULL, *bad = NULL;
    int gap = 0, pid = 0, descriptors = 0, timed_out = 0, wrong = 0, alone = 0, calm = 0;

    (void)state;
    outcome.took[PLAN_FIN][TOOK_TIMED_OUT] = 9;
    outcome.felt[PLAN_FIN].wrong_bytes = 64;
    outcome.felt[PLAN_FIN].wrong_bytes_alone = 32;
    outcome.calm.wrong_bytes = 5;
    outcome.outages = (struct outages){.count = 1, .longest_gap_ms = 300, .kept = 1};
    outcome.outages.list[0] = (struct outage){.gap_ms = 300, .modes = 1U << PLAN_RST};
    outcome.health = (struct health){.is_watched = true, .pid = 77};
    outcome.health.after.descriptors = 21;
    outcome.self.busy_share = 0.99;
    json_t *object = write_json();
    assert_int_equal(json_unpack(object,
                                 "{s:{s:[{s:i s:[s]}]} s:{s:i s:{s:i}} s:{s:[s]} s:{s:{s:{s:i} s:{s:i s:i}}} "
                                 "s:{s:i}}",
                                 "outages", "longest", "gap_ms", &gap, "after", &after, "server", "pid", &pid,
                                 "after", "descriptors", &descriptors, "self_check", "bad", &bad,
                                 "disconnects", "fin", "took", "timed_out", &timed_out, "felt", "wrong_bytes",
                                 &wrong, "wrong_bytes_alone", &alone, "calm", "wrong_bytes", &calm),
                     0);
    assert_int_equal(wrong, 64);
    assert_int_equal(alone, 32);
    assert_int_equal(calm, 5);
    assert_int_equal(gap, 300);
    assert_string_equal(after, "rst");
    assert_int_equal(pid, 77);
    assert_int_equal(descriptors, 21);
    assert_int_equal(timed_out, 9);
    assert_non_null(strstr(bad, "busy 99 %"));
    json_decref(object);
}

static void json__disturbances__have_a_summary_and_a_list(void **state)
{
    int deaths = 0, lost = 0, apart = 0, of_worst = 0, judged = 0;
    const char *first = NULL, *second = NULL;
    double limit = 0, longest = 0, last_good = 0, first_good = 0, normal = 0;
    json_t *list = NULL, *never = NULL;

    (void)state;
    disturb();
    json_t *object = write_json();
    assert_int_equal(
        json_unpack(object, "{s:{s:i s:i s:i s:f s:{s:f} s:[{s:i s:[s s] s:f s:f s:f s:b}] s:o}}",
                    "disturbances", "deaths", &deaths, "lost", &lost, "lost_apart", &apart, "normal_limit_us",
                    &limit, "silence_ms", "max", &longest, "worst", "deaths", &of_worst, "modes", &first,
                    &second, "last_good_ms", &last_good, "first_good_ms", &first_good, "normal_ms", &normal,
                    "judged", &judged, "worst", &list),
        0);
    assert_int_equal(deaths * 100 + lost * 10 + apart, 5071);
    assert_true(limit > 1999 && limit < 2001 && longest > 301 && longest < 303);
    assert_int_equal(of_worst, 48);
    assert_string_equal(first, "rst");
    assert_string_equal(second, "storm");
    assert_true(last_good > 998 && last_good < 1000 && first_good > 1300 && first_good < 1302);
    assert_true(judged && normal > 309 && normal < 311);
    assert_int_equal(json_array_size(list), 4);
    never = json_array_get(list, 1);
    assert_true(json_is_null(json_object_get(never, "first_good_ms")));
    assert_true(json_is_null(json_object_get(never, "normal_ms")));
    json_decref(object);
}

static void json__a_command_that_is_no_utf_8__is_still_json(void **state)
{
    (void)state;
    report.command = "\xff";
    json_t *object = write_json();
    assert_string_equal(json_string_value(json_object_get(object, "command")), "(not UTF-8)");
    json_decref(object);
    report.command = "loadtool :9999 --seed 7";
}

static void json__a_full_disk__is_told(void **state)
{
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_int_equal(report_write_json(full, &report), -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(json__disturbances__have_a_summary_and_a_list, fresh),
        cmocka_unit_test_setup(json__any_run__has_exactly_the_promised_keys, fresh),
        cmocka_unit_test_setup(json__outages_server_and_self_check__have_their_values, fresh),
        cmocka_unit_test_setup(json__a_good_run__has_its_values, fresh),
        cmocka_unit_test_setup(json__a_bad_run__has_the_first_wrong_bytes_and_the_errors, fresh),
        cmocka_unit_test_setup(json__a_command_that_is_no_utf_8__is_still_json, fresh),
        cmocka_unit_test_setup(json__a_full_disk__is_told, fresh),
    };

    return cmocka_run_group_tests_name("loadtool report json", tests, NULL, NULL);
}
