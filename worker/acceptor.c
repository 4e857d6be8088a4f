#include "worker/acceptor.h"
#include "worker/accept_share.h"
#include "worker/clock.h"
#include "worker/context.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/peer.h"
#include "worker/serve.h"
#include "worker/steps.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void listener_remove(struct worker *w, enum listener_state state)
{
    epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL);
    w->acceptor.state = state;
    STEP(LISTENER_REMOVED);
}

static void pause_accepting(struct worker *w, int error)
{
    uint64_t suppressed;
    counter_add(w->cell, COUNTER_accept_pauses, 1);
    if (w->acceptor.state == LISTENER_IN)
        listener_remove(w, LISTENER_PAUSED);
    w->acceptor.state = LISTENER_PAUSED;
    w->acceptor.until_ms = clock_now_ms() + ACCEPT_PAUSE_MS;
    if (burst_allow(&w->acceptor.log_pauses, clock_now_ms(), &suppressed))
        log_event(LOG_LEVEL_WARN, "event=accept_paused slot=%u why=%s for_ms=%d connections=%u", w->slot,
                  strerrorname_np(error), ACCEPT_PAUSE_MS, w->conns.open_count);
}

/* Without it nobody would ever wake us for a connection again, so where the kernel has no memory for it we come back. */
static void listener_add(struct worker *w)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = FD_LISTENER};
    bool is_in = fault_epoll_ctl(EPOLL_CTL_ADD, FD_LISTENER, &event) == 0 || errno == EEXIST;
    w->acceptor.state = is_in ? LISTENER_IN : LISTENER_OUT;
    if (!is_in)
        pause_accepting(w, errno);
    STEP(LISTENER_ADDED);
}

static void set_accepting(struct worker *w, bool accepting)
{
    atomic_store_explicit(&w->cell->accepting_generation, accepting ? w->generation : 0,
                          memory_order_relaxed);
}

void acceptor_start(struct worker *w)
{
    burst_init(&w->acceptor.log, ACCEPT_LOG_COUNT_MAX, ACCEPT_LOG_WINDOW_MS);
    burst_init(&w->acceptor.log_pauses, 1, ACCEPT_LOG_WINDOW_MS);
    listener_remove(w, LISTENER_OUT);
    listener_add(w);
    set_accepting(w, true);
}

/* ---- one connection ---- */

static void log_accepted(struct worker *w, int fd, const struct sockaddr_storage *peer, socklen_t length)
{
    uint64_t suppressed;
    if (!log_enabled(LOG_LEVEL_INFO) || !burst_allow(&w->acceptor.log, clock_now_ms(), &suppressed))
        return;
    char text[PEER_TEXT_SIZE], quoted[2 * PEER_TEXT_SIZE];
    peer_format(text, peer, length);
    log_quote(quoted, sizeof quoted, text);
    if (suppressed > 0)
        log_event(LOG_LEVEL_INFO, "event=accepted slot=%u pid=%d count=%llu", w->slot, (int)getpid(),
                  (unsigned long long)suppressed);
    log_event(LOG_LEVEL_INFO, "event=accepted slot=%u pid=%d fd=%d peer=%s", w->slot, (int)getpid(), fd,
              quoted);
}

/* accept(2) passes errors of the one connection on, which is gone with them; they say nothing about the next. With every
 * other error it is still queued, and trying again at once would only spin. */
static bool is_of_one_connection(int error)
{
    static const int passed_on[] = {ECONNABORTED, EPROTO,    ENETDOWN,     ENOPROTOOPT, EHOSTDOWN,
                                    ENONET,       ETIMEDOUT, EHOSTUNREACH, EOPNOTSUPP,  ENETUNREACH};
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        if (passed_on[i] == error)
            return true;
    return false;
}

static void accept_failed(struct worker *w, int error)
{
    if (error == EAGAIN || error == EINTR)
        return;
    if (error == EINVAL) { /* shut down: it would report EPOLLHUP for ever */
        listener_remove(w, LISTENER_GONE);
        return;
    }
    counter_add(w->cell, COUNTER_accept_errors, 1);
    if (!is_of_one_connection(error))
        pause_accepting(w, error);
}

