#include "master/slot_parts.h"
#include "worker/check.h"

/* ---- small things ---- */

struct supervisor_action *policy_add(struct policy *p, enum supervisor_action_kind kind, uint32_t slot)
{
    CHECK(p->actions->count < SUPERVISOR_ACTION_COUNT_MAX);
    struct supervisor_action *action = &p->actions->items[p->actions->count++];
    *action = (struct supervisor_action){.kind = kind, .slot = slot};
    return action;
}

bool slot_lives(const struct slot_memory *memory)
{
    return memory->phase == SLOT_STARTING || memory->phase == SLOT_SERVING || memory->phase == SLOT_LEAVING;
}

bool slot_is_free(const struct slot_memory *memory)
{
    return memory->phase == SLOT_UNUSED && keepers_gone(memory);
}

bool slot_is_gone(const struct slot_memory *memory)
{
    return (memory->phase == SLOT_ENDED || memory->phase == SLOT_UNUSED) && keepers_gone(memory);
}

/* ---- begin and end ---- */

void slot_begin(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!p->state->protect) {
        slot_spawn(p, slot, RECOVER_ALL, 0, 0);
        return;
    }
    memory->phase = SLOT_KEEPING;
    memory->spawner = KEEPER_A;
    keepers_begin(p, slot);
}

void slot_begin_another(struct policy *p)
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        struct slot_memory *memory = memory_of(p, slot);
        if (!slot_is_free(memory))
            continue;
        if (slot >= p->state->slot_limit)
            p->state->slot_limit = slot + 1;
        memory->restart = (struct restart){0};
        memory->fresh = 1;
        slot_begin(p, slot);
        return;
    }
}

void slot_vacate(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = p->state->stage == STAGE_RUNNING ? SLOT_UNUSED : SLOT_ENDED;
    memory->out = memory->handing = memory->renew = memory->swap = 0;
    keepers_leave(p, slot);
}

/* Whether the first keeper was made is known when it is ready, dead, or its clone has failed: then it ends.
 */
void slot_end(struct policy *p, uint32_t slot)
{
    if (memory_of(p, slot)->phase == SLOT_KEEPING)
        return;
    slot_vacate(p, slot);
    memory_of(p, slot)->phase = SLOT_ENDED;
}

/* ---- out, back, and on to the next generation ---- */

static void emit_handover(struct policy *p, uint32_t slot)
{
    policy_add(p, ACTION_HANDOVER, slot)->generation = memory_of(p, slot)->generation;
}

void slot_send_out(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->out = 1;
    if (slot_lives(memory))
        policy_add(p, ACTION_LEAVE, slot);
    else if (memory->phase == SLOT_RETRYING || memory->phase == SLOT_RESTING)
        slot_vacate(p, slot);
}

/* Does it serve by settings, or as an image, of yesterday? */
bool slot_is_outdated(const struct supervisor *s, const struct slot_memory *memory)
{
    bool other_image = memory->image != s->upgrade.target && memory->swap_tries < SWAP_TRIES_MAX;
    return memory->renew || memory->settings_number != s->settings_number || other_image;
}

/* Without keepers an outdated one cannot be renewed: that is why it goes. */
bool slot_take_back(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!memory->out || (!p->state->protect && slot_is_outdated(p->state, memory)))
        return false;
    memory->out = 0;
    if (slot_lives(memory))
        policy_add(p, ACTION_SERVE, slot);
    return true;
}

/* Without keepers its connections cannot be handed on: it goes out, and another slot takes its place. */
void slot_renew(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!p->state->protect) {
        slot_send_out(p, slot);
        return;
    }
    if (!keepers_ready(memory))
        return; /* they will be */
    memory->swap = memory->image != p->state->upgrade.target;
    memory->handing = 1;
    memory->handing_since_ms = p->now_ms;
    emit_handover(p, slot);
}

/* ---- time ---- */

/* Where the old image is still at hand, nobody need wait long to see whether the new one is any good. */
static int64_t start_ms_max(const struct policy *p, const struct slot_memory *memory)
{
    return memory->image == p->state->upgrade.image ? WORKER_START_MS_MAX : NEW_START_MS_MAX;
}

static void remind_worker(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    enum keeper_letter spawner = (enum keeper_letter)memory->spawner;
    if (memory->made) {
        if (waited(p, memory->since_ms, start_ms_max(p, memory)) && memory->kill_reason == KILL_NONE)
            slot_kill(p, slot, KILL_STUCK);
        return;
    }
    bool twin_can = memory->keepers[other_of(spawner)].phase == KEEPER_READY;
    if (p->state->protect && twin_can && waited(p, memory->since_ms, KEEPER_OBEY_MS_MAX))
        keeper_kill(p, slot, spawner); /* its death hands the order to the twin */
    else
        slot_emit_spawn(p, slot);
}

static void remind_of_handover(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!waited(p, memory->handing_since_ms, RENEW_MS_MAX))
        emit_handover(p, slot);
    else if (memory->kill_reason == KILL_NONE)
        slot_kill(p, slot, KILL_RENEW);
}

void slot_tick(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    keepers_remind(p, slot);
    keepers_lose_patience(p, slot);
    if (memory->phase == SLOT_STARTING)
        remind_worker(p, slot);
    if (slot_lives(memory))
        gate_go_on(p, slot);
    if (memory->phase == SLOT_SWAPPING)
        swap_go_on(p, slot);
    if (memory->handing)
        remind_of_handover(p, slot);
    if (memory->phase == SLOT_SERVING && waited(p, memory->serving_since_ms, PROVEN_MS))
        memory->proven = 1;
    keepers_want_twin(p, slot);
    if (slot_lives(memory) && memory->kill_reason != KILL_NONE)
        slot_emit_kill(p, slot); /* it may have been born after the first try */
    bool waits = memory->phase == SLOT_RETRYING || memory->phase == SLOT_RESTING;
    if (waits && p->now_ms >= memory->deadline_ms && keepers_gone(memory))
        slot_begin(p, slot);
}

void slot_resume(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    keepers_remind(p, slot);
    if (memory->phase == SLOT_STARTING && !memory->made)
        slot_emit_spawn(p, slot);
    if (slot_lives(memory))
        gate_go_on(p, slot);
    if (memory->phase == SLOT_SWAPPING)
        swap_go_on(p, slot);
    if (memory->handing)
        emit_handover(p, slot);
    if (slot_lives(memory) && p->state->stage == STAGE_DRAINING)
        policy_add(p, ACTION_DRAIN, slot);
    else if (slot_lives(memory) && p->state->stage == STAGE_RUNNING)
        policy_add(p, memory->out || memory->phase == SLOT_LEAVING ? ACTION_LEAVE : ACTION_SERVE, slot);
    if (slot_lives(memory) && memory->kill_reason != KILL_NONE)
        slot_emit_kill(p, slot);
}
