/* wrap: open_memstream */
/* The reports for other programs, of made-up runs. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "loadtool/chart.h"
#include "loadtool/report.h"
#include "tests/support/cmocka_all.h"

enum { REPORT_BYTES = 65536 };

static struct settings settings;
static struct outcome outcome;
static struct verdict verdict;
static struct report report = {
    .settings = &settings, .outcome = &outcome, .verdict = &verdict, .command = "loadtool '<x>' --seed 7"};
static char text[REPORT_BYTES];
static int memory_fails_at = -1;

FILE *__real_open_memstream(char **made, size_t *size);
FILE *__wrap_open_memstream(char **made, size_t *size);
FILE *__wrap_open_memstream(char **made, size_t *size)
{
    return memory_fails_at >= 0 && memory_fails_at-- == 0 ? NULL : __real_open_memstream(made, size);
}

static int fresh(void **state)
{
    (void)state;
    memory_fails_at = -1;
    memset(&outcome, 0, sizeof(outcome));
    settings = (struct settings){.target_word = "unix:/<x>|\"y\"",
                                 .clients = 20,
                                 .size_word = "64",
                                 .dialogue = {.sizes = SIZES_ONE(64)},
                                 .seed = 7};
    assert_int_equal(plan_parse("rst:5%,oob:5%", &settings.plan), 0);
    assert_int_equal(thresholds_add(&settings.thresholds, "p99>5ms"), 0);
    assert_int_equal(thresholds_add(&settings.thresholds, "p50>1ms"), 0);
    outcome.tally.messages_sent = outcome.tally.messages_right = 1203456;
    outcome.control.clients = 18;
    outcome.victims = 2;
    outcome.done_count = outcome.done[PLAN_RST] = 41;
    for (int i = 0; i < 1000; i++)
        histogram_record(&outcome.latency, 312000);
    outcome.elapsed_ns = 10100000000;
    return 0;
}

static const char *write_report(int (*write)(FILE *out, const struct report *report))
{
    FILE *out = fmemopen(text, sizeof(text), "w");

    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(write(out, &report), 0);
    fclose(out);
    return text;
}

static void spoil(void)
{
    outcome.tally.found_bytes[FINDING_WRONG] = 3;
    outcome.tally.differs_from_request = true;
    outcome.control.reset = outcome.control.lost = 2;
    histogram_init(&outcome.latency);
    for (int i = 0; i < 1000; i++)
        histogram_record(&outcome.latency, 7000000);
    tally_note(&outcome.tally, FAULT_RESET, WHERE_REPLY, "connection 17 | <reset>");
}

static void disturb(void)
{
    const uint64_t ms = 1000000;

    outcome.outages = (struct outages){.count = 1,
                                       .longest_gap_ms = 300,
                                       .kept = 1,
                                       .list = {{.last_good_ms = 1500,
                                                 .gap_ms = 300,
                                                 .is_over = true,
                                                 .is_normal = true,
                                                 .normal_ms = 40,
                                                 .lost = 2,
                                                 .modes = 1U << PLAN_RST}}};
    outcome.disturbances = (struct disturbances_told){
        .count = 30,
        .deaths = 50,
        .lost = 7,
        .lost_apart = 1,
        .not_normal = 3,
        .silences = {.count = 2, .p50_ns = ms, .p99_ns = 2 * ms, .max_ns = 302 * ms, .sum_ns = 304e6},
        .kept = 1};
    outcome.disturbances.worst[0] = (struct disturbance){.at_ns = 1510 * ms,
                                                         .deaths = 48,
                                                         .modes = 1U << PLAN_RST | 1U << PLAN_STORM,
                                                         .has_silence = true,
                                                         .is_over = true,
                                                         .last_good_ns = 1509 * ms,
                                                         .first_good_ns = 1811 * ms,
                                                         .lost = 7,
                                                         .is_judged = true};
}

static void junit__disturbances__are_properties(void **state)
{
    (void)state;
    disturb();
    write_report(report_write_junit);
    assert_non_null(strstr(text, "<property name=\"outage_longest_ms\" value=\"300\"/>\n"));
    assert_non_null(strstr(text, "<property name=\"disturbances\" value=\"30\"/>\n"));
    assert_non_null(strstr(text, "<property name=\"disturbances_not_normal\" value=\"3\"/>\n"));
    assert_non_null(strstr(text, "<property name=\"disturbances_requests_lost\" value=\"7\"/>\n"));
}

static void md__disturbances__are_rows_and_the_worst_a_table(void **state)
{
    (void)state;
    write_report(report_write_md);
    assert_null(strstr(text, "disturbance"));
    assert_null(strstr(text, "outage from"));
    disturb();
    write_report(report_write_md);
    assert_non_null(strstr(text, "| outages | 1 |\n"));
    assert_non_null(strstr(text, "| requests lost at disturbances | 7 |\n"));
    assert_non_null(strstr(text, " p50 / p99 / longest | 1.00 ms / 2.00 ms / 302 ms |\n"));
    assert_null(strstr(text, "until p99 was normal")); /* it never was */
    assert_non_null(strstr(text, "| disturbances after which it was not | 3 |\n"));
    assert_non_null(strstr(text, "| 1.50 s | 1.80 s | rst | 2 | normal 40 ms after the first reply |\n"));
    assert_non_null(
        strstr(text, "| 1.51 s | 48: rst, storm | -1.0 ms | +301.0 ms | 7 | not normal again |\n"));
}

