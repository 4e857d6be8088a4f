/*
 * A world that lies: the policy of the server and the part of its shell that looks and acts, run in virtual
 * time among processes that obey late or never, clones that fail, deaths at any moment, and a supervisor that
 * is itself ended between any two of its steps.
 *
 * Real: supervisor.c, slot.c, restart.c (the policy), look.c and act.c (boards become events, actions become
 * orders), report.c, and the boards themselves. Modelled: the master, keepers and workers by the steps of
 * their protocol (world.c), the supervisor's loop with its memory (world_shell.c), what must never happen
 * (world_check.c), and the faults (world_faults.c). The model comes before the server's library in the link,
 * so that its feed(), process_clone(), process_signal() stand in for the real ones.
 *
 * Everything follows from one seed. There is one world a program.
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "master/options.h"
#include "master/reactor_state.h"
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
    bool refuses;     /* a worker that never leaves by itself */
    bool served;      /* a worker whose loop ran */
    int code, status; /* of a zombie, as waitid tells it */
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

/* Chances in 1000 for one turn, drawn anew for each seed so that every seed has faults of its own. */
struct world_faults {
    unsigned worker_death, worker_crash, keeper_death, supervisor_death, supervisor_sleeps;
    unsigned clone_fails, deaf, frozen, sleep_all, hang, poison, broken, duplicate, late_reap, stop, refuses,
        request;
};

/* How a part of the world may be broken on purpose, to see that the checks see it. */
enum world_mutant {
    MUTANT_NONE,
    MUTANT_KEEPER_OBEYS_TWICE,   /* makes what is made already */
    MUTANT_KEEPER_OBEYS_ANYBODY, /* does not look to whom an order is addressed */
    MUTANT_PID_AFTER_BIRTH,      /* the pid is stored by the cloner once the child runs */
    MUTANT_SUPERVISOR_FORGETS,   /* the memory is stored after the actions, not before */
    MUTANT_NO_GATE,              /* a worker of another image does not wait for the old table's end */
    MUTANT_COUNT,
};

/* What happened over all seeds: proof that the faults were met. */
#define WORLD_COUNTS(X)                                                                                      \
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
    X(duplicates)                                                                                            \
    X(finished)                                                                                              \
    X(lived)

struct world_counts {
#define X(name) uint64_t name;
    WORLD_COUNTS(X)
#undef X
};

struct world {
    uint64_t random;
    int64_t now_ms;
    bool calm;  /* no more faults */
    bool trace; /* to stderr */
    enum world_mutant mutant;
    struct world_faults faults;
    struct world_process processes[WORLD_PROCESS_COUNT_MAX];
    uint32_t process_count; /* of the array, holes included */
    int32_t next_pid;
    uint32_t next_table;
    enum world_image images[WORLD_IMAGE_COUNT_MAX]; /* by number */
    struct world_slot slots[SLOT_COUNT_MAX];

    struct shared_pages *pages;
    struct options options;
    struct service_setup setup;
    struct reactor reactor;
    bool supervisor_lives, supervisor_began;
    int64_t supervisor_due_ms, supervisor_sleeps_until_ms, next_tick_ms;
    jmp_buf supervisor_end;
    struct supervisor_event past[WORLD_PAST_EVENT_COUNT];
    uint32_t past_count;
    bool serving_told, finished, stop_told;

    struct world_counts counts;
    char failure[WORLD_FAILURE_SIZE]; /* empty: all is well */
};

extern struct world world;

/* ---- world.c: chance, processes, the master ---- */

void world_begin(uint64_t seed);
uint32_t world_random(uint32_t below);
bool world_chance(unsigned in_1000);
__attribute__((format(printf, 1, 2))) void world_trace(const char *format, ...);

/* A new process in that birth cell, of the table and the image of its maker (NULL: the supervisor); returns
 * its pid. */
int32_t world_make(bool is_worker, uint32_t slot, enum keeper_letter letter, uint32_t generation,
                   const struct world_process *maker);
void world_end(struct world_process *process, int code, int status);
struct world_process *world_find(int32_t pid);
uint32_t world_count_living(uint32_t slot);

/* What that image is good for. */
enum world_image world_image_of(const struct world_process *process);

/* Everybody but the supervisor runs a little. */
void world_run_processes(void);
void world_reap(unsigned chance);

/* ---- world_shell.c: the supervisor ---- */

void world_run_supervisor(void);
void world_forget_supervisor(void);

/* The supervisor may end here. */
void world_point(void);

/* ---- world_check.c: what must never happen ---- */

__attribute__((format(printf, 1, 2))) void world_fail(const char *format, ...);
void check_birth(const struct world_process *born);
void check_note(const struct world_process *keeper);
void check_death(const struct world_process *dead);
void check_serves(const struct world_process *worker);
void check_kill(const struct world_process *victim);
void check_orders(void);
void check_decision(const struct supervisor_event *event, const struct supervisor_actions *actions);

/* Every wanted slot serves under two keepers; or, once stopped, nobody is left. */
bool world_is_well(void);

/* ---- world_faults.c ---- */

void world_draw_faults(void);
void world_do_faults(void);
void world_calm_down(void);

/* One seed: faults, then calm. False: world.failure says what was wrong. */
bool world_run_seed(uint64_t seed, enum world_mutant mutant);

#endif
