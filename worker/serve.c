#include "worker/serve.h"
#include "worker/check.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/journal.h"
#include "worker/settle.h"
#include "worker/steps.h"
#include "worker/tick.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONN_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* Tells the board what is being worked on, for the report if this is the last that we do. */
static void mark(struct worker *w, int fd, enum worker_phase phase)
{
    atomic_store_explicit(&w->board->current, (uint64_t)fd << 8 | phase, memory_order_relaxed);
}

/* While some are not yet taken over, what the last worker has published is nearer to the truth. */
void serve_publish(struct worker *w)
{
    if (w->recovery.runs)
        return;
    uint32_t open = w->conns.open_count;
    atomic_store_explicit(&w->cell->connection_count, open, memory_order_relaxed);
    atomic_store_explicit(&w->cell->full, open >= w->settings.connection_count_max, memory_order_relaxed);
}

static void set_deadline(struct worker *w, struct conn *conn, enum conn_deadline kind)
{
    if (w->conns.deadlines[kind].timeout_ticks > 0)
        tick_start(w);
    conn_deadline_set(&w->conns, conn, kind, w->now_tick);
}

void serve_reset(int fd)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    fault_close(fd);
}

/* Recovery looks only up to the highest number that stands on the board, and one beyond it. So every number
 * is recorded before the next one can be accepted: when it is accepted, or else when it is taken over. */
static void record(struct worker *w, int fd)
{
    if ((uint32_t)fd > atomic_load_explicit(&w->board->highest, memory_order_relaxed))
        atomic_store_explicit(&w->board->highest, (uint32_t)fd, memory_order_relaxed);
}

/* What came while a passed listener was still another's has none of the options that ours has (master/listener.c), and no
 * UNIX socket inherits any. Without SO_OOBINLINE the counting of bytes errs at an urgent mark, and an urgent byte is no part
 * of the stream. */
