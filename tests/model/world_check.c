/*
 * What must never happen in the world, whatever lies it tells. Everything is judged by the processes that
 * really live and by the memory that is really stored, never by what the policy believes at the moment.
 */
#include "tests/model/world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* The first finding counts; what follows it is its consequence. */
void world_fail(const char *format, ...)
{
    va_list arguments;

    if (world.failure[0])
        return;
    world.failure_kind = format;
    va_start(arguments, format);
    vsnprintf(world.failure, sizeof world.failure, format, arguments);
    va_end(arguments);
    world_trace("WRONG: %s", world.failure);
}

const struct supervisor *world_stored(void)
{
    const struct orders *orders = &world.pages->orders;
    uint32_t current = atomic_load(&orders->memory_current);

    return current ? (const struct supervisor *)(const void *)orders->memory[current - 1] : NULL;
}

static enum keeper_letter other_of(enum keeper_letter letter)
{
    return letter == KEEPER_A ? KEEPER_B : KEEPER_A;
}

static struct world_process *living_keeper(uint32_t slot, enum keeper_letter letter)
{
    for (uint32_t i = 0; i < world.process_count; i++) {
        struct world_process *p = &world.processes[i];

        if (p->life == LIFE_ALIVE && !p->is_worker && p->slot == slot && p->letter == letter)
            return p;
    }
    return NULL;
}

static struct world_process *living_worker(uint32_t slot)
{
    for (uint32_t i = 0; i < world.process_count; i++) {
        struct world_process *p = &world.processes[i];

        if (p->life == LIFE_ALIVE && p->is_worker && p->slot == slot)
            return p;
    }
    return NULL;
}

/* ---- births ---- */

void check_birth(const struct world_process *born)
{
    struct world_slot *slot = &world.slots[born->slot];
    struct board *board = shared_board(world.pages, born->slot);
    uint32_t *last = born->is_worker ? &slot->worker_made : &slot->keeper_made[born->letter];
    struct death_cell *death = born->is_worker ? &board->worker_death : &board->keeper_deaths[born->letter];
    const struct world_process *living =
        born->is_worker ? living_worker(born->slot) : living_keeper(born->slot, born->letter);

    if (living)
        world_fail("slot %u: generation %u beside living generation %u", born->slot, born->generation,
                   living->generation);
    if (born->generation <= *last)
        world_fail("slot %u: generation %u is made twice", born->slot, born->generation);
    if (atomic_load(&death->generation) != *last)
        world_fail("slot %u: generation %u before the death of %u is told", born->slot, born->generation,
                   *last);
    *last = born->generation;
}

/* No cell has two writers: nobody else may be between noting and cloning. */
void check_note(const struct world_process *keeper)
{
    const struct world_process *other = living_keeper(keeper->slot, other_of(keeper->letter));

    if (keeper->step != STEP_KEEPER_NOTE_SPAWN || !other)
        return;
    if (other->step == STEP_KEEPER_NOTE_SPAWN || other->step == STEP_KEEPER_CLONE_SPAWN)
        world_fail("slot %u: both keepers write the worker's birth cell", keeper->slot);
}

/* ---- deaths ---- */

static bool may_lose(const struct supervisor *memory, const struct world_process *dead)
{
    const struct slot_memory *slot = &memory->slots[dead->slot];
    bool many_crashes = world.slots[dead->slot].crash_count >= RESTART_REST_COUNT;

    if (memory->stage >= STAGE_ENDING || !memory->protect)
        return true;
    if (slot->phase == SLOT_RESTING)
        return many_crashes;
    if (memory->stage == STAGE_DRAINING && slot->phase == SLOT_ENDED)
        return many_crashes || world.clock_most_ms >= memory->drain_deadline_ms;
    /* It never came back as the new image, and its twin had died meanwhile. */
    if (dead->step == STEP_KEEPER_MUTE && (slot->phase == SLOT_SWAPPING || slot->phase == SLOT_STARTING))
        return true;
    /* Sent away since a keeper of another image and its worker had the connections; then both of them died.
     */
    if (!dead->is_worker && slot->keepers[dead->letter].phase == KEEPER_LEAVING &&
        slot->keepers[other_of(dead->letter)].phase == KEEPER_NONE)
        return true;
    /* Three deaths at once, of which the last was not our doing, or which we could not know of. */
    return !dead->doomed_by_policy || slot->phase == SLOT_LEAVING ||
           slot->keepers[KEEPER_A].phase == KEEPER_READY || slot->keepers[KEEPER_B].phase == KEEPER_READY;
}

