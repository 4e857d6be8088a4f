/*
 * The policy of the server as a pure function: what happened goes in, what is to be done comes out.
 *
 * No clock, no system call, no allocation: the shell around it (reactor.h) turns deaths, timers and signals
 * into events and carries the actions out; the simulator in tests/ drives the same code. The struct is all
 * that the supervisor remembers. It lies in shared pages as well (board.h, struct orders), is stored there
 * before any action, and so outlives the supervisor: a new one begins with SUPERVISOR_RESUME, which yields
 * again every action that may not have been carried out. All actions are therefore idempotent.
 *
 * Protected, a slot has two keepers (keeper.h), and its worker is made by one of them; a worker's death costs
 * no connection as long as one keeper lives. Unprotected, workers are made by the supervisor and take their
 * connections with them.
 *
 * Units: `_ms` are milliseconds of any steady clock, the same for all calls.
 */
#ifndef MASTER_SUPERVISOR_H
#define MASTER_SUPERVISOR_H

#include "master/operation.h"
#include "master/restart.h"
#include "worker/board.h"

enum {
    SPAWN_RETRY_MS = 100,        /* after a clone that failed, or a first keeper that died */
    KEEPER_OBEY_MS_MAX = 1000,   /* a keeper that has not obeyed for so long is replaced by its twin */
    WORKER_START_MS_MAX = 10000, /* a worker that does not serve so long after its birth is ended */
    RENEW_MS_MAX =
        5000, /* a worker that has not made room for its successor so long after it was asked is ended */
    EXEC_MS_MAX = 2000, /* a keeper that does not come back as the new image within so long is ended */
    EXEC_ALONE_MS_MAX =
        10000, /* the same where the other keeper died meanwhile: with this one the connections go */
    NEW_START_MS_MAX =
        3000,              /* WORKER_START_MS_MAX of an image that has not proven itself: its clients wait */
    SWAP_TRIES_MAX = 3,    /* of one slot to go over to another image */
    PROVEN_MS = 1000,      /* a generation that nobody asks anything is taken for good after so long */
    LEAVE_GRACE_MS = 3000, /* a worker that has not left so long after its deadline and its linger is ended */
    TICK_LATE_MS = 500,    /* a tick that comes so late says that we were not running: waits begin anew */
    EXIT_STOPPED = 0,      /* the exit codes of the service; 1 and 64 to 69 are of the start */
    EXIT_ALL_SLOTS_REST = 70,
};

#define SLOT_PHASES(X)                                                                                       \
    X(UNUSED, "unused")                                                                                      \
    X(KEEPING, "keeping")   /* its first keeper is being made, a worker is wanted */                         \
    X(STARTING, "starting") /* a worker is ordered and has not said yet that it serves */                    \
    X(SERVING, "serving")                                                                                    \
    X(SWAPPING, "swapping") /* no worker: a keeper goes over to another image first */                       \
    X(LEAVING, "leaving")   /* both keepers died: serves what it holds and accepts no more */                \
    X(RETRYING, "retrying") /* its first keeper died; another at the deadline */                             \
    X(RESTING, "resting")   /* crash loop: no worker until the deadline */                                   \
    X(ENDED, "ended")       /* no worker, and none wanted; keepers may still be leaving */

enum slot_phase {
#define X(name, word) SLOT_##name,
    SLOT_PHASES(X)
#undef X
};

/* EXECING: told to become another image of the program. */
enum keeper_phase { KEEPER_NONE, KEEPER_STARTING, KEEPER_READY, KEEPER_LEAVING, KEEPER_EXECING };

/* An upgrade of the whole service: a check run of the new image, then every slot in turn, then the master.
 * BACK: called off, every slot goes over to the old image again. */
enum upgrade_stage { UPGRADE_NONE, UPGRADE_CHECKING, UPGRADE_SLOTS, UPGRADE_MASTER, UPGRADE_BACK };

enum announcement { ANNOUNCE_NOT_YET, ANNOUNCE_ORDERED, ANNOUNCE_DONE };

enum stage { STAGE_RUNNING, STAGE_DRAINING, STAGE_ENDING, STAGE_FINISHED };

#define KILL_REASONS(X)                                                                                      \
    X(NONE, "none")                                                                                          \
    X(STOP, "stop")                                                                                          \
    X(OVERDUE, "overdue")         /* has not left by the drain deadline */                                   \
    X(RENEW, "renew")             /* has not made room for its successor when asked to */                    \
    X(HANG_BUSY, "hang_busy")     /* for ever in one chunk */                                                \
    X(HANG_SILENT, "hang_silent") /* stopped */                                                              \
    X(STUCK, "stuck")             /* does not obey, or does not come to serve */

