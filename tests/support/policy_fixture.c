#include "tests/support/policy_fixture.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

#define TICK_INTERVAL_MS 100

static struct slot_memory *memory_of(struct policy_fixture *f, uint32_t slot)
{
    return &f->state.slots[slot];
}

/* ---- any event ---- */

void policy_feed(struct policy_fixture *f, const struct supervisor_event *event)
{
    supervisor_step(&f->state, event, f->now_ms, &f->actions);
    for (uint32_t i = 0; i < f->actions.count; i++)
        f->seen[f->actions.items[i].kind]++;
}

void policy_feed_kind(struct policy_fixture *f, enum supervisor_event_kind kind)
{
    policy_feed(f, &(struct supervisor_event){.kind = kind});
}

void policy_pass(struct policy_fixture *f, int64_t ms)
{
    for (int64_t end_ms = f->now_ms + ms; f->now_ms < end_ms;) {
        f->now_ms += TICK_INTERVAL_MS;
        policy_feed_kind(f, SUPERVISOR_TICK);
    }
}

void policy_forget(struct policy_fixture *f)
{
    memset(f->seen, 0, sizeof f->seen);
}

const struct supervisor_action *policy_action(const struct policy_fixture *f,
                                              enum supervisor_action_kind kind, uint32_t slot)
{
    for (uint32_t i = 0; i < f->actions.count; i++)
        if (f->actions.items[i].kind == kind && f->actions.items[i].slot == slot)
            return &f->actions.items[i];
    return NULL;
}

/* ---- a slot's ---- */

/* The one there must be. A copy, since gcc does not know that an assertion that fails does not return. */
static struct supervisor_action expected_action(const struct policy_fixture *f,
                                                enum supervisor_action_kind kind, uint32_t slot)
{
    const struct supervisor_action *action = policy_action(f, kind, slot);

    assert_non_null(action);
    return action ? *action : (struct supervisor_action){0};
}

void policy_expect_spawn_by(const struct policy_fixture *f, uint32_t slot, enum keeper_letter letter)
{
    const struct supervisor_action spawn = expected_action(f, ACTION_SPAWN, slot);
    const struct slot_memory *memory = &f->state.slots[slot];

    assert_int_equal(spawn.generation, memory->generation);
    assert_int_equal(spawn.letter, letter);
    assert_int_equal(spawn.keeper_generation, memory->keepers[letter].generation);
}

void policy_expect_twin(const struct policy_fixture *f, uint32_t slot, enum keeper_letter letter)
{
    enum keeper_letter maker = letter == KEEPER_A ? KEEPER_B : KEEPER_A;
    const struct supervisor_action twin = expected_action(f, ACTION_TWIN, slot);
    const struct slot_memory *memory = &f->state.slots[slot];

    assert_int_equal(twin.generation, memory->keepers[letter].generation);
    assert_int_equal(twin.letter, maker);
    assert_int_equal(twin.keeper_generation, memory->keepers[maker].generation);
}

void policy_keeper_ready(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter)
{
    const struct keeper_memory *keeper = &memory_of(f, slot)->keepers[letter];

    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_KEEPER_READY,
                       .slot = slot,
                       .letter = letter,
                       .generation = keeper->generation,
                       .image = keeper->phase == KEEPER_EXECING ? keeper->asked : keeper->image,
                   });
}

static void keeper_died(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                        struct policy_made made, bool plain_kill)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_KEEPER_DEATH,
                       .slot = slot,
                       .letter = letter,
                       .generation = memory_of(f, slot)->keepers[letter].generation,
                       .worker_made = made.worker,
                       .twin_made = made.twin,
                       .plain_kill = plain_kill,
                   });
}

void policy_keeper_died(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                        struct policy_made made)
{
    keeper_died(f, slot, letter, made, false);
}

void policy_keeper_killed(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                          struct policy_made made)
{
    keeper_died(f, slot, letter, made, true);
}

