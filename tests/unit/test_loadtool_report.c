/* Both reports of the same made-up runs. */
#include "loadtool/report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

enum { REPORT_BYTES = 32768 };

static struct settings settings;
static struct outcome outcome;
static struct verdict verdict;
static struct report report = {
    .settings = &settings, .outcome = &outcome, .verdict = &verdict, .command = "loadtool :9999 --seed 7"};
static char text[REPORT_BYTES];

static int fresh(void **state)
{
    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    settings = (struct settings){.target_word = ":9999",
                                 .clients = 500,
                                 .duration_ms = 10000,
                                 .size_word = "64",
                                 .dialogue = {.sizes = SIZES_ONE(64)},
                                 .seed = 7};
    assert_int_equal(plan_parse("10%", &settings.plan), 0);
    outcome.tally.messages_sent = outcome.tally.messages_right = 1203456;
    outcome.tally.bytes_right = 1203456 * 64;
    outcome.control.clients = 450;
    outcome.victims = 50;
    outcome.done_count = 941;
    for (size_t i = 0; i < 5; i++)
        outcome.done[i] = 188;
    outcome.done[PLAN_FIN]++;
    outcome.recovery.is_checked = outcome.recovery.is_ok = true;
    outcome.recovery.ns = 1200000;
    for (int i = 0; i < 1000; i++)
        histogram_record(&outcome.latency, 312000);
    outcome.silence.max_ns = 2000000;
    outcome.messages_per_s = 120345.4;
    outcome.elapsed_ns = 10100000000;
    return 0;
}

static const char *write_text(int width)
{
    FILE *out = fmemopen(text, sizeof(text), "w");

    verdict_judge(&settings, &outcome, &verdict);
    report_write_text(out, &report, width);
    fclose(out);
    return text;
}

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

static void spoil(void)
{
    outcome.tally.found_bytes[FINDING_WRONG] = 3;
    outcome.tally.differs_from_request = true;
    outcome.tally.examples[FINDING_WRONG] = (struct tally_wrong){.is_set = true,
                                                                 .connection = 12,
                                                                 .offset = 345,
                                                                 .shown_offset = 344,
                                                                 .count = 3,
                                                                 .got_count = 3,
                                                                 .expected = {0x40, 0x41, 0x42},
                                                                 .got = {0x40, 0x61, 0xff}};
    outcome.control.reset = outcome.control.lost = 2;
    outcome.not_done[PLAN_RST] = 4;
    outcome.not_done[PLAN_FIN] = 3;
    outcome.forestalled[PLAN_FIN] = 2;
    tally_note(&outcome.tally, FAULT_RESET, WHERE_REPLY, "connection 17 (control): connection reset by peer");
    outcome.self.busy_share = 0.97;
}

static void text__a_good_run__begins_with_the_verdict_and_ends_with_the_command(void **state)
{
    const char *headline = "PASS  941 clients left, 564 of them abruptly; the other 450 noticed nothing\n"
                           "      500 clients, 1,203,456 replies, every byte right\n";
    static const char *const order[] = {"correctness", "control", "disconnects", "recovery", "latency",
                                        "silence",     "rate",    "errors",      "repeat"};
    const char *at = write_text(0);

    (void)state;
    assert_memory_equal(at, headline, strlen(headline));
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *next = strstr(at, order[i]);
        assert_non_null(next);
        at = next;
    }
    assert_non_null(strstr(text, "errors       none\n"));
    assert_null(strstr(text, "note"));
    assert_non_null(strstr(text, "repeat       loadtool :9999 --seed 7\n"));
}

static void text__everybody_a_victim__speaks_of_no_others(void **state)
{
    const char *headline = "PASS  941 clients left, 564 of them abruptly\n";

    (void)state;
    outcome.control.clients = 0;
    write_text(0);
    assert_memory_equal(text, headline, strlen(headline));
}

