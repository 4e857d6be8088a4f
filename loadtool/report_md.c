/* `--md`: a page for the summary of a CI job ($GITHUB_STEP_SUMMARY and its like): verdict first, then tables. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "loadtool/markup.h"
#include "loadtool/report.h"
#include "loadtool/report_words.h"
#include "loadtool/units.h"

static void write_verdict(FILE *out, const struct report *report)
{
    const struct verdict *verdict = report->verdict;
    struct text right, left;

    fprintf(out, "### %s: loadtool against ", verdict_name(verdict->kind));
    markup_write_cell(out, report->settings->target_word);
    fprintf(out, "\n\n%s right replies, %s of our own clients left on purpose, exit code %d.\n",
            units_format_count(&right, report->outcome->tally.messages_right),
            units_format_count(&left, report->outcome->done_count), verdict->exit_code);
    for (size_t i = 0; i < verdict->reason_count; i++) {
        fputs(i == 0 ? "\n- " : "- ", out);
        markup_write_cell(out, verdict->reasons[i]);
        fputc('\n', out);
    }
}

enum { WORST_SHOWN = 3 };

static void write_row(FILE *out, const char *what, const char *value)
{
    fprintf(out, "| %s | %s |\n", what, value);
}

static void write_times(FILE *out, const struct report *report)
{
    static const double percents[] = {50, 90, 99, 99.9};
    const struct histogram *latency = &report->outcome->latency;
    char what[40];
    struct text time;

    for (size_t i = 0; latency->count > 0 && i < sizeof(percents) / sizeof(percents[0]); i++) {
        snprintf(what, sizeof(what), "latency p%g%s", percents[i],
                 report->settings->rate_per_s > 0 ? ", from due" : "");
        write_row(out, what, units_format_ns(&time, histogram_percentile_ns(latency, percents[i])));
    }
    if (latency->count > 0)
        write_row(out, "latency, longest", units_format_ns(&time, latency->max_ns));
}

static void write_told(FILE *out, const char *what, const struct disturbances_times *times)
{
    char words[160];
    struct text p50, p99, longest;

    snprintf(words, sizeof(words), "%s / %s / %s", report_format_time(&p50, times->p50_ns),
             report_format_time(&p99, times->p99_ns), report_format_time(&longest, times->max_ns));
    if (times->count > 0)
        write_row(out, what, words);
}

/* When nobody was answered, and what disturbances cost. */
static void write_gaps(FILE *out, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;
    char words[80];
    struct text number;

    if (outcome->latency.count == 0)
        return;
    snprintf(words, sizeof(words), "%" PRIu64 " ms", outcome->outages.longest_gap_ms);
    write_row(out, "longest time without a right reply of anybody", words);
    write_row(out, "outages", units_format_count(&number, outcome->outages.count));
    if (!report_has_disturbances(outcome))
        return;
    write_row(out, "requests lost at disturbances", units_format_count(&number, told->lost));
    write_told(out, "nobody answered at a disturbance, p50 / p99 / longest", &told->silences);
    write_told(out, "until p99 was normal after it, p50 / p99 / longest", &told->normals);
    write_row(out, "disturbances after which it was not", units_format_count(&number, told->not_normal));
}

static void write_measures(FILE *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    char words[80];
    struct text one, two;

    fputs("\n| measure | value |\n|---|---:|\n", out);
    snprintf(words, sizeof(words), "%s/s",
             units_format_count(&one, (uint64_t)(outcome->messages_per_s + 0.5)));
    write_row(out, "right replies", words);
    write_times(out, report);
    write_gaps(out, outcome);
    if (outcome->recovery.is_checked)
        write_row(out, "new client served after the last disconnect",
                  outcome->recovery.is_ok ? units_format_ns(&one, outcome->recovery.ns) : "never");
    write_row(out, "bytes not as they must be", units_format_count(&one, tally_found_bytes(&outcome->tally)));
    snprintf(words, sizeof(words), "%s of %s", units_format_count(&one, outcome->control.lost),
             units_format_count(&two, outcome->control.clients));
    write_row(out, "control clients lost", words);
}

static void write_outages(FILE *out, const struct outages *outages)
{
    for (size_t i = 0; i < outages->kept; i++) {
        struct report_outage_words words;
        report_describe_outage(&outages->list[i], &words);
        if (i == 0)
            fputs("\n| outage from | to | after | clients lost | afterwards |\n|---:|---:|---|---:|---|\n",
                  out);
        fprintf(out, "| %s | %s | %s | %s | %s |\n", words.from.s, words.to.s, words.modes, words.lost.s,
                words.afterwards);
    }
}

static void write_disturbances(FILE *out, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;

    for (size_t i = 0; report_has_disturbances(outcome) && i < told->kept && i < WORST_SHOWN; i++) {
        struct report_disturbance_words words;
        report_describe_disturbance(&told->worst[i], &words);
        if (i == 0)
            fputs("\n| worst disturbances | clients left by | last good reply | first one | requests lost | "
                  "afterwards |\n|---:|---|---:|---:|---:|---|\n",
                  out);
        fprintf(out, "| %s | %s: %s | %s | %s | %s | %s |\n", words.at.s, words.deaths.s, words.modes,
                words.last_good.s, words.first_good.s, words.lost.s, words.afterwards.s);
    }
}

static void write_modes(FILE *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text done, not_done, p99;

    if (outcome->victims == 0)
        return;
    fputs("\n| disconnect | what it does | done | not done | others' p99 meanwhile "
          "|\n|---|---|---:|---:|---:|\n",
          out);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        const struct felt_result *felt = &outcome->felt[i];
        if (!plan_has(&report->settings->plan, (enum plan_mode)i))
            continue;
        fprintf(out, "| %s | ", plan_mode_name((enum plan_mode)i));
        markup_write_cell(out, plan_mode_definition((enum plan_mode)i));
        fprintf(out, " | %s | %s | %s |\n", units_format_count(&done, outcome->done[i]),
                units_format_count(&not_done, outcome->not_done[i]),
                felt->p99_ratio > 0 ? units_format_ns(&p99, felt->p99_ns) : "");
    }
}

static void write_errors(FILE *out, const struct tally *tally)
{
    bool has_any = false;
    struct text number;

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            const struct tally_fault *at = &tally->faults[fault][where];
            if (at->count == 0)
                continue;
            if (!has_any)
                fputs("\n| error | side | where | count | the first |\n|---|---|---|---:|---|\n", out);
            has_any = true;
            fprintf(out, "| %s | %s | %s | %s | ", tally_fault_name((enum fault)fault),
                    tally_fault_side((enum fault)fault), tally_where_name((enum where)where),
                    units_format_count(&number, at->count));
            markup_write_cell(out, at->first);
            fputs(" |\n", out);
        }
    }
}

/* A code block by indentation: nothing within can end it. */
static void write_command(FILE *out, const struct report *report)
{
    char words[4096];

    fprintf(out, "\nRepeat it:\n\n    %s\n", markup_clean(words, sizeof(words), report->command));
}

int report_write_md(FILE *out, const struct report *report)
{
    write_verdict(out, report);
    write_measures(out, report);
    write_modes(out, report);
    write_outages(out, &report->outcome->outages);
    write_disturbances(out, report->outcome);
    write_errors(out, &report->outcome->tally);
    write_command(out, report);
    return ferror(out) ? -EIO : 0;
}
