#include "loadtool/disturbances.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int disturbances_init(struct disturbances *all)
{
    memset(all, 0, sizeof(*all));
    all->recent = calloc(DISTURBANCES_RECENT, sizeof(*all->recent));
    return all->recent == NULL ? -ENOMEM : 0;
}

void disturbances_free(struct disturbances *all)
{
    free(all->recent);
    all->recent = NULL;
}

void disturbances_begin(struct disturbances *all, uint64_t now_ns)
{
    all->last_good_ns = now_ns;
}

/* Counted from the first one on. */
static struct disturbance *numbered(struct disturbances *all, uint64_t number)
{
    return &all->recent[number % DISTURBANCES_RECENT];
}

/* -- what is far in the past -- */

static uint64_t silence_of(const struct disturbance *disturbance)
{
    return disturbance->first_good_ns - disturbance->last_good_ns;
}

static uint64_t harm_of(const struct disturbance *disturbance)
{
    uint64_t silence_ns = silence_of(disturbance);
    uint64_t normal_ns = disturbance->is_normal   ? disturbance->normal_ns
                         : disturbance->is_judged ? disturbance->watched_ns
                                                  : 0;

    return normal_ns > silence_ns ? normal_ns : silence_ns;
}

static bool is_worse(const struct disturbance *left, const struct disturbance *right)
{
    return left->lost != right->lost ? left->lost > right->lost : harm_of(left) > harm_of(right);
}

/* Into the list of the worst, if there is a place for it. */
static void keep(struct disturbances_told *told, const struct disturbance *disturbance)
{
    size_t place = told->kept;

    while (place > 0 && is_worse(disturbance, &told->worst[place - 1]))
        place--;
    if (place == DISTURBANCES_KEPT)
        return;
    told->kept += told->kept < DISTURBANCES_KEPT;
    memmove(&told->worst[place + 1], &told->worst[place], (told->kept - place - 1) * sizeof(*disturbance));
    told->worst[place] = *disturbance;
}

/* Count the oldest one that is in the ring. Nothing more is found out about it. */
static void fold(struct disturbances *all, uint64_t now_ns)
{
    struct disturbance *disturbance = numbered(all, all->folded++);
    bool was_slow = all->has_slow && all->slow_bucket >= bucket_of(disturbance->at_ns);

    all->normal = all->normal < all->folded ? all->folded : all->normal;
    disturbance->watched_ns = now_ns > disturbance->at_ns ? now_ns - disturbance->at_ns : 0;
    disturbance->is_judged = disturbance->is_normal || was_slow;
    all->told.deaths += disturbance->deaths;
    all->told.lost += disturbance->lost;
    all->told.not_normal += disturbance->is_judged && !disturbance->is_normal;
    all->told.untold += !disturbance->is_judged;
    if (disturbance->has_silence && disturbance->is_over)
        histogram_record(&all->silences, silence_of(disturbance));
    if (disturbance->is_normal)
        histogram_record(&all->normals, disturbance->normal_ns);
    keep(&all->told, disturbance);
}

/* -- deaths -- */

void disturbances_note(struct disturbances *all, uint64_t now_ns, int mode, uint64_t deaths)
{
    struct disturbance *latest = all->count == all->folded ? NULL : numbered(all, all->count - 1);

    /* Loops differ by a moment: what is older than the latest one belongs to it. */
    if (latest == NULL || bucket_of(now_ns) > bucket_of(latest->at_ns)) {
        if (all->count - all->folded == DISTURBANCES_RECENT)
            fold(all, now_ns);
        latest = numbered(all, all->count++);
        *latest = (struct disturbance){.at_ns = now_ns};
    }
    latest->deaths += deaths;
    latest->modes |= UINT32_C(1) << mode;
}

void disturbances_lose(struct disturbances *all, uint64_t sent_ns, uint64_t now_ns)
{
    struct disturbance *culprit = NULL;

    for (uint64_t number = all->count; number > all->folded; number--) {
        struct disturbance *disturbance = numbered(all, number - 1);
        uint64_t bucket = bucket_of(disturbance->at_ns);
        if (bucket > bucket_of(now_ns))
            continue;
        bool is_amid = bucket >= bucket_of(sent_ns);
        if (bucket + DISTURBANCES_AFTER_BUCKETS < bucket_of(sent_ns) || (culprit != NULL && !is_amid))
            break;
        culprit = disturbance;
    }
    if (culprit == NULL)
        all->told.lost_apart++;
    else
        culprit->lost++;
}

/* -- silences -- */

/* Nobody was answered between these two times; `is_over` is false when it was so to the end. */
static void take_silence(struct disturbances *all, uint64_t from_ns, uint64_t to_ns, bool is_over)
{
    for (uint64_t number = all->count; number > all->folded; number--) {
        struct disturbance *disturbance = numbered(all, number - 1);
        if (bucket_of(disturbance->at_ns) + DISTURBANCES_AFTER_BUCKETS <= bucket_of(from_ns))
            return;
        if (disturbance->at_ns >= to_ns)
            continue;
        if (disturbance->has_silence && silence_of(disturbance) >= to_ns - from_ns)
            continue;
        disturbance->has_silence = true;
        disturbance->is_over = is_over;
        disturbance->last_good_ns = from_ns;
        disturbance->first_good_ns = to_ns;
    }
}

void disturbances_take(struct disturbances *all, uint64_t number, const struct bucket *bucket)
{
    uint64_t begin_ns = number * BUCKET_NS;

    if (bucket->replies == 0)
        return;
    if (begin_ns + bucket->first_ns > all->last_good_ns)
        take_silence(all, all->last_good_ns, begin_ns + bucket->first_ns, true);
    all->last_good_ns = begin_ns + bucket->last_ns;
}

/* -- judgements -- */

/* All that came up to a bucket from which on replies are normal have seen the end of it. */
void disturbances_judge(struct disturbances *all, uint64_t number, enum judgement judgement)
{
    if (judgement == JUDGED_SLOW) {
        all->slow_bucket = number;
        all->has_slow = true;
    }
    while (judgement == JUDGED_NORMAL && all->normal < all->count) {
        struct disturbance *disturbance = numbered(all, all->normal);
        uint64_t bucket = bucket_of(disturbance->at_ns);
        if (bucket > number)
            return;
        disturbance->is_normal = true;
        disturbance->normal_ns = number == bucket ? 0 : number * BUCKET_NS - disturbance->at_ns;
        all->normal++;
    }
}

/* -- the report -- */

static struct disturbances_times times_of(const struct histogram *times)
{
    return (struct disturbances_times){.count = times->count,
                                       .p50_ns = histogram_percentile_ns(times, 50),
                                       .p90_ns = histogram_percentile_ns(times, 90),
                                       .p99_ns = histogram_percentile_ns(times, 99),
                                       .max_ns = times->max_ns,
                                       .sum_ns = times->sum_ns};
}

void disturbances_tell(struct disturbances *all, uint64_t begin_ns, uint64_t end_ns,
                       struct disturbances_told *told)
{
    if (end_ns > all->last_good_ns)
        take_silence(all, all->last_good_ns, end_ns, false);
    while (all->folded < all->count)
        fold(all, end_ns);
    *told = all->told;
    told->count = all->count;
    told->silences = times_of(&all->silences);
    told->normals = times_of(&all->normals);
    for (size_t i = 0; i < told->kept; i++) {
        told->worst[i].at_ns -= begin_ns;
        if (!told->worst[i].has_silence)
            continue;
        told->worst[i].last_good_ns -= begin_ns;
        told->worst[i].first_good_ns -= begin_ns;
    }
}
