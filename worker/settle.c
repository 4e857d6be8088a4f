#include "worker/settle.h"
#include "worker/check.h"
#include "worker/context.h"
#include "worker/fault.h"
#include "worker/journal.h"
#include "worker/log.h"
#include "worker/position.h"
#include "worker/steps.h"
#include <errno.h>
#include <sys/socket.h>

/* A worker may die between the two calls of serve_reset(). What it had decided is carried out, since on a
 * connection that went on even the close at its end would be a reset. */
static bool was_being_reset(int fd)
{
    struct linger linger = {0};
    socklen_t length = sizeof linger;
    return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff &&
           linger.l_linger == 0;
}

/* Want of memory passes, and so does EAGAIN at an urgent mark (answer.c): the sums say then how much is still owed. */
static enum settle_result drop_unanswered(int fd, size_t left)
{
    while (left > 0) {
        STEP(SETTLE_TAKE);
        ssize_t n = fault_recv(FAULT_take, fd, NULL, left, MSG_TRUNC | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOMEM || errno == ENOBUFS || errno == EAGAIN))
            return SETTLE_LATER;
        if (n <= 0)
            return SETTLE_CLOSED;
        left -= (size_t)n;
    }
    return SETTLE_DONE;
}

/* Not what a call of our own left over. */
static bool is_of_the_dead(struct worker *w, int fd)
{
    const struct conn *conn = conn_find(&w->conns, fd);
    CHECK(conn != NULL);
    return !(conn->flags & CONN_OWING);
}

static enum settle_result settle_owed(struct worker *w, int fd, uint32_t owed)
{
    if (owed == 0)
        return SETTLE_DONE;
    enum settle_result result = drop_unanswered(fd, owed);
    if (result != SETTLE_DONE)
        return result;
    STEP(SETTLED);
    if (is_of_the_dead(w, fd)) {
        recovered_count(w->cell, COUNTER_owed, &w->board->recovered.owed);
        counter_add(w->cell, COUNTER_owed_bytes, owed);
    }
    counter_add(w->cell, COUNTER_bytes_in, owed);
    counter_add(w->cell, COUNTER_bytes_out, owed);
    return SETTLE_DONE;
}

static enum settle_result settle_held(struct worker *w, int fd, uint32_t offset, uint32_t held)
{
    switch (answer_held(&w->answerer, fd, offset, held)) {
    case ANSWER_WAIT:
        if (is_of_the_dead(w, fd))
            recovered_count(w->cell, COUNTER_redone, &w->board->recovered.redone);
        return SETTLE_DONE;
    case ANSWER_BLOCKED:
        return SETTLE_BLOCKED;
    case ANSWER_AGAIN:
        return SETTLE_LATER;
    case ANSWER_BROKEN:
    case ANSWER_FINISHED:
    case ANSWER_OWING:
        break;
    }
    return SETTLE_CLOSED;
}

static enum settle_result give_up(struct worker *w, int fd, const struct position *position)
{
    recovered_count(w->cell, COUNTER_recover_reset, &w->board->recovered.reset);
    log_event(LOG_LEVEL_ERROR,
              "event=position_broken slot=%u fd=%d state=%u received=%llu acked=%llu unread=%u unsent=%u",
              w->slot, fd, position->state, (unsigned long long)position->bytes_received,
              (unsigned long long)position->bytes_acked, position->unread, position->unsent);
    return SETTLE_IMPOSSIBLE;
}

static enum settle_result settle_debt(struct worker *w, int fd, const struct position *position)
{
    struct position_debt debt;
    enum position_verdict verdict = position_debt(position, &debt);
    if (verdict == POSITION_CLOSED)
        return SETTLE_CLOSED;
    if (verdict == POSITION_BROKEN)
        return give_up(w, fd, position);
    if (debt.we_ended)
        return SETTLE_LINGERS;
    if (debt.held == 0)
        return settle_owed(w, fd, debt.owed);
    int32_t offset = journal_offset(w->board, fd, debt.held);
    return offset < 0 ? give_up(w, fd, position) : settle_held(w, fd, (uint32_t)offset, debt.held);
}

enum settle_result settle_connection(struct worker *w, int fd)
{
    struct position position;
    STEP(SETTLE_BEGIN);
    if (w->settings.listener_is_unix)
        return SETTLE_DONE;
    if (was_being_reset(fd))
        return SETTLE_CLOSED;
    int error = position_read(fd, &position);
    if (error)
        return error == -EAGAIN ? SETTLE_LATER : SETTLE_CLOSED;
    return settle_debt(w, fd, &position);
}
