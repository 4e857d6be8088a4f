#include "worker/loop.h"
#include "worker/acceptor.h"
#include "worker/clock.h"
#include "worker/context.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/recover.h"
#include "worker/serve.h"
#include "worker/tick.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Registrations of an earlier worker of the slot are replaced: one of a descriptor that was re-made would be
 * deaf. */
static int watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};
    epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, fd, NULL);
    return fault_epoll_ctl(EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_init(struct worker *w)
{
    const int own[] = {FD_POKE + (int)w->slot, FD_TICK, FD_MASTER};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        int error = watch(own[i]);
        if (error)
            return error;
    }
    return 0;
}

/* ---- leaving ---- */

static void drain(struct worker *w, int64_t deadline_ms)
{
    if (w->drain_ordered)
        return;
    w->drain_ordered = w->draining = true;
    w->drain_deadline_ms = deadline_ms;
    acceptor_drain(w);
    tick_start(w);
}

static void check_drain_deadline(struct worker *w)
{
    if (!w->draining || w->ending || clock_now_ms() < w->drain_deadline_ms)
        return;
    w->ending = true;
    serve_end_all(w);
}

static void master_died(struct worker *w)
{
    epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_MASTER, NULL);
    log_event(LOG_LEVEL_ERROR, "event=master_died slot=%u connections=%u", w->slot, w->conns.open_count);
    int64_t timeout_ms = w->settings.drain_timeout_ms;
    drain(w, timeout_ms > 0 ? clock_now_ms() + timeout_ms : INT64_MAX);
}

/* ---- what may wake us ---- */

/* Between two turns nothing is half done but what a successor finds in the journal, so a successor on the same table
 * goes on with everything. */
static void look_for_handover(struct worker *w)
{
    if (atomic_load_explicit(&w->board->handover_generation, memory_order_acquire) != w->generation)
        return;
    acceptor_leave(w);
    w->handing_over = true;
}

static void serve_again(struct worker *w)
{
    w->draining = w->drain_ordered; /* a drain of the whole service is not taken back */
    if (!w->draining)
        acceptor_return(w);
}

static void answer_ping(struct worker *w)
{
    uint32_t asked = atomic_load_explicit(&w->board->ping_asked, memory_order_acquire);
    if (asked !=
        atomic_load_explicit(&w->board->ping_answered, memory_order_relaxed)) /* else it is an order */
        atomic_store_explicit(&w->board->ping_answered_ns, clock_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&w->board->ping_answered, asked, memory_order_release);
}

static void look_at_board(struct worker *w)
{
    answer_ping(w);
    acceptor_tick(w);
    switch ((enum worker_order)atomic_load_explicit(&w->board->order, memory_order_acquire)) {
    case ORDER_SERVE:
        serve_again(w);
        break;
    case ORDER_LEAVE:
        w->draining = true;
        acceptor_leave(w);
        break;
    case ORDER_DRAIN:
        drain(w, atomic_load_explicit(&w->board->drain_deadline_ns, memory_order_acquire) / 1000000);
        break;
    }
    look_for_handover(w);
}

static void poked(struct worker *w)
{
    uint64_t value;
    if (fault_read(FD_POKE + (int)w->slot, &value) != sizeof value)
        return;
    if (value >= POKE_LOOK)
        look_at_board(w);
    acceptor_poked(w, (uint32_t)(value & (POKE_LOOK - 1)));
}

static void ticked(struct worker *w)
{
    tick_read(w);
    serve_tick(w);
    check_drain_deadline(w);
    if (!w->draining && !conn_deadlines_any(&w->conns))
        tick_stop(w);
}

static void dispatch(struct worker *w, const struct epoll_event *event)
{
    int fd = (int)event->data.u64;
    if (fd >= FIRST_CONNECTION)
        serve_event(w, fd, event->events);
    else if (fd == FD_LISTENER)
        acceptor_event(w);
    else if (fd == FD_TICK)
        ticked(w);
    else if (fd == FD_MASTER)
        master_died(w);
    else
        poked(w);
}

static int sleep_ms(const struct worker *w)
{
    return w->conns.ready_count > 0 ? 0 : acceptor_timeout_ms(w);
}

static void publish_lost_lines(struct worker *w)
{
    uint64_t lost = log_take_lost();
    if (lost == 0)
        return;
    uint64_t before = atomic_load_explicit(&w->cell->log_lost, memory_order_relaxed);
    atomic_store_explicit(&w->cell->log_lost, before + lost, memory_order_relaxed);
}

void loop_answer(struct worker *w)
{
    struct epoll_event events[LOOP_EVENT_COUNT_MAX];
    int count = fault_epoll_wait(events, LOOP_EVENT_COUNT_MAX, 0);
    for (int i = 0; i < count; i++) {
        int fd = (int)events[i].data.u64;
        if (fd >= FIRST_CONNECTION && recover_out_of_turn(w, fd))
            serve_event(w, fd, events[i].events);
    }
    serve_ready(w);
    answer_ping(w);
    atomic_store_explicit(&w->board->current, 0, memory_order_relaxed); /* what comes now is nobody's fault */
}

void loop_run(struct worker *w)
{
    struct epoll_event events[LOOP_EVENT_COUNT_MAX];
    while (!w->handing_over && (!w->draining || w->conns.open_count > 0)) {
        atomic_store_explicit(&w->board->current, 0, memory_order_relaxed);
        int count = fault_epoll_wait(events, LOOP_EVENT_COUNT_MAX, sleep_ms(w));
        for (int i = 0; i < count; i++)
            dispatch(w, &events[i]);
        serve_ready(w);
        acceptor_check(w);
        publish_lost_lines(w);
    }
}
