/* The part of the JSON that tells when nobody was answered, and what each disturbance did. */
#include "loadtool/report_json_parts.h"

/* The names of the modes in a mask. */
static json_t *modes_of(uint32_t mask)
{
    json_t *list = json_array();

    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        if (mask >> mode & 1)
            json_array_append_new(list, json_string(plan_mode_name((enum plan_mode)mode)));
    return list;
}

json_t *report_json_outages(const struct outages *outages)
{
    json_t *list = json_array();

    for (size_t i = 0; i < outages->kept; i++) {
        const struct outage *at = &outages->list[i];
        json_array_append_new(
            list, json_pack("{so so sb sb so so so}", "last_good_ms", report_json_number(at->last_good_ms),
                            "gap_ms", report_json_number(at->gap_ms), "over", at->is_over, "normal",
                            at->is_normal, "normal_ms", report_json_number(at->normal_ms), "lost",
                            report_json_number(at->lost), "after", modes_of(at->modes)));
    }
    return json_pack("{so so so so}", "count", report_json_number(outages->count), "longest_gap_ms",
                     report_json_number(outages->longest_gap_ms), "longest_gap_after",
                     modes_of(outages->longest_modes), "longest", list);
}

/* -- disturbances -- */

static json_t *ms_of(uint64_t ns)
{
    return json_real((double)ns / 1e6);
}

static json_t *times_of(const struct disturbances_times *times)
{
    return json_pack("{so so so so so}", "count", report_json_number(times->count), "p50",
                     ms_of(times->p50_ns), "p90", ms_of(times->p90_ns), "p99", ms_of(times->p99_ns), "max",
                     ms_of(times->max_ns));
}

static json_t *disturbance_of(const struct disturbance *at)
{
    bool is_over = at->has_silence && at->is_over;

    return json_pack("{so so so so so so so so so}", "at_ms", ms_of(at->at_ns), "deaths",
                     report_json_number(at->deaths), "modes", modes_of(at->modes), "last_good_ms",
                     at->has_silence ? ms_of(at->last_good_ns) : json_null(), "first_good_ms",
                     is_over ? ms_of(at->first_good_ns) : json_null(), "lost", report_json_number(at->lost),
                     "judged", json_boolean(at->is_judged), "normal_ms",
                     at->is_normal ? ms_of(at->normal_ns) : json_null(), "watched_ms", ms_of(at->watched_ns));
}

json_t *report_json_disturbances(const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;
    json_t *list = json_array();

    for (size_t i = 0; i < told->kept; i++)
        json_array_append_new(list, disturbance_of(&told->worst[i]));
    return json_pack("{so so so so so so so so so so}", "count", report_json_number(told->count), "deaths",
                     report_json_number(told->deaths), "lost", report_json_number(told->lost), "lost_apart",
                     report_json_number(told->lost_apart), "silence_ms", times_of(&told->silences),
                     "normal_ms", times_of(&told->normals), "not_normal",
                     report_json_number(told->not_normal), "untold", report_json_number(told->untold),
                     "normal_limit_us", json_real((double)outcome->normal_limit_ns / 1e3), "worst", list);
}
