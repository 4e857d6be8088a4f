#include "worker/fault.h"

#ifdef WITH_FAULTS

#include <signal.h>
#include <string.h>
#include <time.h>

static struct fault_page nothing; /* before fault_arm() */
struct fault_page *fault_orders = &nothing;

/* One process, one thread: plain variables. */
static struct fault_gun gun;
static shared_u32 *shots; /* the cells of this process, one a call */

static shared_u32 *cells_of(struct shared_pages *pages, enum fault_process process, unsigned slot)
{
    switch (process) {
    case FAULT_WORKER:
        return shared_board(pages, slot)->worker_shots;
    case FAULT_KEEPER:
        return shared_board(pages, slot)->keeper_shots;
    case FAULT_SUPERVISOR:
    case FAULT_PROCESS_COUNT:
        break;
    }
    return pages->orders.faults.supervisor_shots;
}

void fault_arm(struct shared_pages *pages, enum fault_process process, unsigned slot, uint32_t generation)
{
    gun = (struct fault_gun){.process = process, .slot = slot, .generation = generation};
    shots = cells_of(pages, process, slot);
    fault_orders = &pages->orders.faults;
}

void fault_disarm(void)
{
    fault_orders = &nothing;
}

/* Takes a plan that was written since. False: it is being written just now, or was by one who died of it. */
static bool look_at_plan(void)
{
    struct fault_page *page = fault_orders;
    uint32_t number = atomic_load_explicit(&page->number, memory_order_acquire);
    if (number == gun.number)
        return true;
    struct fault_plan plan;
    memcpy(&plan, &page->plan, sizeof plan);
    atomic_thread_fence(memory_order_acquire);
    if (number % 2 != 0 || atomic_load_explicit(&page->number, memory_order_relaxed) != number)
        return false;
    fault_gun_load(&gun, &plan, number);
    return true;
}

static void sleep_ms(uint32_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    int error = errno;
    nanosleep(&pause, NULL);
    errno = error;
}

/* True: the call is to fail. */
static bool strike(const struct fault_rule *rule, size_t *size)
{
    switch ((enum fault_kind)rule->kind) {
    case FAULT_ERROR:
        errno = (int)rule->value;
        return true;
    case FAULT_SHORT:
        if (size) /* always: it is aimed at calls of two bytes and more alone */
            *size = fault_gun_shorten(&gun, rule, *size);
        return false;
    case FAULT_DELAY:
        sleep_ms(rule->value);
        return false;
    case FAULT_DIE:
        raise(SIGKILL);
        break;
    case FAULT_KIND_COUNT:
        break;
    }
    return false;
}

/* Both keepers of a slot count in the same cells, hence the locked addition. */
__attribute__((cold)) bool fault_shoot(enum fault_call call, size_t *size)
{
    if (!look_at_plan())
        return false;
    const struct fault_rule *rule = fault_gun_aim(&gun, call, size ? *size : 0);
    if (!rule)
        return false;
    atomic_fetch_add_explicit(&shots[call], 1, memory_order_relaxed);
    return strike(rule, size);
}

#endif
