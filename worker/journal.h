/*
 * The journal of a slot: where the bytes of one connection are from the moment that they leave its receive queue to the
 * moment that their answer is in its send queue (answer.h).
 *
 * It lies in the shared pages, so a worker's death leaves it as it is. The kernel's sums tell the successor how many
 * of the last bytes taken are not answered (position.h). An answer goes out from the front, so those are the last ones
 * in here. So what is in here is believed only as far as the sums ask for it, and only for the connection that is
 * named here. Nothing of it has to be cleared: the last 64 KiB at most of what clients have sent stay here until
 * others come, for the slot's workers alone to read (sandbox.h), and in no core dump (board.c).
 *
 * A worker writes here in this order, and another reads only after its death:
 *
 *     journal_open     nobody's bytes are in here, then: they will be this connection's
 *     (recv)           the kernel takes n bytes from the queue, and they are in here
 *     journal_fill     n is known: from now on an answer may be out in part
 *     (send)           ... and is in the send queue, whole or in part
 *     journal_close    all is answered
 *
 * Until it is closed no other connection's bytes may come in here: they stay in the kernel, as in answer_turn().
 */
#ifndef WORKER_JOURNAL_H
#define WORKER_JOURNAL_H

#include "worker/board.h"

/* Whose bytes are in here, answered or not; 0: nobody's. Readers check the number before they use it as an index. */
static inline int journal_owner(const struct board *board)
{
    return atomic_load_explicit(&board->journal_fd, memory_order_relaxed);
}

static inline void journal_open(struct board *board, int fd)
{
    atomic_store_explicit(&board->journal_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&board->journal_fd, fd, memory_order_release);
}

static inline void journal_fill(struct board *board, uint32_t bytes)
{
    atomic_store_explicit(&board->journal_bytes, bytes, memory_order_release);
}

static inline void journal_close(struct board *board)
{
    atomic_store_explicit(&board->journal_fd, 0, memory_order_release);
}

/* That connection has ended, or owes nothing: if it is the owner nobody is any more. */
static inline void journal_forget(struct board *board, int fd)
{
    if (journal_owner(board) == fd)
        journal_close(board);
}

/*
 * Where the last `held` bytes begin, which are not answered, or -1 if they cannot be in here. Without a count the worker
 * died before it knew how many there are: then nothing was given, and they are all.
 */
static inline int32_t journal_offset(const struct board *board, int fd, uint32_t held)
{
    uint32_t bytes = atomic_load_explicit(&board->journal_bytes, memory_order_acquire);
    if (journal_owner(board) != fd || bytes > CHUNK_BYTES_MAX || held > CHUNK_BYTES_MAX)
        return -1;
    if (bytes == 0)
        return 0;
    return held <= bytes ? (int32_t)(bytes - held) : -1;
}

#endif
