/*
 * The pages that the processes of a server share: one region, made by the master before any fork.
 *
 *     struct loads    one     a cell a slot: connections and counters, read by everybody
 *     struct orders   one     the master's signal counts, what the supervisor must remember beyond its death
 *     incidents       one     the last deaths, as the supervisor remembers them (master/incident_ring.h)
 *     struct board    one a slot: life and death of its worker
 *     journals        one a slot: bytes of one connection that are not answered yet (worker/journal.h)
 *
 * Rules: a field has one writer, named beside it. Every field that a process reads while another writes is
 * _Atomic; the field that announces others is stored last with release and read first with acquire. Readers
 * trust nothing: indexes are checked before use. No positions in a stream are ever kept here, the kernel knows those; and
 * stream bytes only in the journals, and a few of a suspect's for the report of a death. To a worker in its sandbox
 * (sandbox.h) all is read only but the loads, its own half of its slot's board and its own journal; the other journals
 * it cannot even read. What no slot uses costs nothing: the region is sparse and never touched there.
 *
 * Units: `_ns` are CLOCK_MONOTONIC nanoseconds. Generations count from 1; 0 means none yet.
 */
#ifndef WORKER_BOARD_H
#define WORKER_BOARD_H

#include "worker/fault_plan.h"
#include "worker/limits.h"
#include "worker/peer.h"
#include "worker/worker_settings.h"
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_VERSION 4u

typedef _Atomic(uint32_t) shared_u32;
typedef _Atomic(int32_t) shared_i32;
typedef _Atomic(uint64_t) shared_u64;
typedef _Atomic(int64_t) shared_i64;

/* One death, told by the master: all fields, then the generation with release. */
struct death_cell {
    shared_u32 generation; /* of the process that died; 0: nobody yet */
    shared_i32 code;       /* si_code of waitid: CLD_EXITED, CLD_KILLED, CLD_DUMPED */
    shared_i32 status;     /* exit code or signal number */
    shared_i64 time_ns;
    shared_i64 cpu_us;  /* user and system time of the whole life */
    shared_i64 rss_kib; /* largest resident size */
};

/* One birth: the generation is noted with pid 0 before the clone; the kernel stores the pid before the child
 * runs. */
struct birth_cell {
    shared_u32 generation;
    shared_i32 pid;
};

enum worker_phase { PHASE_NONE, PHASE_ACCEPTING, PHASE_ANSWERING, PHASE_CLOSING };

/* SERVE: also after LEAVE, and after the listener was shut down for a while. LEAVE: no new connections, and
 * leave with the last one. DRAIN: the same for the whole service, to a
 * deadline. */
enum worker_order { ORDER_SERVE, ORDER_LEAVE, ORDER_DRAIN };

/* The two keepers of a slot. */
enum keeper_letter { KEEPER_A, KEEPER_B, KEEPER_COUNT };

/*
 * An order to a keeper, one word so that it is never half read: to whom (letter and keeper's generation) and
 * which generation to make. A keeper obeys only what is addressed to itself.
 */
static inline uint64_t keeper_order(enum keeper_letter to, uint32_t to_generation, uint32_t make_generation)
{
    return (uint64_t)to << 63 | (uint64_t)to_generation << 32 | make_generation;
}

/* What a successor found on the connection that its predecessor was working on; for the incident report
 * alone. */
struct suspect_note {
    shared_u32 generation;   /* of the successor; the rest is whole */
    uint32_t unread, unsent; /* unread: what is in the journal, not answered, is among it */
    uint64_t bytes_received, bytes_acked;
    char peer[PEER_TEXT_SIZE];
    uint32_t queue_bytes;
    unsigned char queue[INCIDENT_BYTES_MAX];
};

/* What became of the connections that a generation took over. */
struct recovered {
    shared_u32 continued, adopted, owed, redone, reset, closed;
};

struct board {
    /* Written by the supervisor. */
    struct worker_settings settings;
    shared_u32 order; /* enum worker_order */
    shared_i64 drain_deadline_ns;
    shared_u32 handover_generation; /* that worker makes room for its successor at the next quiet moment */
    shared_u32 ping_asked;
    shared_u32 death_taken; /* generation of the last death cell that was dealt with */

    shared_u64 order_spawn;                    /* keeper_order(): make that generation of the worker */
    shared_u64 order_twin;                     /* keeper_order(): make that generation of the other keeper */
    shared_u64 order_exec;                     /* keeper_order(): become the image of that number */
    shared_u32 go_generation;                  /* a worker that waits at the gate may begin; a futex */
    shared_u32 leave_generation[KEEPER_COUNT]; /* a keeper of this generation or an older one leaves */

    /* Written by whoever makes the process: one at a time, since an order is addressed to one keeper, and to
     * another only after the first one's death cell was seen. */
    struct birth_cell worker;
    struct birth_cell keepers[KEEPER_COUNT];
    shared_i32 clone_error; /* errno of the last clone that failed; 0: none */

