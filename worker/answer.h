/*
 * The answer loop: the one place where a client's bytes are touched. Nothing is ever in the worker alone: whenever it dies
 * the kernel knows how far it came. There are two ways.
 *
 *     n = recv(fd, in, 64 KiB, MSG_PEEK)       look                  n = recv(fd, journal, 64 KiB)       fetch
 *     transform(out, in, n)                    answer                transform(out, journal, n)          answer
 *     w = send(fd, out, n)                     give                  w = send(fd, out, n)                give
 *     recv(fd, NULL, w, MSG_TRUNC)             only now take
 *
 * On the left a byte leaves the kernel's receive queue only after its answer is in the send queue: that works always, for
 * any number of connections at once, and nothing is kept between two turns. On the right the bytes are meanwhile in the
 * slot's journal (journal.h), which outlives the worker: a system call less, for one connection at a time. So that is how
 * a message is answered where a third of the send queue is free, as epoll says. Then the answer nearly always fits,
 * and the journal is empty again at the end of the turn. As long as it is not, all others are answered the other way.
 *
 * A UNIX socket has no sums to tell a successor how far we came, and cannot drop bytes unread: it is looked at, and
 * the last line reads for real.
 *
 * Source: tcp(7) on MSG_TRUNC; net/ipv4/tcp.c, tcp_recvmsg_locked().
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct load_cell;
struct service;

struct answerer {
    const struct service *service;
    struct board *board;     /* in_service is marked there */
    struct load_cell *cell;  /* counters */
    unsigned char *in, *out; /* CHUNK_BYTES_MAX each; not owned */
    unsigned char *journal;  /* the slot's, CHUNK_BYTES_MAX; not owned */
    bool is_unix;
};

/* How a turn ended, and what the caller owes the connection. */
enum answer_end {
    ANSWER_WAIT,     /* all that came is answered: wait for the next event */
    ANSWER_AGAIN,    /* there may be more: another turn, after the others had theirs */
    ANSWER_BLOCKED,  /* the client's window is full: wait until it is writable */
    ANSWER_FINISHED, /* the client's FIN is in and everything before it is answered: close */
    ANSWER_BROKEN,   /* reset by the peer or timed out by the kernel: close */
    ANSWER_OWING, /* what was given could not be taken, or what was taken not be given: settle it first (settle.h) */
};

/*
 * One turn on a connection. `until_empty`: go on until the kernel says that the queue is empty, as is needed
 * whenever no further event would tell of what is queued already (see serve.h); otherwise there must be room in the send
 * queue, a short chunk ends the turn, and it costs two system calls.
 */
enum answer_end answer_turn(struct answerer *answerer, int fd, bool until_empty);

/* Answers the last `held` bytes of the journal, which stands open for this connection, from `offset` on. WAIT: done,
 * and the journal is closed. BLOCKED, AGAIN, BROKEN: as above, and what is left is still in there. */
enum answer_end answer_held(struct answerer *answerer, int fd, uint32_t offset, uint32_t held);

/* Are bytes there that were not taken? Asked of the kernel's sums: at an urgent mark recv says EAGAIN, whatever lies
 * there, while a signal is pending; and that is so, though ours are all blocked, when a debugger attaches or leaves,
 * or the process is frozen or thawed. */
bool answer_has_input(int fd);

#endif
