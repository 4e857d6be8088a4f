/*
 * `--junit`: the run as a test suite, one case for each thing that a run must show. The dialect is the one that
 * Jenkins, GitLab and GitHub's actions read (testsuites, testsuite, properties, testcase, failure, skipped).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/markup.h"
#include "loadtool/report.h"

enum { NAME_BYTES = 120 };

/* The cases stand for exit codes; a code that could not show is skipped, with the reason. */
static const struct {
    int code;
    const char *name;
} cases[] = {
    {EXIT_BYTES, "every byte of every reply is right"},
    {EXIT_CLIENTS, "every client is served"},
    {EXIT_RECOVERY, "a new client is served after the last disconnect"},
    {EXIT_RESIDUE, "nothing is left behind in the server"},
    {EXIT_UNRELIABLE, "the load tool can rely on its figures"},
    {EXIT_INTERRUPTED, "the run comes to its end"},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const char *why_skipped(const struct report *report, int code)
{
    if (code == EXIT_RECOVERY && !report->outcome->recovery.is_checked)
        return "nothing was disturbed";
    if (code == EXIT_RESIDUE && !report->outcome->health.is_watched)
        return "--server-pid was not given";
    if (code == EXIT_UNRELIABLE && report->settings->rate_per_s == 0)
        return "no open loop";
    return NULL;
}

/* The sentences with that code and, of a limit, those that tell of it; NULL = all. Returns how many. */
static size_t write_findings(FILE *out, const struct verdict *verdict, int code, const char *limit)
{
    size_t found = 0;

    for (size_t i = 0; i < verdict->reason_count; i++) {
        if (verdict->codes[i] != code || (limit != NULL && strstr(verdict->reasons[i], limit) == NULL))
            continue;
        if (found++ == 0) {
            fprintf(out, "      <failure type=\"exit %d\" message=\"", code);
            markup_write_xml(out, verdict->reasons[i]);
            fputs("\">", out);
        } else {
            fputc('\n', out);
        }
        markup_write_xml(out, verdict->reasons[i]);
    }
    if (found > 0)
        fputs("</failure>\n", out);
    return found;
}

static void begin_case(FILE *out, const struct report *report, const char *name)
{
    fputs("    <testcase classname=\"loadtool.", out);
    markup_write_xml(out, report->settings->target_word);
    fputs("\" name=\"", out);
    markup_write_xml(out, name);
    fprintf(out, "\" time=\"%.3f\">\n", (double)report->outcome->elapsed_ns / 1e9);
}

static void write_skipped(FILE *out, const char *why)
{
    fputs("      <skipped message=\"", out);
    markup_write_xml(out, why);
    fputs("\"/>\n", out);
}

struct counts {
    size_t tests, failures, skipped;
};

static void write_cases(FILE *out, const struct report *report, struct counts *counts)
{
    for (size_t i = 0; i < CASES; i++) {
        const char *why = why_skipped(report, cases[i].code);
        begin_case(out, report, cases[i].name);
        counts->tests++;
        if (write_findings(out, report->verdict, cases[i].code, NULL) > 0) {
            counts->failures++;
        } else if (why != NULL) {
            write_skipped(out, why);
            counts->skipped++;
        }
        fputs("    </testcase>\n", out);
    }
}

static void write_limits(FILE *out, const struct report *report, struct counts *counts)
{
    const struct thresholds *thresholds = &report->settings->thresholds;
    char name[NAME_BYTES];

    for (size_t i = 0; i < thresholds->count; i++) {
        snprintf(name, sizeof(name), "--fail '%s'", thresholds->list[i].word);
        begin_case(out, report, name);
        counts->tests++;
        counts->failures += write_findings(out, report->verdict, EXIT_THRESHOLD, name) > 0;
        fputs("    </testcase>\n", out);
    }
}

static void write_modes(FILE *out, const struct report *report, struct counts *counts)
{
    char name[NAME_BYTES];

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        if (!plan_has(&report->settings->plan, (enum plan_mode)i))
            continue;
        snprintf(name, sizeof(name), "disconnect %s: %s", plan_mode_name((enum plan_mode)i),
                 plan_mode_definition((enum plan_mode)i));
        begin_case(out, report, name);
        counts->tests++;
        if (report->outcome->done[i] == 0) {
            write_skipped(out, "never done");
            counts->skipped++;
        }
        fputs("    </testcase>\n", out);
    }
}

static void write_property(FILE *out, const char *name, const char *value)
{
    fprintf(out, "      <property name=\"%s\" value=\"", name);
    markup_write_xml(out, value);
    fputs("\"/>\n", out);
}

static void write_number(FILE *out, const char *name, uint64_t number)
{
    char value[24];

    snprintf(value, sizeof(value), "%" PRIu64, number);
    write_property(out, name, value);
}

/* What fails no case by itself stands here; a limit of --fail can make it one. */
static void write_properties(FILE *out, const struct report *report)
{
    const struct outages *outages = &report->outcome->outages;
    const struct disturbances_told *disturbances = &report->outcome->disturbances;

    fputs("    <properties>\n", out);
    write_property(out, "version", PREFORK_UPPER_VERSION);
    write_property(out, "verdict", verdict_name(report->verdict->kind));
    write_number(out, "seed", report->settings->seed);
    write_property(out, "command", report->command);
    write_number(out, "outages", outages->count);
    write_number(out, "outage_longest_ms", outages->longest_gap_ms);
    write_number(out, "disturbances", disturbances->count);
    write_number(out, "disturbances_not_normal", disturbances->not_normal);
    write_number(out, "disturbances_requests_lost", disturbances->lost);
    fputs("    </properties>\n", out);
}

/* The text report, for whoever looks at a failed case. */
static int write_text(FILE *out, const struct report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *made = open_memstream(&text, &size);

    if (made == NULL)
        return -ENOMEM;
    report_write_text(made, report, 0);
    if (fclose(made) != 0) {
        free(text);
        return -ENOMEM;
    }
    fputs("    <system-out>", out);
    markup_write_xml(out, text);
    fputs("</system-out>\n", out);
    free(text);
    return 0;
}

/* What stands at the head of the suite is known when its cases are written. */
static int write_suite(FILE *out, const struct report *report)
{
    struct counts counts = {.tests = 0};
    char *body = NULL;
    size_t size = 0;
    FILE *made = open_memstream(&body, &size);

    if (made == NULL)
        return -ENOMEM;
    write_cases(made, report, &counts);
    write_limits(made, report, &counts);
    write_modes(made, report, &counts);
    if (fclose(made) != 0) {
        free(body);
        return -ENOMEM;
    }
    fputs("  <testsuite name=\"loadtool ", out);
    markup_write_xml(out, report->settings->target_word);
    fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n",
            counts.tests, counts.failures, counts.skipped, (double)report->outcome->elapsed_ns / 1e9);
    write_properties(out, report);
    fputs(body, out);
    free(body);
    return 0;
}

int report_write_junit(FILE *out, const struct report *report)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    int rc = write_suite(out, report);
    if (rc == 0)
        rc = write_text(out, report);
    fputs("  </testsuite>\n</testsuites>\n", out);
    return rc < 0 ? rc : ferror(out) ? -EIO : 0;
}