static void text__one_of_each__has_no_plural(void **state)
{
    (void)state;
    settings.clients = 2;
    settings.churn_per_s = 1;
    outcome.churn.due = outcome.churn.done = 1;
    outcome.done_count = outcome.control.clients = outcome.victims = outcome.unexpected_ends = 1;
    outcome.tally.messages_sent = outcome.tally.messages_right = 1;
    outcome.disturbances = (struct disturbances_told){.count = 1, .deaths = 1, .lost = 1};
    write_text(0);
    assert_non_null(strstr(text, " 1 message sent,"));
    assert_non_null(strstr(text, " 1 client:  0 refused"));
    assert_non_null(strstr(text, " 1 done, 1 victim at a time;  1 unexpected end\n"));
    assert_non_null(strstr(text, " 1 bucket of 10 ms with 1 death;  1 request lost at them\n"));
    assert_non_null(strstr(text, " 1 short connection due,"));
    outcome.unexpected_ends = 0;
    write_text(0);
    assert_memory_equal(text, "PASS  1 client left", strlen("PASS  1 client left"));
}

static void text__a_bad_run__names_every_finding(void **state)
{
    (void)state;
    spoil();
    write_text(0);
    assert_memory_equal(text, "FAIL  3 reply bytes were wrong\n", strlen("FAIL  3 reply bytes were wrong\n"));
    assert_non_null(strstr(text, "\n      2 of 450 control clients lost the connection by a reset\n"));
    assert_non_null(strstr(text, "first wrong byte: connection 12, offset 345\n"));
    assert_non_null(strstr(text, "expected   40|41 42\n"));
    assert_non_null(strstr(text, "got        40|61 ff\n"));
    assert_non_null(strstr(text, "(4 not done)"));
    assert_non_null(strstr(text, "(3 not done, 2 of them since the server had ended the connection)"));
    assert_non_null(
        strstr(text, "1 reset (server side, at reply), the first:\n               connection 17"));
    assert_non_null(strstr(text, "loadtool was the bottleneck (busy 97 %)"));
}

static void text__any_width__no_line_is_longer_but_for_the_command(void **state)
{
    (void)state;
    spoil();
    for (int width = 60; width <= 200; width += 10) {
        write_text(width);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
            if (strstr(line, "repeat") == NULL)
                assert_true(strlen(line) <= (size_t)width);
    }
}

static void text__nothing_answered__does_not_make_up_a_latency(void **state)
{
    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    write_text(0);
    assert_non_null(strstr(text, "latency      not measured"));
    assert_null(strstr(text, "silence"));
}

static void text__a_rate__says_what_was_asked_for(void **state)
{
    (void)state;
    settings.rate_per_s = 200000;
    write_text(0);
    assert_non_null(strstr(text, "paced: 200,000/s asked for"));
    assert_non_null(strstr(text, "  from due\n"));
    assert_non_null(strstr(text, "  from sent\n"));
}

static void text__what_the_server_and_the_others_did__stands_below_the_mode(void **state)
{
    (void)state;
    outcome.took[PLAN_FIN][TOOK_ANSWERED] = 180;
    outcome.took[PLAN_FIN][TOOK_TIMED_OUT] = 9;
    outcome.felt[PLAN_FIN] =
        (struct felt_result){.replies = 500, .p99_ns = 3000000, .p99_ratio = 1.5, .wrong_bytes = 2};
    outcome.felt[PLAN_RST] = (struct felt_result){.replies = 5, .wrong_bytes = 1};
    outcome.calm = (struct felt_result){.p99_ns = 2000000, .wrong_bytes = 7};
    outcome.shared_replies = 12;
    write_text(0);
    assert_non_null(strstr(
        text, "server: 180 answered all, 9 timed out;  others: p99 3.00 ms (1.50 of calm), 2 wrong bytes\n"));
    assert_non_null(strstr(text, "   others: 1 wrong byte\n")); /* too few replies for a ratio */
    assert_non_null(strstr(text, "   others in calm moments: p99 2.00 ms, 7 wrong bytes\n"));
    assert_non_null(
        strstr(text, "   12 replies of the others met several modes and count for each of them\n"));
}

