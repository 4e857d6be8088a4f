/* `--html`: the run as one page. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "loadtool/chart.h"
#include "loadtool/html.h"
#include "loadtool/markup.h"
#include "loadtool/report.h"
#include "loadtool/report_words.h"
#include "loadtool/units.h"

static void write_verdict(FILE *out, const struct report *report)
{
    static const char *const tones[] = {[VERDICT_PASS] = "good",
                                        [VERDICT_FAIL] = "bad",
                                        [VERDICT_INTERRUPTED] = "so-so",
                                        [VERDICT_UNRELIABLE] = "so-so"};
    const struct outcome *outcome = report->outcome;
    struct text clients, right, left, abrupt;

    html_write_headline(out, tones[report->verdict->kind], verdict_name(report->verdict->kind),
                        report->settings->target_word);
    fprintf(out,
            "<p>%s clients, %s right replies; %s clients left on purpose; %s clients that should have stayed "
            "were lost.</p>\n",
            units_format_count(&clients, report->settings->clients),
            units_format_count(&right, outcome->tally.messages_right),
            units_format_count(&left, outcome->done_count),
            units_format_count(&abrupt, outcome->control.lost));
    if (report->verdict->reason_count > 0)
        fputs("<ul>\n", out);
    for (size_t i = 0; i < report->verdict->reason_count; i++) {
        fputs("<li>", out);
        markup_write_xml(out, report->verdict->reasons[i]);
        fputs("</li>\n", out);
    }
    if (report->verdict->reason_count > 0)
        fputs("</ul>\n", out);
}

static void write_charts(FILE *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    const struct series *series = &outcome->series;
    const struct chart_line rate[] = {{series, chart_rate, "one", "right replies per second"}};
    const struct chart_line times[] = {{series, chart_p50, "one", "p50"},
                                       {series, chart_p99, "two", "p99"},
                                       {series, chart_max, "three", "longest"}};
    const struct chart_marks marks = {&outcome->outages, &outcome->disturbances};
    const struct chart_curve curves[] = {
        {&outcome->latency, "one", report->settings->rate_per_s > 0 ? "from due" : "from sent"},
        {&outcome->latency_sent, "two", "from sent"}};

    if (series->count == 0)
        return;
    chart_timeline(out, "Right replies per second", rate, 1, false, &marks);
    if (outcome->latency.count == 0)
        return;
    chart_timeline(out, "Latency of each second", times, 3, true, &marks);
    chart_percentiles(out, curves, report->settings->rate_per_s > 0 ? 2 : 1);
    chart_heat(out, series);
}

static void write_number(FILE *out, uint64_t number)
{
    struct text words;

    html_write_cell(out, "n", units_format_count(&words, number));
}

static void write_modes(FILE *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text p99;

    if (outcome->victims == 0)
        return;
    fputs("<h2>How clients left</h2><div class=\"wide\"><table><tr><th>mode</th><th>what it does</th><th "
          "class=\"n\">done</th><th "
          "class=\"n\">not done</th><th class=\"n\">server noticed</th><th class=\"n\">answered all</th><th "
          "class=\"n\">others' "
          "p99</th></tr>\n",
          out);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        const struct felt_result *felt = &outcome->felt[i];
        if (!plan_has(&report->settings->plan, (enum plan_mode)i))
            continue;
        fputs("<tr>", out);
        html_write_cell(out, "", plan_mode_name((enum plan_mode)i));
        html_write_cell(out, "", plan_mode_definition((enum plan_mode)i));
        write_number(out, outcome->done[i]);
        write_number(out, outcome->not_done[i]);
        write_number(out, outcome->took[i][TOOK_NOTICED]);
        write_number(out, outcome->took[i][TOOK_ANSWERED]);
        html_write_cell(out, "n", felt->p99_ratio > 0 ? units_format_ns(&p99, felt->p99_ns) : "");
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

/* -- when nobody was answered -- */

