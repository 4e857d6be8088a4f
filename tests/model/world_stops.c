/*
 * Of what stops and of what must go on: nothing is made any more when all is to end, whoever was told to go
 * is gone by a deadline, and nobody waits for a death that was nobody's fault.
 */
#include "tests/model/world.h"

#include <string.h>

/* Beyond the policy's own deadlines: a few ticks, a kill on its way, an order that was given twice. */
#define STOPS_SLACK_MS 3000

/* ---- decisions ---- */

static bool makes(const struct supervisor_action *action)
{
    return action->kind == ACTION_SPAWN || action->kind == ACTION_KEEPER || action->kind == ACTION_TWIN;
}

/* Was that generation ordered for the first time just now? */
static bool is_new(const struct supervisor *before, const struct supervisor_action *action)
{
    const struct slot_memory *slot = &before->slots[action->slot];

    switch ((int)action->kind) {
    case ACTION_SPAWN:
        return action->generation > slot->generation;
    case ACTION_KEEPER:
        return action->generation > slot->keepers[KEEPER_A].generation;
    default:
        return action->generation >
               slot->keepers[action->letter == KEEPER_A ? KEEPER_B : KEEPER_A].generation;
    }
}

static void check_makes(const struct supervisor *before, const struct supervisor_action *action)
{
    uint32_t stage = world.reactor.state.stage;

    if (!makes(action) || !is_new(before, action))
        return;
    if (stage >= STAGE_ENDING)
        world_fail("slot %u: generation %u is ordered though all is to end", action->slot,
                   action->generation);
    else if (stage == STAGE_DRAINING && action->kind == ACTION_KEEPER)
        world_fail("slot %u: is begun though all is to stop", action->slot);
}

/* It had answered: it was healthy, whatever ended it. */
static void check_no_delay(const struct supervisor *before, const struct supervisor_event *event,
                           const struct supervisor_actions *actions)
{
    const struct slot_memory *slot = &world.reactor.state.slots[event->slot];

    if (event->kind != SUPERVISOR_DEATH || !event->death.answered)
        return;
    if (slot->generation > before->slots[event->slot].generation && slot->not_before_ms > world_clock_ms())
        world_fail("slot %u: the successor of a healthy worker waits", event->slot);
    for (uint32_t i = 0; i < actions->count; i++)
        if (actions->items[i].kind == ACTION_RESTS)
            world_fail("slot %u: rests after a healthy worker's death", event->slot);
}

void check_pace(const struct supervisor_event *event, const struct supervisor_actions *actions)
{
    const struct supervisor *before = world_stored();

    if (!before)
        return;
    for (uint32_t i = 0; i < actions->count; i++)
        check_makes(before, &actions->items[i]);
    check_no_delay(before, event, actions);
}

/* ---- deadlines ---- */

/* Time in which a supervisor went round as it should; for all other time it forgives. */
void world_note_attended(const struct supervisor *before, const struct supervisor *now)
{
    int64_t gap_ms = now->last_tick_ms - before->last_tick_ms;

    if (gap_ms > 0 && gap_ms <= TICK_LATE_MS)
        world.attended_ms += gap_ms;
}

/* How long that process may still take; 0: as long as it likes. */
static int64_t may_take_ms(const struct supervisor *memory, const struct world_process *p)
{
    const struct slot_memory *slot = &memory->slots[p->slot];
    const struct board *board = shared_board(world.pages, p->slot);
    int64_t end_ms = memory->drain_deadline_ms;

    if (memory->stage >= STAGE_ENDING)
        return KEEPER_OBEY_MS_MAX;
    if (!p->is_worker)
        return board->leave_generation[p->letter] >= p->generation ? KEEPER_OBEY_MS_MAX : 0;
    if (memory->stage == STAGE_DRAINING && end_ms != INT64_MAX && world_clock_ms() >= end_ms)
        return LINGER_MS + LEAVE_GRACE_MS;
    if (slot->handing && slot->generation == p->generation)
        return RENEW_MS_MAX;
    return 0;
}

static void check_process(const struct supervisor *memory, struct world_process *p)
{
    int64_t limit_ms = may_take_ms(memory, p);

    if (limit_ms == 0 || p->doomed) {
        p->stops_from_ms = 0;
        return;
    }
    if (p->stops_from_ms == 0)
        p->stops_from_ms = world.attended_ms + 1;
    if (world.attended_ms - p->stops_from_ms > limit_ms + STOPS_SLACK_MS + world.went_back_ms)
        world_fail("slot %u: %s %u is still there long after it was to go", p->slot, world_role(p),
                   p->generation);
}

void check_stops(void)
{
    const struct supervisor *memory = world_stored();

    for (uint32_t i = 0; memory && i < world.process_count; i++)
        if (world.processes[i].life == LIFE_ALIVE)
            check_process(memory, &world.processes[i]);
}
