#include "master/upgrade.h"
#include "master/requests.h"
#include "master/rolling.h"
#include <stdio.h>

static void forget_tries(struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        s->slots[slot].swap_tries = 0;
}

const char *upgrade_begin(struct policy *p, struct operation *operation)
{
    struct upgrade_memory *upgrade = &p->state->upgrade;
    if (upgrade->stage != UPGRADE_NONE)
        return "another upgrade is under way";
    upgrade->stage = UPGRADE_CHECKING;
    upgrade->operation = operation->number;
    operation->goal = ++upgrade->last_number;
    policy_add(p, ACTION_CHECK, 0)->generation = upgrade->last_number;
    return NULL;
}

static void end(struct policy *p, const char *failure)
{
    struct upgrade_memory *upgrade = &p->state->upgrade;
    struct operation *operation = operation_find(&p->state->operations, upgrade->operation);
    upgrade->stage = UPGRADE_NONE;
    upgrade->operation = 0;
    if (operation && operation->state == OPERATION_RUNNING)
        requests_end(p, operation, failure);
}

void upgrade_checked(struct policy *p, const struct supervisor_event *event)
{
    struct upgrade_memory *upgrade = &p->state->upgrade;
    if (upgrade->stage != UPGRADE_CHECKING || event->generation != upgrade->last_number)
        return;
    if (event->why) {
        end(p, event->why);
        return;
    }
    upgrade->stage = UPGRADE_SLOTS;
    upgrade->target = upgrade->last_number;
    forget_tries(p->state);
}

static void go_back(struct policy *p, const char *why)
{
    struct upgrade_memory *upgrade = &p->state->upgrade;
    upgrade->stage = UPGRADE_BACK;
    upgrade->target = upgrade->image;
    snprintf(upgrade->why, sizeof upgrade->why, "%s", why);
    forget_tries(p->state);
}

/* Once the master was told, it decides. */
void upgrade_call_off(struct policy *p, const char *why)
{
    if (p->state->upgrade.stage == UPGRADE_SLOTS)
        go_back(p, why);
}

static void exec_master(struct policy *p)
{
    policy_add(p, ACTION_EXEC_MASTER, 0)->generation = p->state->upgrade.target;
}

/* A new supervisor says what it is. */
void upgrade_image(struct policy *p, const struct supervisor_event *event)
{
    struct upgrade_memory *upgrade = &p->state->upgrade;
    if (upgrade->image == 0)
        upgrade->last_number = event->generation;
    if (upgrade->stage == UPGRADE_NONE) /* whatever we believed: this is what first keepers are of */
        upgrade->image = upgrade->target = event->generation;
    if (upgrade->stage != UPGRADE_MASTER)
        return;
    if (event->generation == upgrade->target) {
        upgrade->image = upgrade->target;
        end(p, NULL);
    } else if (event->why) {
        go_back(p, event->why);
    } else {
        exec_master(p); /* it was not told yet */
    }
}

/* Those that rest will begin as what the master is then. At least one must have shown that it is any good. */
static bool all_went_over(const struct supervisor *s)
{
    bool any = false;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        const struct slot_memory *memory = &s->slots[slot];
        if (!rolling_counts(memory) || memory->phase == SLOT_RESTING)
            continue;
        if (memory->phase != SLOT_SERVING || memory->image != s->upgrade.target || !memory->proven)
            return false;
        any = true;
    }
    return any;
}

/* None will be tried again. */
static bool all_are_back(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        const struct slot_memory *memory = &s->slots[slot];
        if (rolling_counts(memory) &&
            (memory->phase == SLOT_SWAPPING || memory->phase == SLOT_STARTING || slot_is_outdated(s, memory)))
            return false;
    }
    return true;
}

void upgrade_look(struct policy *p)
{
    struct supervisor *s = p->state;
    if (s->stage != STAGE_RUNNING)
        return;
    switch ((enum upgrade_stage)s->upgrade.stage) {
    case UPGRADE_SLOTS:
        if (!all_went_over(s))
            return;
        s->upgrade.stage = UPGRADE_MASTER;
        exec_master(p);
        return;
    case UPGRADE_BACK:
        if (all_are_back(s))
            end(p, s->upgrade.why);
        return;
    case UPGRADE_NONE:
    case UPGRADE_CHECKING:
    case UPGRADE_MASTER:
        return;
    }
}

/* MASTER: nothing, since SUPERVISOR_IMAGE comes next, and says whether it was done. */
void upgrade_resume(struct policy *p)
{
    if (p->state->stage == STAGE_RUNNING && p->state->upgrade.stage == UPGRADE_CHECKING)
        policy_add(p, ACTION_CHECK, 0)->generation = p->state->upgrade.last_number;
}
