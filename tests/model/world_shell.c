/*
 * The supervisor of the world: the loop of reactor.c and the memory of feed.c, with the real look.c and act.c
 * around the real policy. Defines, in place of the server's own, what those two call.
 */
#include "tests/model/world.h"

#include "master/checker.h"
#include "worker/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* ---- its end ---- */

/* The master, between two supervisors: master.c, become_image(). */
static void become_image(void)
{
    struct orders *orders = &world.pages->orders;
    uint32_t wanted = atomic_load(&orders->exec_image);

    if (wanted == 0 || wanted == atomic_load(&orders->master_image) ||
        wanted == atomic_load(&orders->exec_failed_image))
        return;
    if (world_chance(100)) {
        atomic_store(&orders->exec_failed_error, ENOMEM);
        atomic_store(&orders->exec_failed_image, wanted);
        return;
    }
    world_trace("the master becomes image %u", wanted);
    world.counts.execs_of_master++;
    atomic_store(&orders->master_image, wanted);
}

void world_forget_supervisor(void)
{
    become_image();
    world.supervisor_lives = world.supervisor_began = false;
    world.supervisor_due_ms = world.now_ms + (world.calm ? 0 : world_random(200));
}

void world_point(void)
{
    if (world.calm || !world_chance(world.faults.supervisor_death))
        return;
    world_trace("the supervisor dies");
    world.counts.supervisor_deaths++;
    longjmp(world.supervisor_end, 1);
}

/* ---- its memory ---- */

static void store_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint32_t other = atomic_load(&orders->memory_current) == 1 ? 1 : 0;
    void *room = orders->memory[other];
    struct supervisor_memory *memory = room;

    memory->policy = r->state;
    memory->settings = r->settings;
    world_point();
    atomic_store(&orders->memory_current, other + 1);
    atomic_store(&orders->slot_limit, r->state.slot_limit);
    world_point();
}

bool feed_load_memory(struct reactor *r)
{
    uint32_t current = atomic_load(&r->pages->orders.memory_current);

    if (current == 0)
        return false;

    const void *room = r->pages->orders.memory[current - 1];
    const struct supervisor_memory *memory = room;

    r->state = memory->policy;
    r->settings = memory->settings;
    return true;
}

/* ---- in place of feed.c ---- */

void feed_decide(struct reactor *r, const struct supervisor_event *event)
{
    supervisor_step(&r->state, event, world.now_ms, &r->actions);
    check_decision(event, &r->actions);
    if (event->kind >= SUPERVISOR_MADE && event->kind <= SUPERVISOR_KEEPER_DEATH &&
        event->kind != SUPERVISOR_SPAWN_FAILED)
        world.past[world.past_count++ % WORLD_PAST_EVENT_COUNT] = *event;
    world_point();
}

/* A supervisor that has finished exits within the action. */
static void carry_out(struct reactor *r, const struct supervisor_action *action)
{
    if (action->kind == ACTION_FINISH) {
        world_trace("finished with %d", r->state.exit_code);
        world.finished = true;
        longjmp(world.supervisor_end, 1);
    }
    act(r, action);
    check_orders();
    world_point();
}

void feed_carry_out(struct reactor *r)
{
    struct supervisor_actions actions = r->actions;
    bool forgets = world.mutant == MUTANT_SUPERVISOR_FORGETS;

    if (!forgets)
        store_memory(r);
    for (uint32_t i = 0; i < actions.count; i++)
        carry_out(r, &actions.items[i]);
    if (forgets)
        store_memory(r);
}

void feed(struct reactor *r, const struct supervisor_event *event)
{
    feed_decide(r, event);
    feed_carry_out(r);
}

/* ---- in place of announce.c ---- */

uint32_t announce_connections(const struct reactor *r)
{
    (void)r;
    return 0;
}

void announce_ending(struct reactor *r)
{
    (void)r;
}

void announce_serving(struct reactor *r)
{
    (void)r;
    world.serving_told = true;
}

void announce_draining(struct reactor *r)
{
    (void)r;
}

void announce_end(struct reactor *r)
{
    (void)r;
}

void announce_operation(struct reactor *r, const struct supervisor_action *action)
{
    const struct operation *operation = operation_find(&r->state.operations, action->generation);

    if (!operation || operation->kind != OPERATION_UPGRADE)
        return;
    world.counts.upgrades_begun += action->begun;
    world.counts.upgrades_done += !action->begun && operation->state == OPERATION_DONE;
    world.counts.upgrades_failed += !action->begun && operation->state == OPERATION_FAILED;
}

/* ---- in place of heritage.c ---- */

/* The workers of this world look at their boards all the time. */
void __wrap_heritage_poke(unsigned slot, uint64_t value);

void __wrap_heritage_poke(unsigned slot, uint64_t value)
{
    (void)slot, (void)value;
}

/* ---- in place of process.c ---- */

/* Whose cell is it? Workers' and keepers' cells lie in the boards. */
static uint32_t slot_of(const struct birth_cell *cell)
{
    const char *first = (const char *)shared_board(world.pages, 0);

    return (uint32_t)(((const char *)cell - first) / BOARD_BYTES);
}

int process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation)
{
    uint32_t slot = slot_of(cell);
    bool is_worker = cell == &shared_board(world.pages, slot)->worker;
    int32_t pid;

    (void)flags;
    world_point();
    atomic_store(&cell->pid, 0);
    atomic_store(&cell->generation, generation);
    world_point();
    if (world_chance(world.faults.clone_fails)) {
        world.counts.clones_failed++;
        return -EAGAIN;
    }
    if (world_count_living(slot) > 0)
        world_fail("slot %u: a table is made beside one that lives", slot);
    pid = world_make(is_worker, slot, KEEPER_A, generation, NULL);
    atomic_store(&cell->pid, pid);
    world_point();
    return pid;
}

