/*
 * The answer loop: peek, answer, take. The one place where a client's bytes are touched.
 *
 *     n = recv(fd, in, 64 KiB, MSG_PEEK)       look
 *     transform(out, in, n)                    answer
 *     w = send(fd, out, n)                     give
 *     recv(fd, NULL, w, MSG_TRUNC)             only now take: w bytes leave the receive queue
 *
 * A byte leaves the kernel's receive queue only after its answer is in the kernel's send queue, so nothing is
 * ever in the worker alone: whenever it dies, the kernel knows how far it came. Nothing is kept between two
 * turns.
 *
 * A UNIX socket cannot drop bytes unread, so there the last line reads them for real.
 *
 * Source: tcp(7) on MSG_TRUNC; net/ipv4/tcp.c, tcp_recvmsg_locked().
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct board;
struct load_cell;
struct service;

struct answerer {
    const struct service *service;
    struct board *board;     /* in_service is marked there */
    struct load_cell *cell;  /* counters */
    unsigned char *in, *out; /* CHUNK_BYTES_MAX each; not owned */
    bool is_unix;
};

/* How a turn ended, and what the caller owes the connection. */
enum answer_end {
    ANSWER_WAIT,     /* all that came is answered: wait for the next event */
    ANSWER_AGAIN,    /* there may be more: another turn, after the others had theirs */
    ANSWER_BLOCKED,  /* the client's window is full: wait until it is writable */
    ANSWER_FINISHED, /* the client's FIN is in and everything before it is answered: close */
    ANSWER_BROKEN,   /* reset by the peer or timed out by the kernel: close */
    ANSWER_OWING, /* what was answered could not be taken just now: it is owed (settle.h), and then there may be more */
};

/*
 * One turn on a connection. `until_empty`: go on until the kernel says that the queue is empty, as is needed
 * whenever no further event would tell of what is queued already (see serve.h); otherwise a short chunk ends
 * the turn and spares a system call.
 */
enum answer_end answer_turn(struct answerer *answerer, int fd, bool until_empty);

/* Are bytes there that were not taken? Asked of the kernel's sums: at an urgent mark recv says EAGAIN, whatever lies there,
 * while a signal is pending; and that is so, though ours are all blocked, when a debugger attaches or leaves, or the
 * process is frozen or thawed. */
bool answer_has_input(int fd);

#endif