void policy_keepers_die(struct policy_fixture *f, uint32_t slot)
{
    policy_keeper_died(f, slot, KEEPER_A, (struct policy_made){.worker = true, .twin = true});
    policy_keeper_died(f, slot, KEEPER_B, (struct policy_made){.worker = true});
}

static void feed_worker(struct policy_fixture *f, uint32_t slot, enum supervisor_event_kind kind)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = kind, .slot = slot, .generation = memory_of(f, slot)->generation});
}

void policy_worker_made(struct policy_fixture *f, uint32_t slot)
{
    feed_worker(f, slot, SUPERVISOR_MADE);
}

void policy_worker_ready(struct policy_fixture *f, uint32_t slot)
{
    feed_worker(f, slot, SUPERVISOR_READY);
}

void policy_worker_died(struct policy_fixture *f, uint32_t slot, enum death_kind kind, bool answered)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_DEATH,
                       .slot = slot,
                       .generation = memory_of(f, slot)->generation,
                       .death = {.kind = kind, .answered = answered},
                   });
}

void policy_crash_unanswered(struct policy_fixture *f, uint32_t slot)
{
    policy_worker_died(f, slot, DEATH_CRASH, false);
}

void policy_everybody_leaves(struct policy_fixture *f, uint32_t slot)
{
    policy_worker_died(f, slot, DEATH_LEFT, true);
    policy_keepers_die(f, slot);
}

void policy_claim_hang(struct policy_fixture *f, uint32_t slot, enum kill_reason reason)
{
    policy_feed(f, &(struct supervisor_event){.kind = SUPERVISOR_HANG,
                                              .slot = slot,
                                              .generation = memory_of(f, slot)->generation,
                                              .hang = reason});
}

void policy_crash_until_rest(struct policy_fixture *f, uint32_t slot)
{
    uint32_t rests = f->seen[ACTION_RESTS];

    for (int death = 0; death < RESTART_REST_COUNT; death++) {
        policy_worker_ready(f, slot);
        policy_worker_died(f, slot, DEATH_CRASH, false);
    }
    assert_int_equal(f->seen[ACTION_RESTS], rests + 1);
}

void policy_hand_over(struct policy_fixture *f, uint32_t slot)
{
    assert_true(memory_of(f, slot)->handing);
    policy_worker_died(f, slot, DEATH_LEFT, true);
    policy_worker_made(f, slot);
    policy_worker_ready(f, slot);
    assert_int_equal(memory_of(f, slot)->phase, SLOT_SERVING);
}

/* ---- requests ---- */

uint32_t policy_request(struct policy_fixture *f, enum operation_kind kind, uint32_t goal)
{
    policy_feed(f,
                &(struct supervisor_event){
                    .kind = SUPERVISOR_REQUEST, .operation = kind, .goal = goal, .drain_timeout_ms = 8000});
    return f->state.operations.last_number;
}

enum operation_state policy_operation_state(struct policy_fixture *f, uint32_t number)
{
    const struct operation *operation = operation_find(&f->state.operations, number);

    return operation ? (enum operation_state)operation->state : OPERATION_NONE;
}

void policy_expect_running(struct policy_fixture *f, uint32_t number)
{
    assert_int_equal(policy_operation_state(f, number), OPERATION_RUNNING);
}

void policy_expect_done(struct policy_fixture *f, uint32_t number)
{
    assert_int_equal(policy_operation_state(f, number), OPERATION_DONE);
}

void policy_expect_failed(struct policy_fixture *f, uint32_t number, const char *why)
{
    assert_int_equal(policy_operation_state(f, number), OPERATION_FAILED);
    assert_string_equal(operation_find(&f->state.operations, number)->why, why);
}

/* ---- images ---- */

void policy_image(struct policy_fixture *f, uint32_t number, const char *why)
{
    policy_feed(f, &(struct supervisor_event){.kind = SUPERVISOR_IMAGE, .generation = number, .why = why});
}

