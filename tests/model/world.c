/* Chance, and the processes of the world: what keepers, workers and the master do, step by step. */
#include "tests/model/world.h"

#include "worker/worker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct world world;

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, also 0 and 1. */
uint32_t world_random(uint32_t below)
{
    uint64_t z = world.random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * below >> 32);
}

bool world_chance(unsigned in_1000)
{
    return in_1000 > 0 && world_random(1000) < in_1000;
}

void world_trace(const char *format, ...)
{
    va_list arguments;

    if (!world.trace)
        return;
    fprintf(stderr, "%8lld ", (long long)world.now_ms);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- birth and death ---- */

static const char *role_name(const struct world_process *process)
{
    if (process->is_worker)
        return "worker";
    return process->letter == KEEPER_A ? "keeper a" : "keeper b";
}

static struct world_process *free_place(void)
{
    for (uint32_t i = 0; i < world.process_count; i++)
        if (world.processes[i].life == LIFE_NONE)
            return &world.processes[i];
    if (world.process_count == WORLD_PROCESS_COUNT_MAX) {
        world_fail("more than %d processes at once", WORLD_PROCESS_COUNT_MAX);
        return &world.processes[0];
    }
    return &world.processes[world.process_count++];
}

enum world_image world_image_of(const struct world_process *process)
{
    return world.images[process->image % WORLD_IMAGE_COUNT_MAX];
}

/* A worker without keepers becomes, between its clone and its first step, the image that it is to be of. */
static uint32_t image_at_birth(bool is_worker, uint32_t slot, const struct world_process *maker)
{
    if (maker)
        return maker->image;
    return is_worker ? world.reactor.state.slots[slot].image : atomic_load(&world.pages->orders.master_image);
}

int32_t world_make(bool is_worker, uint32_t slot, enum keeper_letter letter, uint32_t generation,
                   const struct world_process *maker)
{
    struct world_process born = {
        .image = image_at_birth(is_worker, slot, maker),
        .table = maker ? maker->table : ++world.next_table,
        .life = LIFE_ALIVE,
        .is_worker = is_worker,
        .slot = slot,
        .letter = letter,
        .generation = generation,
        .pid = world.next_pid++,
        .step = STEP_BORN,
        .refuses = is_worker && world_chance(world.faults.refuses),
    };

    world_trace("slot %u: %s %u is born", slot, role_name(&born), generation);
    check_birth(&born);
    *free_place() = born;
    return born.pid;
}

void world_end(struct world_process *process, int code, int status)
{
    world_trace("slot %u: %s %u dies (%s %d)", process->slot, role_name(process), process->generation,
                code == CLD_EXITED ? "exit" : "signal", status);
    process->life = LIFE_ZOMBIE;
    process->code = code;
    process->status = status;
    if (process->is_worker)
        world.counts.worker_deaths++;
    else
        world.counts.keeper_deaths++;
    if (!process->is_worker &&
        (process->step == STEP_KEEPER_CLONE_SPAWN || process->step == STEP_KEEPER_CLONE_TWIN))
        world.counts.noted_not_made++;
    check_death(process);
    if (world_count_living(process->slot) == 0)
        world.slots[process->slot].table = (struct world_table){0};
}

struct world_process *world_find(int32_t pid)
{
    for (uint32_t i = 0; i < world.process_count; i++)
        if (world.processes[i].life != LIFE_NONE && world.processes[i].pid == pid)
            return &world.processes[i];
    return NULL;
}

uint32_t world_count_living(uint32_t slot)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < world.process_count; i++)
        count += world.processes[i].life == LIFE_ALIVE && world.processes[i].slot == slot;
    return count;
}

/* ---- a keeper: worker/keeper.c, cut at every access to the board ---- */

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
    if (world_chance(world.faults.clone_fails)) {
        world.counts.clones_failed++;
        k->retries = true;
        return;
    }
    pid = world_make(is_worker, keeper.slot, twin_of(&keeper), keeper.asked, &keeper);
    if (world.mutant != MUTANT_PID_AFTER_BIRTH || world_chance(500))
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
    world_trace("slot %u: %s %u becomes image %u", k->slot, role_name(k), k->generation, image);
    world.counts.execs++;
    k->image = image;
    k->table = ++world.next_table;
    come_back(k, board);
}

static void run_keeper(struct world_process *k)
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

/* ---- a worker ---- */

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
    atomic_store(&board->ready_ns, world.now_ms * 1000000);
    atomic_store(&board->ready_generation, w->generation);
    w->served = true;
    w->step = STEP_WORKER_SERVE;
}

