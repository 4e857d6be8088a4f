/* What goes wrong in the world from outside, when it stops, and the course of one world. */
#include "tests/model/world.h"

#include <signal.h>
#include <sys/wait.h>

enum {
    FAULTY_TURNS_MIN = 100,
    FAULTY_TURNS_MAX = 700,
    /* Virtual time in which all must be well once nothing goes wrong any more: the longest rest with its
     * jitter, and the kill of a worker that does not come to serve. */
    WELL_MS_MAX = RESTART_REST_MS_MAX * 5 / 4 + 2 * WORKER_START_MS_MAX,
    /* And in which all must be over after a stop, beyond the drain deadline. */
    OVER_MS_MAX = LINGER_MS + LEAVE_GRACE_MS + 10 * KEEPER_OBEY_MS_MAX,
};

/* ---- of processes ---- */

static struct world_process *worker_of(uint32_t slot)
{
    for (uint32_t i = 0; i < world.process_count; i++) {
        struct world_process *p = &world.processes[i];

        if (p->life == LIFE_ALIVE && p->is_worker && p->slot == slot)
            return p;
    }
    return NULL;
}

static struct world_process *keeper_of(uint32_t slot, enum keeper_letter letter)
{
    for (uint32_t i = 0; i < world.process_count; i++) {
        struct world_process *p = &world.processes[i];

        if (p->life == LIFE_ALIVE && !p->is_worker && p->slot == slot && p->letter == letter)
            return p;
    }
    return NULL;
}

/* Slots may be more than were wanted at first. */
static uint32_t slot_from(uint32_t value)
{
    uint32_t limit = atomic_load(&world.pages->orders.slot_limit);

    return limit ? value % limit : 0;
}

/* NULL: it strikes nobody. */
static struct world_process *struck_worker(enum disturbance_kind kind, uint32_t *value)
{
    return disturbed(kind, value) ? worker_of(slot_from(*value)) : NULL;
}

static struct world_process *struck_keeper(enum disturbance_kind kind, uint32_t *value)
{
    return disturbed(kind, value) ? keeper_of(slot_from(*value / 2), *value % 2 ? KEEPER_B : KEEPER_A) : NULL;
}

static void kill_some(void)
{
    uint32_t value;
    struct world_process *worker = struck_worker(DISTURBANCE_kill_worker, &value);
    struct world_process *keeper = struck_keeper(DISTURBANCE_kill_keeper, &value);

    if (worker)
        worker->doomed = true;
    if (keeper)
        keeper->doomed = true;
    worker = struck_worker(DISTURBANCE_crash_worker, &value);
    if (!worker)
        return;
    world.slots[worker->slot].crash_count++;
    world_end(worker, CLD_KILLED, SIGBUS);
}

static void deafen(struct world_process *p, uint32_t value)
{
    uint32_t longest = value % 5 ? 2000 : 15000;

    if (!p)
        return;
    world_trace("slot %u: %s %u is deaf", p->slot, world_role(p), p->generation);
    p->deaf_until_ms = world.now_ms + 100 + value / 8 % longest;
}

static void freeze(struct world_process *p)
{
    if (!p)
        return;
    world_trace("slot %u: %s %u is stopped", p->slot, world_role(p), p->generation);
    p->frozen = true;
}

static void hinder_some(void)
{
    uint32_t value = 0;
    struct world_process *deaf = struck_worker(DISTURBANCE_deaf_worker, &value);

    deafen(deaf, value);
    deaf = struck_keeper(DISTURBANCE_deaf_keeper, &value);
    deafen(deaf, value);
    freeze(struck_worker(DISTURBANCE_stopped_worker, &value));
    freeze(struck_keeper(DISTURBANCE_stopped_keeper, &value));
}

