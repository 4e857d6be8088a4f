#include "master/slot_parts.h"
#include "worker/check.h"
#include <stddef.h>

bool keepers_gone(const struct slot_memory *memory)
{
    return memory->keepers[KEEPER_A].phase == KEEPER_NONE && memory->keepers[KEEPER_B].phase == KEEPER_NONE;
}

bool keepers_ready(const struct slot_memory *memory)
{
    return memory->keepers[KEEPER_A].phase == KEEPER_READY && memory->keepers[KEEPER_B].phase == KEEPER_READY;
}

static void set_keeper(struct policy *p, struct keeper_memory *keeper, enum keeper_phase phase)
{
    keeper->phase = phase;
    keeper->since_ms = p->now_ms;
    keeper->killed = 0;
}

/* ---- orders ---- */

static void emit_keeper(struct policy *p, uint32_t slot)
{
    policy_add(p, ACTION_KEEPER, slot)->generation = memory_of(p, slot)->keepers[KEEPER_A].generation;
}

static void emit_twin(struct policy *p, uint32_t slot, enum keeper_letter twin)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct supervisor_action *action = policy_add(p, ACTION_TWIN, slot);
    action->generation = memory->keepers[twin].generation;
    action->letter = other_of(twin);
    action->keeper_generation = memory->keepers[other_of(twin)].generation;
}

static void emit_keeper_action(struct policy *p, uint32_t slot, enum keeper_letter letter,
                               enum supervisor_action_kind kind)
{
    struct supervisor_action *action = policy_add(p, kind, slot);
    action->letter = letter;
    action->generation = memory_of(p, slot)->keepers[letter].generation;
}

void keeper_kill(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    memory_of(p, slot)->keepers[letter].killed = 1;
    emit_keeper_action(p, slot, letter, ACTION_KEEPER_KILL);
}

void keeper_leave(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    struct keeper_memory *keeper = &memory_of(p, slot)->keepers[letter];
    if (keeper->phase == KEEPER_EXECING)
        keeper->image = keeper->asked; /* for all we know it has a table of its own */
    set_keeper(p, keeper, KEEPER_LEAVING);
    emit_keeper_action(p, slot, letter, ACTION_KEEPER_LEAVE);
}

static void emit_exec(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    const struct keeper_memory *keeper = &memory_of(p, slot)->keepers[letter];
    struct supervisor_action *action = policy_add(p, ACTION_EXEC, slot);
    action->letter = letter;
    action->keeper_generation = keeper->generation;
    action->generation = keeper->asked;
}

void keeper_exec(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    struct keeper_memory *keeper = &memory_of(p, slot)->keepers[letter];
    set_keeper(p, keeper, KEEPER_EXECING);
    keeper->asked = p->state->upgrade.target;
    emit_exec(p, slot, letter);
}

void keepers_want_twin(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->phase != SLOT_STARTING && memory->phase != SLOT_SERVING && memory->phase != SLOT_SWAPPING)
        return;
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        struct keeper_memory *twin = &memory->keepers[letter];
        if (twin->phase != KEEPER_NONE || memory->keepers[other_of(letter)].phase != KEEPER_READY)
            continue;
        twin->generation++;
        twin->image = memory->keepers[other_of(letter)].image;
        set_keeper(p, twin, KEEPER_STARTING);
        emit_twin(p, slot, letter);
    }
}

/* ---- begin and end ---- */

void keepers_begin(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    CHECK(keepers_gone(memory));
    memory->keepers[KEEPER_A].generation++;
    memory->keepers[KEEPER_A].image = p->state->upgrade.image;
    set_keeper(p, &memory->keepers[KEEPER_A], KEEPER_STARTING);
    emit_keeper(p, slot);
}

void keepers_leave(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        if (memory->keepers[letter].phase != KEEPER_NONE)
            keeper_leave(p, slot, letter); /* also as another image it looks at that first */
    }
}

/* ---- events ---- */

/* The first keeper of a slot: is a worker still wanted there? */
static void first_ready(struct policy *p, uint32_t slot)
{
    if (p->state->stage != STAGE_RUNNING || memory_of(p, slot)->out)
        slot_vacate(p, slot);
    else
        slot_spawn(p, slot, RECOVER_ALL, 0, 0);
}

void slot_keeper_ready(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    struct keeper_memory *keeper = &memory->keepers[event->letter];
    if (keeper->phase != KEEPER_STARTING && keeper->phase != KEEPER_EXECING)
        return;
    if (keeper->phase == KEEPER_EXECING && keeper->asked != event->image)
        return;
    keeper->image = event->image;
    set_keeper(p, keeper, KEEPER_READY);
    if (memory->phase == SLOT_KEEPING)
        first_ready(p, event->slot);
    else if (memory->phase == SLOT_SWAPPING)
        swap_go_on(p, event->slot);
    else if (memory->phase == SLOT_STARTING && !memory->made)
        slot_emit_spawn(p, event->slot);
    keepers_want_twin(p, event->slot);
}

