#include "master/requests.h"
#include "master/rolling.h"
#include <stddef.h>

static void say(struct policy *p, const struct operation *operation, bool begun)
{
    struct supervisor_action *action = policy_add(p, ACTION_OPERATION, 0);
    action->generation = operation->number;
    action->begun = begun;
}

static void done(struct policy *p, struct operation *operation, const char *why)
{
    operation_done(operation, why);
    say(p, operation, false);
}

static void failed(struct policy *p, struct operation *operation, const char *why)
{
    operation_failed(operation, why);
    say(p, operation, false);
}

/* The newest running one of that kind; NULL: none. */
static struct operation *running(struct policy *p, enum operation_kind kind)
{
    struct operations *all = &p->state->operations;
    for (uint32_t back = 0; back < OPERATION_COUNT_MAX && back < all->last_number; back++) {
        struct operation *operation = operation_find(all, all->last_number - back);
        if (operation && operation->kind == kind && operation->state == OPERATION_RUNNING)
            return operation;
    }
    return NULL;
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
static const char *take(struct policy *p, const struct supervisor_event *event)
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
        break;
    }
    return "not possible";
}

void requests_take(struct policy *p, const struct supervisor_event *event)
{
    struct operation *operation = operation_begin(&p->state->operations, event->operation, event->goal);
    const char *why = event->why;
    say(p, operation, true);
    if (!why && p->state->stage != STAGE_RUNNING)
        why = "the server is stopping";
    if (!why)
        why = take(p, event);
    if (why)
        failed(p, operation, why);
}

/* ---- outcomes ---- */

void requests_empty(struct policy *p)
{
    struct operation *operation = running(p, OPERATION_DRAIN);
    if (operation && p->state->held)
        done(p, operation, NULL);
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
    struct operation *operation = running(p, OPERATION_UNDRAIN);
    if (!why)
        serve_again(p);
    if (operation && why)
        failed(p, operation, why);
    else if (operation)
        done(p, operation, NULL);
}

static bool any_rests(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (s->slots[slot].phase == SLOT_RESTING)
            return true;
    return false;
}

/* NULL: not yet; else what to say about its end, "" for nothing. */
static const char *look_at_scale(const struct supervisor *s, const struct operation *operation, bool *is_done)
{
    *is_done = operation->goal == s->wanted_count;
    if (!*is_done)
        return "another number of slots was asked for";
    if (!rolling_is_settled(s))
        return NULL;
    *is_done = !any_rests(s);
    return *is_done ? "" : "a slot rests after a crash loop";
}

static const char *look_at(const struct supervisor *s, const struct operation *operation, bool *is_done)
{
    *is_done = s->stage == STAGE_RUNNING;
    if (!*is_done)
        return "the server is stopping";
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_SCALE:
        return look_at_scale(s, operation, is_done);
    case OPERATION_RELOAD:
    case OPERATION_RESTART:
        return rolling_is_settled(s) ? "" : NULL;
    case OPERATION_DRAIN:
        *is_done = s->held;
        return s->held ? NULL : "new connections were let in again";
    case OPERATION_UNDRAIN:
    case OPERATION_UPGRADE:
        break;
    }
    return NULL;
}

void requests_look(struct policy *p)
{
    struct operations *all = &p->state->operations;
    for (uint32_t i = 0; i < OPERATION_COUNT_MAX; i++) {
        struct operation *operation = &all->items[i];
        bool is_done = false;
        if (operation->state != OPERATION_RUNNING)
            continue;
        const char *why = look_at(p->state, operation, &is_done);
        if (why && is_done)
            done(p, operation, why);
        else if (why)
            failed(p, operation, why);
    }
}

void requests_resume(struct policy *p)
{
    if (p->state->held && p->state->stage == STAGE_RUNNING)
        policy_add(p, running(p, OPERATION_UNDRAIN) ? ACTION_LISTEN : ACTION_HOLD, 0);
}
