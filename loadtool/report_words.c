#include "loadtool/report_words.h"

#include <inttypes.h>
#include <stdio.h>

static void format_seconds(struct text *out, double seconds)
{
    snprintf(out->s, sizeof(out->s), "%.2f s", seconds);
}

const char *report_format_time(struct text *out, uint64_t ns)
{
    return ns == 0 ? "0" : units_format_ns(out, ns);
}

bool report_has_disturbances(const struct outcome *outcome)
{
    return outcome->disturbances.count > 0 && outcome->latency.count > 0;
}

void report_describe_outage(const struct outage *outage, struct report_outage_words *words)
{
    char *afterwards = words->afterwards;

    format_seconds(&words->from, (double)outage->last_good_ms / 1e3);
    format_seconds(&words->to, (double)(outage->last_good_ms + outage->gap_ms) / 1e3);
    units_format_count(&words->lost, outage->lost);
    if (!outage->is_over)
        snprintf(afterwards, sizeof(words->afterwards), "until the end");
    else if (outage->is_normal)
        snprintf(afterwards, sizeof(words->afterwards), "normal %" PRIu64 " ms after the first reply",
                 outage->normal_ms);
    else
        snprintf(afterwards, sizeof(words->afterwards), "not normal again before the end of the run");
    plan_format_modes(words->modes, sizeof(words->modes), outage->modes);
}

/* How it went on: when replies were normal again, if that can be told. */
static void format_normal(struct text *out, const struct disturbance *disturbance)
{
    struct text time;

    if (disturbance->is_normal && disturbance->normal_ns == 0)
        snprintf(out->s, sizeof(out->s), "normal at once");
    else if (disturbance->is_normal)
        snprintf(out->s, sizeof(out->s), "normal after %s", units_format_ns(&time, disturbance->normal_ns));
    else
        snprintf(out->s, sizeof(out->s), "%s",
                 disturbance->is_judged ? "not normal again" : "normal: not to be told");
}

/* How long after the disturbance; less than nothing is before it. */
static void format_after(struct text *out, const struct disturbance *disturbance, uint64_t ns)
{
    snprintf(out->s, sizeof(out->s), "%+.1f ms", ((double)ns - (double)disturbance->at_ns) / 1e6);
}

void report_describe_disturbance(const struct disturbance *disturbance,
                                 struct report_disturbance_words *words)
{
    format_seconds(&words->at, (double)disturbance->at_ns / 1e9);
    units_format_count(&words->deaths, disturbance->deaths);
    units_format_count(&words->lost, disturbance->lost);
    format_after(&words->last_good, disturbance, disturbance->last_good_ns);
    if (disturbance->has_silence && disturbance->is_over)
        format_after(&words->first_good, disturbance, disturbance->first_good_ns);
    else
        snprintf(words->first_good.s, sizeof(words->first_good.s), "none");
    format_normal(&words->afterwards, disturbance);
    plan_format_modes(words->modes, sizeof(words->modes), disturbance->modes);
}