    /* Written by the master. */
    struct death_cell worker_death;
    struct death_cell keeper_deaths[KEEPER_COUNT];

    /* Written by the keeper. */
    shared_u32 keeper_ready[KEEPER_COUNT]; /* generation that waits for orders */
    shared_u32 keeper_image[KEEPER_COUNT]; /* number of the image that it runs */
    shared_u64 keeper_build[KEEPER_COUNT]; /* image_build() of that */
    shared_u32
        exec_failed[KEEPER_COUNT]; /* number of the image that it could not become; exec_error says why */
    shared_i32 exec_error[KEEPER_COUNT];
    /* Shots of a trial (fault.h), a cell a call; both keepers add with a locked instruction. */
    shared_u32 keeper_shots[FAULT_CALL_COUNT];

    /* Written by the worker: a page of its own, since to a worker in its sandbox the other one is read only. Whoever takes
     * a worker over can lie here, and never say whom to signal. */
    alignas(BOARD_BYTES) shared_u64 current; /* descriptor << 8 | phase; 0: between connections */
    shared_u32 in_service;                   /* inside the service call */
    shared_u32 giving;           /* UNIX: descriptor whose answer is given and not yet taken; 0: none */
    shared_i32 journal_fd;       /* whose bytes are in the slot's journal; 0: nobody's */
    shared_u32 journal_bytes;    /* how many were taken from the queue; 0: not known */
    shared_u32 left_generation;  /* that generation left as it was told to; any other exit is a crash */
    shared_u32 suspect_cleared;  /* generation that answered or closed the suspect of its settings */
    shared_u32 highest;          /* highest descriptor that ever was a connection of this slot */
    shared_u32 ready_generation; /* this generation's loop runs */
    shared_i64 ready_ns;
    shared_u64 answered_at_start; /* counter `answered` when this generation began */
    shared_u32 ping_answered;
    shared_i64 ping_answered_ns; /* when; stored first */
    shared_i32 fault_signal;     /* by the crash handler of fault_generation */
    shared_u64 fault_address;
    shared_i32 fault_sender; /* pid that sent the signal; 0: the processor raised it */
    shared_i32 fault_call;   /* 1 + the system call that the sandbox forbids; 0: it was none */
    shared_u32 fault_generation;
    shared_u32 check_generation; /* a CHECK failed; the note below is whole */
    char check_note[CHECK_NOTE_BYTES];
    struct recovered recovered;
    struct suspect_note suspect_note;
    shared_u32 sandbox_outcome;                /* what this generation's sandbox is; sandbox.h */
    shared_u32 worker_shots[FAULT_CALL_COUNT]; /* as keeper_shots */
};

/* A slot's counters, in the order of counters.def. Written by the slot's worker alone. */
enum counter {
#define COUNTER(name, unit, sentence) COUNTER_##name,
#include "worker/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct load_cell {
    alignas(64) shared_u32 connection_count;
    shared_u32 accept_count;
    shared_u32 accepting_generation; /* accepts as long as this is newer than the slot's worker death */
    shared_u32 full;                 /* holds all the connections that it may */
    shared_u64 log_lost;             /* log lines that did not fit the pipe */
    alignas(64) shared_u64 counters[COUNTER_COUNT];
};

struct loads {
    struct load_cell cells[SLOT_COUNT_MAX];
};

/* What the master tells: each signal is counted, so that none is lost between two looks. */
enum order_signal {
    SIGNAL_TERM,
    SIGNAL_INT,
    SIGNAL_QUIT,
    SIGNAL_HUP,
    SIGNAL_USR1,
    SIGNAL_USR2,
    SIGNAL_TTIN,
    SIGNAL_TTOU,
    SIGNAL_KIND_COUNT
};

/* Images: the one that the service runs, and while an upgrade is tried the next one. */
enum { IMAGE_PLACE_COUNT = 2, IMAGE_WHY_SIZE = 160 };

struct image_cell {
    shared_u32 number; /* 0: none; the rest is whole */
    uint64_t build;
};

/* The outcome of a check run. Written by the checker of that number, a child of the supervisor. */
struct check_cell {
    shared_u32 number; /* the rest is whole */
    uint32_t is_good;
    char why[IMAGE_WHY_SIZE];
};

/* Room for what a master that is another image must know of its own past (master/facts.h). */
#define FACTS_BYTES 16384

/* Room for the supervisor's memory (master/supervisor.h asserts that it fits); two copies, so that a death in
 * mid-write leaves the older one whole. */
#define SUPERVISOR_MEMORY_BYTES 32768

/* Room for the last incidents (master/incident_ring.h asserts that they fit). */
#define INCIDENT_RING_BYTES 16384

/*
 * The faults of a trial (fault_plan.h). Written by the supervisor, before the first one by the master. Each process looks
 * at `armed` at each of its calls, so what changes often lies elsewhere.
 */