static void admit(struct worker *w, int fd, const struct sockaddr_storage *peer, socklen_t length)
{
    atomic_store_explicit(&w->cell->accept_count,
                          atomic_load_explicit(&w->cell->accept_count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (w->conns.open_count >= w->settings.connection_count_max) {
        serve_reset(fd);
        counter_add(w->cell, COUNTER_closed_refused, 1);
        return;
    }
    if (serve_admit(w, fd)) {
        counter_add(w->cell, COUNTER_accepted, 1);
        log_accepted(w, fd, peer, length);
    }
}

/* False: there was none, or no way to take it. */
static bool accept_one(struct worker *w)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    atomic_store_explicit(&w->board->current, PHASE_ACCEPTING, memory_order_relaxed);
    STEP(ACCEPT_BEGIN);
    int fd = fault_accept(FD_LISTENER, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK);
    if (fd < 0) {
        int error = errno;
        accept_failed(w, error);
        return error == EINTR || error == ECONNABORTED;
    }
    STEP(ACCEPTED);
    admit(w, fd, &peer, length);
    return true;
}

/* ---- who takes the next one ---- */

/* Returns how many slots there are. */
static unsigned read_loads(struct worker *w, struct share_slot slots[SLOT_COUNT_MAX])
{
    uint32_t count = atomic_load_explicit(&w->pages->orders.slot_limit, memory_order_relaxed);
    bool any_deaf = false;
    if (count > SLOT_COUNT_MAX)
        count = SLOT_COUNT_MAX;
    for (unsigned i = 0; i < count; i++) {
        struct load_cell *cell = &w->pages->loads.cells[i];
        slots[i] = (struct share_slot){
            .connection_count = atomic_load_explicit(&cell->connection_count, memory_order_relaxed),
            .accept_count = atomic_load_explicit(&cell->accept_count, memory_order_relaxed),
            .accepting = board_accepting(shared_board(w->pages, i), cell),
            .full = atomic_load_explicit(&cell->full, memory_order_relaxed),
        };
        any_deaf |= w->acceptor.deaf_until_ms[i] != 0;
    }
    if (!any_deaf)
        return count;
    int64_t now_ms = clock_now_ms();
    for (unsigned i = 0; i < count; i++) {
        if (w->acceptor.deaf_until_ms[i] > now_ms)
            slots[i].accepting = false;
        else
            w->acceptor.deaf_until_ms[i] = 0;
    }
    return count;
}

static void hand_on(struct worker *w, const struct share_slot *to, struct share_choice choice, bool full)
{
    w->acceptor.handed_slot = choice.to_slot;
    w->acceptor.handed_accepts = to->accept_count;
    w->acceptor.until_ms = clock_now_ms() + SHARE_WAIT_MS;
    if (w->acceptor.state == LISTENER_IN)
        listener_remove(w, full ? LISTENER_FULL : LISTENER_HANDED);
    heritage_poke(choice.to_slot, choice.poke_count * POKE_ACCEPT);
    counter_add(w->cell, COUNTER_handed_on, choice.poke_count);
}

/* False: it is for us to accept. */
static bool handed_on(struct worker *w)
{
    struct share_slot slots[SLOT_COUNT_MAX];
    unsigned slot_count = read_loads(w, slots);
    struct share_choice choice = accept_share_choose(slots, slot_count, w->slot, SHARE_SLACK);
    if (choice.verdict == SHARE_HAND_ON)
        hand_on(w, &slots[choice.to_slot], choice, slots[w->slot].full);
    return choice.verdict == SHARE_HAND_ON;
}

void acceptor_event(struct worker *w)
{
    if (w->acceptor.state != LISTENER_IN)
        return; /* reported before it was taken out */
    bool own_turn = w->acceptor.own_turn && w->conns.open_count < w->settings.connection_count_max;
    w->acceptor.own_turn = false;
    if (!own_turn && handed_on(w))
        return;
    accept_one(w);
    if (w->acceptor.state == LISTENER_IN) {
        listener_remove(w, LISTENER_OUT);
        listener_add(w);
    }
}

void acceptor_poked(struct worker *w, uint32_t count)
{
    if (w->draining || w->acceptor.state == LISTENER_GONE)
        return;
    for (uint32_t i = 0; i < count && i < SHARE_POKE_COUNT_MAX; i++) {
        struct share_slot slots[SLOT_COUNT_MAX];
        if (w->conns.open_count >= w->settings.connection_count_max) {
            unsigned slot_count = read_loads(w, slots);
            struct share_choice choice = accept_share_choose(slots, slot_count, w->slot, SHARE_SLACK);
            if (choice.verdict == SHARE_HAND_ON) {
                heritage_poke(choice.to_slot, POKE_ACCEPT);
                return;
            }
            if (w->acceptor.state == LISTENER_FULL)
                listener_add(w); /* it is for us to refuse the clients too many: nobody else waits for them */
        }
        if (!accept_one(w))
            return;
    }
}

void acceptor_tick(struct worker *w)
{
    uint64_t suppressed;
    if (burst_flush(&w->acceptor.log, clock_now_ms(), &suppressed))
        log_event(LOG_LEVEL_INFO, "event=accepted slot=%u pid=%d count=%llu", w->slot, (int)getpid(),
                  (unsigned long long)suppressed);
}

/* ---- coming back to the listener ---- */

static bool handed_was_taken(const struct worker *w)
{
    const struct load_cell *cell = &w->pages->loads.cells[w->acceptor.handed_slot];
    return atomic_load_explicit(&cell->accept_count, memory_order_relaxed) != w->acceptor.handed_accepts;
}

/* It waits for a processor, or it is stopped. One connection is ours then, and the next is offered again:
 * marking it deaf at once would leave a whole burst to the others. */
static void handed_in_vain(struct acceptor *a, int64_t now_ms)
{
    a->own_turn = true;
    if (++a->ignored[a->handed_slot] < SHARE_IGNORED_COUNT_MAX)
        return;
    a->ignored[a->handed_slot] = 0;
    a->deaf_until_ms[a->handed_slot] = now_ms + SHARE_DEAF_MS;
}

void acceptor_check(struct worker *w)
{
    struct acceptor *a = &w->acceptor;
    if (a->state == LISTENER_FULL && w->conns.open_count < w->settings.connection_count_max) {
        listener_add(w);
        return;
    }
    if (a->state != LISTENER_HANDED && a->state != LISTENER_PAUSED)
        return;
    if (a->state == LISTENER_HANDED && handed_was_taken(w)) {
        a->ignored[a->handed_slot] = 0;
        listener_add(w);
        return;
    }
    int64_t now_ms = clock_now_ms();
    if (now_ms < a->until_ms)
        return;
    if (a->state == LISTENER_HANDED)
        handed_in_vain(a, now_ms);
    listener_add(w);
}

int acceptor_timeout_ms(const struct worker *w)
{
    switch (w->acceptor.state) {
    case LISTENER_HANDED:
        return SHARE_WAIT_MS;
    case LISTENER_PAUSED:
        return ACCEPT_PAUSE_MS;
    case LISTENER_OUT:
    case LISTENER_IN:
    case LISTENER_FULL:
    case LISTENER_GONE:
        break;
    }
    return -1;
}

void acceptor_leave(struct worker *w)
{
    set_accepting(w, false);
    listener_remove(w, LISTENER_GONE);
}

void acceptor_return(struct worker *w)
{
    if (w->acceptor.state != LISTENER_GONE)
        return;
    set_accepting(w, true);
    listener_add(w);
}

void acceptor_drain(struct worker *w)
{
    set_accepting(w, false);
    for (int i = 0; i < DRAIN_ACCEPT_COUNT_MAX; i++)
        if (w->conns.open_count >= w->settings.connection_count_max || !accept_one(w))
            break;
    /* A full one leaves what is queued to the others; the supervisor shuts down soon in any case. One that was
     * passed lives on: who comes from now on waits there for the next server. */
    if (w->conns.open_count < w->settings.connection_count_max && !w->settings.listener_is_passed)
        shutdown(FD_LISTENER, SHUT_RDWR);
    listener_remove(w, LISTENER_GONE);
}