static void text__outages__have_times_and_losses(void **state)
{
    (void)state;
    outcome.outages = (struct outages){.count = 2, .longest_gap_ms = 300, .kept = 2};
    outcome.outages.list[0] = (struct outage){
        .last_good_ms = 1000, .gap_ms = 300, .is_over = true, .is_normal = true, .normal_ms = 40};
    outcome.outages.list[1] = (struct outage){.last_good_ms = 5000, .gap_ms = 100, .lost = 7};
    write_text(0);
    assert_non_null(
        strstr(text, "outages      2;  the longest time without a right reply of anybody: 300 ms\n"));
    assert_non_null(strstr(text, "1.00 s to 1.30 s, 0 lost, normal 40 ms after the first reply\n"));
    assert_non_null(strstr(text, "5.00 s to 5.10 s, 7 lost, until the end\n"));
}

static void text__wrong_bytes_of_a_script__stand_there_as_text_too(void **state)
{
    const char *row =
        "expected   40|41 42" /* and thirteen more */ "                                         @AB\n";

    (void)state;
    spoil();
    settings.dialogue.script.count = 1;
    write_text(0);
    assert_non_null(strstr(text, row));
    assert_non_null(strstr(text, "@a.\n"));
    write_text(91);
    assert_non_null(strstr(text, row));
    write_text(90);
    assert_null(strstr(text, "@AB"));
    settings.dialogue.script.count = 0;
}

static void disturb(void)
{
    const uint64_t ms = 1000000;

    outcome.normal_limit_ns = 2 * ms;
    outcome.disturbances =
        (struct disturbances_told){.count = 3,
                                   .deaths = 50,
                                   .lost = 7,
                                   .lost_apart = 1,
                                   .not_normal = 1,
                                   .untold = 1,
                                   .silences = {.count = 2, .p50_ns = ms, .max_ns = 302 * ms},
                                   .normals = {.count = 1, .p50_ns = 310 * ms, .max_ns = 310 * ms},
                                   .kept = 4};
    struct disturbance *worst = outcome.disturbances.worst;
    worst[0] = (struct disturbance){.at_ns = 1000 * ms,
                                    .deaths = 48,
                                    .modes = 1U << PLAN_RST | 1U << PLAN_STORM,
                                    .has_silence = true,
                                    .is_over = true,
                                    .last_good_ns = 999 * ms,
                                    .first_good_ns = 1301 * ms,
                                    .lost = 7,
                                    .is_judged = true,
                                    .is_normal = true,
                                    .normal_ns = 310 * ms,
                                    .watched_ns = 900 * ms};
    worst[1] = (struct disturbance){.at_ns = 1500 * ms, .deaths = 1, .is_judged = true, .watched_ns = ms};
    worst[2] = (struct disturbance){.at_ns = 1600 * ms,
                                    .deaths = 1,
                                    .has_silence = true,
                                    .is_over = true,
                                    .is_judged = true,
                                    .is_normal = true};
}

