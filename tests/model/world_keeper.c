/* A keeper of the world: worker/keeper.c, cut at every access to the board. */
#include "tests/model/world.h"

#include <signal.h>
#include <sys/wait.h>

static bool made(struct birth_cell *cell, uint32_t generation)
{
    return world.mutant != MUTANT_KEEPER_OBEYS_TWICE && atomic_load(&cell->generation) == generation &&
           atomic_load(&cell->pid) != 0;
}

static uint32_t asked_of(const struct world_process *k, shared_u64 *order)
{
    uint64_t word = atomic_load(order);
    uint32_t generation = (uint32_t)word;

    if (world.mutant == MUTANT_KEEPER_OBEYS_ANYBODY)
        return generation;
    return word == keeper_order(k->letter, k->generation, generation) ? generation : 0;
}

static enum keeper_letter twin_of(const struct world_process *k)
{
    return k->letter == KEEPER_A ? KEEPER_B : KEEPER_A;
}

/* Looks at one order: to NOTE when there is something to make, else on to `next`. */
static void look(struct world_process *k, shared_u64 *order, struct birth_cell *cell, enum world_step next)
{
    uint32_t asked = asked_of(k, order);

    if (asked == 0 || made(cell, asked)) {
        k->step = next;
        return;
    }
    k->asked = asked;
    k->step = k->step == STEP_KEEPER_LOOK ? STEP_KEEPER_NOTE_TWIN : STEP_KEEPER_NOTE_SPAWN;
}

static void note(struct world_process *k, struct birth_cell *cell, enum world_step next)
{
    check_note(k);
    atomic_store(&cell->pid, 0);
    atomic_store(&cell->generation, k->asked);
    k->step = next;
}

static void clone_child(struct world_process *k, bool is_worker, struct birth_cell *cell,
                        enum world_step next)
{
    struct world_process keeper = *k; /* the array may move on below */
    int32_t pid;

    k->step = next;
    if (world_clone_fails()) {
        k->retries = true;
        return;
    }
    pid = world_make(is_worker, keeper.slot, twin_of(&keeper), keeper.asked, &keeper);
    if (world.mutant != MUTANT_PID_AFTER_BIRTH || world_may(500))
        atomic_store(&cell->pid, pid);
}

static void begin_round(struct world_process *k, struct board *board)
{
    k->woken = k->retries = false;
    if (atomic_load(&board->leave_generation[k->letter]) >= k->generation)
        world_end(k, CLD_EXITED, 0);
    else
        look(k, &board->order_twin, &board->keepers[twin_of(k)], STEP_KEEPER_LOOK_SPAWN);
}

static void come_back(struct world_process *k, struct board *board)
{
    switch ((int)world_image_of(k)) {
    case IMAGE_DIES:
        world_end(k, CLD_KILLED, SIGSEGV);
        return;
    case IMAGE_MUTE:
        k->step = STEP_KEEPER_MUTE;
        return;
    }
    atomic_store(&board->keeper_image[k->letter], k->image);
    k->step = STEP_KEEPER_LOOK;
}

/* execve: a table of its own, all else as it was. */
static void obey_exec(struct world_process *k, struct board *board)
{
    uint32_t image = asked_of(k, &board->order_exec);

    k->step = STEP_KEEPER_WAIT;
    if (image == 0 || image == k->image || atomic_load(&board->exec_failed[k->letter]) == image)
        return;
    if (world.images[image % WORLD_IMAGE_COUNT_MAX] == IMAGE_NOT_EXECUTED) {
        atomic_store(&board->exec_failed[k->letter], image);
        return;
    }
    world_trace("slot %u: %s %u becomes image %u", k->slot, world_role(k), k->generation, image);
    world.counts.execs++;
    k->image = image;
    k->table = ++world.next_table;
    come_back(k, board);
}

void world_run_keeper(struct world_process *k)
{
    struct board *board = shared_board(world.pages, k->slot);

    switch ((int)k->step) {
    case STEP_BORN:
        atomic_store(&board->keeper_image[k->letter], k->image);
        atomic_store(&board->keeper_ready[k->letter], k->generation);
        k->step = STEP_KEEPER_LOOK;
        break;
    case STEP_KEEPER_LOOK:
        begin_round(k, board);
        break;
    case STEP_KEEPER_NOTE_TWIN:
        note(k, &board->keepers[twin_of(k)], STEP_KEEPER_CLONE_TWIN);
        break;
    case STEP_KEEPER_CLONE_TWIN:
        clone_child(k, false, &board->keepers[twin_of(k)], STEP_KEEPER_LOOK_SPAWN);
        break;
    case STEP_KEEPER_LOOK_SPAWN:
        look(k, &board->order_spawn, &board->worker, STEP_KEEPER_LOOK_EXEC);
        break;
    case STEP_KEEPER_NOTE_SPAWN:
        note(k, &board->worker, STEP_KEEPER_CLONE_SPAWN);
        break;
    case STEP_KEEPER_CLONE_SPAWN:
        clone_child(k, true, &board->worker, STEP_KEEPER_LOOK_EXEC);
        break;
    case STEP_KEEPER_LOOK_EXEC:
        obey_exec(k, board);
        break;
    case STEP_KEEPER_WAIT:
        if (k->woken || k->retries)
            k->step = STEP_KEEPER_LOOK;
        break;
    }
}