void policy_resume_as(struct policy_fixture *f, uint32_t image)
{
    policy_feed_kind(f, SUPERVISOR_RESUME);
    policy_image(f, image, NULL);
}

void policy_checked(struct policy_fixture *f, const char *why)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_CHECKED, .generation = f->state.upgrade.last_number, .why = why});
}

uint32_t policy_upgrade(struct policy_fixture *f)
{
    uint32_t number = policy_request(f, OPERATION_UPGRADE, 0);

    policy_checked(f, NULL);
    assert_int_equal(f->state.upgrade.stage, UPGRADE_SLOTS);
    return number;
}

void policy_exec_failed(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter, const char *why)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_EXEC_FAILED,
                       .slot = slot,
                       .letter = letter,
                       .generation = memory_of(f, slot)->keepers[letter].generation,
                       .why = why,
                   });
}

void policy_proven(struct policy_fixture *f, uint32_t slot)
{
    feed_worker(f, slot, SUPERVISOR_PROVEN);
}

void policy_swap_to_exec(struct policy_fixture *f, uint32_t slot)
{
    assert_true(memory_of(f, slot)->handing);
    policy_worker_died(f, slot, DEATH_LEFT, true);
    assert_int_equal(memory_of(f, slot)->phase, SLOT_SWAPPING);
    assert_int_equal(memory_of(f, slot)->keepers[KEEPER_A].phase, KEEPER_EXECING);
}

void policy_swap_to_gate(struct policy_fixture *f, uint32_t slot)
{
    policy_swap_to_exec(f, slot);
    policy_keeper_ready(f, slot, KEEPER_A);
    assert_int_equal(memory_of(f, slot)->phase, SLOT_STARTING);
    assert_true(memory_of(f, slot)->gated);
}

void policy_swap(struct policy_fixture *f, uint32_t slot)
{
    policy_swap_to_gate(f, slot);
    policy_worker_made(f, slot);
    policy_keeper_died(f, slot, KEEPER_B, (struct policy_made){.worker = true, .twin = true});
    policy_worker_ready(f, slot);
    policy_pass(f, TICK_INTERVAL_MS);
    policy_keeper_ready(f, slot, KEEPER_B);
    assert_int_equal(memory_of(f, slot)->phase, SLOT_SERVING);
    assert_int_equal(memory_of(f, slot)->image, f->state.upgrade.target);
}

void policy_swap_and_prove(struct policy_fixture *f, uint32_t slot)
{
    policy_swap(f, slot);
    policy_proven(f, slot);
}

uint32_t policy_upgrade_all_slots(struct policy_fixture *f)
{
    uint32_t number = policy_upgrade(f);

    policy_swap_and_prove(f, 0);
    policy_swap_and_prove(f, 1);
    policy_expect_stage(f, UPGRADE_MASTER);
    return number;
}

void policy_expect_stage(struct policy_fixture *f, enum upgrade_stage stage)
{
    assert_int_equal(f->state.upgrade.stage, stage);
}

/* ---- the beginning ---- */

/* The server feeds SUPERVISOR_START behind it, which finds everything ordered. */
void policy_start(struct policy_fixture *f, uint32_t wanted_count, bool protect)
{
    memset(f, 0, sizeof *f);
    f->now_ms = 5000;
    supervisor_init(&f->state, wanted_count, protect, 8000, 42);
    policy_image(f, 1, NULL);
}

void policy_start_serving(struct policy_fixture *f, uint32_t wanted_count, bool protect)
{
    policy_start(f, wanted_count, protect);
    for (uint32_t slot = 0; slot < wanted_count; slot++) {
        if (protect) {
            policy_keeper_ready(f, slot, KEEPER_A);
            policy_keeper_ready(f, slot, KEEPER_B);
        }
        policy_worker_ready(f, slot);
        assert_int_equal(memory_of(f, slot)->phase, SLOT_SERVING);
    }
    policy_forget(f);
}
