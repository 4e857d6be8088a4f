/*
 * A world that lies: the policy of the server and the part of its shell that looks and acts, run in virtual
 * time among processes that obey late or never, clones that fail, deaths at any moment, and a supervisor that
 * is itself ended between any two of its steps.
 *
 * Real: supervisor.c, slot.c, restart.c (the policy), look.c and act.c (boards become events, actions become
 * orders), report.c, and the boards themselves. Modelled: the master, keepers and workers by the steps of
 * their protocol (world_master.c, world_keeper.c, world_worker.c), the supervisor's loop with its memory
 * (world_supervisor.c, world_shell.c), what must never happen (world_check.c, world_stops.c), and the faults
 * (world_faults.c). The model comes before the server's library in the link, so that its feed(),
 * process_clone(), process_signal() stand in for the real ones.
 *
 * Everything follows from one seed and a list of disturbances (world_tape.h), which follows from the seed if
 * it is not given. There is one world a program.
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "master/options.h"
#include "master/reactor_state.h"
#include "tests/model/socket_prng.h"
#include "tests/model/world_tape.h"
#include "worker/board.h"

#include <setjmp.h>

enum {
    WORLD_PROCESS_COUNT_MAX = 96,
    WORLD_PID_FIRST = 100000000, /* above every real one: what look.c opens below /proc is not there */
    WORLD_FAILURE_SIZE = 240,
    WORLD_POISON_FD = FIRST_CONNECTION + 7, /* of the connection that ends whoever serves it */
    WORLD_PAST_EVENT_COUNT = 8,
    WORLD_IMAGE_COUNT_MAX = 64, /* no more are tried in one world */
};

/* What a process does when it runs next; a death may come between any two. */
enum world_step {
    STEP_BORN,
    STEP_KEEPER_LOOK,
    STEP_KEEPER_NOTE_TWIN,
    STEP_KEEPER_CLONE_TWIN,
    STEP_KEEPER_LOOK_SPAWN,
    STEP_KEEPER_NOTE_SPAWN,
    STEP_KEEPER_CLONE_SPAWN,
    STEP_KEEPER_LOOK_EXEC,
    STEP_KEEPER_WAIT,
    STEP_KEEPER_MUTE, /* of an image that never says that it is ready */
    STEP_WORKER_GATE,
    STEP_WORKER_RECOVER,
    STEP_WORKER_SERVE,
};

enum world_life { LIFE_NONE, LIFE_ALIVE, LIFE_ZOMBIE };

/* What an image of the program is good for. */
enum world_image {
    IMAGE_GOOD,
    IMAGE_NOT_CHECKED,
    IMAGE_NOT_EXECUTED,
    IMAGE_DIES,
    IMAGE_MUTE,
    IMAGE_CRASHES,
    IMAGE_KIND_COUNT
};

/* The descriptor table that a slot's processes share. */
struct world_table {
    bool has_clients;
    bool has_poison;
};

struct world_process {
    enum world_life life;
    bool is_worker;
    uint32_t slot, generation;
    enum keeper_letter letter; /* of a keeper */
    int32_t pid;
    enum world_step step;
    uint32_t asked;        /* keeper: the generation that it is making */
    uint32_t image;        /* that it runs */
    uint32_t table;        /* that it holds; a number of its own since an exec */
    bool gated;            /* worker */
    bool woken, retries;   /* keeper */
    bool frozen;           /* stopped by somebody; SIGCONT or SIGKILL ends that */
    int64_t deaf_until_ms; /* does not run, signals wait */
    bool doomed;           /* SIGKILL is on its way */
    bool doomed_by_policy;
    bool refuses;          /* a worker that never leaves by itself */
    bool served;           /* a worker whose loop ran */
    int code, status;      /* of a zombie, as waitid tells it */
    int64_t reap_at_ms;    /* likewise */
    bool told;             /* likewise: the master has told it, and not reaped it yet */
    int64_t stops_from_ms; /* told to leave: since when, in time that a supervisor was there; 0: not told */
};

