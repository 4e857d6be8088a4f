#include "loadtool/outages.h"

#include <string.h>

#include "loadtool/limits.h"

/* How long nobody may be answered before it is called an outage, in buckets. */
static uint64_t patience(const struct outages_search *search)
{
    uint64_t least = LIMIT_OUTAGE_MS / BUCKET_MS;
    uint64_t slow = search->replies == 0 ? least : 10 * search->length / search->replies;

    return slow > least ? slow : least;
}

/* Keep the longest ones, in order of time. */
static void keep(struct outages *outages, const struct outage *outage)
{
    size_t shortest = 0;

    outages->count++;
    if (outages->kept == OUTAGES_MAX) {
        for (size_t i = 1; i < outages->kept; i++)
            if (outages->list[i].gap_ms < outages->list[shortest].gap_ms)
                shortest = i;
        if (outages->list[shortest].gap_ms >= outage->gap_ms)
            return;
        memmove(&outages->list[shortest], &outages->list[shortest + 1],
                (outages->kept - shortest - 1) * sizeof(*outage));
        outages->kept--;
    }
    outages->list[outages->kept++] = *outage;
}

static uint32_t modes_before(const struct outages_search *search)
{
    uint32_t modes = 0;

    for (size_t i = 0; i <= OUTAGES_BEFORE_BUCKETS; i++)
        modes |= search->modes[i];
    return modes;
}

static void begin_gap(struct outages_search *search, uint64_t number)
{
    search->is_gap = true;
    search->from = number;
    search->gap = (struct outage){
        .last_good_ms = number * BUCKET_MS, .modes = modes_before(search), .lost = search->lost_before};
}

/* Somebody is answered again in the bucket of that number, or the load is over before it. */
static void end_gap(struct outages_search *search, uint64_t number, bool is_over)
{
    struct outages *outages = &search->found;
    struct outage *gap = &search->gap;

    search->is_gap = false;
    gap->gap_ms = (number - search->from) * BUCKET_MS;
    gap->is_over = is_over;
    if (gap->gap_ms > outages->longest_gap_ms) {
        outages->longest_gap_ms = gap->gap_ms;
        outages->longest_modes = gap->modes;
    }
    for (uint32_t left = gap->modes; left != 0; left &= left - 1) {
        uint64_t *longest_ms = &outages->gap_ms[__builtin_ctz(left)];
        *longest_ms = gap->gap_ms > *longest_ms ? gap->gap_ms : *longest_ms;
    }
    if (number - search->from >= patience(search))
        keep(outages, gap);
}

void outages_take(struct outages_search *search, const struct bucket *bucket)
{
    uint64_t number = search->length++;

    search->replies += bucket->replies;
    search->modes[number % (OUTAGES_BEFORE_BUCKETS + 1)] = bucket->modes;
    if (bucket->replies > 0 && search->is_gap)
        end_gap(search, number, true);
    else if (bucket->replies == 0 && !search->is_gap)
        begin_gap(search, number);
    if (search->is_gap)
        search->gap.lost += bucket->lost;
    search->lost_before = bucket->lost;
}

void outages_judge(struct outages_search *search, uint64_t number, enum judgement judgement)
{
    for (size_t i = 0; judgement == JUDGED_NORMAL && i < search->found.kept; i++) {
        struct outage *outage = &search->found.list[i];
        uint64_t first = (outage->last_good_ms + outage->gap_ms) / BUCKET_MS;
        if (!outage->is_over || outage->is_normal || number < first)
            continue;
        outage->is_normal = true;
        outage->normal_ms = (number - first) * BUCKET_MS;
    }
}

void outages_finish(struct outages_search *search)
{
    if (search->is_gap)
        end_gap(search, search->length, false);
}