void check_death(const struct world_process *dead)
{
    const struct supervisor *memory = world_stored();
    struct world_slot *slot = &world.slots[dead->slot];

    if (!memory || world_count_living(dead->slot) > 0 || !slot->table.has_clients)
        return;
    if (!may_lose(memory, dead))
        world_fail("slot %u: its connections are lost without need, in phase %s", dead->slot,
                   slot_phase_name((enum slot_phase)memory->slots[dead->slot].phase));
}

/* What it closes would stay open in the other table, and its client would never be told. */
void check_serves(const struct world_process *worker)
{
    for (uint32_t i = 0; i < world.process_count; i++) {
        const struct world_process *p = &world.processes[i];

        if (p->life == LIFE_ALIVE && p->slot == worker->slot && p->table != worker->table)
            world_fail("slot %u: worker %u serves while another table holds its connections", worker->slot,
                       worker->generation);
    }
}

void check_kill(const struct world_process *victim)
{
    const struct supervisor *memory = world_stored();
    const struct slot_memory *slot = memory ? &memory->slots[victim->slot] : NULL;
    const struct world_process *worker = living_worker(victim->slot);
    bool is_stranger = worker && worker->table != victim->table; /* in the worker's way */
    bool was_sent_away = slot && !victim->is_worker && slot->keepers[victim->letter].phase == KEEPER_LEAVING;
    bool is_mute = victim->step == STEP_KEEPER_MUTE;
    bool needed = slot && !is_stranger && !was_sent_away && !is_mute &&
                  (slot->phase == SLOT_STARTING || slot->phase == SLOT_SERVING);

    if (!slot)
        world_fail("slot %u: a kill before anything was stored", victim->slot);
    else if (victim->is_worker && (slot->generation != victim->generation || slot->kill_reason == KILL_NONE))
        world_fail("slot %u: worker %u is killed without a stored reason", victim->slot, victim->generation);
    else if (!victim->is_worker && !slot->keepers[victim->letter].killed)
        world_fail("slot %u: a keeper is killed before it is stored", victim->slot);
    else if (!victim->is_worker && needed && memory->stage < STAGE_ENDING &&
             slot->keepers[other_of(victim->letter)].phase != KEEPER_READY)
        world_fail("slot %u: the only keeper is killed", victim->slot);
}

/* ---- orders ---- */

static bool dead_and_told(uint32_t slot, uint64_t order)
{
    enum keeper_letter letter = (enum keeper_letter)(order >> 63);
    uint32_t generation = (uint32_t)(order >> 32) & 0x7fffffff;
    const struct world_process *keeper = living_keeper(slot, letter);
    struct death_cell *death = &shared_board(world.pages, slot)->keeper_deaths[letter];

    return (!keeper || keeper->generation != generation) && atomic_load(&death->generation) >= generation;
}

static void check_order(uint32_t slot, uint64_t *seen, shared_u64 *order, const char *name)
{
    uint64_t now = atomic_load(order);
    bool same_work = (uint32_t)now == (uint32_t)*seen;

    if (now == *seen)
        return;
    if (same_work && !dead_and_told(slot, *seen))
        world_fail("slot %u: the order for %s %u has a new address while the old one lives", slot, name,
                   (uint32_t)now);
    world.counts.spawns_readdressed += same_work;
    *seen = now;
}

void check_orders(void)
{
    for (uint32_t slot = 0; slot < world.reactor.state.slot_limit; slot++) {
        struct board *board = shared_board(world.pages, slot);

        check_order(slot, &world.slots[slot].order_spawn, &board->order_spawn, "worker");
        check_order(slot, &world.slots[slot].order_twin, &board->order_twin, "twin");
    }
}

/* ---- decisions ---- */

