/*
 * A model of the kernel around the sockets: a slot's descriptor table, listener, eventfds, timer, clock and
 * the one epoll instance. It outlives a worker, as all that does behind a real one.
 *
 * Calls return what the system call returns, with a negative errno for failure. What a worker must never do
 * (answer wrongly, close what is not its own) ends the trial: trial_fail() of socket_trial.h.
 */
#ifndef TESTS_MODEL_SOCKET_KERNEL_H
#define TESTS_MODEL_SOCKET_KERNEL_H

#include "tests/model/socket_client.h"
#include "tests/model/socket_epoll.h"

enum { SOCKET_KERNEL_CLIENT_COUNT_MAX = 16, SOCKET_KERNEL_CONNECTION_COUNT_MAX = 32 };

/* `connection_count_max`: connections beyond it may be refused. */
void socket_kernel_init(unsigned connection_count_max);

/* ---- the world's side ---- */

/* A client stands in the accept queue. */
void socket_kernel_connect(struct socket_client *c);

/* Clients that no worker will serve any more: those in the accept queue of a slot that left. */
void socket_kernel_refuse_queue(void);

/* Wakes the pollers of a descriptor; -1: nobody polls it yet. */
void socket_kernel_wake(int fd, uint32_t mask);

/* The client behind a descriptor, NULL when there is none. */
struct socket_client *socket_kernel_client(int fd);

/* Connections in the table and in the accept queue. */
unsigned socket_kernel_open_count(void);

int64_t socket_kernel_now_ns(void);

/* Lets time pass to the next thing that waits for it, at most to `limit_ms` from now (-1: no such limit).
 * False: nothing waits. */
bool socket_kernel_pass_time(int limit_ms);

/* Ready events, at most count_max. */
int socket_kernel_collect(struct epoll_event *events, int count_max);

/* ---- the worker's calls ---- */

int socket_kernel_accept(void);
ssize_t socket_kernel_recv(int fd, void *bytes, size_t size, int flags);
ssize_t socket_kernel_send(int fd, const void *bytes, size_t size);
int socket_kernel_close(int fd);
int socket_kernel_shutdown(int fd);
int socket_kernel_linger_0(int fd);
int socket_kernel_oob_inline(int fd);
int socket_kernel_epoll_ctl(int operation, int fd, const struct epoll_event *event);
ssize_t socket_kernel_read(int fd, uint64_t *value);
ssize_t socket_kernel_write(int fd, uint64_t value);
int socket_kernel_set_timer(int64_t interval_ns);

#endif
