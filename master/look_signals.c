#include "master/reactor_state.h"
#include "master/request.h"
#include "worker/clock.h"

#define RELOAD_PAUSE_MS                                                                                      \
    100 /* between two reloads by signal: a storm of them would renew workers without end */

static uint32_t pending(struct reactor *r, enum order_signal kind)
{
    uint32_t told = atomic_load_explicit(&r->pages->orders.signals[kind], memory_order_acquire);
    uint32_t count = told - r->state.signals_seen[kind];
    r->state.signals_seen[kind] = told;
    return count;
}

/* One by one: what was told is remembered with each. */
static void look_for_stop(struct reactor *r, enum order_signal kind, enum supervisor_event_kind meaning)
{
    uint32_t told = atomic_load_explicit(&r->pages->orders.signals[kind], memory_order_acquire);
    while (r->state.signals_seen[kind] != told) {
        r->state.signals_seen[kind]++;
        feed(r, &(struct supervisor_event){.kind = meaning});
    }
}

/* Where one more would not be taken, as many as there may be. */
static void look_for_scale(struct reactor *r)
{
    int64_t count = (int64_t)r->state.wanted_count + pending(r, SIGNAL_TTIN) - pending(r, SIGNAL_TTOU);
    if (count == r->state.wanted_count)
        return;
    if (count < 1)
        count = 1;
    request_scale(r, (uint32_t)(count > SLOT_COUNT_MAX ? SLOT_COUNT_MAX : count));
}

/* Those that come in the pause are one, after it. */
static void look_for_reload(struct reactor *r)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms < r->next_reload_ms || !pending(r, SIGNAL_HUP))
        return;
    r->next_reload_ms = now_ms + RELOAD_PAUSE_MS;
    /* The signal is remembered first, whatever reading the file does to us. */
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_NOTHING});
    request_reload(r);
}

/* The others mean the same however often they come. */
void look_for_signals(struct reactor *r)
{
    look_for_stop(r, SIGNAL_TERM, SUPERVISOR_STOP);
    look_for_stop(r, SIGNAL_INT, SUPERVISOR_STOP);
    look_for_stop(r, SIGNAL_QUIT, SUPERVISOR_STOP_NOW);
    look_for_scale(r);
    if (pending(r, SIGNAL_USR1))
        logsink_reopen(&r->sink);
    look_for_reload(r);
    if (pending(r, SIGNAL_USR2))
        request_upgrade(r, NULL);
}