static void check_action(const struct supervisor_event *event, const struct supervisor_action *action)
{
    const struct slot_memory *slot = &world.reactor.state.slots[action->slot];
    struct world_slot *truth = &world.slots[action->slot];

    if (action->kind == ACTION_TABLE_LOST) {
        world.counts.tables_lost++;
        if (world_count_living(action->slot) > 0)
            world_fail("slot %u: its table is said to be lost, but somebody holds it", action->slot);
    } else if (action->kind == ACTION_UNPROTECTED) {
        world.counts.unprotected++;
        if (living_keeper(action->slot, KEEPER_A) || living_keeper(action->slot, KEEPER_B))
            world_fail("slot %u: said to be unprotected, but a keeper lives", action->slot);
    } else if (action->kind == ACTION_RESTS) {
        world.counts.rests++;
        if (truth->crash_count < RESTART_REST_COUNT)
            world_fail("slot %u: rests after %u crashes", action->slot, truth->crash_count);
    } else if (action->kind == ACTION_KILL && event->kind == SUPERVISOR_HANG) {
        world.counts.hang_kills++;
        truth->crash_count += slot->kill_reason == KILL_HANG_BUSY;
    } else if (action->kind == ACTION_KILL && slot->kill_reason == KILL_STUCK) {
        truth->crash_count += truth->stuck_generation != slot->generation; /* it climbs the ladder as well */
        truth->stuck_generation = slot->generation;
    } else if (action->kind == ACTION_KILL && slot->kill_reason == KILL_OVERDUE) {
        world.counts.overdue_kills++;
    } else if (action->kind == ACTION_LEAVE && slot->out) {
        world.counts.went_out++;
    } else if (action->kind == ACTION_SERVE) {
        world.counts.taken_back += event->kind == SUPERVISOR_REQUEST;
    } else if (action->kind == ACTION_KEEPER_KILL) {
        world.counts.keeper_kills++;
    } else if (action->kind == ACTION_FINISH) {
        world.counts.finished++;
        world.counts.gave_up += world.reactor.state.exit_code == EXIT_ALL_SLOTS_REST;
        for (uint32_t i = 0; i < world.process_count; i++)
            if (world.processes[i].life == LIFE_ALIVE)
                world_fail("slot %u: it is all over, but somebody lives", world.processes[i].slot);
    }
}

/* Connections are reset for crashes and hangs, never for kills from elsewhere, however they are timed. */
static void check_blame(uint32_t number)
{
    const struct slot_memory *slot = &world.reactor.state.slots[number];
    const struct world_slot *truth = &world.slots[number];

    if (slot->recover_how != RECOVER_ALL && truth->crash_count == 0)
        world_fail("slot %u: connections are reset though all deaths were kills from elsewhere", number);
}

void check_decision(const struct supervisor_event *event, const struct supervisor_actions *actions)
{
    const struct slot_memory *slot = &world.reactor.state.slots[event->slot];

    if (event->kind != SUPERVISOR_TICK)
        world_trace("    event %d slot %u generation %u letter %d: phase %s, %u actions", (int)event->kind,
                    event->slot, event->generation, (int)event->letter,
                    slot_phase_name((enum slot_phase)slot->phase), actions->count);
    for (uint32_t i = 0; i < actions->count; i++) {
        const struct supervisor_action *action = &actions->items[i];

        world_trace("        action %d slot %u generation %u letter %d", (int)action->kind, action->slot,
                    action->generation, (int)action->letter);
        check_action(event, action);
    }
    if (event->kind == SUPERVISOR_DEATH)
        check_blame(event->slot);
}

/* ---- all is well ---- */

static bool serves(uint32_t number)
{
    const struct slot_memory *slot = &world.reactor.state.slots[number];
    const struct world_process *worker = living_worker(number);

    if (slot->phase != SLOT_SERVING || !worker || !worker->served || worker->generation != slot->generation ||
        slot->out || slot->settings_number != world.reactor.state.settings_number)
        return false;
    /* One whose keepers were killed on their way to another image again and again stays what it is. */
    if (worker->image != world.reactor.state.upgrade.image && slot->swap_tries < SWAP_TRIES_MAX)
        return false;
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT && world.options.protect; letter++) {
        const struct world_process *keeper = living_keeper(number, letter);

        if (slot->keepers[letter].phase != KEEPER_READY || !keeper ||
            keeper->generation != slot->keepers[letter].generation || keeper->table != worker->table)
            return false;
    }
    return true;
}

/* A slot on its way out may keep a client for as long as that wants. */
static bool is_going_out(uint32_t number)
{
    const struct world_process *worker = living_worker(number);

    const struct slot_memory *slot = &world.reactor.state.slots[number];
    return (slot->phase == SLOT_LEAVING || slot->out) && worker && worker->refuses;
}

bool world_is_well(void)
{
    const struct supervisor *state = &world.reactor.state;
    uint32_t serving = 0;

    if (world.finished)
        return true;
    if (state->upgrade.stage != UPGRADE_NONE)
        return false;
    if (!world.supervisor_lives || state->stage != STAGE_RUNNING || !world.serving_told)
        return false;
    for (uint32_t slot = 0; slot < state->slot_limit; slot++) {
        if (serves(slot))
            serving++;
        else if (world_count_living(slot) > 0 && !is_going_out(slot))
            return false;
    }
    return serving == state->wanted_count;
}