static void deliver(struct world_process *process, int signal_number)
{
    if (process->life != LIFE_ALIVE)
        return; /* a zombie takes every signal */
    if (signal_number == SIGCONT)
        process->frozen = false;
    else if (signal_number != SIGKILL)
        process->woken = true;
    else if (!process->doomed)
        process->doomed = process->doomed_by_policy = true;
}

int process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int signal_number)
{
    int32_t pid = board_living_pid(cell, death);
    struct world_process *process;

    world_point();
    if (pid <= 0 || atomic_load(&cell->generation) != generation)
        return -ESRCH;
    process = world_find(pid);
    if (!process) {
        world_fail("slot %u: a signal to a number that nobody has", slot_of(cell));
        return -ESRCH;
    }
    if (signal_number == SIGKILL)
        check_kill(process);
    deliver(process, signal_number);
    return 0;
}

/* ---- in place of checker.c and of the master's part in it ---- */

pid_t checker_start(struct shared_pages *pages, const char *path, uint32_t number)
{
    struct check_cell *cell = &pages->orders.check;
    enum world_image kind = world_chance(500) ? IMAGE_GOOD : (enum world_image)world_random(IMAGE_KIND_COUNT);
    int place = atomic_load(&pages->orders.images[0].number) == atomic_load(&pages->orders.master_image);

    (void)path;
    world_trace("image %u: kind %d", number, (int)kind);
    world.images[number % WORLD_IMAGE_COUNT_MAX] = kind;
    cell->is_good = kind != IMAGE_NOT_CHECKED;
    if (cell->is_good)
        atomic_store(&pages->orders.images[place].number, number);
    atomic_store(&cell->number, number);
    return WORLD_PID_FIRST - 1; /* nobody has it */
}

static void say_image(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    bool failed = atomic_load(&orders->exec_failed_image) == r->state.upgrade.target;

    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_IMAGE,
                .generation = atomic_load(&orders->master_image),
                .why = failed ? "the master failed" : NULL,
            });
}

/* ---- its loop ---- */

static void begin(struct reactor *r)
{
    memset(r, 0, sizeof *r);
    r->setup = &world.setup;
    r->pages = world.pages;
    world.supervisor_began = true;
    world.past_count = 0;
    if (feed_load_memory(r)) {
        world_trace("a supervisor resumes");
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_RESUME});
        r->image_untold = true;
        return;
    }
    r->settings = world.setup.settings;
    supervisor_init(&r->state, world.options.worker_count, world.options.protect,
                    world.options.drain_timeout_ms, world_random(1000000));
    say_image(r);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_START});
}

/* The same event once more, a while later: it speaks of a generation that is past, or says nothing new. */
static void repeat_event(struct reactor *r)
{
    uint32_t known = world.past_count < WORLD_PAST_EVENT_COUNT ? world.past_count : WORLD_PAST_EVENT_COUNT;
    struct supervisor_event event;

    if (known == 0)
        return;
    event = world.past[world_random(known)];
    /* Which image a keeper runs is read off the board each time: that cannot be said again later. */
    if (event.kind == SUPERVISOR_KEEPER_READY &&
        r->state.slots[event.slot].keepers[event.letter].phase == KEEPER_EXECING)
        return;
    world.counts.duplicates++;
    feed(r, &event);
}

/* A hang is told of somebody who may well be healthy. */
static void claim_hang(struct reactor *r)
{
    uint32_t slot = world_random(r->state.slot_limit);
    uint32_t phase = r->state.slots[slot].phase;

    if (phase != SLOT_SERVING && phase != SLOT_LEAVING)
        return;
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_HANG,
                .slot = slot,
                .generation = r->state.slots[slot].generation,
                .hang = world_chance(500) ? KILL_HANG_BUSY : KILL_HANG_SILENT,
            });
}

/* What an operator asks for, by control socket or signal. */
static void ask(struct reactor *r)
{
    static const enum operation_kind kinds[] = {OPERATION_RELOAD, OPERATION_SCALE, OPERATION_RESTART,
                                                OPERATION_UPGRADE};
    enum operation_kind kind = kinds[world_random(4)];
    uint32_t goal = 0;

    if (!world_chance(world.faults.request) || r->state.stage != STAGE_RUNNING)
        return;
    if (kind == OPERATION_RELOAD)
        goal = r->state.settings_number + 1;
    else
        goal = (kind == OPERATION_SCALE) + world_random(5);
    world_trace("an operator asks for %s %u", operation_name(kind), goal);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_REQUEST,
                                       .operation = kind,
                                       .goal = goal,
                                       .drain_timeout_ms = r->state.drain_timeout_ms});
}

static void turn(struct reactor *r)
{
    if (!world.supervisor_began)
        begin(r);
    look_around(r);
    if (r->gives_way)
        longjmp(world.supervisor_end, 1);
    ask(r);
    if (world_chance(world.faults.duplicate))
        repeat_event(r);
    if (world_chance(world.faults.hang) && r->state.slot_limit > 0)
        claim_hang(r);
    if (world.now_ms < world.next_tick_ms)
        return;
    world.next_tick_ms = world.now_ms + REACTOR_TICK_MS;
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_TICK});
    if (r->image_untold) {
        r->image_untold = false;
        say_image(r);
    }
}

void world_run_supervisor(void)
{
    if (world.finished || world.now_ms < world.supervisor_sleeps_until_ms)
        return;
    if (!world.supervisor_lives && world.now_ms < world.supervisor_due_ms)
        return;
    world.supervisor_lives = true;
    if (setjmp(world.supervisor_end) == 0)
        turn(&world.reactor);
    else
        world_forget_supervisor();
}
