#include "loadtool/felt.h"

#include <errno.h>
#include <stdlib.h>

enum { CALM = PLAN_MODE_COUNT };

_Static_assert(PLAN_MODE_COUNT <= 32, "the mask has a bit for every mode");

int felt_init(struct felt *felt)
{
    *felt = (struct felt){.modes = calloc(PLAN_MODE_COUNT + 1, sizeof(*felt->modes))};
    felt->marks = &felt->own_marks;
    return felt->modes == NULL ? -ENOMEM : 0;
}

void felt_free(struct felt *felt)
{
    free(felt->modes);
    felt->modes = NULL;
}

void felt_begin(struct felt *felt, enum plan_mode mode)
{
    atomic_fetch_add(&felt->marks->active[mode], 1);
    atomic_fetch_add(&felt->marks->changes, 1);
}

void felt_end(struct felt *felt, enum plan_mode mode, uint64_t now_ns)
{
    /* A death may end that never began: dropped in mid-life. */
    uint32_t active = atomic_load(&felt->marks->active[mode]);
    while (active > 0 && !atomic_compare_exchange_weak(&felt->marks->active[mode], &active, active - 1))
        continue;
    atomic_store(&felt->marks->until_ns[mode], now_ns + FELT_AFTER_NS);
    atomic_fetch_add(&felt->marks->changes, 1);
}

/* Which modes are at work, and when the first of them that has ended will have been felt. */
static void look_again(struct felt *felt, uint64_t now_ns, uint64_t changes)
{
    felt->changes = changes;
    felt->mask = 0;
    felt->mask_until_ns = UINT64_MAX;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        uint32_t active = atomic_load(&felt->marks->active[mode]);
        uint64_t until_ns = atomic_load(&felt->marks->until_ns[mode]);
        bool is_ending = active == 0 && until_ns > now_ns;
        if (active > 0 || is_ending)
            felt->mask |= UINT32_C(1) << mode;
        if (is_ending && until_ns < felt->mask_until_ns)
            felt->mask_until_ns = until_ns;
    }
}

void felt_reply(struct felt *felt, uint64_t now_ns, uint64_t latency_ns, bool is_right)
{
    uint64_t changes = atomic_load_explicit(&felt->marks->changes, memory_order_acquire);

    if (changes != felt->changes || now_ns >= felt->mask_until_ns)
        look_again(felt, now_ns, changes);
    if (felt->mask == 0)
        histogram_record(&felt->modes[CALM], latency_ns);
    for (uint32_t left = felt->mask; left != 0; left &= left - 1) {
        int mode = __builtin_ctz(left);
        histogram_record(&felt->modes[mode], latency_ns);
        felt->wrong[mode] += !is_right;
    }
}

void felt_add(struct felt *into, const struct felt *from)
{
    for (int mode = 0; mode <= PLAN_MODE_COUNT; mode++)
        histogram_add(&into->modes[mode], &from->modes[mode]);
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        into->wrong[mode] += from->wrong[mode];
}

uint64_t felt_calm_p99_ns(const struct felt *felt)
{
    return felt->modes[CALM].count < FELT_REPLIES_MIN ? 0 : histogram_percentile_ns(&felt->modes[CALM], 99);
}

struct felt_result felt_result_of(const struct felt *felt, enum plan_mode mode)
{
    const struct histogram *times = &felt->modes[mode];
    uint64_t calm_ns = felt_calm_p99_ns(felt);
    struct felt_result result = {.replies = times->count, .wrong = felt->wrong[mode]};

    result.p99_ns = histogram_percentile_ns(times, 99);
    if (times->count >= FELT_REPLIES_MIN && calm_ns > 0)
        result.p99_ratio = (double)result.p99_ns / (double)calm_ns;
    return result;
}
