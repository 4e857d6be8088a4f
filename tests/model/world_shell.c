/*
 * What the real look.c and act.c call, in place of the server's own: they find processes of the world where
 * they look for real ones.
 */
#include "tests/model/world.h"

#include "master/checker.h"
#include "worker/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* ---- in place of feed.c ---- */

void feed_decide(struct reactor *r, const struct supervisor_event *event)
{
    world.counts.steps++;
    supervisor_step(&r->state, event, world_clock_ms(), &r->actions);
    if (world.mutant > MUTANT_NO_GATE)
        world_pervert(event, &r->state, &r->actions);
    check_decision(event, &r->actions);
    check_pace(event, &r->actions);
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
    bool forgets = world.mutant == MUTANT_SUPERVISOR_FORGETS;

    if (!forgets)
        world_store_memory(r);
    for (uint32_t i = 0; i < r->actions.count; i++)
        carry_out(r, &r->actions.items[i]);
    if (forgets)
        world_store_memory(r);
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

/* ---- in place of check.c: a CHECK that fails is a finding ---- */

_Noreturn void __wrap_check_failed(const char *file, int line, const char *expression);

_Noreturn void __wrap_check_failed(const char *file, int line, const char *expression)
{
    world_fail("CHECK(%s) at %s:%d", expression, file, line);
    longjmp(world.supervisor_end, 1);
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

    return (uint32_t)(((const char *)cell - first) / (ptrdiff_t)sizeof(struct board));
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
    if (world_clone_fails())
        return -EAGAIN;
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

/* Nobody lies on the boards of this world. */
bool process_is_kin(pid_t pid)
{
    (void)pid;
    return true;
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
    uint32_t value;
    bool is_bad = disturbed(DISTURBANCE_bad_image, &value);
    enum world_image kind = is_bad ? (enum world_image)(1 + value % (IMAGE_KIND_COUNT - 1)) : IMAGE_GOOD;
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
