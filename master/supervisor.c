#include "master/supervisor.h"
#include "worker/check.h"

/* ---- small things ---- */

static struct supervisor_action *add(struct supervisor_actions *actions, enum supervisor_action_kind kind,
                                     uint32_t slot)
{
    CHECK(actions->count < SUPERVISOR_ACTION_COUNT_MAX);
    struct supervisor_action *action = &actions->items[actions->count++];
    *action = (struct supervisor_action){.kind = kind, .slot = slot};
    return action;
}

/* xorshift32: jitter needs no better. */
static uint32_t next_random(struct supervisor *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

static bool lives(const struct slot_memory *slot)
{
    return slot->phase == SLOT_STARTING || slot->phase == SLOT_SERVING;
}

static void emit_spawn(const struct supervisor *s, uint32_t slot, struct supervisor_actions *actions)
{
    add(actions, ACTION_SPAWN, slot)->generation = s->slots[slot].generation;
}

static void spawn(struct supervisor *s, uint32_t slot, struct supervisor_actions *actions)
{
    struct slot_memory *memory = &s->slots[slot];
    memory->phase = SLOT_STARTING;
    memory->kill_reason = KILL_NONE;
    memory->generation++;
    emit_spawn(s, slot, actions);
}

static void emit_kill(const struct supervisor *s, uint32_t slot, struct supervisor_actions *actions)
{
    struct supervisor_action *action = add(actions, ACTION_KILL, slot);
    action->generation = s->slots[slot].generation;
    action->reason = (enum kill_reason)s->slots[slot].kill_reason;
}

static void kill_slot(struct supervisor *s, uint32_t slot, enum kill_reason reason,
                      struct supervisor_actions *actions)
{
    s->slots[slot].kill_reason = reason;
    emit_kill(s, slot, actions);
}

/* ---- stages ---- */

static void finish_when_ended(struct supervisor *s, struct supervisor_actions *actions)
{
    if (s->stage == STAGE_RUNNING)
        return;
    for (uint32_t slot = 0; slot < s->slot_count; slot++)
        if (s->slots[slot].phase != SLOT_ENDED)
            return;
    s->stage = STAGE_FINISHED;
    add(actions, ACTION_FINISH, 0);
}

static void drain(struct supervisor *s, int64_t now_ms, struct supervisor_actions *actions)
{
    s->stage = STAGE_DRAINING;
    s->drain_deadline_ms = s->drain_timeout_ms > 0 ? now_ms + s->drain_timeout_ms : INT64_MAX;
    add(actions, ACTION_DRAINING, 0);
    for (uint32_t slot = 0; slot < s->slot_count; slot++) {
        if (lives(&s->slots[slot]))
            add(actions, ACTION_DRAIN, slot);
        else
            s->slots[slot].phase = SLOT_ENDED;
    }
}

static void end_now(struct supervisor *s, struct supervisor_actions *actions)
{
    s->stage = STAGE_ENDING;
    add(actions, ACTION_ENDING, 0);
    for (uint32_t slot = 0; slot < s->slot_count; slot++) {
        if (lives(&s->slots[slot]))
            kill_slot(s, slot, KILL_STOP, actions);
        else
            s->slots[slot].phase = SLOT_ENDED;
    }
}

static void stop(struct supervisor *s, int64_t now_ms, struct supervisor_actions *actions)
{
    if (s->stage == STAGE_RUNNING)
        drain(s, now_ms, actions);
    else if (s->stage == STAGE_DRAINING)
        end_now(s, actions);
    finish_when_ended(s, actions);
}

static void stop_now(struct supervisor *s, struct supervisor_actions *actions)
{
    if (s->stage == STAGE_RUNNING || s->stage == STAGE_DRAINING)
        end_now(s, actions);
    finish_when_ended(s, actions);
}

/* ---- slots ---- */

static bool all_rest(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_count; slot++)
        if (s->slots[slot].phase != SLOT_RESTING)
            return false;
    return true;
}

/* Nothing serves and nothing will soon: whoever started us knows better what to do about it. */
static void give_up(struct supervisor *s, struct supervisor_actions *actions)
{
    s->exit_code = EXIT_ALL_SLOTS_REST;
    for (uint32_t slot = 0; slot < s->slot_count; slot++)
        s->slots[slot].phase = SLOT_ENDED;
    s->stage = STAGE_ENDING;
    finish_when_ended(s, actions);
}

static void rest(struct supervisor *s, uint32_t slot, int64_t rest_ms, int64_t now_ms,
                 struct supervisor_actions *actions)
{
    s->slots[slot].phase = SLOT_RESTING;
    s->slots[slot].deadline_ms = now_ms + rest_ms;
    add(actions, ACTION_RESTS, slot)->rest_ms = rest_ms;
    if (all_rest(s))
        give_up(s, actions);
}