static void first_died(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (p->state->stage != STAGE_RUNNING || memory->out) {
        slot_vacate(p, slot);
        return;
    }
    memory->phase = SLOT_RETRYING;
    memory->deadline_ms = p->now_ms + SPAWN_RETRY_MS;
}

/* NULL: it was killed from elsewhere, which says nothing about the image. */
static const char *why_exec_failed(const struct keeper_memory *keeper, const struct supervisor_event *event)
{
    if (keeper->killed)
        return "the new image did not say that it is ready";
    return event->plain_kill ? NULL : "the new image died at its start";
}

/* None is left but perhaps the worker. */
static void last_died(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->made && memory->phase != SLOT_SWAPPING)
        slot_unprotected(p, slot);
    else
        slot_table_lost(p, slot);
}

void slot_keeper_died(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    struct keeper_memory *keeper = &memory->keepers[event->letter];
    struct keeper_memory *twin = &memory->keepers[other_of(event->letter)];
    bool was_execing = keeper->phase == KEEPER_EXECING;
    const char *why = why_exec_failed(keeper, event);
    memory->made |= event->worker_made;
    set_keeper(p, keeper, KEEPER_NONE);
    if (!event->twin_made)
        set_keeper(p, twin, KEEPER_NONE); /* the dead one was to make it */
    if (memory->phase == SLOT_KEEPING) {
        first_died(p, event->slot);
        return;
    }
    if (memory->phase != SLOT_STARTING && memory->phase != SLOT_SERVING && memory->phase != SLOT_SWAPPING)
        return;
    if (was_execing && memory->phase == SLOT_SWAPPING)
        swap_keeper_died(p, event->slot, why);
    if (keepers_gone(memory))
        last_died(p, event->slot);
    else if (memory->phase == SLOT_SWAPPING)
        swap_go_on(p, event->slot);
    else if (memory->phase == SLOT_STARTING && !memory->made)
        slot_emit_spawn(p, event->slot);
    else
        gate_go_on(p, event->slot);
    keepers_want_twin(p, event->slot);
}

void slot_first_keeper_failed(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct keeper_memory *first = &memory->keepers[KEEPER_A];
    bool wanted = p->state->stage == STAGE_RUNNING && !memory->out;
    CHECK(first->phase == KEEPER_STARTING); /* SLOT_KEEPING is to wait for it */
    set_keeper(p, first, wanted ? KEEPER_STARTING : KEEPER_NONE);
    if (!wanted)
        slot_vacate(p, slot);
}

/* ---- time ---- */

/* An order that was not obeyed is given again; a signal may have been lost, or the keeper may have been
 * stopped. */
static void remind(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    struct slot_memory *memory = memory_of(p, slot);
    switch ((enum keeper_phase)memory->keepers[letter].phase) {
    case KEEPER_STARTING:
        if (memory->phase == SLOT_KEEPING)
            emit_keeper(p, slot);
        else if (memory->keepers[other_of(letter)].phase == KEEPER_READY)
            emit_twin(p, slot, letter);
        break; /* or it was made by one that is dead now */
    case KEEPER_EXECING:
        emit_exec(p, slot, letter);
        break;
    case KEEPER_LEAVING:
        emit_keeper_action(p, slot, letter, ACTION_KEEPER_LEAVE);
        break;
    case KEEPER_NONE:
    case KEEPER_READY:
        break;
    }
}

void keepers_remind(struct policy *p, uint32_t slot)
{
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
        remind(p, slot, letter);
}

static bool is_overdue(const struct policy *p, const struct keeper_memory *keeper, bool twin_can)
{
    bool execs = keeper->phase == KEEPER_EXECING;
    if (!execs && keeper->phase == KEEPER_STARTING && !twin_can)
        return false; /* slow as it may be, it is the only one */
    int64_t limit_ms = execs ? EXEC_MS_MAX : KEEPER_OBEY_MS_MAX;
    return waited(p, keeper->since_ms, execs && !twin_can ? EXEC_ALONE_MS_MAX : limit_ms);
}

/* Not from what a supervisor remembers alone: the other one may have died since. */
void keepers_lose_patience(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        const struct keeper_memory *keeper = &memory->keepers[letter];
        bool twin_can = memory->keepers[other_of(letter)].phase == KEEPER_READY;
        bool first = memory->phase == SLOT_KEEPING; /* nothing is lost with it */
        if (keeper->phase != KEEPER_NONE && keeper->phase != KEEPER_READY &&
            is_overdue(p, keeper, twin_can || first))
            keeper_kill(p, slot, letter);
    }
}
