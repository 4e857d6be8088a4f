#include "master/slot_parts.h"
#include "master/upgrade.h"
#include "worker/check.h"

/* ---- small things ---- */

/* xorshift32: jitter needs no better. */
static uint32_t next_random(struct supervisor *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

/* Where all are ended on purpose, in whatever order they go, nothing of it is news. */
static void say(struct policy *p, enum supervisor_action_kind kind, uint32_t slot)
{
    if (p->state->stage < STAGE_ENDING)
        policy_add(p, kind, slot);
}

/* ---- orders ---- */

/* A worker of another image than the other keeper's has another table, too: it waits until that one is gone.
 */
static void emit_by_keeper(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->keepers[memory->spawner].phase != KEEPER_READY)
        memory->spawner = other_of((enum keeper_letter)memory->spawner);
    const struct keeper_memory *spawner = &memory->keepers[memory->spawner];
    if (spawner->phase != KEEPER_READY)
        return;
    memory->image = spawner->image;
    memory->gated |= slot_has_stranger(memory); /* it may have been made by an earlier order, and wait */
    struct supervisor_action *action = policy_add(p, ACTION_SPAWN, slot);
    action->generation = memory->generation;
    action->letter = (enum keeper_letter)memory->spawner;
    action->keeper_generation = spawner->generation;
}

void slot_emit_spawn(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (p->now_ms < memory->not_before_ms)
        return;
    if (p->state->protect) {
        emit_by_keeper(p, slot);
        return;
    }
    struct supervisor_action *action = policy_add(p, ACTION_SPAWN, slot);
    action->generation = memory->generation;
    action->image = memory->image;
}

/* Addressed once, an order stays where it is as long as that keeper lives. */
static enum keeper_letter choose_spawner(const struct policy *p, const struct slot_memory *memory)
{
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
        if (memory->keepers[letter].phase == KEEPER_READY &&
            memory->keepers[letter].image == p->state->upgrade.target)
            return letter;
    return (enum keeper_letter)memory->spawner;
}

void slot_spawn_now(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = SLOT_STARTING;
    memory->generation++;
    memory->made = 0;
    memory->proven = 0;
    memory->gated = 0;
    memory->image = p->state->upgrade.target; /* with keepers, that of the one who makes it */
    memory->spawner = choose_spawner(p, memory);
    memory->settings_number = p->state->settings_number;
    if (memory->since_ms < p->now_ms)
        memory->since_ms = p->now_ms;
    slot_emit_spawn(p, slot);
}

void slot_spawn(struct policy *p, uint32_t slot, enum recover_how how, int32_t suspect, int64_t delay_ms)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->kill_reason = KILL_NONE;
    memory->handing = 0;
    memory->renew = 0;
    memory->recover_how = how;
    memory->suspect = suspect;
    memory->since_ms = memory->not_before_ms = p->now_ms + delay_ms;
    if (!swap_is_due(p, memory)) {
        memory->swap = 0;
        slot_spawn_now(p, slot);
        return;
    }
    memory->phase = SLOT_SWAPPING;
    memory->since_ms = p->now_ms;
    swap_go_on(p, slot);
}

void slot_emit_kill(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct supervisor_action *action = policy_add(p, ACTION_KILL, slot);
    action->generation = memory->generation;
    action->reason = (enum kill_reason)memory->kill_reason;
}

void slot_kill(struct policy *p, uint32_t slot, enum kill_reason reason)
{
    memory_of(p, slot)->kill_reason = reason;
    slot_emit_kill(p, slot);
}

void slot_made(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->made)
        return;
    memory->made = 1;
    memory->since_ms = p->now_ms;
    gate_go_on(p, slot);
}

/* ---- a worker's death ---- */

static void rest(struct policy *p, uint32_t slot, int64_t rest_ms)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = SLOT_RESTING;
    memory->handing = 0;
    memory->deadline_ms = p->now_ms + rest_ms;
    policy_add(p, ACTION_RESTS, slot)->rest_ms = rest_ms;
    keepers_leave(p, slot); /* with them the table goes, and with it the connections that may be the cause */
}

void slot_table_lost(struct policy *p, uint32_t slot)
{
    say(p, ACTION_TABLE_LOST, slot);
    if (p->state->stage == STAGE_RUNNING && !memory_of(p, slot)->out)
        slot_begin(p, slot);
    else
        slot_vacate(p, slot);
}