enum kill_reason {
#define X(name, word) KILL_##name,
    KILL_REASONS(X)
#undef X
};

struct keeper_memory {
    uint32_t phase;      /* enum keeper_phase */
    uint32_t generation; /* the last one ordered */
    uint32_t killed;     /* that generation was told to die */
    uint32_t image;      /* that it runs */
    uint32_t asked;      /* EXECING: that it is to run */
    int64_t since_ms;    /* of the phase */
};

struct slot_memory {
    uint32_t phase;       /* enum slot_phase */
    uint32_t generation;  /* the last worker ordered */
    uint32_t kill_reason; /* enum kill_reason, of that generation; stored before the kill */
    uint32_t spawner;     /* enum keeper_letter: whom the order to make it is addressed to */
    uint32_t made;        /* that generation has a pid */
    uint32_t recover_how; /* enum recover_how, for that generation */
    int32_t suspect;      /* for that generation; 0: none */
    uint32_t death_count;
    uint32_t settings_number; /* of the settings by which that generation serves */
    uint32_t fresh;           /* that generation follows nobody: the slot was unused */
    uint32_t renew;           /* a next generation was asked for, whatever the settings */
    uint32_t handing;         /* that generation was told to make room for the next one */
    uint32_t image;           /* that generation runs */
    uint32_t proven;          /* that generation has answered, or has lived for a while */
    uint32_t gated;           /* that generation waits until no keeper holds another table than its own */
    uint32_t swap;            /* its next generation is to run another image */
    uint32_t swap_tries;      /* that failed, since the target changed last */
    uint32_t out;             /* goes out: accepts no more, ends with its last connection */
    int64_t handing_since_ms;
    int64_t serving_since_ms;
    int64_t since_ms;      /* STARTING: of the order, then of the birth */
    int64_t not_before_ms; /* STARTING: the order is held back until then */
    int64_t deadline_ms;   /* RETRYING, RESTING */
    struct restart restart;
    struct keeper_memory keepers[KEEPER_COUNT];
};

struct upgrade_memory {
    uint32_t stage;       /* enum upgrade_stage */
    uint32_t image;       /* that master and supervisor run, and with it every first keeper */
    uint32_t target;      /* that every slot should run; the same as `image` while nothing is upgraded */
    uint32_t last_number; /* of an image; each has one of its own, counted from 1 */
    uint32_t operation;   /* number of the operation; 0: none */
    char why[OPERATION_WHY_SIZE]; /* BACK: the reason */
};

struct supervisor {
    uint32_t wanted_count;    /* slots that should serve */
    uint32_t slot_limit;      /* slots from this number on were never used */
    uint32_t protect;         /* keepers are used */
    uint32_t stage;           /* enum stage */
    uint32_t settings_number; /* slots that serve by another one go over to it in turn */
    uint32_t held;      /* no new connections for now: the listener is shut down, or will be in a moment */
    uint32_t announced; /* enum announcement: that all slots serve */
    uint32_t random;    /* state of the jitter's generator; never 0 */
    int32_t exit_code;  /* STAGE_FINISHED */
    int64_t drain_timeout_ms; /* 0: no deadline */
    int64_t drain_deadline_ms;
    int64_t last_tick_ms;
    uint32_t signals_seen[SIGNAL_KIND_COUNT]; /* kept by the shell, as are the next two: at the start of the
                                                 drain */
    uint32_t drain_connections;
    uint64_t drain_closed_before; /* closed_drain of all slots */
    struct operations operations;
    struct upgrade_memory upgrade;
    struct slot_memory slots[SLOT_COUNT_MAX];
};

enum supervisor_event_kind {
    SUPERVISOR_NOTHING, /* for a signal that has no meaning yet */
    SUPERVISOR_START,
    SUPERVISOR_RESUME,
    SUPERVISOR_TICK,
    SUPERVISOR_MADE,         /* slot, generation: the worker has a pid */
    SUPERVISOR_READY,        /* slot, generation: its loop runs */
    SUPERVISOR_DEATH,        /* slot, generation, death */
    SUPERVISOR_HANG,         /* slot, generation, hang */
    SUPERVISOR_SPAWN_FAILED, /* slot: a clone by the supervisor itself failed */
    SUPERVISOR_KEEPER_READY, /* slot, letter, generation, image */
    SUPERVISOR_KEEPER_DEATH, /* slot, letter, generation, twin_made, worker_made, plain_kill */
    SUPERVISOR_STOP,         /* graceful; a second one: at once */
    SUPERVISOR_STOP_NOW,
    SUPERVISOR_REQUEST,     /* operation, goal, why (NULL, or the reason for which the shell refuses it) */
    SUPERVISOR_EMPTY,       /* while the listener is held: no connection is left */
    SUPERVISOR_PROVEN,      /* slot, generation: it has answered something */
    SUPERVISOR_EXEC_FAILED, /* slot, letter, generation, why: the keeper runs on as it was */
    SUPERVISOR_CHECKED,     /* generation: image number; why: NULL, or what is wrong with it */
    SUPERVISOR_IMAGE,     /* generation: the image that this supervisor and its master run; why: NULL, or the
                             reason for which the master could not become the one that it was told to */
    SUPERVISOR_LISTENING, /* why: NULL, or the reason for which the listener could not be opened again */
};

