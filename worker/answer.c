#include "worker/answer.h"
#include "worker/board.h"
#include "worker/fault.h"
#include "worker/journal.h"
#include "worker/service.h"
#include "worker/steps.h"
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* `asked`: a whole chunk, or less in a trial of faults. A result that is shorter has emptied the queue (epoll(7)). */
static ssize_t look(int fd, unsigned char *in, size_t *asked)
{
    ssize_t n;
    do {
        STEP(PEEK);
        *asked = CHUNK_BYTES_MAX;
        n = fault_peek(fd, in, asked, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    STEP(PEEKED);
    return n;
}

static void transform(struct answerer *a, const unsigned char *in, size_t n)
{
    /* Whoever finds us dead inside the service blames the connection; elsewhere it is not the connection's
     * fault. */
    atomic_store_explicit(&a->board->in_service, 1, memory_order_relaxed);
    a->service->transform(a->out, in, n);
    atomic_store_explicit(&a->board->in_service, 0, memory_order_relaxed);
}

/* `asked`: n, or less in a trial of faults. A result that is shorter has filled the queue (epoll(7)). */
static ssize_t give(int fd, const unsigned char *out, size_t n, size_t *asked)
{
    ssize_t w;
    do {
        *asked = n;
        w = fault_send(fd, out, asked, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (w < 0 && errno == EINTR);
    return w;
}

/* Drops what was answered from the receive queue. A recv may stop short at an urgent mark, hence the loop. Returns 0, or
 * a negative errno while some is left. */
static int take(const struct answerer *a, int fd, size_t left)
{
    unsigned char *in = a->is_unix ? a->in : NULL;
    int flags = a->is_unix ? MSG_DONTWAIT : MSG_DONTWAIT | MSG_TRUNC;
    while (left > 0) {
        ssize_t n = fault_recv(FAULT_take, fd, in, left, flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        left -= (size_t)n;
    }
    STEP(TAKEN);
    return 0;
}

bool answer_has_input(int fd)
{
    int count = 0;
    return ioctl(fd, SIOCINQ, &count) == 0 && count > 0;
}

static enum answer_end ended(const struct answerer *a, int fd, ssize_t n)
{
    if (n == 0)
        return ANSWER_FINISHED;
    if (errno == EAGAIN)
        return !a->is_unix && answer_has_input(fd) ? ANSWER_AGAIN : ANSWER_WAIT;
    /* Want of memory passes; the bytes stay where they are and are looked at again. */
    return errno == ENOMEM || errno == ENOBUFS ? ANSWER_AGAIN : ANSWER_BROKEN;
}

static enum answer_end not_given(int error)
{
    if (error == EAGAIN)
        return ANSWER_BLOCKED;
    return error == ENOMEM || error == ENOBUFS ? ANSWER_AGAIN : ANSWER_BROKEN;
}

/* A UNIX socket has no sums by which the rest could be found again. */
static enum answer_end not_taken(const struct answerer *a, int error)
{
    bool passes = error == -ENOMEM || error == -ENOBUFS || error == -EAGAIN; /* answer_has_input() says how */
    return passes && !a->is_unix ? ANSWER_OWING : ANSWER_BROKEN;
}

static void count(const struct answerer *a, size_t given)
{
    counter_add(a->cell, COUNTER_answered, 1);
    counter_add(a->cell, COUNTER_bytes_in, given);
    counter_add(a->cell, COUNTER_bytes_out, given);
}

/* Without sums to be asked a successor can only be told: between these two marks an answer may be out and not
 * taken. */
static void mark_giving(const struct answerer *a, int fd)
{
    if (a->is_unix)
        atomic_store_explicit(&a->board->giving, (uint32_t)fd, memory_order_relaxed);
}

static enum answer_end answer_looking(struct answerer *a, int fd, bool until_empty)
{
    for (int chunk = 0; chunk < TURN_CHUNK_COUNT_MAX; chunk++) {
        size_t asked, offered;
        ssize_t n = look(fd, a->in, &asked);
        if (n <= 0)
            return ended(a, fd, n);
        transform(a, a->in, (size_t)n);
        STEP(TRANSFORMED);
        mark_giving(a, fd);
        ssize_t w = give(fd, a->out, (size_t)n, &offered);
        STEP(GIVEN);
        int untaken = w >= 0 ? take(a, fd, (size_t)w) : 0;
        mark_giving(a, 0);
        if (w < 0)
            return not_given(errno); /* a mark is a plain store and leaves it alone */
        if (untaken)
            return not_taken(a, untaken);
        count(a, (size_t)w);
        if ((size_t)w < offered)
            return ANSWER_BLOCKED;
        if (w < n || (size_t)n == asked)
            return ANSWER_AGAIN;
        /* A look at a UNIX socket stops behind a message that carried descriptors: never the whole for sure.
         */
        if (!until_empty && !a->is_unix)
            return ANSWER_WAIT;
    }
    return ANSWER_AGAIN;
}

/* ---- by the journal ---- */

/* What is in the journal from `bytes` on is answered, whole or in part. */
static enum answer_end give_taken(struct answerer *a, int fd, const unsigned char *bytes, size_t n)
{
    size_t offered;
    transform(a, bytes, n);
    ssize_t w = give(fd, a->out, n, &offered);
    STEP(JOURNAL_GIVEN);
    if (w < 0)
        return not_given(errno);
    count(a, (size_t)w);
    if ((size_t)w < n)
        return (size_t)w < offered ? ANSWER_BLOCKED : ANSWER_AGAIN;
    journal_close(a->board);
    STEP(JOURNAL_CLOSED);
    return ANSWER_WAIT;
}

enum answer_end answer_held(struct answerer *a, int fd, uint32_t offset, uint32_t held)
{
    STEP(REDO_BEGIN);
    journal_fill(a->board, offset + held);
    enum answer_end end = give_taken(a, fd, a->journal + offset, held);
    STEP(REDONE);
    return end;
}

/* No error of the connection's own: a look, which needs no journal, tells it once more. EFAULT: there is no page for the
 * journal. */
static bool is_told_again(int error)
{
    return error == EAGAIN || error == EINTR || error == ENOMEM || error == ENOBUFS || error == EFAULT;
}

static enum answer_end answer_fetching(struct answerer *a, int fd)
{
    size_t asked = CHUNK_BYTES_MAX;
    journal_open(a->board, fd);
    STEP(JOURNAL_OPENED);
    ssize_t n = fault_fetch(fd, a->journal, &asked, MSG_DONTWAIT);
    if (n <= 0) {
        journal_close(a->board); /* a plain store, which leaves errno alone */
        return n == 0 || is_told_again(errno) ? answer_looking(a, fd, true) : ANSWER_BROKEN;
    }
    STEP(FETCHED);
    journal_fill(a->board, (uint32_t)n);
    STEP(JOURNAL_FILLED);
    enum answer_end end = give_taken(a, fd, a->journal, (size_t)n);
    if (end == ANSWER_WAIT)
        return (size_t)n == asked ? ANSWER_AGAIN : ANSWER_WAIT;
    return end == ANSWER_BROKEN ? ANSWER_BROKEN : ANSWER_OWING;
}

enum answer_end answer_turn(struct answerer *a, int fd, bool until_empty)
{
    bool fetches = !until_empty && !a->is_unix && journal_owner(a->board) == 0;
    return fetches ? answer_fetching(a, fd) : answer_looking(a, fd, until_empty);
}
