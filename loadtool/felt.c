#include "loadtool/felt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CALM = PLAN_MODE_COUNT };

_Static_assert(PLAN_MODE_COUNT <= 32, "the mask has a bit for every mode");

void felt_marks_init(struct felt_marks *marks)
{
    memset(marks, 0, sizeof(*marks));
    pthread_mutex_init(&marks->mutex, NULL);
}

void felt_marks_free(struct felt_marks *marks)
{
    pthread_mutex_destroy(&marks->mutex);
}

int felt_init(struct felt *felt, struct felt_marks *marks)
{
    *felt = (struct felt){.marks = marks, .times = calloc(PLAN_MODE_COUNT + 1, sizeof(*felt->times))};
    return felt->times == NULL ? -ENOMEM : 0;
}

void felt_free(struct felt *felt)
{
    free(felt->times);
    felt->times = NULL;
}

void felt_forget(struct felt *felt)
{
    memset(felt->times, 0, (PLAN_MODE_COUNT + 1) * sizeof(*felt->times));
    memset(felt->counts, 0, sizeof(felt->counts));
    felt->shared_replies = 0;
}

/* -- which modes are at work -- */

/* The number as it stands beside the modes: 32 bits of it are a year and more. */
static uint64_t bucket_of(uint64_t ns)
{
    return (ns / FELT_BUCKET_NS) & UINT32_MAX;
}

/* With the mutex. */
static void mark(struct felt_marks *marks, uint64_t bucket, uint32_t modes)
{
    _Atomic uint64_t *at = &marks->buckets[bucket % FELT_BUCKETS];
    uint64_t old = atomic_load(at);

    atomic_store(at, bucket << 32 | (old >> 32 == bucket ? (uint32_t)old : 0) | modes);
}

/* From one time to another, with the mutex: no more than is remembered. */
static void mark_all(struct felt_marks *marks, uint64_t from_ns, uint64_t to_ns, uint32_t modes)
{
    uint64_t last = bucket_of(to_ns);
    uint64_t first = bucket_of(from_ns);

    if (last - first >= FELT_BUCKETS)
        first = last - FELT_BUCKETS + 1;
    for (uint64_t bucket = first; bucket <= last; bucket++)
        mark(marks, bucket, modes);
}

void felt_begin(struct felt *felt, enum plan_mode mode, uint64_t now_ns)
{
    struct felt_marks *marks = felt->marks;

    pthread_mutex_lock(&marks->mutex);
    if (marks->active[mode]++ == 0) {
        atomic_store(&marks->since_ns[mode], now_ns);
        atomic_fetch_or(&marks->at_work, UINT32_C(1) << mode);
    }
    pthread_mutex_unlock(&marks->mutex);
}

void felt_end(struct felt *felt, enum plan_mode mode, uint64_t now_ns)
{
    struct felt_marks *marks = felt->marks;
    uint32_t bit = UINT32_C(1) << mode;
    uint64_t from_ns = now_ns;

    pthread_mutex_lock(&marks->mutex);
    /* A death may end that never began: dropped in mid-life. */
    bool is_last = marks->active[mode] > 0 && --marks->active[mode] == 0;
    if (is_last)
        from_ns = atomic_load(&marks->since_ns[mode]);
    mark_all(marks, from_ns, now_ns + FELT_AFTER_NS, bit);
    if (is_last)
        atomic_fetch_and(&marks->at_work, ~bit); /* after the marks: who sees no mode at work sees them */
    pthread_mutex_unlock(&marks->mutex);
}

/* The modes that were at work at some time from then to then. */
static uint32_t met_between(struct felt_marks *marks, uint64_t from_ns, uint64_t to_ns)
{
    uint32_t modes = atomic_load(&marks->at_work);
    uint64_t last = bucket_of(to_ns);
    uint64_t first = bucket_of(from_ns);
    uint32_t met = 0;

    for (uint32_t left = modes; left != 0; left &= left - 1) {
        int mode = __builtin_ctz(left);
        if (bucket_of(atomic_load(&marks->since_ns[mode])) <= last)
            met |= UINT32_C(1) << mode;
    }
    if (last - first >= FELT_BUCKETS)
        first = last - FELT_BUCKETS + 1;
    for (uint64_t bucket = first; bucket <= last; bucket++) {
        uint64_t at = atomic_load_explicit(&marks->buckets[bucket % FELT_BUCKETS], memory_order_acquire);
        if (at >> 32 == bucket)
            met |= (uint32_t)at;
    }
    return met;
}

