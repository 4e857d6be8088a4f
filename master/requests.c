#include "master/requests.h"
#include "master/rolling.h"
#include "master/upgrade.h"
#include <stddef.h>

static void say(struct policy *p, const struct operation *operation, bool begun)
{
    struct supervisor_action *action = policy_add(p, ACTION_OPERATION, 0);
    action->generation = operation->number;
    action->begun = begun;
}

void requests_end(struct policy *p, struct operation *operation, const char *failure)
{
    if (failure)
        operation_failed(operation, failure);
    else
        operation_done(operation, NULL);
    say(p, operation, false);
}

/* The newest running one of that kind, however many were begun since; NULL: none. */
static struct operation *running(struct policy *p, enum operation_kind kind)
{
    struct operation *newest = NULL;
    for (uint32_t i = 0; i < OPERATION_COUNT_MAX; i++) {
        struct operation *operation = &p->state->operations.items[i];
        bool is_one = operation->kind == kind && operation->state == OPERATION_RUNNING;
        if (is_one && (!newest || operation->number > newest->number))
            newest = operation;
    }
    return newest;
}

static void end_all(struct policy *p, enum operation_kind kind, const char *failure)
{
    for (struct operation *operation = running(p, kind); operation; operation = running(p, kind))
        requests_end(p, operation, failure);
}

/* ---- requests ---- */

static const char *restart_slot(struct policy *p, uint32_t slot)
{
    if (slot >= p->state->slot_limit || !rolling_counts(&p->state->slots[slot]))
        return "no such slot is in use";
    if (p->state->slots[slot].phase == SLOT_RESTING)
        return "the slot rests after a crash loop; it begins anew by itself";
    p->state->slots[slot].renew = 1;
    return NULL;
}

static const char *scale(struct policy *p, uint32_t count)
{
    if (count < 1 || count > SLOT_COUNT_MAX)
        return "a number of slots from 1 to 128 is accepted";
    p->state->wanted_count = count;
    return NULL;
}

/* NULL, or why not. */
static const char *take(struct policy *p, const struct supervisor_event *event, struct operation *operation)
{
    struct supervisor *s = p->state;
    switch (event->operation) {
    case OPERATION_RELOAD:
        s->settings_number = event->goal;
        s->drain_timeout_ms = event->drain_timeout_ms;
        return NULL;
    case OPERATION_SCALE:
        return scale(p, event->goal);
    case OPERATION_RESTART:
        return restart_slot(p, event->goal);
    case OPERATION_DRAIN:
        s->held = 1;
        policy_add(p, ACTION_HOLD, 0);
        return NULL;
    case OPERATION_UNDRAIN:
        if (s->held)
            policy_add(p, ACTION_LISTEN, 0);
        return s->held ? NULL : "it is not drained";
    case OPERATION_UPGRADE:
        return upgrade_begin(p, operation);
    }
    return "no such operation";
}

void requests_take(struct policy *p, const struct supervisor_event *event)
{
    struct operation *operation = operation_begin(&p->state->operations, event->operation, event->goal);
    const char *why = event->why;
    say(p, operation, true);
    if (!why && p->state->stage != STAGE_RUNNING)
        why = "the server is stopping";
    if (!why)
        why = take(p, event, operation);
    if (why)
        requests_end(p, operation, why);
}

/* ---- outcomes ---- */

void requests_empty(struct policy *p)
{
    if (p->state->held)
        end_all(p, OPERATION_DRAIN, NULL);
}

static void serve_again(struct policy *p)
{
    p->state->held = 0;
    for (uint32_t slot = 0; slot < p->state->slot_limit; slot++)
        if (slot_lives(&p->state->slots[slot]) && rolling_counts(&p->state->slots[slot]))
            policy_add(p, ACTION_SERVE, slot);
}

void requests_listening(struct policy *p, const char *why)
{
    if (!why)
        serve_again(p);
    end_all(p, OPERATION_UNDRAIN, why);
}

static bool any_rests(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (s->slots[slot].phase == SLOT_RESTING)
            return true;
    return false;
}

enum outcome { NOT_YET, DONE, FAILED };

static enum outcome look_at_scale(const struct supervisor *s, const struct operation *operation,
                                  const char **why)
{
    *why = "another number of slots was asked for";
    if (operation->goal != s->wanted_count)
        return FAILED;
    *why = "a slot rests after a crash loop";
    if (!rolling_is_settled(s))
        return NOT_YET;
    return any_rests(s) ? FAILED : DONE;
}

static enum outcome look_at(const struct supervisor *s, const struct operation *operation, const char **why)
{
    *why = "the server is stopping";
    if (s->stage != STAGE_RUNNING)
        return FAILED;
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_SCALE:
        return look_at_scale(s, operation, why);
    case OPERATION_RELOAD:
    case OPERATION_RESTART:
        return rolling_is_settled(s) ? DONE : NOT_YET;
    case OPERATION_DRAIN:
        *why = "new connections were let in again";
        return s->held ? NOT_YET : FAILED;
    case OPERATION_UNDRAIN: /* these two say themselves when they end */
    case OPERATION_UPGRADE:
        break;
    }
    return NOT_YET;
}

void requests_look(struct policy *p)
{
    struct operations *all = &p->state->operations;
    for (uint32_t i = 0; i < OPERATION_COUNT_MAX; i++) {
        struct operation *operation = &all->items[i];
        const char *why = NULL;
        if (operation->state != OPERATION_RUNNING)
            continue;
        enum outcome outcome = look_at(p->state, operation, &why);
        if (outcome != NOT_YET)
            requests_end(p, operation, outcome == FAILED ? why : NULL);
    }
}

void requests_resume(struct policy *p)
{
    if (p->state->held && p->state->stage == STAGE_RUNNING)
        policy_add(p, running(p, OPERATION_UNDRAIN) ? ACTION_LISTEN : ACTION_HOLD, 0);
}
