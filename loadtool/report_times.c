/* The part of the text that tells when nobody was answered, and what each disturbance did. */
#include <inttypes.h>

#include "loadtool/report_parts.h"
#include "loadtool/report_words.h"

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
        struct report_outage_words words;
        report_describe_outage(&outages->list[i], &words);
        report_line(page, "", "%s to %s, %s lost, %s", words.from.s, words.to.s, words.lost.s,
                    words.afterwards);
    }
}

/* -- disturbances -- */

static void write_times(const struct page *page, const char *what, const struct disturbances_times *times)
{
    struct text p50, p90, p99, max;

    if (times->count > 0)
        report_line(page, "", "%s: p50 %s  p90 %s  p99 %s  max %s", what,
                    report_format_time(&p50, times->p50_ns), report_format_time(&p90, times->p90_ns),
                    report_format_time(&p99, times->p99_ns), report_format_time(&max, times->max_ns));
}

static void write_worst(const struct page *page, const struct disturbance *disturbance)
{
    struct report_disturbance_words words;
    bool is_over = disturbance->has_silence && disturbance->is_over;

    report_describe_disturbance(disturbance, &words);
    report_line(page, "", "%s: %s (%s); last good reply %s, %s %s; %s lost, %s", words.at.s, words.deaths.s,
                words.modes, words.last_good.s, is_over ? "first" : "then", words.first_good.s, words.lost.s,
                words.afterwards.s);
}

void report_write_disturbances(const struct page *page, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;
    struct text number, deaths, lost, limit, not_normal, untold;
    char normal[96];

    if (!report_has_disturbances(outcome))
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