/* What a slot has gone through; the checks' own memory, independent of the policy's. */
struct world_slot {
    struct world_table table;
    uint32_t crash_count;             /* deaths by crash or by a hang's kill, ever */
    int64_t broken_until_ms;          /* every worker ends at once, whoever its clients are */
    uint32_t stuck_generation;        /* the last one that was ended for not coming to serve */
    uint64_t order_spawn, order_twin; /* as last seen */

    uint32_t worker_made, keeper_made[KEEPER_COUNT]; /* the last generations that came to be */
};

/* How a part of the world may be broken on purpose, to see that the checks see it. */
enum world_mutant {
    MUTANT_NONE,
    MUTANT_KEEPER_OBEYS_TWICE,   /* makes what is made already */
    MUTANT_KEEPER_OBEYS_ANYBODY, /* does not look to whom an order is addressed */
    MUTANT_PID_AFTER_BIRTH,      /* the pid is stored by the cloner once the child runs */
    MUTANT_SUPERVISOR_FORGETS,   /* the memory is stored after the actions, not before */
    MUTANT_NO_GATE,              /* a worker of another image does not wait for the old table's end */
    /* Of the policy: its decisions are changed before they are carried out. */
    MUTANT_HEALTHY_WAITS,    /* the successor of one that had answered is made later */
    MUTANT_MAKES_AT_END,     /* a slot's twin is ordered though all is to end */
    MUTANT_PATIENT_FOR_EVER, /* a keeper that does not obey is never ended */
    MUTANT_HASTY,   /* an order goes to the other keeper at once, whatever the first one does with it */
    MUTANT_NO_TWIN, /* a twin that died is not made anew */
    MUTANT_COUNT,
};

/* What happened over all seeds: proof that the faults were met. */
#define WORLD_COUNTS(X)                                                                                      \
    X(steps) /* of the policy */                                                                             \
    X(turns)                                                                                                 \
    X(supervisor_deaths)                                                                                     \
    X(worker_deaths)                                                                                         \
    X(keeper_deaths)                                                                                         \
    X(clones_failed)                                                                                         \
    X(spawns_readdressed)                                                                                    \
    X(keeper_kills)                                                                                          \
    X(noted_not_made)                                                                                        \
    X(unprotected)                                                                                           \
    X(tables_lost)                                                                                           \
    X(rests)                                                                                                 \
    X(gave_up)                                                                                               \
    X(hang_kills)                                                                                            \
    X(overdue_kills)                                                                                         \
    X(upgrades_begun)                                                                                        \
    X(upgrades_done)                                                                                         \
    X(upgrades_failed)                                                                                       \
    X(execs)                                                                                                 \
    X(execs_of_master)                                                                                       \
    X(gates)                                                                                                 \
    X(handovers)                                                                                             \
    X(went_out)                                                                                              \
    X(taken_back)                                                                                            \
    X(notices_lost)                                                                                          \
    X(clock_jumps)                                                                                           \
    X(duplicates)                                                                                            \
    X(finished)                                                                                              \
    X(lived)

struct world_counts {
#define X(name) uint64_t name;
    WORLD_COUNTS(X)
#undef X
};

struct world {
    uint64_t seed;
    struct prng chance; /* of this turn */
    uint32_t turn;
    int64_t now_ms;         /* of the world; what its clock shows is world_clock_ms() */
    int64_t clock_ahead_ms; /* of the world's time, or behind it */
    int64_t clock_most_ms;  /* that it ever showed */
    int64_t went_back_ms;   /* all together: so much longer may all take that waits for the clock */
    bool calm;              /* no more faults */
    bool even;              /* everybody gets his step every turn, and nothing is left to chance */
    bool trace;             /* to stderr */
    enum world_mutant mutant;
    struct world_process processes[WORLD_PROCESS_COUNT_MAX];
    uint32_t process_count; /* of the array, holes included */
    int32_t next_pid;
    uint32_t next_table;
    enum world_image images[WORLD_IMAGE_COUNT_MAX]; /* by number */
    struct world_slot slots[SLOT_COUNT_MAX];

