#include "master/slot_parts.h"
#include "master/upgrade.h"

static struct keeper_memory *keeper_of(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    return &memory_of(p, slot)->keepers[letter];
}

static bool any_in(const struct slot_memory *memory, enum keeper_phase phase)
{
    return memory->keepers[KEEPER_A].phase == phase || memory->keepers[KEEPER_B].phase == phase;
}

static bool ready_with(const struct slot_memory *memory, uint32_t image)
{
    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        if (memory->keepers[letter].phase == KEEPER_READY && memory->keepers[letter].image == image)
            return true;
    return false;
}

/* ---- the swap ---- */

bool swap_is_due(const struct policy *p, const struct slot_memory *memory)
{
    return memory->swap && p->state->stage == STAGE_RUNNING && p->state->protect &&
           any_in(memory, KEEPER_READY) && !ready_with(memory, p->state->upgrade.target);
}

void swap_go_on(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    bool patient = !waited(p, memory->since_ms, SWAP_TRIES_MAX * EXEC_MS_MAX);
    if (any_in(memory, KEEPER_EXECING))
        return;
    if (ready_with(memory, p->state->upgrade.target) || !patient || memory->swap_tries >= SWAP_TRIES_MAX)
        slot_swap_abort(p, slot); /* by whoever can */
    else if (keepers_ready(memory))
        keeper_exec(p, slot, KEEPER_A);
    else
        keepers_want_twin(p, slot);
}

void slot_swap_abort(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->phase != SLOT_SWAPPING)
        return;
    memory->swap = 0;
    slot_spawn_now(p, slot);
}

void swap_keeper_died(struct policy *p, uint32_t slot, const char *why)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->swap_tries++;
    if (why || memory->swap_tries >= SWAP_TRIES_MAX)
        upgrade_call_off(p, why ? why : "keepers were killed again and again on their way to the new image");
}

void slot_exec_failed(struct policy *p, const struct supervisor_event *event)
{
    struct keeper_memory *keeper = keeper_of(p, event->slot, event->letter);
    if (keeper->phase != KEEPER_EXECING)
        return;
    keeper->phase = KEEPER_READY;
    memory_of(p, event->slot)->swap_tries++;
    upgrade_call_off(p, event->why ? event->why : "the new image cannot be executed");
    if (memory_of(p, event->slot)->phase == SLOT_SWAPPING)
        swap_go_on(p, event->slot);
}

/* ---- the gate ---- */

/* Holds a copy of the table: runs another image than the worker, or is about to. */
static bool is_stranger(const struct slot_memory *memory, const struct keeper_memory *keeper)
{
    return keeper->phase != KEEPER_NONE &&
           (keeper->phase == KEEPER_EXECING ||
            (keeper->phase != KEEPER_STARTING && keeper->image != memory->image));
}

bool slot_has_stranger(const struct slot_memory *memory)
{
    return is_stranger(memory, &memory->keepers[KEEPER_A]) || is_stranger(memory, &memory->keepers[KEEPER_B]);
}

void gate_go_on(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!memory->gated || !memory->made)
        return;
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        struct keeper_memory *keeper = keeper_of(p, slot, letter);
        if (is_stranger(memory, keeper) && keeper->phase == KEEPER_READY)
            keeper_leave(p, slot, letter);
        else if (keeper->phase == KEEPER_EXECING)
            keeper_kill(p, slot, letter);
    }
    if (!slot_has_stranger(memory))
        policy_add(p, ACTION_GO, slot)->generation = memory->generation;
}
