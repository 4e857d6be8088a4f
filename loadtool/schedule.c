#include "loadtool/schedule.h"

#include <stddef.h>

#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"

static const uint64_t ns_per_s = 1000000000;

uint64_t schedule_life_ns(uint64_t seed, uint32_t place, uint64_t life)
{
    uint64_t key = prng_key(seed, PRNG_LIFE, place);

    return prng_range(key, life, LIMIT_LIFE_MS_MIN * NS_PER_MS, LIMIT_LIFE_MS_MAX * NS_PER_MS);
}

/* Whole seconds apart, so that nothing overflows and no arrival drifts however long the run is. */
uint64_t schedule_due_ns(uint64_t rate_per_s, uint64_t k)
{
    return k / rate_per_s * ns_per_s + k % rate_per_s * ns_per_s / rate_per_s;
}

uint64_t schedule_arrivals(uint64_t rate_per_s, uint64_t elapsed_ns)
{
    uint64_t k = elapsed_ns / ns_per_s * rate_per_s + elapsed_ns % ns_per_s * rate_per_s / ns_per_s;

    /* schedule_due_ns rounds down, so the next arrival may be due already. */
    while (schedule_due_ns(rate_per_s, k) <= elapsed_ns)
        k++;
    return k;
}

void schedule_fill(struct budget *budget, uint64_t messages, uint64_t clients)
{
    atomic_store(&budget->left, messages);
    budget->reserved = clients < messages ? clients : messages;
}

bool schedule_take(struct budget *budget, bool is_reserved)
{
    if (budget == NULL)
        return true;
    is_reserved = is_reserved && budget->reserved > 0;
    uint64_t kept = is_reserved ? 0 : budget->reserved;
    uint64_t left = atomic_load(&budget->left);
    do {
        if (left <= kept)
            return false;
    } while (!atomic_compare_exchange_weak(&budget->left, &left, left - 1));
    budget->reserved -= is_reserved;
    return true;
}

void schedule_spend(struct budget *budget, uint64_t count)
{
    while (budget != NULL && count > 0 && schedule_take(budget, false))
        count--;
}

void schedule_release(struct budget *budget)
{
    if (budget != NULL && budget->reserved > 0)
        budget->reserved--;
}

bool schedule_next(struct load *load, struct pace *pace, uint64_t now_ns, uint64_t *due_ns)
{
    if (!load->flows)
        return false;
    if (load->rate_per_s > 0 && pace->begun_count >= pace->due_count)
        return false;
    if (!schedule_take(load->budget, false))
        return false;
    *due_ns = now_ns;
    if (load->rate_per_s > 0) {
        uint64_t k = pace->place + pace->begun_count * load->places;
        *due_ns = load->begin_ns + schedule_due_ns(load->rate_per_s, k);
        pace->begun_count++;
    }
    return true;
}