struct fault_page {
    alignas(64) shared_u32 armed; /* 1 << enum fault_call, for each call of the plan; 0: no trial */
    shared_u32 number;            /* of the plan, counted in twos; odd: it is being written */
    struct fault_plan plan;
    char spec[FAULT_SPEC_SIZE];                                /* as it was asked for; for people */
    alignas(64) shared_u32 supervisor_shots[FAULT_CALL_COUNT]; /* a cell a call */
};

struct orders {
    uint32_t version; /* master, once */
    int32_t master_pid;
    int64_t start_ns;
    uint64_t layout; /* image_layout() of all images that may work on these pages */

    /* Written by the master. */
    shared_u32 signals[SIGNAL_KIND_COUNT];
    shared_u32 supervisor_generation;
    shared_u32 master_image;      /* number of the image that master and supervisor run */
    shared_u32 exec_failed_image; /* that the master could not become; exec_failed_error says why */
    shared_i32 exec_failed_error;
    struct image_cell images[IMAGE_PLACE_COUNT];
    unsigned char facts[FACTS_BYTES];

    struct check_cell check;

    /* Written by the supervisor. */
    shared_u32 exec_image; /* the master is to become that image once this supervisor has ended; 0: none */
    shared_u32 finished;   /* 1: nothing is left to do, exit_code holds */
    shared_i32 exit_code;
    shared_u32 slot_limit;         /* slots from this number on were never used */
    shared_i64 supervisor_tick_ns; /* when it last went round its loop in good order */
    shared_u64 log_lost_seen;      /* of what the workers lost: is counted in log_lost below, or told */
    shared_u64 log_lost;           /* lines that are lost and not told yet; by whoever reads the log pipe */
    shared_u32 log_level;          /* enum log_level, of all processes; first written by the master */
    shared_u32 sandbox_told;       /* the outcome that the log has told last */
    struct fault_page faults;
    shared_u32 memory_current; /* 0: none yet, else 1 + index of the copy that holds */
    alignas(64) unsigned char memory[2][SUPERVISOR_MEMORY_BYTES];
};

struct shared_pages {
    alignas(
        BOARD_BYTES) struct loads loads; /* first: all behind it but its own page is read only to a worker */
    alignas(BOARD_BYTES) struct orders orders;
    alignas(BOARD_BYTES) unsigned char incidents[INCIDENT_RING_BYTES]; /* supervisor */
    struct {
        alignas(BOARD_BYTES) struct board board;
    } slots[SLOT_COUNT_MAX];
    alignas(BOARD_BYTES) unsigned char journals[SLOT_COUNT_MAX][CHUNK_BYTES_MAX]; /* each its slot's worker */
};

static_assert(sizeof(struct board) == 2 * BOARD_BYTES && offsetof(struct board, current) == BOARD_BYTES,
              "a board is two pages, of which the second is the worker's");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "shared words need no lock");

/*
 * Makes the region as a sealed memfd at descriptor FD_SHARED and maps it. Master only, once.
 * Returns 0, or a negative errno and nothing made.
 */
int shared_pages_create(struct shared_pages **pages);

/* Maps the region at FD_SHARED, made by another image of the same layout. Returns 0 or a negative errno:
 * -EPROTO when it is none of ours. */
int shared_pages_attach(struct shared_pages **pages, uint64_t layout);

/* The board of a slot; `slot` must be below SLOT_COUNT_MAX. */
struct board *shared_board(struct shared_pages *pages, unsigned slot);

/* Pid of a process while it lives, else 0. It is dead, and told so, once its death cell names its generation.
 */
int32_t board_living_pid(struct birth_cell *birth, struct death_cell *death);

/* The same for the slot's worker. */
int32_t board_worker_pid(struct board *board);

/* Has that generation been made? (It may be dead by now.) */
bool board_was_made(struct birth_cell *birth, uint32_t generation);

/* True while the slot's worker of the generation that set the flag lives and accepts. */
bool board_accepting(struct board *board, struct load_cell *cell);

/* Adds to a counter of which the caller is the only writer: a plain load and store, no locked instruction. */
static inline void counter_add(struct load_cell *cell, enum counter counter, uint64_t amount)
{
    uint64_t now = atomic_load_explicit(&cell->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&cell->counters[counter], now + amount, memory_order_relaxed);
}

/* Counts one more in the slot's counter and in the report on what this generation took over. */
static inline void recovered_count(struct load_cell *cell, enum counter counter, shared_u32 *of_generation)
{
    counter_add(cell, counter, 1);
    atomic_store_explicit(of_generation, atomic_load_explicit(of_generation, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static inline uint64_t counter_get(struct load_cell *cell, enum counter counter)
{
    return atomic_load_explicit(&cell->counters[counter], memory_order_relaxed);
}

/* Name, unit and meaning of a counter, from counters.def. */
struct counter_description {
    const char *name, *unit, *sentence;
};
extern const struct counter_description counter_descriptions[COUNTER_COUNT];

#endif
