/* A worker of the world: what it does to its board, cut into steps. */
#include "tests/model/world.h"

#include "worker/worker.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void recover(struct world_process *w, struct board *board)
{
    struct world_table *table = &world.slots[w->slot].table;
    uint32_t how = board->settings.recover_how;

    check_serves(w);
    if (how == RECOVER_RESET_ALL)
        *table = (struct world_table){0};
    if (how == RECOVER_RESET_SUSPECT && board->settings.suspect == WORLD_POISON_FD) {
        table->has_poison = false;
        atomic_store(&board->suspect_cleared, w->generation);
    }
    atomic_store(&board->ready_ns, world_clock_ms() * 1000000);
    atomic_store(&board->ready_generation, w->generation);
    w->served = true;
    world.supervisor_woken = true;
    w->step = STEP_WORKER_SERVE;
}

/* One chunk, perhaps of another client than last time; the poisonous one ends us. */
static void answer(struct world_process *w, struct board *board)
{
    struct load_cell *cell = &world.pages->loads.cells[w->slot];
    struct world_slot *slot = &world.slots[w->slot];
    bool poison = slot->table.has_poison && world_may(300);
    int32_t fd = poison ? WORLD_POISON_FD : FIRST_CONNECTION + (int32_t)world_random(5);

    atomic_store(&board->current, (uint64_t)fd << 8 | PHASE_ANSWERING);
    atomic_store(&board->in_service, 1);
    if (poison || world.now_ms < slot->broken_until_ms) {
        slot->crash_count++;
        world_end(w, CLD_KILLED, SIGSEGV);
        return;
    }
    if (world_may(300))
        return; /* still at it: a death now is one inside the service */
    atomic_store(&board->in_service, 0);
    atomic_store(&board->current, 0);
    counter_add(cell, COUNTER_answered, 1);
    if (fd == board->settings.suspect)
        atomic_store(&board->suspect_cleared, w->generation);
}

/* Its clients stay for the successor. */
static bool made_room(struct world_process *w, struct board *board)
{
    if (atomic_load(&board->handover_generation) != w->generation || w->refuses)
        return false;
    world.counts.handovers++;
    atomic_store(&board->left_generation, w->generation);
    world_end(w, CLD_EXITED, WORKER_EXIT_LEFT);
    return true;
}

static void serve(struct world_process *w, struct board *board)
{
    struct world_table *table = &world.slots[w->slot].table;
    uint32_t order = atomic_load(&board->order);

    if (made_room(w, board))
        return;
    if (order == ORDER_SERVE)
        table->has_clients = true;
    if (order != ORDER_SERVE && !w->refuses && world_may(world.calm ? 200 : 30)) {
        *table = (struct world_table){0}; /* its last client has left */
        atomic_store(&shared_board(world.pages, w->slot)->left_generation, w->generation);
        world_end(w, CLD_EXITED, WORKER_EXIT_LEFT);
        return;
    }
    answer(w, board);
}

static void pass_gate(struct world_process *w, struct board *board)
{
    if (w->gated && atomic_load(&board->go_generation) < w->generation)
        return;
    world.counts.gates += w->gated;
    if (world_image_of(w) == IMAGE_CRASHES)
        world_end(w, CLD_KILLED, SIGABRT);
    else
        w->step = STEP_WORKER_RECOVER;
}

void world_run_worker(struct world_process *w)
{
    struct board *board = shared_board(world.pages, w->slot);
    struct load_cell *cell = &world.pages->loads.cells[w->slot];

    switch ((int)w->step) {
    case STEP_BORN:
        atomic_store(&board->current, 0);
        atomic_store(&board->in_service, 0);
        atomic_store(&board->answered_at_start, counter_get(cell, COUNTER_answered));
        w->gated = board->settings.gated && world.mutant != MUTANT_NO_GATE;
        w->step = STEP_WORKER_GATE;
        break;
    case STEP_WORKER_GATE:
        pass_gate(w, board);
        break;
    case STEP_WORKER_RECOVER:
        recover(w, board);
        break;
    case STEP_WORKER_SERVE:
        serve(w, board);
        break;
    }
}
