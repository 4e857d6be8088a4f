/* The part of the text that tells when nobody was answered, and what each disturbance did. */
#include <inttypes.h>
#include <string.h>

#include "loadtool/report_parts.h"

enum { WORST_SHOWN = 3 };

void report_write_outages(const struct page *page, const struct outcome *outcome)
{
    const struct outages *outages = &outcome->outages;
    struct text number;

    if (outcome->latency.count == 0)
        return;
    report_line(page, "outages", "%s;  the longest time without a right reply of anybody: %" PRIu64 " ms",
                outages->count == 0 ? "none" : count(&number, outages->count), outages->longest_gap_ms);
    for (size_t i = 0; i < outages->kept; i++) {
        const struct outage *outage = &outages->list[i];
        char after[80] = "until the end";
        if (outage->is_over && outage->is_normal)
            snprintf(after, sizeof(after), "normal %" PRIu64 " ms after the first reply", outage->normal_ms);
        else if (outage->is_over)
            snprintf(after, sizeof(after), "not normal again before the end of the run");
        report_line(page, "", "%.2f s to %.2f s, %s lost, %s", (double)outage->last_good_ms / 1e3,
                    (double)(outage->last_good_ms + outage->gap_ms) / 1e3, count(&number, outage->lost),
                    after);
    }
}

/* -- disturbances -- */

/* None is none of any unit. */
static const char *time_of(struct text *out, uint64_t ns)
{
    return ns == 0 ? "0" : units_format_ns(out, ns);
}

static void write_times(const struct page *page, const char *what, const struct disturbances_times *times)
{
    struct text p50, p90, p99, max;

    if (times->count > 0)
        report_line(page, "", "%s: p50 %s  p90 %s  p99 %s  max %s", what, time_of(&p50, times->p50_ns),
                    time_of(&p90, times->p90_ns), time_of(&p99, times->p99_ns), time_of(&max, times->max_ns));
}

/* How it went on: when replies were normal again, if that can be told. */
static const char *format_normal(struct text *out, const struct disturbance *disturbance)
{
    struct text time;

    if (disturbance->is_normal && disturbance->normal_ns == 0)
        snprintf(out->s, sizeof(out->s), "normal at once");
    else if (disturbance->is_normal)
        snprintf(out->s, sizeof(out->s), "normal after %s", units_format_ns(&time, disturbance->normal_ns));
    else
        snprintf(out->s, sizeof(out->s), "%s",
                 disturbance->is_judged ? "not normal again" : "normal: not to be told");
    return out->s;
}

static void write_worst(const struct page *page, const struct disturbance *disturbance)
{
    double last = ((double)disturbance->last_good_ns - (double)disturbance->at_ns) / 1e6;
    double first = ((double)disturbance->first_good_ns - (double)disturbance->at_ns) / 1e6;
    char modes[256], replies[128] = "";
    struct text deaths, lost, normal;

    if (disturbance->has_silence && disturbance->is_over)
        snprintf(replies, sizeof(replies), "last good reply %+.1f ms, first %+.1f ms", last, first);
    else
        snprintf(replies, sizeof(replies), "last good reply %+.1f ms, then none", last);
    report_line(page, "", "%.2f s: %s (%s); %s; %s lost, %s", (double)disturbance->at_ns / 1e9,
                count(&deaths, disturbance->deaths),
                plan_format_modes(modes, sizeof(modes), disturbance->modes), replies,
                count(&lost, disturbance->lost), format_normal(&normal, disturbance));
}

void report_write_disturbances(const struct page *page, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;
    struct text number, deaths, lost, limit, not_normal, untold;
    char normal[96];

    if (told->count == 0 || outcome->latency.count == 0)
        return;
    report_line(page, "disturbances", "%s bucket%s of 10 ms with %s death%s;  %s request%s lost at them",
                count(&number, told->count), plural(told->count), count(&deaths, told->deaths),
                plural(told->deaths), count(&lost, told->lost), plural(told->lost));
    write_times(page, "nobody answered", &told->silences);
    snprintf(normal, sizeof(normal), "until p99 is normal (%s)",
             units_format_ns(&limit, outcome->normal_limit_ns));
    write_times(page, normal, &told->normals);
    if (told->not_normal + told->untold > 0)
        report_line(page, "", "%s not normal again, %s too late or too early to tell",
                    count(&not_normal, told->not_normal), count(&untold, told->untold));
    for (size_t i = 0; i < told->kept && i < WORST_SHOWN; i++)
        write_worst(page, &told->worst[i]);
}