static void write_outages(FILE *out, const struct outages *outages)
{
    if (outages->kept == 0)
        return;
    fputs("<h2>Outages: nobody had a right reply</h2><div class=\"wide\"><table><tr><th "
          "class=\"n\">from</th><th "
          "class=\"n\">to</th><th>clients had left by</th><th class=\"n\">clients "
          "lost</th><th>afterwards</th></tr>\n",
          out);
    for (size_t i = 0; i < outages->kept; i++) {
        struct report_outage_words words;
        report_describe_outage(&outages->list[i], &words);
        fputs("<tr>", out);
        html_write_cell(out, "n", words.from.s);
        html_write_cell(out, "n", words.to.s);
        html_write_cell(out, "", words.modes);
        html_write_cell(out, "n", words.lost.s);
        html_write_cell(out, "", words.afterwards);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void write_disturbance(FILE *out, const struct disturbance *disturbance)
{
    struct report_disturbance_words words;

    report_describe_disturbance(disturbance, &words);
    fputs("<tr>", out);
    html_write_cell(out, "n", words.at.s);
    html_write_cell(out, "n", words.deaths.s);
    html_write_cell(out, "", words.modes);
    html_write_cell(out, "n", words.last_good.s);
    html_write_cell(out, "n", words.first_good.s);
    html_write_cell(out, "n", words.lost.s);
    html_write_cell(out, "", words.afterwards.s);
    fputs("</tr>\n", out);
}

static void write_disturbances(FILE *out, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;
    struct text count, deaths, lost, p99, longest;

    if (!report_has_disturbances(outcome))
        return;
    fprintf(out,
            "<h2>Disturbances: what cost most</h2>\n<p>%s times of 10 ms with %s clients leaving; %s "
            "requests lost at "
            "them. Nobody was answered for %s at the 99th percentile, %s at worst.</p>\n",
            units_format_count(&count, told->count), units_format_count(&deaths, told->deaths),
            units_format_count(&lost, told->lost), report_format_time(&p99, told->silences.p99_ns),
            report_format_time(&longest, told->silences.max_ns));
    fputs("<div class=\"wide\"><table><tr><th class=\"n\">at</th><th class=\"n\">left</th><th>by</th><th "
          "class=\"n\">last good reply</th><th class=\"n\">first one</th><th class=\"n\">requests "
          "lost</th><th>afterwards</th></tr>\n",
          out);
    for (size_t i = 0; i < told->kept && i < CHART_WORST_MAX; i++)
        write_disturbance(out, &told->worst[i]);
    fputs("</table></div>\n", out);
}

static void write_errors(FILE *out, const struct tally *tally)
{
    bool has_any = false;

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            const struct tally_fault *at = &tally->faults[fault][where];
            if (at->count == 0)
                continue;
            if (!has_any)
                fputs("<h2>Errors</h2><div "
                      "class=\"wide\"><table><tr><th>class</th><th>side</th><th>where</th><th "
                      "class=\"n\">count</th><th>the first</th></tr>\n",
                      out);
            has_any = true;
            fputs("<tr>", out);
            html_write_cell(out, "", tally_fault_name((enum fault)fault));
            html_write_cell(out, "", tally_fault_side((enum fault)fault));
            html_write_cell(out, "", tally_where_name((enum where)where));
            write_number(out, at->count);
            html_write_cell(out, "", at->first);
            fputs("</tr>\n", out);
        }
    }
    if (has_any)
        fputs("</table></div>\n", out);
}

/* -- bytes -- */

static void write_hex(FILE *out, const uint8_t *bytes, size_t count, uint64_t offset, size_t mark)
{
    for (size_t row = 0; row < count; row += 16) {
        fprintf(out, "%08" PRIx64 " ", offset + row);
        for (size_t i = row; i < row + 16; i++) {
            if (i < count)
                fprintf(out, i == mark ? " <mark>%02x</mark>" : " %02x", bytes[i]);
            else
                fputs("   ", out);
        }
        fputs("  ", out);
        for (size_t i = row; i < row + 16 && i < count; i++) {
            char character[2] = {bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '.', '\0'};
            markup_write_xml(out, character);
        }
        fputc('\n', out);
    }
}

static void write_examples(FILE *out, const struct tally *tally)
{
    for (int kind = 0; kind < FINDING_COUNT; kind++) {
        const struct tally_wrong *at = &tally->examples[kind];
        size_t mark = (size_t)(at->offset - at->shown_offset);
        if (!at->is_set)
            continue;
        fprintf(out,
                "<h2>First %s byte: connection %" PRIu64 ", offset %" PRIu64
                "</h2>\n<pre class=\"bytes\">expected\n",
                tally_finding_name((enum finding)kind), at->connection, at->offset);
        write_hex(out, at->expected, at->count, at->shown_offset, mark);
        fputs("got\n", out);
        write_hex(out, at->got, at->got_count, at->shown_offset, mark);
        if (kind == FINDING_CROSSTALK)
            fprintf(out, "these bytes belong to connection %" PRIu64 ", offset %" PRIu64 "\n",
                    at->other_connection, at->other_offset);
        fputs("</pre>\n", out);
    }
}

/* -- where it ran -- */

static void write_environment(FILE *out, const struct report *report)
{
    struct utsname system = {.sysname = ""};
    char date[40] = "", words[300];
    time_t now = time(NULL);
    struct tm parts;

    uname(&system);
    if (gmtime_r(&now, &parts) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &parts);
    snprintf(words, sizeof(words), "loadtool %s on %s %s (%s), %ld processors, ended %s",
             PREFORK_UPPER_VERSION, system.sysname, system.release, system.machine,
             sysconf(_SC_NPROCESSORS_ONLN), date);
    fputs("<h2>Where, and how to repeat it</h2><p>", out);
    markup_write_xml(out, words);
    fputs("</p>\n<pre class=\"command\">", out);
    markup_write_xml(out, report->command);
    fputs("</pre>\n", out);
}

static int write_text(FILE *out, const struct report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *made = open_memstream(&text, &size);

    if (made == NULL)
        return -ENOMEM;
    report_write_text(made, report, 100);
    if (fclose(made) == 0) {
        fputs("<h2>The whole report</h2>\n<pre>", out);
        markup_write_xml(out, text);
        fputs("</pre>\n", out);
    }
    free(text);
    return 0;
}

int report_write_html(FILE *out, const struct report *report)
{
    html_begin(out, "loadtool: a run");
    write_verdict(out, report);
    write_charts(out, report);
    write_modes(out, report);
    write_outages(out, &report->outcome->outages);
    write_disturbances(out, report->outcome);
    write_errors(out, &report->outcome->tally);
    write_examples(out, &report->outcome->tally);
    write_environment(out, report);
    int rc = write_text(out, report);
    html_end(out);
    return rc < 0 ? rc : ferror(out) ? -EIO : 0;
}