struct supervisor_event {
    enum supervisor_event_kind kind;
    uint32_t slot, generation;
    enum keeper_letter letter;
    bool twin_made;   /* the other keeper's last ordered generation has a pid */
    bool worker_made; /* the worker's last ordered generation has a pid */
    bool plain_kill;  /* it died of SIGKILL */
    uint32_t image;
    enum kill_reason hang; /* KILL_HANG_BUSY or KILL_HANG_SILENT */
    struct death_facts death;
    enum operation_kind operation;
    uint32_t goal;            /* of the operation */
    int64_t drain_timeout_ms; /* OPERATION_RELOAD: as the settings say now */
    const char *why;
};

enum supervisor_action_kind {
    ACTION_SPAWN,        /* slot, generation, image; protected: by keeper `letter` of keeper_generation */
    ACTION_KEEPER,       /* slot, generation: the first keeper of a slot, always letter a */
    ACTION_TWIN,         /* slot, generation of the twin, by keeper `letter` of keeper_generation */
    ACTION_KEEPER_LEAVE, /* slot, letter, generation */
    ACTION_KEEPER_KILL,  /* slot, letter, generation */
    ACTION_KILL,         /* slot, generation, reason */
    ACTION_LEAVE,        /* slot: its worker accepts no more and leaves with its last connection */
    ACTION_DRAIN,        /* slot: the same, until drain_deadline_ms */
    ACTION_SERVE,        /* slot: its worker takes new connections again */
    ACTION_HANDOVER,     /* slot, generation: makes room for its successor at the next quiet moment */
    ACTION_EXEC,  /* slot, letter, keeper_generation, generation: that keeper becomes the image of that number
                   */
    ACTION_GO,    /* slot, generation: a worker that was made to wait may begin */
    ACTION_CHECK, /* generation: copy the program to be checked, check it, give it that image number */
    ACTION_EXEC_MASTER, /* generation: the master becomes that image, and makes a supervisor of it */
    ACTION_HOLD,        /* the listener is shut down once nothing waits in it */
    ACTION_LISTEN,      /* and opened again; SUPERVISOR_LISTENING tells the outcome */
    ACTION_OPERATION,   /* generation: the number of an operation, begun (or else ended): say so */
    ACTION_SERVING,     /* every slot serves for the first time: say so */
    ACTION_RESTS,       /* slot, rest_ms: say so */
    ACTION_UNPROTECTED, /* slot: both keepers are dead: say so */
    ACTION_TABLE_LOST,  /* slot: worker and both keepers are dead: say so */
    ACTION_DRAINING,    /* say so */
    ACTION_ENDING,      /* say so */
    ACTION_FINISH,      /* exit_code: everybody is gone */
};

struct supervisor_action {
    enum supervisor_action_kind kind;
    uint32_t slot, generation;
    enum keeper_letter letter;
    uint32_t keeper_generation;
    uint32_t image;
    enum kill_reason reason;
    bool begun; /* ACTION_OPERATION */
    int64_t rest_ms;
};

enum { SUPERVISOR_ACTION_COUNT_MAX = 6 * SLOT_COUNT_MAX + 2 * OPERATION_COUNT_MAX + 8 };

struct supervisor_actions {
    uint32_t count;
    struct supervisor_action items[SUPERVISOR_ACTION_COUNT_MAX];
};

/* A fresh memory. `seed` is any number. */
void supervisor_init(struct supervisor *state, uint32_t wanted_count, bool protect, int64_t drain_timeout_ms,
                     uint32_t seed);

/* One event. Replaces `actions`. Events that speak of a generation that is not the current one are ignored.
 */
void supervisor_step(struct supervisor *state, const struct supervisor_event *event, int64_t now_ms,
                     struct supervisor_actions *actions);

/* Does a worker live there, or may it? */
bool slot_lives(const struct slot_memory *slot);

const char *slot_phase_name(enum slot_phase phase);
const char *kill_reason_name(enum kill_reason reason);

#endif
