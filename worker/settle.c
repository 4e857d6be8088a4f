#include "worker/settle.h"
#include "worker/context.h"
#include "worker/fault.h"
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

static enum settle_result settle_owed(struct worker *w, int fd, uint32_t owed)
{
    if (owed == 0)
        return SETTLE_DONE;
    enum settle_result result = drop_unanswered(fd, owed);
    if (result != SETTLE_DONE)
        return result;
    STEP(SETTLED);
    recovered_count(w->cell, COUNTER_owed, &w->board->recovered.owed);
    counter_add(w->cell, COUNTER_owed_bytes, owed);
    counter_add(w->cell, COUNTER_bytes_in, owed);
    counter_add(w->cell, COUNTER_bytes_out, owed);
    return SETTLE_DONE;
}

enum settle_result settle_connection(struct worker *w, int fd)
{
    struct position position;
    uint32_t owed;
    int we_ended;
    STEP(SETTLE_BEGIN);
    if (w->settings.listener_is_unix)
        return SETTLE_DONE;
    if (was_being_reset(fd))
        return SETTLE_CLOSED;
    int error = position_read(fd, &position);
    if (error)
        return error == -EAGAIN ? SETTLE_LATER : SETTLE_CLOSED;
    switch (position_owed(&position, &owed, &we_ended)) {
    case POSITION_OPEN:
        return we_ended ? SETTLE_LINGERS : settle_owed(w, fd, owed);
    case POSITION_CLOSED:
        return SETTLE_CLOSED;
    case POSITION_BROKEN:
        break;
    }
    recovered_count(w->cell, COUNTER_recover_reset, &w->board->recovered.reset);
    log_event(LOG_LEVEL_ERROR,
              "event=position_broken slot=%u fd=%d state=%u received=%llu acked=%llu unread=%u unsent=%u",
              w->slot, fd, position.state, (unsigned long long)position.bytes_received,
              (unsigned long long)position.bytes_acked, position.unread, position.unsent);
    return SETTLE_IMPOSSIBLE;
}