/* It goes on for those it serves, and a slot that can keep its promise is made beside it. */
void slot_unprotected(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = SLOT_LEAVING;
    memory->out = memory->handing = memory->renew = memory->swap = 0;
    say(p, ACTION_UNPROTECTED, slot);
    gate_go_on(p, slot);
    if (p->state->stage != STAGE_RUNNING)
        return; /* it is leaving already */
    policy_add(p, ACTION_LEAVE, slot);
}

/* A reset that was ordered and not carried out, since the successor was killed before it could, is still due.
 */
static enum recover_how how_to_recover(const struct slot_memory *memory, struct restart_decision *decision)
{
    bool undone = memory->phase == SLOT_STARTING && memory->recover_how != RECOVER_ALL;
    if (undone && decision->verdict == RESTART_GO_ON && !decision->reset_suspect) {
        decision->suspect = memory->suspect;
        return (enum recover_how)memory->recover_how;
    }
    if (decision->verdict == RESTART_RESET_ALL)
        return RECOVER_RESET_ALL;
    return decision->reset_suspect ? RECOVER_RESET_SUSPECT : RECOVER_ALL;
}

static void respawn(struct policy *p, uint32_t slot, struct restart_decision *decision)
{
    enum recover_how how = how_to_recover(memory_of(p, slot), decision);
    slot_spawn(p, slot, how, decision->suspect, decision->delay_ms);
}

static void replace(struct policy *p, const struct supervisor_event *event, bool image_is_bad)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    struct death_facts facts = event->death;
    if (image_is_bad)
        facts.kind = DEATH_ORDER;
    struct restart_decision decision = restart_on_death(&memory->restart, &facts, next_random(p->state));
    bool wanted = p->state->stage == STAGE_RUNNING && !memory->out;
    CHECK(!p->state->protect || !keepers_gone(memory)); /* it would be leaving, and nobody takes its place */
    if (decision.verdict == RESTART_REST && wanted)
        rest(p, event->slot, decision.rest_ms);
    else if (decision.verdict == RESTART_REST)
        slot_vacate(p, event->slot);
    else
        respawn(p, event->slot, &decision);
}

/* Does anybody still need a next generation? (One that was told to make room left its clients to it.) */
static bool is_replaced(const struct policy *p, const struct slot_memory *memory, bool left)
{
    bool clients_stay =
        p->state->protect && memory->kill_reason != KILL_OVERDUE && (!left || memory->handing);
    switch ((enum stage)p->state->stage) {
    case STAGE_RUNNING:
        return !memory->out || clients_stay;
    case STAGE_DRAINING: /* clients have until the deadline, whoever serves them */
        return clients_stay;
    case STAGE_ENDING:
    case STAGE_FINISHED:
        break;
    }
    return false;
}

/* The first thing that a new image does is to die: it is no good. (SIGKILL says nothing about it.) True: so
 * it is, and neither the service nor a connection is to blame. */
static bool judge_image(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    bool crashed = event->death.kind == DEATH_CRASH || event->death.kind == DEATH_HANG;
    if (!crashed || event->death.answered || memory->proven || memory->image == p->state->upgrade.image)
        return false;
    upgrade_call_off(p, "its first worker died before it had answered anything");
    memory->swap = memory->image != p->state->upgrade.target;
    return memory->swap && memory->swap_tries < SWAP_TRIES_MAX; /* else there is no other one to go back to */
}

void slot_worker_died(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    bool left = event->death.kind == DEATH_LEFT;
    bool image_is_bad = judge_image(p, event);
    memory->fresh = 0;
    if (!left && memory->kill_reason != KILL_STOP)
        memory->death_count++;
    if (memory->phase == SLOT_LEAVING) {
        if (!left)
            say(p, ACTION_TABLE_LOST, event->slot);
        slot_vacate(p, event->slot);
    } else if (is_replaced(p, memory, left)) {
        replace(p, event, image_is_bad);
    } else {
        slot_vacate(p, event->slot);
    }
}

/* The clone that the supervisor itself makes: a worker without keepers, or a slot's first keeper. Nobody was
 * made; the next tick orders the same generation again. */
void slot_spawn_failed(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    bool of_worker = memory->phase == SLOT_STARTING && !memory->made && !p->state->protect;
    if (memory->phase == SLOT_KEEPING)
        slot_first_keeper_failed(p, slot);
    else if (of_worker && (p->state->stage != STAGE_RUNNING || memory->out))
        slot_vacate(p, slot);
}
