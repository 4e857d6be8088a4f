#include "master/supervisor.h"
#include "master/requests.h"
#include "master/rolling.h"
#include "master/slot.h"
#include "master/upgrade.h"
#include "worker/check.h"

/* ---- stages ---- */

static void finish_when_gone(struct policy *p)
{
    struct supervisor *s = p->state;
    if (s->stage == STAGE_RUNNING || s->stage == STAGE_FINISHED)
        return;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (!slot_is_gone(&s->slots[slot]))
            return;
    s->stage = STAGE_FINISHED;
    policy_add(p, ACTION_FINISH, 0);
}

static void drain(struct policy *p)
{
    struct supervisor *s = p->state;
    s->stage = STAGE_DRAINING;
    s->drain_deadline_ms = s->drain_timeout_ms > 0 ? p->now_ms + s->drain_timeout_ms : INT64_MAX;
    policy_add(p, ACTION_DRAINING, 0);
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        slot_swap_abort(p, slot);
        if (slot_lives(&s->slots[slot]))
            policy_add(p, ACTION_DRAIN, slot);
        else
            slot_end(p, slot);
    }
}

static void end_now(struct policy *p)
{
    struct supervisor *s = p->state;
    s->stage = STAGE_ENDING;
    policy_add(p, ACTION_ENDING, 0);
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        bool lives = slot_lives(&s->slots[slot]);
        if (lives)
            slot_kill(p, slot, KILL_STOP);
        uint32_t phase = s->slots[slot].phase;
        slot_end(p, slot);
        if (lives)
            s->slots[slot].phase = phase; /* ended when it is dead */
    }
}

static void stop(struct policy *p)
{
    if (p->state->stage == STAGE_RUNNING)
        drain(p);
    else if (p->state->stage == STAGE_DRAINING)
        end_now(p);
}

static void stop_now(struct policy *p)
{
    if (p->state->stage == STAGE_RUNNING || p->state->stage == STAGE_DRAINING)
        end_now(p);
}

/* Nothing serves and nothing will soon: whoever started us knows better what to do about it. */
static void give_up_when_all_rest(struct policy *p)
{
    struct supervisor *s = p->state;
    if (s->stage != STAGE_RUNNING)
        return;
    bool any = false;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        if (s->slots[slot].phase != SLOT_RESTING && s->slots[slot].phase != SLOT_UNUSED)
            return;
        any |= s->slots[slot].phase == SLOT_RESTING;
    }
    if (!any)
        return;
    s->exit_code = EXIT_ALL_SLOTS_REST;
    s->stage = STAGE_ENDING;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        slot_end(p, slot);
}

/* ---- events of one slot ---- */

static void ready(struct policy *p, struct slot_memory *slot)
{
    if (slot->phase != SLOT_STARTING)
        return;
    slot->phase = SLOT_SERVING;
    slot->made = 1;
    slot->gated = 0;
    slot->serving_since_ms = p->now_ms;
}

/* After every event: the number that is wanted may have fallen. */
static void announce_when_all_serve(struct policy *p)
{
    struct supervisor *s = p->state;
    uint32_t serving = 0;
    if (s->announced || s->stage != STAGE_RUNNING)
        return;
    for (uint32_t i = 0; i < s->slot_limit; i++)
        serving += s->slots[i].phase == SLOT_SERVING && !s->slots[i].out;
    if (serving < s->wanted_count)
        return;
    s->announced = ANNOUNCE_ORDERED;
    policy_add(p, ACTION_SERVING, 0);
}

/* Would the connections of the slot outlive its worker just now? */
static bool is_kept(const struct supervisor *s, const struct slot_memory *slot)
{
    return !s->protect || slot->keepers[KEEPER_A].phase == KEEPER_READY ||
           slot->keepers[KEEPER_B].phase == KEEPER_READY;
}

/* One kill for a hang at a time: what looks like many hangs is more likely one trouble of the machine. A
 * worker whose only keeper is still being made is not ended before that is there; the hang is told again at
 * the next look. */
static void hang(struct policy *p, const struct supervisor_event *event)
{
    struct supervisor *s = p->state;
    const struct slot_memory *slot = &s->slots[event->slot];
    for (uint32_t i = 0; i < s->slot_limit; i++)
        if (slot_lives(&s->slots[i]) && s->slots[i].kill_reason != KILL_NONE)
            return;
    if ((slot->phase == SLOT_SERVING && is_kept(s, slot)) || slot->phase == SLOT_LEAVING)
        slot_kill(p, event->slot, event->hang);
}

/* ---- time ---- */

static bool overdue(const struct policy *p)
{
    const struct supervisor *s = p->state;
    return s->stage == STAGE_DRAINING && s->drain_deadline_ms != INT64_MAX &&
           p->now_ms >= s->drain_deadline_ms + LINGER_MS + LEAVE_GRACE_MS;
}

/* Of a wait that began within the gap, only that part was lost; one that begins later lost nothing. */
static void forgive_wait(int64_t *since_ms, int64_t gap_ms, int64_t now_ms)
{
    int64_t forgiven_ms = *since_ms + gap_ms;
    if (*since_ms < now_ms)
        *since_ms = forgiven_ms < now_ms ? forgiven_ms : now_ms;
}

/* We were not running: nobody is to blame for what did not happen meanwhile. */
static void forgive(struct supervisor *s, int64_t gap_ms, int64_t now_ms)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        forgive_wait(&s->slots[slot].since_ms, gap_ms, now_ms);
        forgive_wait(&s->slots[slot].handing_since_ms, gap_ms, now_ms);
        for (int letter = 0; letter < KEEPER_COUNT; letter++)
            forgive_wait(&s->slots[slot].keepers[letter].since_ms, gap_ms, now_ms);
    }
}