static void prom__disturbances__are_counts_and_summaries(void **state)
{
    (void)state;
    disturb();
    write_report(report_write_prom);
    assert_non_null(strstr(text, "\nloadtool_disturbances_total 30\n"));
    assert_non_null(strstr(text, "\nloadtool_requests_lost_total{at=\"disturbance\"} 7\n"
                                 "loadtool_requests_lost_total{at=\"other\"} 1\n"));
    assert_non_null(strstr(text, "\nloadtool_disturbance_silence_seconds{quantile=\"0.99\"} 0.002\n"));
    assert_non_null(strstr(text, "\nloadtool_disturbance_silence_seconds_sum 0.304\n"
                                 "loadtool_disturbance_silence_seconds_count 2\n"));
    assert_null(strstr(text, "loadtool_disturbance_normal_seconds{"));
    assert_non_null(strstr(text, "\nloadtool_disturbances_not_normal 3\n"));
}

static void junit__good_run__has_a_case_for_each_thing_and_no_failure(void **state)
{
    (void)state;
    write_report(report_write_junit);
    /* six things, two limits, two modes; skipped: recovery, server, open loop, and oob */
    assert_non_null(strstr(text, "tests=\"10\" failures=\"0\" errors=\"0\" skipped=\"4\" time=\"10.100\""));
    assert_non_null(strstr(text, "<testsuite name=\"loadtool unix:/&lt;x&gt;|&quot;y&quot;\""));
    assert_non_null(strstr(text, "name=\"--fail &#39;p99&gt;5ms&#39;\""));
    assert_non_null(strstr(text, "<skipped message=\"never done\"/>"));
    assert_non_null(strstr(text, "<system-out>PASS  41 clients left"));
    assert_null(strstr(text, "<failure"));
}

static void junit__bad_run__each_finding_is_in_its_own_case(void **state)
{
    (void)state;
    spoil();
    write_report(report_write_junit);
    assert_non_null(strstr(text, "failures=\"4\""));
    assert_non_null(
        strstr(text, "every byte of every reply is right\" time=\"10.100\">\n      <failure type=\"exit 3\" "
                     "message=\"3 reply bytes were wrong\">3 reply bytes were wrong</failure>"));
    assert_non_null(strstr(text, "<failure type=\"exit 4\""));
    assert_non_null(strstr(text, "message=\"--fail &#39;p50&gt;1ms&#39;: it was 7"));
}

static void junit__no_memory__says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        FILE *out = fmemopen(text, sizeof(text), "w");
        memory_fails_at = i;
        assert_int_equal(report_write_junit(out, &report), -ENOMEM);
        fclose(out);
    }
}

static void md__any_run__begins_with_the_verdict_and_ends_with_the_command(void **state)
{
    (void)state;
    write_report(report_write_md);
    assert_memory_equal(text, "### PASS: loadtool against unix:/&lt;x&gt;\\|\"y\"\n", 48);
    assert_non_null(strstr(text, "\n| rst | RST (SO\\_LINGER 0), a request outstanding | 41 | 0 |  |\n"));
    assert_non_null(strstr(text, "| latency p99 | 312 us |\n"));
    assert_null(strstr(text, "| error |"));
    assert_non_null(strstr(text, "\nRepeat it:\n\n    loadtool '<x>' --seed 7\n"));
}

