/*
 * The connections of a worker: an array indexed by descriptor number, with the lists that run through it.
 *
 * No bytes are kept here for anybody: what a client sent or did not read yet is in the kernel, or in the slot's
 * journal. A connection is what its worker must remember between two events, 24 bytes. Memory is reserved once for the
 * most connections and touched only as far as it was used. Nothing here makes a system call after conn_table_init().
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include "worker/deadlines.h"
#include "worker/limits.h"
#include <stdbool.h>
#include <stdint.h>

enum conn_state {
    CONN_CLOSED = 0,
    CONN_OPEN,
    CONN_LINGERING, /* we have shut down writing; what still comes is thrown away until the linger time is
                       over */
};

enum conn_flags {
    CONN_BLOCKED = 1,   /* the last send was short: nothing to do until the socket is writable */
    CONN_READY = 2,     /* in the ready list */
    CONN_UNSETTLED = 4, /* taken over, or OWING: what is owed or held is worked out before anything else */
    CONN_SUSPECT = 8,   /* it was being worked on when our predecessor died; cleared by its first answer */
    CONN_OWING = 16,    /* the debt is our own: a call of ours failed in the middle, and nobody has died */
};

/* Which deadline list a connection is in; one at a time. */
enum conn_deadline { DEADLINE_NONE, DEADLINE_IDLE, DEADLINE_WRITE, DEADLINE_LINGER, DEADLINE_KIND_COUNT };

struct conn {
    struct deadline_link link;
    uint32_t ready_next;  /* 1 + index of the next one in the ready list; 0: last */
    uint32_t unsent_mark; /* bytes unsent when the write deadline was armed: fewer later means that the client
                             reads */
    uint8_t state;        /* enum conn_state */
    uint8_t flags;        /* enum conn_flags */
    uint8_t deadline;     /* enum conn_deadline */
};

struct conn_table {
    struct conn *conns; /* of descriptor FIRST_CONNECTION + index */
    uint32_t capacity;
    uint32_t open_count;              /* open and lingering */
    uint32_t ready_first, ready_last; /* 1 + index; 0: none */
    uint32_t ready_count;
    struct deadlines deadlines[DEADLINE_KIND_COUNT]; /* [DEADLINE_NONE] is unused */
};

struct conn_timeouts {
    int64_t idle_ms, write_ms; /* 0: none */
};

/* Reserves memory for `capacity` connections. Returns 0 or a negative errno. */
int conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);

/* The connection of a descriptor, or NULL when the number cannot be one. */
struct conn *conn_find(struct conn_table *table, int fd);

int conn_fd(const struct conn_table *table, const struct conn *conn);

/* A fresh connection, or back to none: out of its deadline list. The ready list keeps the number until its
 * turn comes; whoever pops it looks at the state. */
void conn_open(struct conn_table *table, struct conn *conn);
void conn_close(struct conn_table *table, struct conn *conn);

/* To the back of the ready list, unless it is in it already; and the first one out, NULL when it is empty. */
void conn_ready_push(struct conn_table *table, struct conn *conn);
struct conn *conn_ready_pop(struct conn_table *table);

/* Moves the connection to that deadline list, or anew to its tail; DEADLINE_NONE: to none. */
void conn_deadline_set(struct conn_table *table, struct conn *conn, enum conn_deadline kind,
                       uint32_t now_tick);

/* The next connection whose deadline of that kind has come, now in no list; NULL when there is none. */
struct conn *conn_deadline_expired(struct conn_table *table, enum conn_deadline kind, uint32_t now_tick);

/* True while any deadline is armed: the tick must run. */
bool conn_deadlines_any(const struct conn_table *table);

#endif
