/*
 * The policy of the server as a pure function: what happened goes in, what is to be done comes out.
 *
 * No clock, no system call, no allocation: the shell around it (reactor.h) turns deaths, timers and signals
 * into events and carries the actions out; the simulator in tests/ drives the same code. The struct is all
 * that the supervisor remembers. It lies in shared pages as well (board.h, struct orders), is stored there
 * before any action, and so outlives the supervisor: a new one begins with SUPERVISOR_RESUME, which yields
 * again every action that may not have been carried out. All actions are therefore idempotent.
 *
 * Units: `_ms` are milliseconds of any steady clock, the same for all calls.
 */
#ifndef MASTER_SUPERVISOR_H
#define MASTER_SUPERVISOR_H

#include "master/restart.h"
#include "worker/board.h"

enum {
    SPAWN_RETRY_MS = 100,  /* after a clone that failed */
    LEAVE_GRACE_MS = 3000, /* a worker that has not left so long after its deadline and its linger is ended */
    EXIT_STOPPED = 0,      /* the exit codes of the service; 1 and 64 to 69 are of the start */
    EXIT_ALL_SLOTS_REST = 70,
};

enum slot_phase {
    SLOT_UNUSED,
    SLOT_STARTING, /* ordered; it has not said yet that it serves */
    SLOT_SERVING,
    SLOT_RETRYING, /* the clone failed; tried again at the deadline */
    SLOT_RESTING,  /* crash loop: no worker until the deadline */
    SLOT_ENDED,    /* no worker, and none wanted */
};

enum stage { STAGE_RUNNING, STAGE_DRAINING, STAGE_ENDING, STAGE_FINISHED };

enum kill_reason { KILL_NONE, KILL_STOP, KILL_OVERDUE };

struct slot_memory {
    uint32_t phase;       /* enum slot_phase */
    uint32_t generation;  /* the last one ordered */
    uint32_t kill_reason; /* enum kill_reason, of that generation; stored before the kill */
    uint32_t death_count;
    int64_t deadline_ms; /* RETRYING, RESTING */
    struct restart restart;
};

struct supervisor {
    uint32_t slot_count;
    uint32_t stage;           /* enum stage */
    uint32_t announced;       /* serving has been said */
    uint32_t random;          /* state of the jitter's generator; never 0 */
    int32_t exit_code;        /* STAGE_FINISHED */
    int64_t drain_timeout_ms; /* 0: no deadline */
    int64_t drain_deadline_ms;
    uint32_t signals_seen[SIGNAL_KIND_COUNT]; /* kept by the shell */
    struct slot_memory slots[SLOT_COUNT_MAX];
};

enum supervisor_event_kind {
    SUPERVISOR_START,
    SUPERVISOR_RESUME,
    SUPERVISOR_TICK,
    SUPERVISOR_READY,        /* slot, generation: its loop runs */
    SUPERVISOR_DEATH,        /* slot, generation, death */
    SUPERVISOR_SPAWN_FAILED, /* slot, generation */
    SUPERVISOR_STOP,         /* graceful; a second one: at once */
    SUPERVISOR_STOP_NOW,
};

struct supervisor_event {
    enum supervisor_event_kind kind;
    uint32_t slot, generation;
    struct death_facts death;
};

enum supervisor_action_kind {
    ACTION_SPAWN,    /* slot, generation: unless that generation has been made */
    ACTION_KILL,     /* slot, generation, reason */
    ACTION_DRAIN,    /* slot: no new connections, leave with the last; until drain_deadline_ms */
    ACTION_SERVING,  /* every slot serves for the first time: say so */
    ACTION_RESTS,    /* slot, rest_ms: say so */
    ACTION_DRAINING, /* say so */
    ACTION_ENDING,   /* say so */
    ACTION_FINISH,   /* exit_code: every worker is gone */
};

struct supervisor_action {
    enum supervisor_action_kind kind;
    uint32_t slot, generation;
    enum kill_reason reason;
    int64_t rest_ms;
};

enum { SUPERVISOR_ACTION_COUNT_MAX = 2 * SLOT_COUNT_MAX + 8 };

struct supervisor_actions {
    uint32_t count;
    struct supervisor_action items[SUPERVISOR_ACTION_COUNT_MAX];
};

static_assert(sizeof(struct supervisor) <= SUPERVISOR_MEMORY_BYTES,
              "the memory fits its room in the shared pages");

/* A fresh memory. `seed` is any number. */
void supervisor_init(struct supervisor *state, uint32_t slot_count, int64_t drain_timeout_ms, uint32_t seed);

/* One event. Replaces `actions`. Events that speak of a generation that is not the slot's current one are
 * ignored. */
void supervisor_step(struct supervisor *state, const struct supervisor_event *event, int64_t now_ms,
                     struct supervisor_actions *actions);

const char *slot_phase_name(enum slot_phase phase);
const char *kill_reason_name(enum kill_reason reason);

#endif
