#include "loadtool/schedule.h"

#include <math.h>
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

/* -- arrivals -- */

/* A wait of a Poisson process, in ns: -ln(u) / rate, u evenly in (0, 1). */
static double wait_ns(const struct arrivals *arrivals, uint64_t n)
{
    double u = ((double)(prng_at(arrivals->key, n) >> 11) + 0.5) / 9007199254740992.0;

    return -log(u) * 1e9 / (double)arrivals->rate_per_s;
}

void schedule_begin(struct arrivals *arrivals, uint64_t rate_per_s, bool is_poisson, uint64_t seed,
                    uint64_t stream)
{
    *arrivals = (struct arrivals){
        .rate_per_s = rate_per_s, .is_poisson = is_poisson, .key = prng_key(seed, PRNG_ARRIVAL, stream)};
    if (is_poisson)
        arrivals->due_ns = (uint64_t)(arrivals->elapsed_ns = wait_ns(arrivals, 0));
}

void schedule_advance(struct arrivals *arrivals)
{
    arrivals->k++;
    if (arrivals->is_poisson)
        arrivals->due_ns = (uint64_t)(arrivals->elapsed_ns += wait_ns(arrivals, arrivals->k));
    else
        arrivals->due_ns = schedule_due_ns(arrivals->rate_per_s, arrivals->k);
}

uint32_t schedule_capacity(const struct load *load, uint64_t timeout_ns)
{
    if (!schedule_is_paced(load))
        return 0;
    if (load->rate_per_s == 0)
        return LIMIT_CATCHUP_MIN;
    double behind = (double)load->rate_per_s / load->places * (double)timeout_ns / 1e9;
    return behind < LIMIT_CATCHUP_MIN   ? LIMIT_CATCHUP_MIN
           : behind > LIMIT_CATCHUP_MAX ? LIMIT_CATCHUP_MAX
                                        : (uint32_t)behind;
}

bool schedule_arrive(struct load *load, struct pace *pace, uint64_t due_ns)
{
    load->arrivals.due++;
    if (pace->due_count - pace->begun_count >= pace->capacity) {
        load->arrivals.missed++;
        return false;
    }
    pace->due_ns[pace->due_count++ % pace->capacity] = due_ns;
    return true;
}

void schedule_forget(struct load *load, struct pace *pace)
{
    load->arrivals.missed += pace->due_count - pace->begun_count;
    pace->begun_count = pace->due_count;
}

/* -- the budget -- */

void schedule_fill(struct budget *budget, uint64_t messages, uint64_t clients)
{
    atomic_store(&budget->left, messages);
    atomic_store(&budget->reserved, clients < messages ? clients : messages);
}

/* One less, if there is one. */
static bool take_one(_Atomic uint64_t *count, uint64_t kept)
{
    uint64_t left = atomic_load(count);

    do {
        if (left <= kept)
            return false;
    } while (!atomic_compare_exchange_weak(count, &left, left - 1));
    return true;
}

bool schedule_take(struct budget *budget, bool is_reserved)
{
    if (budget == NULL)
        return true;
    if (is_reserved && take_one(&budget->reserved, 0))
        return take_one(&budget->left, 0);
    return take_one(&budget->left, atomic_load(&budget->reserved));
}

void schedule_spend(struct budget *budget, uint64_t count)
{
    while (budget != NULL && count > 0 && schedule_take(budget, false))
        count--;
}

void schedule_release(struct budget *budget)
{
    if (budget != NULL)
        (void)take_one(&budget->reserved, 0);
}

bool schedule_next(struct load *load, struct pace *pace, uint64_t outstanding, uint64_t now_ns,
                   uint64_t *due_ns)
{
    if (!load->flows || outstanding >= (load->depth == 0 ? 1 : load->depth))
        return false;
    if (schedule_is_paced(load) && pace->begun_count >= pace->due_count)
        return false;
    if (!schedule_take(load->budget, false))
        return false;
    *due_ns = now_ns;
    if (schedule_is_paced(load)) {
        *due_ns = pace->due_ns[pace->begun_count++ % pace->capacity];
        load->arrivals.sent++;
    }
    return true;
}