/* Rubbish about what it does; what it says about its birth and its clients' claims is looked at elsewhere. */
static void lie(void)
{
    uint32_t value;
    struct world_process *worker = struck_worker(DISTURBANCE_lying_board, &value);
    struct board *board;

    if (!worker || !worker->served)
        return;
    board = shared_board(world.pages, worker->slot);
    atomic_store(&board->current, (uint64_t)value << 8 | PHASE_ANSWERING);
    atomic_store(&board->in_service, value);
    atomic_store(&board->suspect_cleared, value);
}

/* ---- of all ---- */

static void stop(uint32_t value)
{
    static const enum order_signal signals[] = {SIGNAL_TERM, SIGNAL_INT, SIGNAL_QUIT};

    world.stop_told = world.supervisor_woken = true;
    atomic_fetch_add(&world.pages->orders.signals[signals[value % 3]], 1);
}

static void pass_time(void)
{
    uint32_t value;

    if (disturbed(DISTURBANCE_sleeping_supervisor, &value))
        world.supervisor_sleeps_until_ms = world.now_ms + 100 + value % 3000;
    if (disturbed(DISTURBANCE_time_jump, &value))
        world.now_ms += 200 + value % 20000;
    if (disturbed(DISTURBANCE_long_freeze, &value))
        world.now_ms += 600000 + (int64_t)(value % 172800) * 1000;
}

static void do_faults(void)
{
    uint32_t value;

    kill_some();
    hinder_some();
    lie();
    pass_time();
    if (disturbed(DISTURBANCE_poison, &value)) {
        struct world_table *table = &world.slots[slot_from(value)].table;

        table->has_poison |= table->has_clients;
    }
    if (disturbed(DISTURBANCE_broken_service, &value))
        world.slots[slot_from(value)].broken_until_ms = world.now_ms + 200 + value / 8 % 5000;
    if (disturbed(DISTURBANCE_stop, &value))
        stop(value);
}

static void calm_down(void)
{
    world_trace("calm");
    world.calm = true;
    tape_calm();
    world.supervisor_sleeps_until_ms = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++)
        world.slots[slot].broken_until_ms = 0;
    for (uint32_t i = 0; i < world.process_count; i++) {
        world.processes[i].frozen = false;
        world.processes[i].deaf_until_ms = 0;
    }
}

/* ---- one world ---- */

static void turn(void)
{
    world_turn();
    if (!world.calm)
        do_faults();
    world_run_processes();
    world_reap();
    if (world.even || world_may(600))
        world_run_supervisor();
    check_stops();
}

static bool wait_until_well(int64_t ms_max)
{
    int64_t begin_ms = world.now_ms;

    ms_max += world.went_back_ms;
    while (!world_is_well() && !world.failure[0]) {
        if (world.now_ms > begin_ms + ms_max)
            world_fail("not well %lld ms after the last fault", (long long)ms_max);
        turn();
    }
    return !world.failure[0];
}

static void wait_until_over(void)
{
    int64_t begin_ms = world.now_ms;

    stop(0);
    while (!world.finished && !world.failure[0]) {
        if (world.now_ms > begin_ms + world.options.drain_timeout_ms + OVER_MS_MAX + world.went_back_ms)
            world_fail("not over %d ms after the drain deadline", OVER_MS_MAX);
        turn();
    }
}

static uint32_t faulty_turns(const struct world_plan *plan)
{
    struct prng prng;

    if (plan->faulty_turns)
        return plan->faulty_turns;
    prng_init(&prng, plan->seed);
    return FAULTY_TURNS_MIN + prng_below(&prng, FAULTY_TURNS_MAX - FAULTY_TURNS_MIN);
}

bool world_run(const struct world_plan *plan)
{
    uint32_t faulty = faulty_turns(plan);

    tape_play(plan->tape);
    world_begin(plan->seed, plan->mutant, plan->even);
    while (world.turn < faulty && !world.failure[0] && !world.finished)
        turn();
    if (!world.failure[0])
        calm_down();
    if (!world.failure[0] && wait_until_well(WELL_MS_MAX) && !world.finished) {
        world.counts.lived++;
        wait_until_over();
    }
    world.counts.turns += world.turn;
    return !world.failure[0];
}