/* One chunk, perhaps of another client than last time; the poisonous one ends us. */
static void answer(struct world_process *w, struct board *board)
{
    struct load_cell *cell = &world.pages->loads.cells[w->slot];
    struct world_slot *slot = &world.slots[w->slot];
    bool poison = slot->table.has_poison && world_chance(300);
    int32_t fd = poison ? WORLD_POISON_FD : FIRST_CONNECTION + (int32_t)world_random(5);

    atomic_store(&board->current, (uint64_t)fd << 8 | PHASE_ANSWERING);
    atomic_store(&board->in_service, 1);
    if (poison || world.now_ms < slot->broken_until_ms) {
        slot->crash_count++;
        world_end(w, CLD_KILLED, SIGSEGV);
        return;
    }
    if (world_chance(300))
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
    if (order != ORDER_SERVE && !w->refuses && world_chance(world.calm ? 200 : 30)) {
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

static void run_worker(struct world_process *w)
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

/* ---- everybody ---- */

/* A clone that was under way when the SIGKILL came may still be carried out. */
static void die_of_signal(struct world_process *process)
{
    bool clones = process->step == STEP_KEEPER_CLONE_SPAWN || process->step == STEP_KEEPER_CLONE_TWIN;

    if (!process->is_worker && clones && world_chance(500))
        run_keeper(process);
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
        run_worker(process);
    else
        run_keeper(process);
}

void world_run_processes(void)
{
    for (uint32_t i = 0; i < world.process_count && !world.failure[0]; i++)
        if (world.processes[i].life == LIFE_ALIVE && world_chance(600))
            run_process(&world.processes[i]);
}

/* ---- the master: master/master.c, tell() ---- */

static bool tell_if(struct birth_cell *birth, struct death_cell *death, const struct world_process *dead)
{
    if (board_living_pid(birth, death) != dead->pid)
        return false;
    atomic_store(&death->code, dead->code);
    atomic_store(&death->status, dead->status);
    atomic_store(&death->time_ns, world.now_ms * 1000000);
    atomic_store(&death->generation, atomic_load(&birth->generation));
    return true;
}

static void reap(struct world_process *dead)
{
    struct board *board = shared_board(world.pages, dead->slot);
    bool told = tell_if(&board->worker, &board->worker_death, dead);

    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        told = told || tell_if(&board->keepers[letter], &board->keeper_deaths[letter], dead);
    if (!told)
        world_fail("slot %u: the death of %s %u is on no board", dead->slot, role_name(dead),
                   dead->generation);
    dead->life = LIFE_NONE;
}

void world_reap(unsigned chance)
{
    for (uint32_t i = 0; i < world.process_count; i++)
        if (world.processes[i].life == LIFE_ZOMBIE && world_chance(chance))
            reap(&world.processes[i]);
}

/* ---- the beginning ---- */

static struct shared_pages *map_pages(void)
{
    void *pages =
        mmap(NULL, sizeof(struct shared_pages), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

/* Clears what the last world has used; most boards of the region are never touched. */
static void clear_pages(struct shared_pages *pages, uint32_t slots_used)
{
    memset(&pages->orders, 0, offsetof(struct orders, memory));
    memset(&pages->loads, 0, sizeof pages->loads);
    for (uint32_t slot = 0; slot < slots_used; slot++)
        memset(shared_board(pages, slot), 0, sizeof(struct board));
}

void world_begin(uint64_t seed)
{
    struct shared_pages *pages = world.pages ? world.pages : map_pages();
    uint32_t slots_used = atomic_load(&pages->orders.slot_limit);
    struct world_counts counts = world.counts;
    bool trace = world.trace;

    memset(&world, 0, sizeof world);
    clear_pages(pages, slots_used);
    world.random = seed;
    world.now_ms = 1000;
    world.trace = trace;
    world.counts = counts;
    world.pages = pages;
    world.next_pid = WORLD_PID_FIRST;
    atomic_store(&pages->orders.master_image, 1);
    atomic_store(&pages->orders.images[0].number, 1);
    world.options = (struct options){
        .worker_count = 1 + world_random(3),
        .drain_timeout_ms = 500 + world_random(2000),
        .protect = !world_chance(120),
        .service = service_at(0),
    };
    world.setup =
        (struct service_setup){.pages = pages, .options = &world.options, .connection_count_max = 100};
    settings_from_options(&world.setup.settings, &world.options, 100, NULL, 0);
}
