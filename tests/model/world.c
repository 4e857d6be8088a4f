/* The beginning of a world; chance; births and deaths in it. */
#include "tests/model/world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { SLOTS_CLEARED_MIN = 12 };

struct world world;

/* ---- chance ---- */

/* Seed and turn give all that is not a disturbance: so it stays the same when one of these is left out. */
static void begin_chance(void)
{
    prng_init(&world.chance, world.seed * UINT64_C(0x2545f4914f6cdd1d) + world.turn);
}

uint32_t world_random(uint32_t below)
{
    return world.even ? below / 2 : prng_below(&world.chance, below);
}

bool world_may(unsigned in_1000)
{
    uint32_t turn = world.turn % 1000000;

    if (world.even)
        return (turn + 1) * in_1000 / 1000 != turn * in_1000 / 1000;
    return prng_below(&world.chance, 1000) < in_1000;
}

bool world_clone_fails(void)
{
    uint32_t value;

    if (!disturbed(DISTURBANCE_failed_clone, &value))
        return false;
    world.counts.clones_failed++;
    return true;
}

void world_turn(void)
{
    tape_turn(++world.turn);
    begin_chance();
    world.now_ms += 1 + world_random(world.calm ? 20 : 10);
}

/* What the policy goes by. */
int64_t world_clock_ms(void)
{
    int64_t clock_ms = world.now_ms + world.clock_ahead_ms;

    if (clock_ms > world.clock_most_ms)
        world.clock_most_ms = clock_ms;
    return clock_ms;
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

const char *world_role(const struct world_process *process)
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
    uint32_t value;
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
        .refuses = is_worker && disturbed(DISTURBANCE_refusing_worker, &value),
    };

    world_trace("slot %u: %s %u is born", slot, world_role(&born), generation);
    if (disturbed(DISTURBANCE_late_birth, &value))
        born.deaf_until_ms = world.now_ms + 10 + value % 3000;
    check_birth(&born);
    *free_place() = born;
    return born.pid;
}

void world_end(struct world_process *process, int code, int status)
{
    uint32_t value;

    world_trace("slot %u: %s %u dies (%s %d)", process->slot, world_role(process), process->generation,
                code == CLD_EXITED ? "exit" : "signal", status);
    process->life = LIFE_ZOMBIE;
    process->code = code;
    process->status = status;
    if (disturbed(DISTURBANCE_late_death, &value))
        process->reap_at_ms = world.now_ms + 1 + value % 300;
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

/* A mutant may have forgotten some, which are the first ones then. */
static uint32_t slots_touched(struct shared_pages *pages)
{
    uint32_t limit = atomic_load(&pages->orders.slot_limit);

    return limit > SLOTS_CLEARED_MIN ? limit : SLOTS_CLEARED_MIN;
}

static void choose_options(void)
{
    uint32_t value;
    uint32_t more = disturbed(DISTURBANCE_more_slots, &value) ? 1 + value % 2 : 0;

    world.options = (struct options){
        .worker_count = 1 + more,
        .drain_timeout_ms = 500 + world_random(2000),
        .protect = !disturbed(DISTURBANCE_no_keepers, &value),
        .service = service_at(0),
    };
    world.setup =
        (struct service_setup){.pages = world.pages, .options = &world.options, .connection_count_max = 100};
    settings_from_options(&world.setup.settings, &world.options, 100, NULL, 0);
}

void world_begin(uint64_t seed, enum world_mutant mutant, bool even)
{
    struct shared_pages *pages = world.pages ? world.pages : map_pages();
    uint32_t slots_used = slots_touched(pages);
    struct world_counts counts = world.counts;
    bool trace = world.trace;

    memset(&world, 0, offsetof(struct world, reactor));
    clear_pages(pages, slots_used);
    world.seed = seed;
    world.mutant = mutant;
    world.even = even;
    world.now_ms = world.clock_most_ms = 1000;
    world.trace = trace;
    world.counts = counts;
    world.pages = pages;
    world.next_pid = WORLD_PID_FIRST;
    atomic_store(&pages->orders.master_image, 1);
    atomic_store(&pages->orders.images[0].number, 1);
    tape_begin(seed);
    begin_chance();
    choose_options();
}