static void died(struct supervisor *s, const struct supervisor_event *event, int64_t now_ms,
                 struct supervisor_actions *actions)
{
    struct slot_memory *slot = &s->slots[event->slot];
    if (!lives(slot) || slot->generation != event->generation)
        return;
    if (event->death.kind != DEATH_LEFT)
        slot->death_count++;
    if (s->stage != STAGE_RUNNING) {
        slot->phase = SLOT_ENDED;
        finish_when_ended(s, actions);
        return;
    }
    struct restart_decision decision = restart_on_death(&slot->restart, &event->death, next_random(s));
    if (decision.verdict == RESTART_REST)
        rest(s, event->slot, decision.rest_ms, now_ms, actions);
    else
        spawn(s, event->slot, actions);
}

static void ready(struct supervisor *s, const struct supervisor_event *event,
                  struct supervisor_actions *actions)
{
    struct slot_memory *slot = &s->slots[event->slot];
    if (slot->phase != SLOT_STARTING || slot->generation != event->generation)
        return;
    slot->phase = SLOT_SERVING;
    if (s->announced || s->stage != STAGE_RUNNING)
        return;
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].phase != SLOT_SERVING)
            return;
    s->announced = 1;
    add(actions, ACTION_SERVING, 0);
}

static void spawn_failed(struct supervisor *s, const struct supervisor_event *event, int64_t now_ms,
                         struct supervisor_actions *actions)
{
    struct slot_memory *slot = &s->slots[event->slot];
    if (slot->phase != SLOT_STARTING || slot->generation != event->generation)
        return;
    slot->phase = s->stage == STAGE_RUNNING ? SLOT_RETRYING : SLOT_ENDED;
    slot->deadline_ms = now_ms + SPAWN_RETRY_MS;
    finish_when_ended(s, actions);
}

/* ---- time ---- */

static bool overdue(const struct supervisor *s, int64_t now_ms)
{
    return s->stage == STAGE_DRAINING && s->drain_deadline_ms != INT64_MAX &&
           now_ms >= s->drain_deadline_ms + LINGER_MS + LEAVE_GRACE_MS;
}

static void tick(struct supervisor *s, int64_t now_ms, struct supervisor_actions *actions)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        struct slot_memory *slot = &s->slots[i];
        bool waits = slot->phase == SLOT_RETRYING || slot->phase == SLOT_RESTING;
        if (waits && now_ms >= slot->deadline_ms)
            spawn(s, i, actions);
        else if (lives(slot) && overdue(s, now_ms) && slot->kill_reason == KILL_NONE)
            kill_slot(s, i, KILL_OVERDUE, actions);
    }
}

/* Whatever the one before us may not have done yet. */
static void resume(const struct supervisor *s, struct supervisor_actions *actions)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        const struct slot_memory *slot = &s->slots[i];
        if (slot->phase == SLOT_STARTING)
            emit_spawn(s, i, actions);
        if (lives(slot) && s->stage == STAGE_DRAINING)
            add(actions, ACTION_DRAIN, i);
        if (lives(slot) && slot->kill_reason != KILL_NONE)
            emit_kill(s, i, actions);
    }
    if (s->stage == STAGE_FINISHED)
        add(actions, ACTION_FINISH, 0);
}

/* ---- the function ---- */

void supervisor_init(struct supervisor *s, uint32_t slot_count, int64_t drain_timeout_ms, uint32_t seed)
{
    CHECK(slot_count > 0 && slot_count <= SLOT_COUNT_MAX);
    *s = (struct supervisor){
        .slot_count = slot_count,
        .stage = STAGE_RUNNING,
        .random = seed ? seed : 1,
        .drain_timeout_ms = drain_timeout_ms,
        .drain_deadline_ms = INT64_MAX,
    };
}

void supervisor_step(struct supervisor *s, const struct supervisor_event *event, int64_t now_ms,
                     struct supervisor_actions *actions)
{
    CHECK(event->slot < s->slot_count);
    actions->count = 0;
    switch (event->kind) {
    case SUPERVISOR_START:
        for (uint32_t slot = 0; slot < s->slot_count; slot++)
            spawn(s, slot, actions);
        break;
    case SUPERVISOR_RESUME:
        resume(s, actions);
        break;
    case SUPERVISOR_TICK:
        tick(s, now_ms, actions);
        break;
    case SUPERVISOR_READY:
        ready(s, event, actions);
        break;
    case SUPERVISOR_DEATH:
        died(s, event, now_ms, actions);
        break;
    case SUPERVISOR_SPAWN_FAILED:
        spawn_failed(s, event, now_ms, actions);
        break;
    case SUPERVISOR_STOP:
        stop(s, now_ms, actions);
        break;
    case SUPERVISOR_STOP_NOW:
        stop_now(s, actions);
        break;
    }
}

const char *slot_phase_name(enum slot_phase phase)
{
    static const char *const names[] = {"unused", "starting", "serving", "retrying", "resting", "ended"};
    return names[phase];
}

const char *kill_reason_name(enum kill_reason reason)
{
    static const char *const names[] = {"none", "stop", "overdue"};
    return names[reason];
}
