#include "master/slot.h"
#include "worker/check.h"

/* ---- small things ---- */

struct supervisor_action *policy_add(struct policy *p, enum supervisor_action_kind kind, uint32_t slot)
{
    CHECK(p->actions->count < SUPERVISOR_ACTION_COUNT_MAX);
    struct supervisor_action *action = &p->actions->items[p->actions->count++];
    *action = (struct supervisor_action){.kind = kind, .slot = slot};
    return action;
}

static struct slot_memory *memory_of(struct policy *p, uint32_t slot)
{
    return &p->state->slots[slot];
}

static enum keeper_letter other_of(enum keeper_letter letter)
{
    return letter == KEEPER_A ? KEEPER_B : KEEPER_A;
}

bool slot_lives(const struct slot_memory *memory)
{
    return memory->phase == SLOT_STARTING || memory->phase == SLOT_SERVING || memory->phase == SLOT_LEAVING;
}

static bool keepers_gone(const struct slot_memory *memory)
{
    return memory->keepers[KEEPER_A].phase == KEEPER_NONE && memory->keepers[KEEPER_B].phase == KEEPER_NONE;
}

bool slot_is_gone(const struct slot_memory *memory)
{
    return (memory->phase == SLOT_ENDED || memory->phase == SLOT_UNUSED) && keepers_gone(memory);
}

static void set_keeper(struct policy *p, struct keeper_memory *keeper, enum keeper_phase phase)
{
    keeper->phase = phase;
    keeper->since_ms = p->now_ms;
    keeper->killed = 0;
}

static void retry_later(struct policy *p, uint32_t slot)
{
    memory_of(p, slot)->phase = SLOT_RETRYING;
    memory_of(p, slot)->deadline_ms = p->now_ms + SPAWN_RETRY_MS;
}

/* xorshift32: jitter needs no better. */
static uint32_t next_random(struct supervisor *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

/* ---- orders ---- */

/* To whichever keeper waits for orders; to none now when the only one is still being made: it gets the order
 * when it is ready. */
static void emit_spawn(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (p->now_ms < memory->not_before_ms)
        return;
    if (p->state->protect) {
        if (memory->keepers[memory->spawner].phase != KEEPER_READY)
            memory->spawner = other_of((enum keeper_letter)memory->spawner);
        if (memory->keepers[memory->spawner].phase != KEEPER_READY)
            return;
    }
    struct supervisor_action *action = policy_add(p, ACTION_SPAWN, slot);
    action->generation = memory->generation;
    action->letter = (enum keeper_letter)memory->spawner;
    action->keeper_generation = memory->keepers[memory->spawner].generation;
}

static void spawn(struct policy *p, uint32_t slot, enum recover_how how, int32_t suspect, int64_t delay_ms)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = SLOT_STARTING;
    memory->generation++;
    memory->kill_reason = KILL_NONE;
    memory->made = 0;
    memory->recover_how = how;
    memory->suspect = suspect;
    memory->since_ms = memory->not_before_ms = p->now_ms + delay_ms;
    emit_spawn(p, slot);
}

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

static void emit_kill(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct supervisor_action *action = policy_add(p, ACTION_KILL, slot);
    action->generation = memory->generation;
    action->reason = (enum kill_reason)memory->kill_reason;
}

void slot_kill(struct policy *p, uint32_t slot, enum kill_reason reason)
{
    memory_of(p, slot)->kill_reason = reason;
    emit_kill(p, slot);
}

/* One keeper alone makes the other anew. */
static void want_twin(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (memory->phase != SLOT_STARTING && memory->phase != SLOT_SERVING)
        return;
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        struct keeper_memory *twin = &memory->keepers[letter];
        if (twin->phase != KEEPER_NONE || memory->keepers[other_of(letter)].phase != KEEPER_READY)
            continue;
        twin->generation++;
        set_keeper(p, twin, KEEPER_STARTING);
        emit_twin(p, slot, letter);
    }
}

/* ---- begin and end ---- */

void slot_begin(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    if (!p->state->protect) {
        spawn(p, slot, RECOVER_ALL, 0, 0);
        return;
    }
    CHECK(keepers_gone(memory));
    memory->phase = SLOT_KEEPING;
    memory->spawner = KEEPER_A;
    memory->keepers[KEEPER_A].generation++;
    set_keeper(p, &memory->keepers[KEEPER_A], KEEPER_STARTING);
    emit_keeper(p, slot);
}

void slot_begin_another(struct policy *p)
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        if (memory_of(p, slot)->phase != SLOT_UNUSED || !keepers_gone(memory_of(p, slot)))
            continue;
        if (slot >= p->state->slot_limit)
            p->state->slot_limit = slot + 1;
        slot_begin(p, slot);
        return;
    }
}

static void leave_keepers(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        if (memory->keepers[letter].phase == KEEPER_NONE)
            continue;
        set_keeper(p, &memory->keepers[letter], KEEPER_LEAVING);
        emit_keeper_action(p, slot, letter, ACTION_KEEPER_LEAVE);
    }
}

