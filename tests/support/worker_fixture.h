/*
 * A worker to test on: struct worker on shared anonymous memory, with a real epoll instance, timer, listener,
 * eventfds and log pipe under their fixed numbers (worker/heritage.h), in the process of the test.
 *
 * The fixed numbers lie above those of the standard streams, which are all that cmocka uses; what a test
 * inherited at them is closed. As in a real worker every unused number below FIRST_CONNECTION is taken, so
 * accept returns FIRST_CONNECTION and up; the clients' ends are moved to FIXTURE_CLIENT_FIRST and up, out of
 * the way. Clients are blocking sockets that give up after FIXTURE_DEADLINE_MS: no test hangs.
 *
 * FD_MASTER is an eventfd here: written to, it is as readable as the pidfd of a dead master.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: worker_fixture_close() closes every
 * descriptor from 3 on.
 */
#ifndef TESTS_SUPPORT_WORKER_FIXTURE_H
#define TESTS_SUPPORT_WORKER_FIXTURE_H

#include "worker/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { FIXTURE_CLIENT_FIRST = 600, FIXTURE_DEADLINE_MS = 3000, FIXTURE_GENERATION = 3 };

struct fixture_options {
    bool is_unix;
    bool small_buffers;            /* the kernel's queues hold some KiB only, so that senders block soon */
    uint32_t connection_count_max; /* 0: 100 */
    unsigned slot_count;           /* 0: 1 */
    unsigned slot;                 /* which of them is the worker */
    int64_t idle_timeout_ms, write_timeout_ms;
};

struct worker_fixture {
    struct worker worker;
    struct shared_pages *pages;
    struct fixture_options options;
    struct sockaddr_storage address; /* of the listener */
    socklen_t address_length;
    pid_t loop_pid; /* of worker_fixture_start_loop(); 0: none */
    unsigned char in[CHUNK_BYTES_MAX], out[CHUNK_BYTES_MAX];
};

void worker_fixture_open(struct worker_fixture *f, struct fixture_options options);
void worker_fixture_close(struct worker_fixture *f);

/* A client of the listener. The test closes it, or worker_fixture_close() does. */
int worker_fixture_connect(struct worker_fixture *f);

/* A client, and its other end accepted but not given to the worker; returns the accepted end. */
int worker_fixture_pair(struct worker_fixture *f, int *client);

/* The same, served by the worker from now on. */
int worker_fixture_admit(struct worker_fixture *f, int *client);

/* An accepted connection becomes one that a dead worker has left, which had recorded and registered it. */
void worker_fixture_leave_behind(struct worker_fixture *f, int server);

/* The worker takes over all that was left behind, in as many slices as it needs. */
void worker_fixture_recover(struct worker_fixture *f);

/* Waits until an event comes, and passes on all that are there and belong to connections. Returns how many
 * they were. */
int worker_fixture_turn(struct worker_fixture *f);

/* Turns of the events and the ready list until that client has `count` bytes to read. */
void worker_fixture_serve_until_readable(struct worker_fixture *f, int client, size_t count);

/* Clients send until nothing goes through any more, since that one does not read: it is blocked. */
void worker_fixture_fill_until_blocked(struct worker_fixture *f, int server, int client);

bool worker_fixture_is_blocked(struct worker_fixture *f, int fd);

/* From now on the worker's time stands still, but for worker_fixture_pass_time(): so much as makes a deadline
 * of that kind due, and a tick. */
void worker_fixture_stop_clock(struct worker_fixture *f);
void worker_fixture_pass_time(struct worker_fixture *f, enum conn_deadline kind);

/* True when the connection of that descriptor is in that state (enum conn_state). */
bool worker_fixture_state_is(struct worker_fixture *f, int fd, int state);

uint64_t worker_fixture_counter(struct worker_fixture *f, enum counter counter);

/* The next event of the log; false when there is none. */
bool worker_fixture_read_log(char *text, size_t size);

/* Runs the loop in a child, as a worker would; the child exits with 0 when the loop returns. */
void worker_fixture_start_loop(struct worker_fixture *f);

/* Waits for that child and returns its wait status. */
int worker_fixture_join_loop(struct worker_fixture *f);

/* ---- sockets ---- */

/* Waits until `count` bytes are in the receive queue. */
void socket_wait_queued(int fd, size_t count);

/* Waits for any of the poll(2) events, and fails the test if they do not come. */
void socket_wait_events(int fd, short events);

/* Bytes that can be read without waiting. */
size_t socket_queued(int fd);

/* Bytes that were sent and that the peer's kernel has not acknowledged. */
size_t socket_unsent(int fd);

bool socket_is_open(int fd);

void socket_send_text(int fd, const char *text);

/* Reads exactly as many bytes as the text has and compares. */
void socket_expect_text(int fd, const char *text);

/* The peer has ended its stream in order, and nothing is queued before. */
void socket_expect_end(int fd);

/* The peer has reset the connection, whatever is queued before. */
void socket_expect_reset(int fd);

/* Sends until the kernel takes no more; returns how many bytes it took. */
size_t socket_fill(int fd, char byte);

/* Closes with a RST. */
void socket_close_reset(int fd);

#endif
