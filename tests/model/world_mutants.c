/* The policy, broken on purpose: each of these decisions must be noticed by some check. */
#include "tests/model/world.h"

static void drop(struct supervisor_actions *actions, enum supervisor_action_kind kind,
                 uint32_t generation_min)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < actions->count; i++)
        if (actions->items[i].kind != kind || actions->items[i].generation < generation_min)
            actions->items[kept++] = actions->items[i];
    actions->count = kept;
}

static void make_healthy_wait(const struct supervisor_event *event, struct supervisor *state,
                              struct supervisor_actions *actions)
{
    if (event->kind != SUPERVISOR_DEATH || !event->death.answered)
        return;
    state->slots[event->slot].not_before_ms = world_clock_ms() + 300;
    drop(actions, ACTION_SPAWN, 0);
}

static void make_at_end(const struct supervisor_event *event, struct supervisor *state,
                        struct supervisor_actions *actions)
{
    struct keeper_memory *twin = &state->slots[0].keepers[KEEPER_B];

    if (event->kind != SUPERVISOR_TICK || state->stage != STAGE_ENDING || twin->phase != KEEPER_NONE)
        return;
    twin->phase = KEEPER_STARTING;
    actions->items[actions->count++] = (struct supervisor_action){
        .kind = ACTION_TWIN,
        .generation = ++twin->generation,
        .letter = KEEPER_A,
        .keeper_generation = state->slots[0].keepers[KEEPER_A].generation,
    };
}

static void be_hasty(struct supervisor *state, struct supervisor_actions *actions)
{
    for (uint32_t i = 0; i < actions->count; i++) {
        struct supervisor_action *action = &actions->items[i];
        struct slot_memory *slot = &state->slots[action->slot];
        enum keeper_letter other = action->letter == KEEPER_A ? KEEPER_B : KEEPER_A;

        if (action->kind != ACTION_SPAWN || slot->keepers[other].phase != KEEPER_READY)
            continue;
        action->letter = other;
        action->keeper_generation = slot->keepers[other].generation;
        slot->spawner = other;
    }
}

void world_pervert(const struct supervisor_event *event, struct supervisor *state,
                   struct supervisor_actions *actions)
{
    switch ((int)world.mutant) {
    case MUTANT_HEALTHY_WAITS:
        make_healthy_wait(event, state, actions);
        break;
    case MUTANT_MAKES_AT_END:
        make_at_end(event, state, actions);
        break;
    case MUTANT_PATIENT_FOR_EVER:
        drop(actions, ACTION_KEEPER_KILL, 0);
        break;
    case MUTANT_HASTY:
        if (event->kind == SUPERVISOR_TICK)
            be_hasty(state, actions);
        break;
    case MUTANT_NO_TWIN:
        drop(actions, ACTION_TWIN, 2);
        break;
    }
}