static void note_time(struct policy *p)
{
    struct supervisor *s = p->state;
    int64_t gap_ms = s->last_tick_ms ? p->now_ms - s->last_tick_ms : 0;
    if (gap_ms > TICK_LATE_MS)
        forgive(s, gap_ms, p->now_ms);
    s->last_tick_ms = p->now_ms;
}

static void tick(struct policy *p)
{
    struct supervisor *s = p->state;
    note_time(p);
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        slot_tick(p, slot);
        if (overdue(p) && slot_lives(&s->slots[slot]) && s->slots[slot].kill_reason == KILL_NONE)
            slot_kill(p, slot, KILL_OVERDUE);
    }
}

static void resume(struct policy *p)
{
    note_time(p);
    for (uint32_t slot = 0; slot < p->state->slot_limit; slot++)
        slot_resume(p, slot);
    requests_resume(p);
    upgrade_resume(p);
    if (p->state->announced == ANNOUNCE_ORDERED)
        policy_add(p, ACTION_SERVING, 0);
    if (p->state->stage == STAGE_FINISHED)
        policy_add(p, ACTION_FINISH, 0);
}

/* ---- the function ---- */

void supervisor_init(struct supervisor *s, uint32_t wanted_count, bool protect, int64_t drain_timeout_ms,
                     uint32_t seed)
{
    CHECK(wanted_count > 0 && wanted_count <= SLOT_COUNT_MAX);
    *s = (struct supervisor){
        .wanted_count = wanted_count,
        .protect = protect,
        .stage = STAGE_RUNNING,
        .settings_number = 1,
        .random = seed ? seed : 1,
        .drain_timeout_ms = drain_timeout_ms,
        .drain_deadline_ms = INT64_MAX,
    };
}

static bool current_worker(const struct slot_memory *slot, const struct supervisor_event *event)
{
    return slot_lives(slot) && slot->generation == event->generation;
}

static bool current_keeper(const struct slot_memory *slot, const struct supervisor_event *event)
{
    const struct keeper_memory *keeper = &slot->keepers[event->letter];
    return keeper->phase != KEEPER_NONE && keeper->generation == event->generation;
}

static void handle(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *slot = &p->state->slots[event->slot];
    switch (event->kind) {
    case SUPERVISOR_NOTHING:
    case SUPERVISOR_START: /* slots that are wanted and not there are made after every event */
        break;
    case SUPERVISOR_RESUME:
        resume(p);
        break;
    case SUPERVISOR_TICK:
        tick(p);
        break;
    case SUPERVISOR_MADE:
        if (current_worker(slot, event))
            slot_made(p, event->slot);
        break;
    case SUPERVISOR_READY:
        if (current_worker(slot, event))
            ready(p, slot);
        break;
    case SUPERVISOR_DEATH:
        if (current_worker(slot, event))
            slot_worker_died(p, event);
        break;
    case SUPERVISOR_HANG:
        if (current_worker(slot, event))
            hang(p, event);
        break;
    case SUPERVISOR_SPAWN_FAILED:
        slot_spawn_failed(p, event->slot);
        break;
    case SUPERVISOR_KEEPER_READY:
        if (current_keeper(slot, event))
            slot_keeper_ready(p, event);
        break;
    case SUPERVISOR_KEEPER_DEATH:
        if (current_keeper(slot, event))
            slot_keeper_died(p, event);
        break;
    case SUPERVISOR_STOP:
        stop(p);
        break;
    case SUPERVISOR_STOP_NOW:
        stop_now(p);
        break;
    case SUPERVISOR_REQUEST:
        requests_take(p, event);
        break;
    case SUPERVISOR_EMPTY:
        requests_empty(p);
        break;
    case SUPERVISOR_PROVEN:
        if (current_worker(slot, event))
            slot->proven = 1;
        break;
    case SUPERVISOR_EXEC_FAILED:
        if (current_keeper(slot, event))
            slot_exec_failed(p, event);
        break;
    case SUPERVISOR_CHECKED:
        upgrade_checked(p, event);
        break;
    case SUPERVISOR_IMAGE:
        upgrade_image(p, event);
        break;
    case SUPERVISOR_LISTENING:
        requests_listening(p, event->why);
        break;
    }
}

void supervisor_step(struct supervisor *s, const struct supervisor_event *event, int64_t now_ms,
                     struct supervisor_actions *actions)
{
    struct policy policy = {.state = s, .actions = actions, .now_ms = now_ms};
    CHECK(event->slot < SLOT_COUNT_MAX);
    actions->count = 0;
    if (event->kind != SUPERVISOR_RESUME && s->announced == ANNOUNCE_ORDERED)
        s->announced = ANNOUNCE_DONE; /* actions are carried out before the next event comes */
    handle(&policy, event);
    rolling_step(&policy);
    announce_when_all_serve(&policy);
    upgrade_look(&policy);
    requests_look(&policy);
    give_up_when_all_rest(&policy);
    finish_when_gone(&policy);
}

const char *slot_phase_name(enum slot_phase phase)
{
    static const char *const names[] = {
#define X(name, word) word,
        SLOT_PHASES(X)
#undef X
    };
    return names[phase];
}

const char *kill_reason_name(enum kill_reason reason)
{
    static const char *const names[] = {
#define X(name, word) word,
        KILL_REASONS(X)
#undef X
    };
    return names[reason];
}
