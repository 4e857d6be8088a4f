#include "worker/recover.h"
#include "worker/context.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/journal.h"
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

static uint32_t note_room(const struct worker *w)
{
    uint32_t wanted = w->settings.incident_bytes;
    return wanted < INCIDENT_BYTES_MAX ? wanted : INCIDENT_BYTES_MAX;
}

static void describe_position(const struct worker *w, int fd, struct suspect_note *note)
{
    struct position position = {0};
    struct position_debt debt = {0};
    if (w->settings.listener_is_unix || position_read(fd, &position) != 0)
        return;
    note->bytes_received = position.bytes_received;
    note->bytes_acked = position.bytes_acked;
    note->unsent = position.unsent;
    note->unread = position.unread;
    int32_t offset =
        position_debt(&position, &debt) == POSITION_OPEN ? journal_offset(w->board, fd, debt.held) : -1;
    if (offset < 0 || debt.held == 0)
        return;
    note->unread += debt.held;
    note->queue_bytes = debt.held < note_room(w) ? debt.held : note_room(w);
    memcpy(note->queue, w->answerer.journal + offset, note->queue_bytes);
}

/* Tells the report about the connection that was being worked on: who it is, how far it came, what waits in the journal
 * and in its queue. For people only; nothing is ever continued from these bytes. */
static void describe_suspect(struct worker *w, int fd)
{
    struct suspect_note *note = &w->board->suspect_note;
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    memset(note, 0, sizeof *note);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        peer_format(note->peer, &peer, length);
    describe_position(w, fd, note);
    uint32_t left = note_room(w) - note->queue_bytes;
    ssize_t n = left ? recv(fd, note->queue + note->queue_bytes, left, MSG_PEEK | MSG_DONTWAIT) : 0;
    note->queue_bytes += n > 0 ? (uint32_t)n : 0;
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

static void close_strange(struct worker *w, int fd)
{
    recovered_count(w->cell, COUNTER_recover_closed, &w->board->recovered.closed);
    fault_close(fd);
}

/* The number behind the table's last: a full worker died between accepting it and resetting it. */
static void refuse(struct worker *w, int fd)
{
    if (!is_connection(fd))
        return;
    counter_add(w->cell, COUNTER_closed_refused, 1);
    serve_reset(fd);
}

/* Re-arms the number, whatever it is. */
static void recover_one(struct worker *w, int fd)
{
    STEP(RECOVER_ONE);
    if (!conn_find(&w->conns, fd)) {
        refuse(w, fd);
        return;
    }
    if (serve_rearm(w, fd, EPOLL_CTL_MOD)) {
        recovered_count(w->cell, COUNTER_continued, &w->board->recovered.continued);
        return;
    }
    if (errno == EBADF)
        return;
    if (errno == ENOENT && is_connection(fd) && serve_rearm(w, fd, EPOLL_CTL_ADD)) {
        recovered_count(w->cell, COUNTER_adopted, &w->board->recovered.adopted);
        return;
    }
    close_strange(w, fd);
}

static void reset_one(struct worker *w, int fd)
{
    if (fd < FIRST_CONNECTION || !is_connection(fd))
        return;
    recovered_count(w->cell, COUNTER_recover_reset, &w->board->recovered.reset);
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

/* Where the search ends: one above the highest number recorded, since an accept may have died before it
 * recorded its own. What the page says is not trusted further than that number behind the table. */
static int last_number(const struct worker *w)
{
    uint32_t highest = atomic_load_explicit(&w->board->highest, memory_order_relaxed);
    uint32_t table_end = FIRST_CONNECTION + w->conns.capacity;
    if (highest < FIRST_CONNECTION)
        return FIRST_CONNECTION;
    return (int)(highest < table_end ? highest + 1 : table_end);
}

void recover_begin(struct worker *w)
{
    int last = last_number(w), suspect = w->settings.suspect;
    memset(&w->board->recovered, 0, sizeof w->board->recovered);
    if (!conn_find(&w->conns, suspect) || suspect > last)
        suspect = 0;
    if (suspect && is_connection(suspect))
        describe_suspect(w, suspect);
    reset_cut_unix(w);
    w->recovery = (struct recovery){.runs = true, .next = FIRST_CONNECTION, .last = last, .suspect = suspect};
}

static bool is_taken_over(struct worker *w, int fd)
{
    const struct conn *conn = conn_find(&w->conns, fd);
    return conn && conn->state != CONN_CLOSED;
}

/* The suspect comes last: should it end us too, all others have been served once more. */
static void finish(struct worker *w)
{
    const struct worker_settings *settings = &w->settings;
    int suspect = w->recovery.suspect;
    if (suspect && settings->recover_how == RECOVER_RESET_SUSPECT)
        reset_one(w, suspect);
    else if (suspect && settings->recover_how == RECOVER_ALL)
        recover_one(w, suspect);
    if (!is_taken_over(w, journal_owner(w->board)))
        journal_close(w->board); /* the connection has ended */
    w->recovery.runs = false;
    STEP(RECOVERED);
}

bool recover_out_of_turn(struct worker *w, int fd)
{
    if (fd > w->recovery.last || fd == w->recovery.suspect)
        return false;
    if (!is_taken_over(w, fd))
        recover_one(w, fd);
    return is_taken_over(w, fd);
}

bool recover_slice(struct worker *w)
{
    struct recovery *recovery = &w->recovery;
    for (int i = 0; i < RECOVER_SLICE_COUNT && recovery->next <= recovery->last; i++) {
        int fd = recovery->next++;
        if (w->settings.recover_how == RECOVER_RESET_ALL)
            reset_one(w, fd);
        else if (fd != recovery->suspect && !is_taken_over(w, fd))
            recover_one(w, fd);
    }
    if (recovery->next <= recovery->last)
        return true;
    finish(w);
    return false;
}