static void end(struct policy *p, uint32_t slot)
{
    memory_of(p, slot)->phase = SLOT_ENDED;
    leave_keepers(p, slot);
}

/* Whether the first keeper was made is known when it is ready, dead, or its clone has failed: then it ends.
 */
void slot_end(struct policy *p, uint32_t slot)
{
    if (memory_of(p, slot)->phase != SLOT_KEEPING)
        end(p, slot);
}

/* ---- a worker's death ---- */

static void rest(struct policy *p, uint32_t slot, int64_t rest_ms)
{
    struct slot_memory *memory = memory_of(p, slot);
    memory->phase = SLOT_RESTING;
    memory->deadline_ms = p->now_ms + rest_ms;
    policy_add(p, ACTION_RESTS, slot)->rest_ms = rest_ms;
    leave_keepers(p, slot); /* with them the table goes, and with it the connections that may be the cause */
}

/* Where all are ended on purpose, in whatever order they go, nothing of it is news. */
static void say(struct policy *p, enum supervisor_action_kind kind, uint32_t slot)
{
    if (p->state->stage < STAGE_ENDING)
        policy_add(p, kind, slot);
}

static void table_lost(struct policy *p, uint32_t slot)
{
    say(p, ACTION_TABLE_LOST, slot);
    if (p->state->stage == STAGE_RUNNING)
        slot_begin(p, slot);
    else
        slot_end(p, slot);
}

/* A reset that was ordered and not carried out, since the successor was killed before it could, is still due.
 */
static enum recover_how how_to_recover(const struct slot_memory *memory, struct restart_decision *decision)
{
    bool undone = memory->phase == SLOT_STARTING && memory->recover_how != RECOVER_ALL;
    if (undone && decision->verdict == RESTART_GO_ON && !decision->reset_suspect) {
        decision->suspect = memory->suspect;
        return (enum recover_how)memory->recover_how;
    }
    if (decision->verdict == RESTART_RESET_ALL)
        return RECOVER_RESET_ALL;
    return decision->reset_suspect ? RECOVER_RESET_SUSPECT : RECOVER_ALL;
}

static void respawn(struct policy *p, uint32_t slot, struct restart_decision *decision)
{
    enum recover_how how = how_to_recover(memory_of(p, slot), decision);
    spawn(p, slot, how, decision->suspect, decision->delay_ms);
}

static void replace(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    struct restart_decision decision =
        restart_on_death(&memory->restart, &event->death, next_random(p->state));
    if (decision.verdict == RESTART_REST && p->state->stage != STAGE_RUNNING)
        slot_end(p, event->slot);
    else if (decision.verdict == RESTART_REST)
        rest(p, event->slot, decision.rest_ms);
    else if (p->state->protect && keepers_gone(memory))
        table_lost(p, event->slot);
    else
        respawn(p, event->slot, &decision);
}

void slot_worker_died(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    bool left = event->death.kind == DEATH_LEFT;
    if (!left && memory->kill_reason != KILL_STOP)
        memory->death_count++;
    if (memory->phase == SLOT_LEAVING) {
        if (!left)
            say(p, ACTION_TABLE_LOST, event->slot);
        memory->phase = p->state->stage == STAGE_RUNNING ? SLOT_UNUSED : SLOT_ENDED;
    } else if (p->state->stage == STAGE_RUNNING) {
        replace(p, event);
    } else if (p->state->stage == STAGE_DRAINING && p->state->protect && !left &&
               memory->kill_reason != KILL_OVERDUE) {
        replace(p, event); /* clients have until the deadline, whoever serves them */
    } else {
        slot_end(p, event->slot);
    }
}

/* The clone that the supervisor itself makes: a worker without keepers, or a slot's first keeper. Nobody was
 * made; the next tick orders the same generation again. */
void slot_spawn_failed(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct keeper_memory *first = &memory->keepers[KEEPER_A];
    bool of_keeper = memory->phase == SLOT_KEEPING && first->phase == KEEPER_STARTING;
    bool of_worker = memory->phase == SLOT_STARTING && !memory->made && !p->state->protect;
    bool wanted = p->state->stage == STAGE_RUNNING;
    if (of_keeper)
        set_keeper(p, first, wanted ? KEEPER_STARTING : KEEPER_NONE);
    if (!wanted && (of_keeper || of_worker))
        end(p, slot);
}

/* ---- keepers ---- */

void slot_keeper_ready(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    if (memory->keepers[event->letter].phase != KEEPER_STARTING)
        return;
    set_keeper(p, &memory->keepers[event->letter], KEEPER_READY);
    if (memory->phase == SLOT_KEEPING && p->state->stage != STAGE_RUNNING)
        end(p, event->slot);
    else if (memory->phase == SLOT_KEEPING)
        spawn(p, event->slot, RECOVER_ALL, 0, 0);
    else if (memory->phase == SLOT_STARTING && !memory->made)
        emit_spawn(p, event->slot);
    want_twin(p, event->slot);
}