static void md__bad_run__has_findings_and_errors(void **state)
{
    (void)state;
    spoil();
    outcome.recovery.is_checked = true;
    settings.rate_per_s = 5;
    write_report(report_write_md);
    assert_non_null(strstr(text, "\n- 3 reply bytes were wrong\n"));
    assert_non_null(strstr(text, "| reset | server | reply | 1 | connection 17 \\| &lt;reset&gt; |\n"));
    assert_non_null(strstr(text, "after the last disconnect | never |\n"));
    assert_non_null(strstr(text, "| latency p50, from due |"));
}

static void prom__a_run__each_name_has_its_help_and_type(void **state)
{
    (void)state;
    spoil();
    outcome.recovery.is_checked = outcome.recovery.is_ok = true;
    outcome.recovery.ns = 1500000;
    outcome.health.is_watched = true;
    outcome.health.before.descriptors = outcome.health.after.descriptors = 5;
    write_report(report_write_prom);
    assert_non_null(strstr(text, "target=\"unix:/<x>|\\\"y\\\"\",verdict=\"FAIL\"} 1\n"));
    assert_non_null(strstr(
        text,
        "\n# TYPE loadtool_latency_seconds summary\nloadtool_latency_seconds{quantile=\"0.5\"} 0.007\n"));
    assert_non_null(strstr(text, "\nloadtool_reply_bytes_bad_total{kind=\"wrong\"} 3\n"));
    assert_non_null(strstr(text, "\nloadtool_disconnects_total{mode=\"rst\",done=\"yes\"} 41\n"));
    assert_non_null(
        strstr(text, "\nloadtool_errors_total{class=\"reset\",side=\"server\",where=\"reply\"} 1\n"));
    assert_non_null(strstr(text, "\nloadtool_recovery_seconds 0.0015\n"));
    assert_non_null(strstr(text, "\nloadtool_server_descriptors{when=\"before\"} 5\n"));
}

static double half_of(const struct series_row *row)
{
    return (double)row->sums.right / 2;
}

static void add_seconds(void)
{
    assert_int_equal(series_init(&outcome.series), 0);
    for (uint64_t i = 0; i < 4; i++)
        series_add(&outcome.series,
                   &(struct second){.begin_ns = i * 1000000000,
                                    .length_ns = 1000000000,
                                    .sums = {.right = 100, .kills = i == 1 ? 7 : 0, .lost = i == 2},
                                    .latency = &outcome.latency,
                                    .modes = 1u << PLAN_RST});
}

static void html__a_run__has_its_charts_tables_and_bytes(void **state)
{
    (void)state;
    spoil();
    add_seconds();
    disturb();
    outcome.tally.examples[FINDING_WRONG] = (struct tally_wrong){.is_set = true,
                                                                 .connection = 12,
                                                                 .offset = 345,
                                                                 .shown_offset = 344,
                                                                 .count = 3,
                                                                 .got_count = 2,
                                                                 .expected = {0x40, '<', 0x42},
                                                                 .got = {0x40, 0x61}};
    write_report(report_write_html);
    series_free(&outcome.series);
    assert_memory_equal(text, "<!doctype html>\n", 16);
    assert_non_null(strstr(text, "<h1><span class=\"bad\">FAIL</span> unix:/&lt;x&gt;|&quot;y&quot;</h1>"));
    assert_non_null(
        strstr(text, "<title>7 left on purpose rst, 0 control clients lost, 0 bad bytes</title>"));
    assert_non_null(strstr(text, "<title>outage of 300 ms</title>"));
    assert_non_null(strstr(text, "<title>1.51 s: 48 left (rst, storm), 7 requests lost</title>"));
    assert_non_null(
        strstr(text, "<tr><td class=\"n\">1.50 s</td><td class=\"n\">1.80 s</td><td class=\"\">rst</td>"));
    assert_non_null(
        strstr(text, "<td class=\"n\">-1.0 ms</td><td class=\"n\">+301.0 ms</td><td class=\"n\">7</td>"));
    assert_non_null(strstr(text, "<title>from 6.29 ms on: 1,000 replies</title>"));
    assert_non_null(
        strstr(text, "00000158  40 <mark>3c</mark> 42                                         @&lt;B\n"));
    assert_non_null(strstr(text, "<td class=\"\">connection 17 | &lt;reset&gt;</td>"));
    assert_non_null(strstr(text, "<pre class=\"command\">loadtool &#39;&lt;x&gt;&#39; --seed 7</pre>"));
    assert_true(strstr(text, "\"nan") == NULL && strstr(text, "Lnan") == NULL &&
                strstr(text, "Mnan") == NULL);
    assert_non_null(strstr(text, "</body></html>\n"));
}

