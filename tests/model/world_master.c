/* Who runs when, and what the master does about the dead: master/master.c, tell(). */
#include "tests/model/world.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- everybody ---- */

/* A clone that was under way when the SIGKILL came may still be carried out. */
static void die_of_signal(struct world_process *process)
{
    bool clones = process->step == STEP_KEEPER_CLONE_SPAWN || process->step == STEP_KEEPER_CLONE_TWIN;

    if (!process->is_worker && clones && world_may(500))
        world_run_keeper(process);
    world_end(process, CLD_KILLED, SIGKILL);
}

static void run_process(struct world_process *process)
{
    if (process->doomed) {
        die_of_signal(process);
        return;
    }
    if (process->frozen || world.now_ms < process->deaf_until_ms)
        return;
    if (process->is_worker)
        world_run_worker(process);
    else
        world_run_keeper(process);
}

/* In even times everybody gets a step a turn. */
static bool runs(void)
{
    return world.even || world_may(600);
}

void world_run_processes(void)
{
    for (uint32_t i = 0; i < world.process_count && !world.failure[0]; i++)
        if (world.processes[i].life == LIFE_ALIVE && runs())
            run_process(&world.processes[i]);
}

/* ---- the master: master/master.c, tell() ---- */

static bool tell_if(struct birth_cell *birth, struct death_cell *death, const struct world_process *dead)
{
    if (board_living_pid(birth, death) != dead->pid)
        return false;
    atomic_store(&death->code, dead->code);
    atomic_store(&death->status, dead->status);
    atomic_store(&death->time_ns, world_clock_ms() * 1000000);
    atomic_store(&death->generation, atomic_load(&birth->generation));
    return true;
}

/* True: it is on some board as living. */
static bool tell(const struct world_process *dead)
{
    struct board *board = shared_board(world.pages, dead->slot);
    bool told = tell_if(&board->worker, &board->worker_death, dead);

    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        told = told || tell_if(&board->keepers[letter], &board->keeper_deaths[letter], dead);
    return told;
}

/* Told, then reaped. Between the two it may become another image, and find the same death once more, when
 * that number may be on a board no longer. The supervisor hears of it from its eventfd, or at its next tick. */
static void reap(struct world_process *dead)
{
    uint32_t value;

    if (tell(dead) == dead->told)
        world_fail("slot %u: a death is %s", dead->slot, dead->told ? "told twice" : "on no board");
    dead->told = true;
    if (disturbed(DISTURBANCE_lost_notice, &value))
        world.counts.notices_lost++;
    else
        world.supervisor_woken = true;
    if (!disturbed(DISTURBANCE_twice_told, &value))
        dead->life = LIFE_NONE;
    else
        dead->reap_at_ms = world.now_ms + 1 + value % 50;
}

void world_reap(void)
{
    for (uint32_t i = 0; i < world.process_count; i++)
        if (world.processes[i].life == LIFE_ZOMBIE && world.now_ms >= world.processes[i].reap_at_ms)
            reap(&world.processes[i]);
}
