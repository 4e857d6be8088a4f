/*
 * What a worker's modules share: one struct, made in worker.c, passed by pointer, never global.
 *
 * Arrows: worker -> loop -> recover, acceptor, serve -> answer, conn -> deadlines, board. Each of them takes the
 * struct and touches its own part.
 */
#ifndef WORKER_CONTEXT_H
#define WORKER_CONTEXT_H

#include "worker/answer.h"
#include "worker/board.h"
#include "worker/burst.h"
#include "worker/conn.h"

/* Where the listener stands with this worker's epoll set. */
enum listener_state {
    LISTENER_OUT,    /* not yet added */
    LISTENER_IN,     /* in the set: we are woken for connections */
    LISTENER_HANDED, /* out for a moment: the next connection was handed on to a less loaded worker */
    LISTENER_FULL,   /* out until a connection of ours ends */
    LISTENER_PAUSED, /* out for a moment: no descriptor or memory for one more */
    LISTENER_GONE,   /* shut down: out for ever */
};

struct acceptor {
    enum listener_state state;
    int64_t until_ms;        /* end of HANDED or PAUSED */
    unsigned handed_slot;    /* HANDED: to whom */
    uint32_t handed_accepts; /* and its accept count at that time */
    bool own_turn;           /* the other did not come: the next connection is ours, whatever the loads */
    uint8_t ignored[SLOT_COUNT_MAX];       /* connections handed to it in a row that it did not take */
    int64_t deaf_until_ms[SLOT_COUNT_MAX]; /* workers that did not take what was handed to them */
    struct burst log;                      /* accept lines */
    struct burst log_pauses;               /* accept_paused lines */
};

/* How far the taking over has come (recover.h). */
struct recovery {
    bool runs;
    int next, last; /* numbers */
    int suspect;    /* 0: none */
};

struct worker {
    unsigned slot;
    uint32_t generation;
    struct shared_pages *pages;
    struct board *board;    /* of this slot */
    struct load_cell *cell; /* of this slot */
    struct worker_settings settings;
    struct answerer answerer;
    struct conn_table conns;
    struct acceptor acceptor;
    struct recovery recovery;
    uint32_t now_tick; /* TICK_MS since boot; kept while the tick runs */
    bool tick_running;
    bool drain_ordered;        /* the whole service ends */
    bool draining;             /* no new connections; leave with the last one */
    int64_t drain_deadline_ms; /* then all are ended; INT64_MAX: never */
    bool handing_over;         /* leave now: a successor goes on with the connections */
    bool ending;               /* the deadline has come: all connections linger */
};

#endif
