#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "loadtool/report_parts.h"
#include "loadtool/units.h"

/* -- lines -- */

/* Write words with a hanging indent; the first line already holds `column` characters. Runs of blanks stay.
 */
void report_wrap(const struct page *page, const char *words, int column, int indent)
{
    while (*words != '\0') {
        size_t gap = strspn(words, " ");
        size_t length = strcspn(words + gap, " ");
        if (page->width > 0 && column + (int)(gap + length) > page->width && column > indent) {
            fprintf(page->out, "\n%*s", indent, "");
            column = indent;
            words += gap;
            gap = 0;
        }
        fwrite(words, 1, gap + length, page->out);
        column += (int)(gap + length);
        words += gap + length;
    }
    fputc('\n', page->out);
}

/* A label in its column, and a sentence beside it. */
void report_line(const struct page *page, const char *label, const char *format, ...)
{
    char words[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    fprintf(page->out, "  %-*s", INDENT - 2, label);
    report_wrap(page, words, INDENT, INDENT);
}

/* -- the verdict -- */

static uint64_t count_abrupt(const struct outcome *outcome)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        sum += plan_mode_manner((enum plan_mode)i) == PLAN_ABRUPT ? outcome->done[i] : 0;
    return sum;
}

static void write_pass(const struct page *page, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    char words[LINE_BYTES];
    struct text control, disconnects, abrupt, right;

    if (outcome->done_count > 0) {
        int used = snprintf(words, sizeof(words), "%s client%s left, %s of them abruptly",
                            count(&disconnects, outcome->done_count), plural(outcome->done_count),
                            count(&abrupt, count_abrupt(outcome)));
        if (outcome->control.clients > 0)
            snprintf(words + used, sizeof(words) - (size_t)used, "; the other %s noticed nothing",
                     count(&control, outcome->control.clients));
        report_wrap(page, words, HEADLINE_INDENT, HEADLINE_INDENT);
        fprintf(page->out, "%*s", HEADLINE_INDENT, "");
    }
    const char *how =
        report->settings->check == ORACLE_NONE ? "each of the right length" : "every byte right";
    snprintf(words, sizeof(words), "%s client%s, %s repl%s, %s", count(&control, report->settings->clients),
             report->settings->clients == 1 ? "" : "s", count(&right, outcome->tally.messages_right),
             outcome->tally.messages_right == 1 ? "y" : "ies", how);
    report_wrap(page, words, HEADLINE_INDENT, HEADLINE_INDENT);
}

static void write_verdict(const struct page *page, const struct report *report)
{
    const struct verdict *verdict = report->verdict;
    int indent = (int)strlen(verdict_name(verdict->kind)) + 2;

    fprintf(page->out, "%s  ", verdict_name(verdict->kind));
    if (verdict->kind == VERDICT_PASS) {
        write_pass(page, report);
        indent = HEADLINE_INDENT;
    }
    for (size_t i = 0; i < verdict->reason_count; i++) {
        if (i > 0 || verdict->kind == VERDICT_PASS)
            fprintf(page->out, "%*s", indent, "");
        report_wrap(page, verdict->reasons[i], indent, indent);
    }
    fputc('\n', page->out);
}

/* -- correctness and clients -- */