static void html__a_run_without_a_second__has_no_charts(void **state)
{
    (void)state;
    write_report(report_write_html);
    assert_null(strstr(text, "<figure>"));
    add_seconds();
    histogram_init(&outcome.latency); /* nobody was measured */
    write_report(report_write_html);
    series_free(&outcome.series);
    assert_non_null(strstr(text, "Right replies per second"));
    assert_null(strstr(text, "by percentile"));
}

static void html__no_memory__says_so(void **state)
{
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    memory_fails_at = 0;
    assert_int_equal(report_write_html(out, &report), -ENOMEM);
    fclose(out);
}

static void timeline__any_rows__the_line_goes_through_them(void **state)
{
    const struct chart_line line = {&outcome.series, half_of, "one", "half"};
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    add_seconds();
    chart_timeline(out, "Half", &line, 1, false, NULL);
    fclose(out);
    series_free(&outcome.series);
    /* Four values of 50 at the middles of four seconds, a twentieth below the top of the room. */
    assert_non_null(
        strstr(text, "<path class=\"line one\" d=\"M153.2 19.8h.1L299.8 19.8L446.2 19.8L592.8 19.8\"/>"));
    assert_non_null(strstr(text, ">4 s</text>"));
    assert_null(strstr(text, "kills"));
}

static double millions(const struct series_row *row)
{
    return 15e3 * (double)row->sums.right;
}

static void timeline__large_values_and_a_place_at_the_end__have_room(void **state)
{
    const struct chart_line line = {&outcome.series, millions, "one", "much"};
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    add_seconds();
    chart_timeline(out, "Much", &line, 1, false, NULL);
    fclose(out);
    series_free(&outcome.series);
    assert_non_null(strstr(text, "text-anchor=\"end\">1.5 M</text>"));
    assert_non_null(strstr(text, "text-anchor=\"end\">4 s</text>"));
    assert_non_null(strstr(text, "text-anchor=\"middle\">2 s</text>"));
}

static void md__outages_of_each_kind__say_how_they_went_on(void **state)
{
    (void)state;
    outcome.outages =
        (struct outages){.count = 2,
                         .kept = 2,
                         .list = {{.gap_ms = 60, .is_over = true}, {.last_good_ms = 900, .gap_ms = 100}}};
    write_report(report_write_md);
    assert_non_null(strstr(text, "| 0.06 s |  | 0 | not normal again before the end of the run |\n"));
    assert_non_null(strstr(text, "| 0.90 s | 1.00 s |  | 0 | until the end |\n"));
}

static void all__no_room__an_error(void **state)
{
    static int (*const writers[])(FILE *, const struct report *) = {report_write_junit, report_write_md,
                                                                    report_write_prom, report_write_html};

    (void)state;
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        FILE *out = fopen("/dev/full", "we");
        setvbuf(out, NULL, _IONBF, 0);
        assert_int_equal(writers[i](out, &report), -EIO);
        fclose(out);
    }
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(junit__good_run__has_a_case_for_each_thing_and_no_failure),
        TEST(junit__bad_run__each_finding_is_in_its_own_case),
        TEST(junit__disturbances__are_properties),
        TEST(junit__no_memory__says_so),
        TEST(md__any_run__begins_with_the_verdict_and_ends_with_the_command),
        TEST(md__bad_run__has_findings_and_errors),
        TEST(md__disturbances__are_rows_and_the_worst_a_table),
        TEST(prom__disturbances__are_counts_and_summaries),
        TEST(prom__a_run__each_name_has_its_help_and_type),
        TEST(html__a_run__has_its_charts_tables_and_bytes),
        TEST(html__a_run_without_a_second__has_no_charts),
        TEST(html__no_memory__says_so),
        TEST(timeline__large_values_and_a_place_at_the_end__have_room),
        TEST(md__outages_of_each_kind__say_how_they_went_on),
        TEST(timeline__any_rows__the_line_goes_through_them),
        TEST(all__no_room__an_error),
    };

    return cmocka_run_group_tests_name("loadtool report files", tests, NULL, NULL);
}
