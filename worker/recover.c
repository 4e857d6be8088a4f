#include "worker/recover.h"
#include "worker/context.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/peer.h"
#include "worker/position.h"
#include "worker/serve.h"
#include "worker/steps.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what stood still when the worker died ---- */

/* Tells the report about the connection that was being worked on: who it is, how far it came, what waits in
 * its queue. For people only; nothing is ever continued from these bytes. */
static void describe_suspect(struct worker *w, int fd)
{
    struct suspect_note *note = &w->board->suspect_note;
    struct position position = {0};
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    memset(note, 0, sizeof *note);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        peer_format(note->peer, &peer, length);
    if (!w->settings.listener_is_unix && position_read(fd, &position) == 0) {
        note->bytes_received = position.bytes_received;
        note->bytes_acked = position.bytes_acked;
        note->unread = position.unread;
        note->unsent = position.unsent;
    }
    uint32_t wanted = w->settings.incident_bytes;
    if (wanted > sizeof note->queue)
        wanted = sizeof note->queue;
    ssize_t n = wanted ? recv(fd, note->queue, wanted, MSG_PEEK | MSG_DONTWAIT) : 0;
    note->queue_bytes = n > 0 ? (uint32_t)n : 0;
    atomic_store_explicit(&note->generation, w->generation, memory_order_release);
}

/* ---- one number ---- */

static bool is_connection(int fd)
{
    int type = 0, listens = 0;
    socklen_t length = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
        return false;
    length = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && type == SOCK_STREAM &&
           !listens;
}

static void count_recovered(struct worker *w, enum counter counter, shared_u32 *field)
{
    counter_add(w->cell, counter, 1);
    atomic_store_explicit(field, atomic_load_explicit(field, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void close_strange(struct worker *w, int fd)
{
    count_recovered(w, COUNTER_recover_closed, &w->board->recovered.closed);
    close(fd);
}

/* Re-arms the number, whatever it is. */
static void recover_one(struct worker *w, int fd)
{
    STEP(RECOVER_ONE);
    if (serve_rearm(w, fd, EPOLL_CTL_MOD)) {
        count_recovered(w, COUNTER_continued, &w->board->recovered.continued);
        return;
    }
    if (errno == EBADF)
        return;
    if (errno == ENOENT && is_connection(fd) && serve_rearm(w, fd, EPOLL_CTL_ADD)) {
        count_recovered(w, COUNTER_adopted, &w->board->recovered.adopted);
        return;
    }
    close_strange(w, fd);
}

static void reset_one(struct worker *w, int fd)
{
    if (fd < FIRST_CONNECTION || !is_connection(fd))
        return;
    count_recovered(w, COUNTER_recover_reset, &w->board->recovered.reset);
    STEP(RECOVER_RESET);
    serve_reset(fd);
}

/* A UNIX socket has no sums to tell how far it came: cut in mid-answer it is closed. */
static void reset_cut_unix(struct worker *w)
{
    int fd = (int)atomic_load_explicit(&w->board->giving, memory_order_relaxed);
    if (w->settings.listener_is_unix)
        reset_one(w, fd);
    atomic_store_explicit(&w->board->giving, 0, memory_order_relaxed);
}

/* ---- all of them ---- */

static int highest_number(const struct worker *w)
{
    int last = (int)atomic_load_explicit(&w->board->highest, memory_order_relaxed) + 1;
    int table_end = FIRST_CONNECTION + (int)w->conns.capacity - 1;
    if (last < FIRST_CONNECTION)
        last = FIRST_CONNECTION; /* the very first accept may have died before it was recorded */
    return last < table_end ? last : table_end;
}

void recover_all(struct worker *w)
{
    const struct worker_settings *settings = &w->settings;
    int last = highest_number(w), suspect = settings->suspect;
    memset(&w->board->recovered, 0, sizeof w->board->recovered);
    if (suspect >= FIRST_CONNECTION && is_connection(suspect))
        describe_suspect(w, suspect);
    reset_cut_unix(w);
    for (int fd = FIRST_CONNECTION; fd <= last; fd++) {
        if (settings->recover_how == RECOVER_RESET_ALL)
            reset_one(w, fd);
        else if (fd != suspect)
            recover_one(w, fd);
    }
    /* The suspect comes last: should it end us too, all others have been served once more. */
    if (suspect >= FIRST_CONNECTION && settings->recover_how == RECOVER_RESET_SUSPECT)
        reset_one(w, suspect);
    else if (suspect >= FIRST_CONNECTION && settings->recover_how == RECOVER_ALL)
        recover_one(w, suspect);
    STEP(RECOVERED);
}

/* ---- the first event of one ---- */

static bool drop_unanswered(int fd, size_t left)
{
    while (left > 0) {
        STEP(SETTLE_TAKE);
        ssize_t n = recv(fd, NULL, left, MSG_TRUNC | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        left -= (size_t)n;
    }
    return true;
}

static enum settle_result settle_owed(struct worker *w, int fd, uint32_t owed)
{
    if (owed == 0)
        return SETTLE_DONE;
    if (!drop_unanswered(fd, owed))
        return SETTLE_CLOSED;
    STEP(SETTLED);
    count_recovered(w, COUNTER_owed, &w->board->recovered.owed);
    counter_add(w->cell, COUNTER_owed_bytes, owed);
    counter_add(w->cell, COUNTER_bytes_in, owed);
    return SETTLE_DONE;
}

enum settle_result recover_settle(struct worker *w, int fd)
{
    struct position position;
    uint32_t owed;
    int we_ended;
    STEP(SETTLE_BEGIN);
    if (w->settings.listener_is_unix)
        return SETTLE_DONE;
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
    count_recovered(w, COUNTER_recover_reset, &w->board->recovered.reset);
    log_event(LOG_LEVEL_ERROR,
              "event=position_broken slot=%u fd=%d state=%u received=%llu acked=%llu unread=%u unsent=%u",
              w->slot, fd, position.state, (unsigned long long)position.bytes_received,
              (unsigned long long)position.bytes_acked, position.unread, position.unsent);
    return SETTLE_IMPOSSIBLE;
}