/* Both keepers are dead, and the table lives on in the worker alone: it goes on for those it serves, and a
 * slot that can keep its promise is made beside it. */
static void unprotected(struct policy *p, uint32_t slot)
{
    memory_of(p, slot)->phase = SLOT_LEAVING;
    say(p, ACTION_UNPROTECTED, slot);
    if (p->state->stage != STAGE_RUNNING)
        return; /* it is leaving already */
    policy_add(p, ACTION_LEAVE, slot);
}

void slot_keeper_died(struct policy *p, const struct supervisor_event *event)
{
    struct slot_memory *memory = memory_of(p, event->slot);
    struct keeper_memory *twin = &memory->keepers[other_of(event->letter)];
    memory->made |= event->worker_made;
    set_keeper(p, &memory->keepers[event->letter], KEEPER_NONE);
    if (!event->twin_made)
        set_keeper(p, twin, KEEPER_NONE); /* the dead one was to make it */
    if (memory->phase == SLOT_KEEPING) {
        if (p->state->stage == STAGE_RUNNING)
            retry_later(p, event->slot);
        else
            end(p, event->slot);
        return;
    }
    if (memory->phase != SLOT_STARTING && memory->phase != SLOT_SERVING)
        return;
    if (keepers_gone(memory) && memory->made)
        unprotected(p, event->slot);
    else if (keepers_gone(memory))
        table_lost(p, event->slot);
    else if (memory->phase == SLOT_STARTING && !memory->made)
        emit_spawn(p, event->slot);
}

/* ---- time ---- */

static bool waited(const struct policy *p, int64_t since_ms, int64_t limit_ms)
{
    return p->now_ms - since_ms > limit_ms;
}

static void kill_keeper(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    memory_of(p, slot)->keepers[letter].killed = 1;
    emit_keeper_action(p, slot, letter, ACTION_KEEPER_KILL);
}

/* An order that was not obeyed is given again; a signal may have been lost, or the keeper may have been
 * stopped. */
static void remind_keeper(struct policy *p, uint32_t slot, enum keeper_letter letter)
{
    struct slot_memory *memory = memory_of(p, slot);
    struct keeper_memory *keeper = &memory->keepers[letter];
    bool overdue = waited(p, keeper->since_ms, KEEPER_OBEY_MS_MAX);
    bool twin_can = memory->keepers[other_of(letter)].phase == KEEPER_READY;
    if (keeper->phase == KEEPER_STARTING && memory->phase == SLOT_KEEPING)
        emit_keeper(p, slot);
    else if (keeper->phase == KEEPER_STARTING && twin_can)
        emit_twin(p, slot, letter);
    else if (keeper->phase == KEEPER_STARTING)
        return; /* made by one that is dead now: slow as it may be, it is the only one */
    else
        emit_keeper_action(p, slot, letter, ACTION_KEEPER_LEAVE);
    if (overdue)
        kill_keeper(p, slot, letter);
}

static void remind_worker(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    enum keeper_letter spawner = (enum keeper_letter)memory->spawner;
    if (memory->made) {
        if (waited(p, memory->since_ms, WORKER_START_MS_MAX) && memory->kill_reason == KILL_NONE)
            slot_kill(p, slot, KILL_STUCK);
        return;
    }
    bool twin_can = memory->keepers[other_of(spawner)].phase == KEEPER_READY;
    if (p->state->protect && twin_can && waited(p, memory->since_ms, KEEPER_OBEY_MS_MAX))
        kill_keeper(p, slot, spawner); /* its death hands the order to the twin */
    else
        emit_spawn(p, slot);
}

void slot_tick(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
        if (memory->keepers[letter].phase != KEEPER_NONE && memory->keepers[letter].phase != KEEPER_READY)
            remind_keeper(p, slot, letter);
    if (memory->phase == SLOT_STARTING)
        remind_worker(p, slot);
    want_twin(p, slot);
    if (slot_lives(memory) && memory->kill_reason != KILL_NONE)
        emit_kill(p, slot); /* it may have been born after the first try */
    bool waits = memory->phase == SLOT_RETRYING || memory->phase == SLOT_RESTING;
    if (waits && p->now_ms >= memory->deadline_ms && keepers_gone(memory))
        slot_begin(p, slot);
}

void slot_resume(struct policy *p, uint32_t slot)
{
    struct slot_memory *memory = memory_of(p, slot);
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
        if (memory->keepers[letter].phase != KEEPER_NONE && memory->keepers[letter].phase != KEEPER_READY)
            remind_keeper(p, slot, letter);
    if (memory->phase == SLOT_STARTING && !memory->made)
        emit_spawn(p, slot);
    if (memory->phase == SLOT_LEAVING && p->state->stage == STAGE_RUNNING)
        policy_add(p, ACTION_LEAVE, slot);
    if (slot_lives(memory) && p->state->stage == STAGE_DRAINING)
        policy_add(p, ACTION_DRAIN, slot);
    if (slot_lives(memory) && memory->kill_reason != KILL_NONE)
        emit_kill(p, slot);
}