/* -- what was felt -- */

static bool is_one(uint32_t modes)
{
    return modes != 0 && (modes & (modes - 1)) == 0;
}

static void count_time(struct felt *felt, uint32_t modes, uint64_t latency_ns)
{
    if (modes == 0)
        histogram_record(&felt->times[CALM], latency_ns);
    felt->shared_replies += modes != 0 && !is_one(modes);
    for (uint32_t left = modes; left != 0; left &= left - 1) {
        int mode = __builtin_ctz(left);
        histogram_record(&felt->times[mode], latency_ns);
        felt->counts[mode].replies_alone += is_one(modes);
    }
}

void felt_reply(struct felt *felt, uint64_t sent_ns, uint64_t now_ns, bool is_right)
{
    uint64_t to_ns = now_ns < sent_ns + FELT_AFTER_NS ? now_ns : sent_ns + FELT_AFTER_NS;

    count_time(felt, met_between(felt->marks, sent_ns, to_ns), now_ns - sent_ns);
    if (is_right)
        return;
    uint32_t modes = met_between(felt->marks, sent_ns, now_ns);
    felt->counts[CALM].wrong_replies += modes == 0;
    for (uint32_t left = modes; left != 0; left &= left - 1)
        felt->counts[__builtin_ctz(left)].wrong_replies++;
}

void felt_found(struct felt *felt, uint64_t sent_ns, uint64_t now_ns, uint64_t bytes)
{
    uint32_t modes = met_between(felt->marks, sent_ns, now_ns);

    if (modes == 0)
        felt->counts[CALM].wrong_bytes += bytes;
    for (uint32_t left = modes; left != 0; left &= left - 1) {
        struct felt_counts *counts = &felt->counts[__builtin_ctz(left)];
        counts->wrong_bytes += bytes;
        counts->wrong_bytes_alone += is_one(modes) ? bytes : 0;
    }
}

/* -- what came of it -- */

void felt_add(struct felt *into, const struct felt *from)
{
    into->shared_replies += from->shared_replies;
    for (int i = 0; i <= PLAN_MODE_COUNT; i++) {
        struct felt_counts *counts = &into->counts[i];
        histogram_add(&into->times[i], &from->times[i]);
        counts->replies_alone += from->counts[i].replies_alone;
        counts->wrong_replies += from->counts[i].wrong_replies;
        counts->wrong_bytes += from->counts[i].wrong_bytes;
        counts->wrong_bytes_alone += from->counts[i].wrong_bytes_alone;
    }
}

static struct felt_result result_of(const struct felt *felt, int i)
{
    const struct histogram *times = &felt->times[i];
    const struct felt_counts *counts = &felt->counts[i];

    return (struct felt_result){.replies = times->count,
                                .replies_alone = counts->replies_alone,
                                .p99_ns = histogram_percentile_ns(times, 99),
                                .wrong_replies = counts->wrong_replies,
                                .wrong_bytes = counts->wrong_bytes,
                                .wrong_bytes_alone = counts->wrong_bytes_alone};
}

struct felt_result felt_calm(const struct felt *felt)
{
    struct felt_result calm = result_of(felt, CALM);

    if (calm.replies < FELT_REPLIES_MIN)
        calm.p99_ns = 0;
    return calm;
}

uint64_t felt_calm_count(const struct felt *felt)
{
    return felt->times[CALM].count;
}

struct felt_result felt_result_of(const struct felt *felt, enum plan_mode mode)
{
    struct felt_result calm = felt_calm(felt);
    struct felt_result result = result_of(felt, (int)mode);

    if (result.replies >= FELT_REPLIES_MIN && calm.p99_ns > 0)
        result.p99_ratio = (double)result.p99_ns / (double)calm.p99_ns;
    return result;
}
