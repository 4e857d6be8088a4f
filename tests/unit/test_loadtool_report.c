/* The report for a reader, of made-up runs. The one for programs is in test_loadtool_report_json.c, of the same runs. */
#include "tests/unit/test_loadtool_report.h"

static const char *write_text(int width)
{
    FILE *out = fmemopen(text, sizeof(text), "w");

    verdict_judge(&settings, &outcome, &verdict);
    report_write_text(out, &report, width);
    fclose(out);
    return text;
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
        cmocka_unit_test_setup(text__nothing_answered__does_not_make_up_a_latency, fresh),
        cmocka_unit_test_setup(text__a_rate__says_what_was_asked_for, fresh),
        cmocka_unit_test_setup(text__what_the_server_and_the_others_did__stands_below_the_mode, fresh),
        cmocka_unit_test_setup(text__outages__have_times_and_losses, fresh),
        cmocka_unit_test_setup(text__the_server_and_ourselves__are_told_of, fresh),
        cmocka_unit_test_setup(text__an_open_loop_out_of_breath__begins_with_unreliable_and_has_no_note,
                               fresh),
        cmocka_unit_test_setup(text__short_connections__are_counted, fresh),
    };

    return cmocka_run_group_tests_name("loadtool report", tests, NULL, NULL);
}
