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

void policy_keeper_ready(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_KEEPER_READY,
                       .slot = slot,
                       .letter = letter,
                       .generation = memory_of(f, slot)->keepers[letter].generation,
                   });
}

void policy_keeper_died(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                        struct policy_made made)
{
    policy_feed(f, &(struct supervisor_event){
                       .kind = SUPERVISOR_KEEPER_DEATH,
                       .slot = slot,
                       .letter = letter,
                       .generation = memory_of(f, slot)->keepers[letter].generation,
                       .worker_made = made.worker,
                       .twin_made = made.twin,
                   });
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

void policy_crash_until_rest(struct policy_fixture *f, uint32_t slot)
{
    uint32_t rests = f->seen[ACTION_RESTS];

    for (int death = 0; death < RESTART_REST_COUNT; death++) {
        policy_worker_ready(f, slot);
        policy_worker_died(f, slot, DEATH_CRASH, false);
    }
    assert_int_equal(f->seen[ACTION_RESTS], rests + 1);
}

/* ---- the beginning ---- */

void policy_start(struct policy_fixture *f, uint32_t wanted_count, bool protect)
{
    memset(f, 0, sizeof *f);
    f->now_ms = 5000;
    supervisor_init(&f->state, wanted_count, protect, 8000, 42);
    policy_feed_kind(f, SUPERVISOR_START);
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