/* What a row of bytes is as text: beside a protocol of words that says more than numbers. */
static void write_row_text(FILE *out, const uint8_t *bytes, size_t count)
{
    fprintf(out, "%*s", (int)(16 - count) * 3 + 2, "");
    for (size_t i = 0; i < count; i++)
        fputc(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.', out);
}

/* Two rows of 16 bytes; the first byte that is not as it must be stands behind a bar. */
static void write_bytes_hex(const struct page *page, const char *label, const uint8_t *bytes, size_t length,
                            size_t mark, bool has_text)
{
    for (size_t row = 0; row < length; row += 16) {
        size_t end = row + 16 < length ? row + 16 : length;
        fprintf(page->out, "%*s%-10s", INDENT, "", row == 0 ? label : "");
        for (size_t i = row; i < end; i++)
            fprintf(page->out, "%s%02x", i == mark ? "|" : " ", bytes[i]);
        if (has_text)
            write_row_text(page->out, bytes + row, end - row);
        fputc('\n', page->out);
    }
}

static void write_example(const struct page *page, enum finding kind, const struct tally_wrong *example,
                          bool has_text)
{
    size_t mark = (size_t)(example->offset - example->shown_offset);

    report_line(page, "", "first %s byte: connection %" PRIu64 ", offset %" PRIu64, tally_finding_name(kind),
                example->connection, example->offset);
    if (kind == FINDING_CROSSTALK)
        report_line(page, "", "it belongs to connection %" PRIu64 ", offset %" PRIu64,
                    example->other_connection, example->other_offset);
    write_bytes_hex(page, "expected", example->expected, example->count, mark, has_text);
    write_bytes_hex(page, "got", example->got, example->got_count, mark, has_text);
}

static void write_correctness(const struct page *page, const struct report *report)
{
    const struct tally *tally = &report->outcome->tally;
    const uint64_t *found = tally->found_bytes;
    bool has_room = page->width == 0 || page->width >= INDENT + 10 + 16 * 3 + 2 + 16;
    bool has_text = has_room && report->settings->dialogue.script.count > 0;
    struct text sent, right, bytes, wrong, missing, extra, duplicated, crosstalk;

    report_line(page, "correctness", "%s message%s sent, %s answered right (%s)",
                count(&sent, tally->messages_sent), plural(tally->messages_sent),
                count(&right, tally->messages_right), units_format_bytes(&bytes, (double)tally->bytes_right));
    report_line(page, "", "%s wrong, %s missing, %s extra, %s duplicated, %s cross-talk bytes",
                count(&wrong, found[FINDING_WRONG]), count(&missing, found[FINDING_MISSING]),
                count(&extra, found[FINDING_EXTRA]), count(&duplicated, found[FINDING_DUPLICATED]),
                count(&crosstalk, found[FINDING_CROSSTALK]));
    for (int kind = 0; kind < FINDING_COUNT; kind++)
        if (tally->examples[kind].is_set)
            write_example(page, (enum finding)kind, &tally->examples[kind], has_text);
}

static void write_control(const struct page *page, const struct outcome *outcome)
{
    const struct outcome_control *control = &outcome->control;
    struct text clients, refused, reset, closed, unanswered, before, between, after;

    report_line(page, "control", "%s client%s:  %s refused, %s reset, %s closed, %s unanswered",
                count(&clients, control->clients), plural(control->clients),
                count(&refused, control->refused), count(&reset, control->reset),
                count(&closed, control->closed), count(&unanswered, control->unanswered));
    if (control->untried > 0)
        report_line(page, "", "%s not tried: nobody before them was answered",
                    count(&clients, control->untried));
    if (control->silent_before + control->silent_between + control->silent_after > 0)
        report_line(page, "", "no right reply:  %s before, %s between, %s after the disturbances",
                    count(&before, control->silent_before), count(&between, control->silent_between),
                    count(&after, control->silent_after));
}

static void write_recovery(const struct page *page, const struct outcome *outcome)
{
    struct text time;

    if (!outcome->recovery.is_checked)
        return;
    if (outcome->recovery.is_ok)
        report_line(page, "recovery", "a new client had its right reply %s after the last disconnect",
                    units_format_ns(&time, outcome->recovery.ns));
    else
        report_line(page, "recovery", "none: no new client had a right reply");
}

/* -- measures -- */

static void write_times(const struct page *page, const char *label, const struct histogram *times,
                        const char *what)
{
    struct text p50, p90, p99, p99_9, max;

    report_line(page, label, "p50 %s  p90 %s  p99 %s  p99.9 %s  max %s%s",
                units_format_ns(&p50, histogram_percentile_ns(times, 50)),
                units_format_ns(&p90, histogram_percentile_ns(times, 90)),
                units_format_ns(&p99, histogram_percentile_ns(times, 99)),
                units_format_ns(&p99_9, histogram_percentile_ns(times, 99.9)),
                units_format_ns(&max, times->max_ns), what);
}

static void write_latency(const struct page *page, const struct report *report)
{
    const struct histogram *latency = &report->outcome->latency;
    struct text over;

    if (latency->count == 0) {
        report_line(page, "latency", "not measured: the control group had no reply");
        return;
    }
    write_times(page, "latency", latency, report->settings->rate_per_s > 0 ? "  from due" : "");
    if (report->settings->rate_per_s > 0)
        write_times(page, "", &report->outcome->latency_sent, "  from sent");
    if (latency->over_count > 0)
        report_line(page, "", "%s above one hour", count(&over, latency->over_count));
    if (report->outcome->connects.count > 0)
        write_times(page, "connect", &report->outcome->connects, "");
}

static void write_silence(const struct page *page, const struct outcome *outcome)
{
    struct text p50, p99, max;

    if (outcome->latency.count == 0)
        return;
    report_line(page, "silence", "p50 %s  p99 %s  max %s  (longest wait, by client)",
                units_format_ns(&p50, outcome->silence.p50_ns),
                units_format_ns(&p99, outcome->silence.p99_ns),
                units_format_ns(&max, outcome->silence.max_ns));
}

static void write_rate(const struct page *page, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text rate, bytes, asked, due, sent, missed, late;

    report_line(page, "rate", "%s messages/s,  %s/s", count(&rate, (uint64_t)(outcome->messages_per_s + 0.5)),
                units_format_bytes(&bytes, outcome->bytes_per_s));
    if (report->settings->rate_per_s == 0)
        return;
    report_line(page, "", "paced: %s/s asked for; first messages, and what victims send to die, are on top",
                count(&asked, report->settings->rate_per_s));
    report_line(page, "", "%s arrival%s due, %s sent, %s missed, %s still due at the end",
                count(&due, outcome->arrivals.due), plural(outcome->arrivals.due),
                count(&sent, outcome->arrivals.sent), count(&missed, outcome->arrivals.missed),
                count(&late, outcome->arrivals.late));
}

static void write_churn(const struct page *page, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text due, done, failed, missed;

    if (report->settings->churn_per_s > 0)
        report_line(page, "churn", "%s short connection%s due, %s answered right, %s failed, %s missed",
                    count(&due, outcome->churn.due), plural(outcome->churn.due),
                    count(&done, outcome->churn.done), count(&failed, outcome->churn.failed),
                    count(&missed, outcome->churn.missed));
}

static void write_errors(const struct page *page, const struct tally *tally)
{
    bool has_any = false;

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            const struct tally_fault *at = &tally->faults[fault][where];
            struct text number;
            if (at->count == 0)
                continue;
            report_line(page, has_any ? "" : "errors",
                        "%s %s (%s side, at %s), the first:", count(&number, at->count),
                        tally_fault_name((enum fault)fault), tally_fault_side((enum fault)fault),
                        tally_where_name((enum where)where));
            report_line(page, "", "%s", at->first);
            has_any = true;
        }
    }
    if (!has_any)
        report_line(page, "errors", "none");
}