static void give_options(const struct worker *w, int fd)
{
    const int on = 1;
    if (!w->settings.listener_is_passed && !w->settings.listener_is_unix)
        return;
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    if (!w->settings.listener_is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool serve_admit(struct worker *w, int fd)
{
    struct conn *conn = conn_find(&w->conns, fd);
    CHECK(conn != NULL);
    record(w, fd);
    STEP(ACCEPT_RECORDED);
    give_options(w, fd);
    struct epoll_event event = {.events = CONN_EVENTS, .data.u64 = (uint64_t)fd};
    if (fault_epoll_ctl(EPOLL_CTL_ADD, fd, &event) < 0) {
        counter_add(w->cell, COUNTER_accept_errors, 1);
        serve_reset(fd);
        return false;
    }
    STEP(ACCEPT_REGISTERED);
    conn_open(&w->conns, conn);
    serve_publish(w);
    set_deadline(w, conn, DEADLINE_IDLE);
    return true;
}

bool serve_rearm(struct worker *w, int fd, int operation)
{
    struct conn *conn = conn_find(&w->conns, fd);
    CHECK(conn != NULL);
    if (operation == EPOLL_CTL_ADD) /* its worker died before it could */
        give_options(w, fd);
    struct epoll_event event = {.events = CONN_EVENTS, .data.u64 = (uint64_t)fd};
    if (fault_epoll_ctl(operation, fd, &event) < 0)
        return false;
    record(w, fd);
    conn_open(&w->conns, conn);
    conn->flags |= CONN_UNSETTLED;
    if (fd == w->settings.suspect)
        conn->flags |= CONN_SUSPECT;
    set_deadline(w, conn, DEADLINE_IDLE);
    /* What it has asked for is in its queue no more, so no event will tell. */
    if (fd == journal_owner(w->board))
        conn_ready_push(&w->conns, conn);
    return true;
}

static void clear_suspect(struct worker *w, struct conn *conn)
{
    conn->flags &= (uint8_t)~CONN_SUSPECT;
    atomic_store_explicit(&w->board->suspect_cleared, w->generation, memory_order_release);
}

static void finish(struct worker *w, struct conn *conn, bool reset)
{
    int fd = conn_fd(&w->conns, conn);
    if (conn->flags & CONN_SUSPECT)
        clear_suspect(w, conn);
    mark(w, fd, PHASE_CLOSING);
    STEP(CLOSE_BEGIN);
    if (reset || fd == journal_owner(w->board)) /* an end in order would say that all is answered */
        serve_reset(fd);
    else
        fault_close(fd);
    STEP(CLOSED);
    journal_forget(w->board, fd);
    conn_close(&w->conns, conn);
    serve_publish(w);
}

static void finish_counted(struct worker *w, struct conn *conn, enum counter cause)
{
    counter_add(w->cell, cause, 1);
    finish(w, conn, cause == COUNTER_closed_write);
}

static uint32_t unsent_bytes(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? (uint32_t)bytes : 0;
}

static void block(struct worker *w, struct conn *conn)
{
    conn->flags |= CONN_BLOCKED;
    counter_add(w->cell, COUNTER_blocked, 1);
    if (w->settings.write_timeout_ms > 0)
        conn->unsent_mark = unsent_bytes(conn_fd(&w->conns, conn));
    set_deadline(w, conn, DEADLINE_WRITE);
}

/* A suspect that is answered once has shown that it was not the cause. */
static void judge_suspect(struct worker *w, struct conn *conn, uint64_t answered_before)
{
    if ((conn->flags & CONN_SUSPECT) && counter_get(w->cell, COUNTER_answered) != answered_before)
        clear_suspect(w, conn);
}

static void turn(struct worker *w, struct conn *conn, bool until_empty)
{
    int fd = conn_fd(&w->conns, conn);
    uint64_t answered = counter_get(w->cell, COUNTER_answered);
    mark(w, fd, PHASE_ANSWERING);
    enum answer_end end = answer_turn(&w->answerer, fd, until_empty);
    judge_suspect(w, conn, answered);
    switch (end) {
    case ANSWER_AGAIN:
        conn_ready_push(&w->conns, conn);
        set_deadline(w, conn, DEADLINE_IDLE);
        break;
    case ANSWER_WAIT:
        set_deadline(w, conn, DEADLINE_IDLE);
        break;
    case ANSWER_OWING: /* what a dead worker would leave to its successor, left to our own next turn */
        conn->flags |= CONN_UNSETTLED | CONN_OWING;
        conn_ready_push(&w->conns, conn);
        set_deadline(w, conn, DEADLINE_IDLE);
        break;
    case ANSWER_BLOCKED:
        block(w, conn);
        break;
    case ANSWER_FINISHED:
        finish_counted(w, conn, COUNTER_closed_fin);
        break;
    case ANSWER_BROKEN:
        finish_counted(w, conn, COUNTER_closed_reset);
        break;
    }
}

/* A lingering connection's input is thrown away, so that closing it sends no RST after our last answer. The
 * chunk budget bounds one event; the linger deadline bounds the whole. */
static void discard(struct worker *w, struct conn *conn)
{
    int fd = conn_fd(&w->conns, conn);
    for (int chunk = 0; chunk < TURN_CHUNK_COUNT_MAX; chunk++) {
        ssize_t n = fault_recv(FAULT_discard, fd, w->answerer.in, CHUNK_BYTES_MAX, MSG_DONTWAIT);
        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n == 0 || errno != EAGAIN)
            finish(w, conn, false);
        return;
    }
    conn_ready_push(&w->conns, conn);
}

/* What still comes is thrown away until the linger time is over. */
static void linger_on(struct worker *w, struct conn *conn)
{
    fault_shutdown(conn_fd(&w->conns, conn), SHUT_WR);
    conn->state = CONN_LINGERING;
    conn->flags &= (uint8_t)~CONN_BLOCKED;
    set_deadline(w, conn, DEADLINE_LINGER);
    conn_ready_push(&w->conns, conn); /* its input may have come long ago */
}

/* Ends a connection from our side in a way that lets the client read what was answered. */
static void linger(struct worker *w, struct conn *conn, enum counter cause)
{
    counter_add(w->cell, cause, 1);
    linger_on(w, conn);
}

/* The first event of a connection that was taken over, or the next turn of one that owes. True: it goes on like any other. */
static bool settle(struct worker *w, struct conn *conn)
{
    int fd = conn_fd(&w->conns, conn);
    uint64_t answered = counter_get(w->cell, COUNTER_answered);
    mark(w, fd, PHASE_ANSWERING);
    enum settle_result result = settle_connection(w, fd);
    judge_suspect(w, conn, answered);
    switch (result) {
    case SETTLE_DONE:
        journal_forget(w->board, fd);
        conn->flags &= (uint8_t) ~(CONN_UNSETTLED | CONN_OWING);
        return true;
    case SETTLE_LATER:
        conn_ready_push(&w->conns, conn);
        return false;
    case SETTLE_BLOCKED:
        block(w, conn);
        return false;
    case SETTLE_LINGERS:
        journal_forget(w->board, fd);
        conn->flags &= (uint8_t)~CONN_UNSETTLED;
        linger_on(w, conn); /* counted by the one who ended it */
        return false;
    case SETTLE_CLOSED:
        finish_counted(w, conn, COUNTER_closed_reset);
        return false;
    case SETTLE_IMPOSSIBLE:
        finish(w, conn, true);
        return false;
    }
    return false;
}

void serve_event(struct worker *w, int fd, uint32_t events)
{
    struct conn *conn = conn_find(&w->conns, fd);
    if (!conn || conn->state == CONN_CLOSED)
        return;
    if (conn->state == CONN_LINGERING) {
        discard(w, conn);
        return;
    }
    bool was_blocked = conn->flags & CONN_BLOCKED;
    if (was_blocked && !(events & EPOLLOUT))
        return;
    if (!was_blocked && !(events & ~(uint32_t)EPOLLOUT))
        return; /* writable, and nobody waited for it */
    conn->flags &= (uint8_t)~CONN_BLOCKED;
    bool taken_over = conn->flags & CONN_UNSETTLED;
    if (taken_over && !settle(w, conn))
        return;
    turn(w, conn, was_blocked || taken_over || (events & (EPOLLRDHUP | EPOLLPRI)) || !(events & EPOLLOUT));
}

void serve_ready(struct worker *w)
{
    uint32_t count = w->conns.ready_count; /* one that comes back to the list waits for its next round */
    for (uint32_t i = 0; i < count && i < LOOP_READY_COUNT_MAX; i++) {
        struct conn *conn = conn_ready_pop(&w->conns);
        if (conn->state == CONN_LINGERING)
            discard(w, conn);
        else if (conn->state == CONN_OPEN && !(conn->flags & CONN_BLOCKED) &&
                 (!(conn->flags & CONN_UNSETTLED) || settle(w, conn)))
            turn(w, conn, true);
    }
}

/* A slow reader is not a dead one: bytes that left the send queue since the deadline was armed buy a new one.
 */
static void write_expired(struct worker *w, struct conn *conn)
{
    uint32_t unsent = unsent_bytes(conn_fd(&w->conns, conn));
    if (unsent < conn->unsent_mark) {
        conn->unsent_mark = unsent;
        set_deadline(w, conn, DEADLINE_WRITE);
    } else {
        finish_counted(w, conn, COUNTER_closed_write);
    }
}

/* Who has asked for something is not idle: then it was us who had no time for so long. */
static void idle_expired(struct worker *w, struct conn *conn)
{
    int fd = conn_fd(&w->conns, conn);
    if (!answer_has_input(fd) && journal_owner(w->board) != fd) {
        linger(w, conn, COUNTER_closed_idle);
        return;
    }
    conn_ready_push(&w->conns, conn);
    set_deadline(w, conn, DEADLINE_IDLE);
}

void serve_tick(struct worker *w)
{
    struct conn *conn;
    while ((conn = conn_deadline_expired(&w->conns, DEADLINE_IDLE, w->now_tick)) != NULL)
        idle_expired(w, conn);
    while ((conn = conn_deadline_expired(&w->conns, DEADLINE_WRITE, w->now_tick)) != NULL)
        write_expired(w, conn);
    while ((conn = conn_deadline_expired(&w->conns, DEADLINE_LINGER, w->now_tick)) != NULL)
        finish(w, conn, false);
}

void serve_end_all(struct worker *w)
{
    uint32_t left = w->conns.open_count;
    for (uint32_t i = 0; i < w->conns.capacity && left > 0; i++) {
        struct conn *conn = &w->conns.conns[i];
        if (conn->state == CONN_CLOSED)
            continue;
        left--;
        if (conn->state == CONN_OPEN)
            linger(w, conn, COUNTER_closed_drain);
    }
}