static void text__disturbances__have_a_summary_and_the_worst(void **state)
{
    (void)state;
    disturb();
    write_text(0);
    assert_non_null(
        strstr(text, "disturbances 3 buckets of 10 ms with 50 deaths;  7 requests lost at them\n"));
    assert_non_null(strstr(text, "   nobody answered: p50 1.00 ms "));
    assert_non_null(strstr(text, "   until p99 is normal (2.00 ms): p50 310 ms "));
    assert_non_null(strstr(text, "   1 not normal again, 1 too late or too early to tell\n"));
    assert_non_null(strstr(text,
                           "   1.00 s: 48 (rst, storm); last good reply -1.0 ms, first +301.0 ms; 7 lost, "
                           "normal after 310 ms\n"));
    assert_non_null(strstr(text, "then none; 0 lost, not normal again\n"));
    assert_non_null(strstr(text, "0 lost, normal at once\n"));
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

static void text__the_server_and_ourselves__are_told_of(void **state)
{
    (void)state;
    outcome.health = (struct health){.is_watched = true, .pid = 77};
    outcome.health.before = outcome.health.after =
        (struct health_sample){.is_there = true, .descriptors = 20, .processes = 5};
    outcome.self =
        (struct selfcheck){.has_looked = true, .busy_share = 0.5, .ports = 28232, .descriptors_left = 900};
    write_text(0);
    assert_non_null(strstr(text, "server       process 77, before the load and 2 s after it:\n"));
    assert_non_null(strstr(text, "20 -> 20 descriptors, 0 -> 0 in CLOSE-WAIT, 5 -> 5 processes"));
    assert_non_null(strstr(text, "self-check   busy 50 %, 28,232 ports, 900 descriptors left"));
}

static void text__an_open_loop_out_of_breath__begins_with_unreliable_and_has_no_note(void **state)
{
    (void)state;
    settings.rate_per_s = 1000;
    outcome.self = (struct selfcheck){.is_open_loop = true,
                                      .has_looked = true,
                                      .busy_share = 0.97,
                                      .descriptors_left = 900,
                                      .lag_p99_ns = 1000000};
    write_text(0);
    assert_memory_equal(text, "UNRELIABLE  loadtool was the bottleneck (busy 97 %)",
                        strlen("UNRELIABLE  loadtool was the bottleneck (busy 97 %)"));
    assert_null(strstr(text, "\n  note "));
    assert_non_null(strstr(text, "lag p99 1.00 ms"));
}

static void text__short_connections__are_counted(void **state)
{
    (void)state;
    settings.churn_per_s = 100;
    outcome.churn.due = 1000;
    outcome.churn.done = 990;
    outcome.churn.failed = 3;
    outcome.churn.missed = 7;
    write_text(0);
    assert_non_null(strstr(text, "1,000 short connections due, 990 answered right, 3 failed, 7 missed\n"));
    assert_non_null(strstr(text, "FAIL  3 short connections were refused, ended or left unanswered\n"));
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
        cmocka_unit_test_setup(text__a_good_run__begins_with_the_verdict_and_ends_with_the_command, fresh),
        cmocka_unit_test_setup(text__everybody_a_victim__speaks_of_no_others, fresh),
        cmocka_unit_test_setup(text__a_bad_run__names_every_finding, fresh),
        cmocka_unit_test_setup(text__any_width__no_line_is_longer_but_for_the_command, fresh),
        cmocka_unit_test_setup(text__one_of_each__has_no_plural, fresh),
        cmocka_unit_test_setup(text__wrong_bytes_of_a_script__stand_there_as_text_too, fresh),
        cmocka_unit_test_setup(text__disturbances__have_a_summary_and_the_worst, fresh),
        cmocka_unit_test_setup(json__disturbances__have_a_summary_and_a_list, fresh),
        cmocka_unit_test_setup(text__nothing_answered__does_not_make_up_a_latency, fresh),
        cmocka_unit_test_setup(text__a_rate__says_what_was_asked_for, fresh),
        cmocka_unit_test_setup(json__any_run__has_exactly_the_promised_keys, fresh),
        cmocka_unit_test_setup(text__what_the_server_and_the_others_did__stands_below_the_mode, fresh),
        cmocka_unit_test_setup(text__outages__have_times_and_losses, fresh),
        cmocka_unit_test_setup(text__the_server_and_ourselves__are_told_of, fresh),
        cmocka_unit_test_setup(text__an_open_loop_out_of_breath__begins_with_unreliable_and_has_no_note,
                               fresh),
        cmocka_unit_test_setup(text__short_connections__are_counted, fresh),
        cmocka_unit_test_setup(json__outages_server_and_self_check__have_their_values, fresh),
        cmocka_unit_test_setup(json__a_good_run__has_its_values, fresh),
        cmocka_unit_test_setup(json__a_bad_run__has_the_first_wrong_bytes_and_the_errors, fresh),
        cmocka_unit_test_setup(json__a_command_that_is_no_utf_8__is_still_json, fresh),
        cmocka_unit_test_setup(json__a_full_disk__is_told, fresh),
    };

    return cmocka_run_group_tests_name("loadtool report", tests, NULL, NULL);
}
