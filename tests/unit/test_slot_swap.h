/*
 * One slot on its way to another image, on the policy in a test's hands (tests/support/policy_fixture.h): set up where its
 * handover is ordered, where a keeper is becoming the new image, or where its worker waits at the gate.
 */
#ifndef TESTS_UNIT_TEST_SLOT_SWAP_H
#define TESTS_UNIT_TEST_SLOT_SWAP_H

#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true}, TWIN = {.twin = true},
                                BOTH = {.worker = true, .twin = true};

/* The handover is ordered. */
static inline int start(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_upgrade(&f);
    policy_forget(&f);
    return 0;
}

static inline int start_execing(void **state)
{
    start(state);
    policy_swap_to_exec(&f, 0);
    return 0;
}

static inline int start_at_gate(void **state)
{
    start(state);
    policy_swap_to_gate(&f, 0);
    return 0;
}

static inline void expect_spawn_by(enum keeper_letter letter)
{
    policy_expect_spawn_by(&f, 0, letter);
    assert_int_equal(slot->image, slot->keepers[letter].image);
}

static inline void expect_keeper_action(enum supervisor_action_kind kind, enum keeper_letter letter)
{
    const struct supervisor_action *action = policy_action(&f, kind, 0);

    assert_non_null(action);
    assert_int_equal(action->letter, letter);
    assert_int_equal(action->generation, slot->keepers[letter].generation);
}

#endif