static void write_server(const struct page *page, const struct health *health)
{
    const struct health_sample *before = &health->before, *after = &health->after;
    struct text was, is;

    if (!health->is_watched)
        return;
    report_line(page, "server", "process %d, before the load and 2 s after it:", (int)health->pid);
    report_line(page, "",
                "%" PRIu64 " -> %" PRIu64 " descriptors, %" PRIu64 " -> %" PRIu64 " in CLOSE-WAIT, %" PRIu64
                " -> %" PRIu64 " processes, %" PRIu64 " -> %" PRIu64
                " zombies, memory %s -> %s, idle CPU %.1f %% -> %.1f %%",
                before->descriptors, after->descriptors, before->close_wait, after->close_wait,
                before->processes, after->processes, before->zombies, after->zombies,
                units_format_bytes(&was, (double)before->rss_bytes),
                units_format_bytes(&is, (double)after->rss_bytes), before->idle_cpu * 100,
                after->idle_cpu * 100);
}

static void write_self(const struct page *page, const struct outcome *outcome)
{
    const struct selfcheck *self = &outcome->self;
    char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES];
    struct text lag, ports, descriptors;
    char late[64] = "", little[32] = "";

    if (self->little_ratio > 0) /* with next to nothing outstanding it says nothing */
        snprintf(little, sizeof(little), "Little %.2f, ", self->little_ratio);
    if (self->is_open_loop && self->has_looked)
        snprintf(late, sizeof(late), "lag p99 %s, ", units_format_ns(&lag, self->lag_p99_ns));
    if (self->has_looked)
        report_line(page, "self-check",
                    "busy %.0f %%, %s%s%s ports, %s descriptors left, waited %.0f %%, steal %.0f %%",
                    self->busy_share * 100, late, little, count(&ports, self->ports),
                    count(&descriptors, self->descriptors_left), self->waited_share * 100,
                    self->steal_share * 100);
    if (self->is_open_loop)
        return; /* what is bad stands in the verdict */
    size_t bad = selfcheck_find(self, findings);
    for (size_t i = 0; i < bad; i++)
        report_line(page, "note", "%s", findings[i]);
}

void report_write_text(FILE *out, const struct report *report, int width)
{
    struct page page = {.out = out, .width = width > 0 && width < WIDTH_MIN ? WIDTH_MIN : width};
    struct page unbroken = {.out = out, .width = 0};

    write_verdict(&page, report);
    write_correctness(&page, report);
    write_control(&page, report->outcome);
    report_write_disconnects(&page, report);
    write_recovery(&page, report->outcome);
    write_latency(&page, report);
    write_silence(&page, report->outcome);
    report_write_outages(&page, report->outcome);
    report_write_disturbances(&page, report->outcome);
    write_rate(&page, report);
    write_churn(&page, report);
    write_errors(&page, &report->outcome->tally);
    write_server(&page, &report->outcome->health);
    write_self(&page, report->outcome);
    report_line(&unbroken, "repeat", "%s", report->command); /* to be copied: never broken */
}