    struct shared_pages *pages;
    struct options options;
    struct service_setup setup;
    bool supervisor_lives, supervisor_began;
    bool supervisor_woken; /* its eventfd is readable */
    int64_t supervisor_due_ms, supervisor_sleeps_until_ms, next_tick_ms;
    int64_t attended_ms; /* time in which a supervisor went round in good order */
    jmp_buf supervisor_end;
    struct supervisor_event past[WORLD_PAST_EVENT_COUNT];
    uint32_t past_count;
    bool serving_told, finished, stop_told;

    struct world_counts counts;
    char failure[WORLD_FAILURE_SIZE]; /* empty: all is well */
    const char *failure_kind;         /* its format */

    struct reactor reactor; /* last: begun anew by each supervisor, not by the world */
};

extern struct world world;

/* ---- world.c: chance, births and deaths ---- */

void world_begin(uint64_t seed, enum world_mutant mutant, bool even);
void world_turn(void); /* time passes */
int64_t world_clock_ms(void);

/* For all that is ordinary; what goes wrong is asked with disturbed(). */
uint32_t world_random(uint32_t below);
bool world_may(unsigned in_1000);
bool world_clone_fails(void);
__attribute__((format(printf, 1, 2))) void world_trace(const char *format, ...);
const char *world_role(const struct world_process *process);

/* A new process in that birth cell, of the table and the image of its maker (NULL: the supervisor); returns
 * its pid. */
int32_t world_make(bool is_worker, uint32_t slot, enum keeper_letter letter, uint32_t generation,
                   const struct world_process *maker);
void world_end(struct world_process *process, int code, int status);
struct world_process *world_find(int32_t pid);
uint32_t world_count_living(uint32_t slot);

/* What that image is good for. */
enum world_image world_image_of(const struct world_process *process);

/* ---- world_keeper.c, world_worker.c: one step ---- */

void world_run_keeper(struct world_process *keeper);
void world_run_worker(struct world_process *worker);

/* ---- world_master.c ---- */

/* Everybody but the supervisor runs a little. */
void world_run_processes(void);
void world_reap(void);

/* ---- world_supervisor.c, world_shell.c: the supervisor ---- */

void world_run_supervisor(void);

/* Stores what it remembers; the real one's is in feed.c. */
void world_store_memory(struct reactor *r);

/* The supervisor may end here, and the clock jump. */
void world_point(void);

/* ---- world_mutants.c: those of the policy ---- */

void world_pervert(const struct supervisor_event *event, struct supervisor *state,
                   struct supervisor_actions *actions);

/* ---- world_check.c: what must never happen ---- */

__attribute__((format(printf, 1, 2))) void world_fail(const char *format, ...);

/* What a supervisor that is made now would remember; NULL: nothing yet. */
const struct supervisor *world_stored(void);

void check_birth(const struct world_process *born);
void check_note(const struct world_process *keeper);
void check_death(const struct world_process *dead);
void check_serves(const struct world_process *worker);
void check_kill(const struct world_process *victim);
void check_orders(void);
void check_decision(const struct supervisor_event *event, const struct supervisor_actions *actions);

/* ---- world_stops.c: of what stops, and of what must not be held up ---- */

void check_pace(const struct supervisor_event *event, const struct supervisor_actions *actions);
void world_note_attended(const struct supervisor *before, const struct supervisor *now);
void check_stops(void); /* once a turn */

/* Every wanted slot serves under two keepers; or, once stopped, nobody is left. */
bool world_is_well(void);

/* ---- world_faults.c ---- */

struct world_plan {
    uint64_t seed;
    enum world_mutant mutant;
    bool even;
    uint32_t faulty_turns;   /* 0: from the seed */
    const struct tape *tape; /* NULL: from the seed */
};

/* Faults, then calm, then a stop. False: world.failure says what was wrong. */
bool world_run(const struct world_plan *plan);

#endif
