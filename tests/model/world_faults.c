/* What goes wrong in the world, how often, and when it stops. */
#include "tests/model/world.h"

#include <signal.h>
#include <stdio.h>
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

/* Nothing, in half of the worlds; else something up to a maximum. */
static unsigned draw(unsigned chance_max)
{
    return world_chance(500) ? 0 : 1 + world_random(chance_max);
}

void world_draw_faults(void)
{
    world.faults = (struct world_faults){
        .worker_death = draw(60),
        .worker_crash = draw(20),
        .keeper_death = draw(40),
        .supervisor_death = draw(20),
        .supervisor_sleeps = draw(4),
        .clone_fails = draw(400),
        .deaf = draw(15),
        .frozen = draw(15),
        .sleep_all = draw(3),
        .hang = draw(20),
        .poison = draw(8),
        .broken = draw(6),
        .duplicate = draw(300),
        .late_reap = draw(950),
        .stop = world_chance(300) ? 2 : 0,
        .refuses = draw(300),
        .request = draw(100),
    };
}

static struct world_process *somebody(bool is_worker)
{
    uint32_t first = world_random(world.process_count + 1);

    for (uint32_t i = 0; i < world.process_count; i++) {
        struct world_process *p = &world.processes[(first + i) % world.process_count];

        if (p->life == LIFE_ALIVE && p->is_worker == is_worker)
            return p;
    }
    return NULL;
}

static void doom(bool is_worker)
{
    struct world_process *p = somebody(is_worker);

    if (p)
        p->doomed = true;
}

static void crash(void)
{
    struct world_process *worker = somebody(true);

    if (!worker)
        return;
    world.slots[worker->slot].crash_count++;
    world_end(worker, CLD_KILLED, SIGBUS);
}

static void deafen(bool freeze)
{
    struct world_process *p = somebody(world_chance(300));

    if (!p)
        return;
    world_trace("slot %u: pid %d %s", p->slot, p->pid, freeze ? "is stopped" : "is deaf");
    if (freeze)
        p->frozen = true;
    else
        p->deaf_until_ms = world.now_ms + 100 + world_random(world_chance(200) ? 15000 : 2000);
}

static void stop(void)
{
    static const enum order_signal signals[] = {SIGNAL_TERM, SIGNAL_INT, SIGNAL_QUIT};

    world.stop_told = true;
    atomic_fetch_add(&world.pages->orders.signals[signals[world_random(3)]], 1);
}

void world_do_faults(void)
{
    const struct world_faults *faults = &world.faults;
    struct world_slot *slot = &world.slots[world_random(world.options.worker_count)];

    if (world_chance(faults->worker_death))
        doom(true);
    if (world_chance(faults->worker_crash))
        crash();
    if (world_chance(faults->keeper_death))
        doom(false);
    if (world_chance(faults->deaf))
        deafen(false);
    if (world_chance(faults->frozen))
        deafen(true);
    if (world_chance(faults->supervisor_sleeps))
        world.supervisor_sleeps_until_ms = world.now_ms + 100 + world_random(3000);
    if (world_chance(faults->sleep_all))
        world.now_ms += 200 + world_random(20000);
    if (world_chance(faults->poison) && slot->table.has_clients)
        slot->table.has_poison = true;
    if (world_chance(faults->broken))
        slot->broken_until_ms = world.now_ms + 200 + world_random(5000);
    if (world_chance(faults->stop))
        stop();
}

void world_calm_down(void)
{
    unsigned refuses = world.faults.refuses;

    world_trace("calm");
    world.calm = true;
    world.faults = (struct world_faults){.refuses = refuses};
    world.supervisor_sleeps_until_ms = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++)
        world.slots[slot].broken_until_ms = 0;
    for (uint32_t i = 0; i < world.process_count; i++) {
        world.processes[i].frozen = false;
        world.processes[i].deaf_until_ms = 0;
    }
}

/* ---- one seed ---- */

static void turn(void)
{
    world.now_ms += 1 + world_random(world.calm ? 20 : 10);
    world_run_processes();
    world_reap(1000 - world.faults.late_reap);
    if (world_chance(600))
        world_run_supervisor();
}

static bool wait_until_well(int64_t ms_max, const char *what)
{
    int64_t begin_ms = world.now_ms;

    while (!world_is_well() && !world.failure[0]) {
        if (world.now_ms > begin_ms + ms_max)
            world_fail("%s %lld ms after the last fault", what, (long long)ms_max);
        turn();
    }
    return !world.failure[0];
}

static void wait_until_over(void)
{
    int64_t begin_ms = world.now_ms;

    stop();
    while (!world.finished && !world.failure[0]) {
        if (world.now_ms > begin_ms + world.options.drain_timeout_ms + OVER_MS_MAX)
            world_fail("not over %d ms after the drain deadline", OVER_MS_MAX);
        turn();
    }
}

bool world_run_seed(uint64_t seed, enum world_mutant mutant)
{
    world_begin(seed);
    world.mutant = mutant;
    world_draw_faults();
    for (uint32_t left = FAULTY_TURNS_MIN + world_random(FAULTY_TURNS_MAX - FAULTY_TURNS_MIN);
         left > 0 && !world.failure[0] && !world.finished; left--) {
        world_do_faults();
        turn();
    }
    world_calm_down();
    if (wait_until_well(WELL_MS_MAX, "not well") && !world.finished) {
        world.counts.lived++;
        wait_until_over();
    }
    return !world.failure[0];
}
