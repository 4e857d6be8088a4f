#include "master/reactor_state.h"
#include "worker/clock.h"

/* ---- memory ---- */

/* Into the copy that does not hold, then the switch: a death in between leaves the older memory whole. */
static void store_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint32_t other = atomic_load(&orders->memory_current) == 1 ? 1 : 0;
    void *room = orders->memory[other];
    struct supervisor_memory *memory = room;
    memory->policy = r->state;
    memory->settings = r->settings;
    memory->programs = r->programs;
    atomic_store_explicit(&orders->memory_current, other + 1, memory_order_release);
    atomic_store_explicit(&orders->slot_limit, r->state.slot_limit, memory_order_release);
}

bool feed_load_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint32_t current = atomic_load_explicit(&orders->memory_current, memory_order_acquire);
    if (current != 1 && current != 2)
        return false;
    const void *room = orders->memory[current - 1];
    const struct supervisor_memory *memory = room;
    r->state = memory->policy;
    r->settings = memory->settings;
    r->programs = memory->programs;
    return true;
}

/* ---- events ---- */

void feed_decide(struct reactor *r, const struct supervisor_event *event)
{
    supervisor_step(&r->state, event, clock_now_ms(), &r->actions);
}

void feed_carry_out(struct reactor *r)
{
    store_memory(r);
    for (uint32_t i = 0; i < r->actions.count; i++)
        act(r, &r->actions.items[i]);
}

void feed(struct reactor *r, const struct supervisor_event *event)
{
    feed_decide(r, event);
    feed_carry_out(r);
}
