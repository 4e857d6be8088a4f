/* One slot on its way to another image: two tables for a moment, and a gate until there is one again. */
#include "tests/unit/test_slot_swap.h"

static void gate__worker_made__the_old_keeper_leaves_before_it_may_go(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    expect_keeper_action(ACTION_KEEPER_LEAVE, KEEPER_B);
    assert_null(policy_action(&f, ACTION_GO, 0));
    policy_pass(&f, 100);
    assert_null(policy_action(&f, ACTION_GO, 0));
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    assert_int_equal(policy_action(&f, ACTION_GO, 0)->generation, 2);
}

static void gate__worker_not_made_yet__the_old_keeper_stays(void **state)
{
    (void)state;
    policy_pass(&f, 500);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 0);
    assert_int_equal(slot->keepers[KEEPER_B].phase, KEEPER_READY);
}

static void gate__old_keeper_does_not_leave__killed(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 100);
    expect_keeper_action(ACTION_KEEPER_KILL, KEEPER_B);
}

/* Symptom: the old keeper had left before the worker was made, so the order was given again without the gate;
 * but the worker had been made by the first one, and waited for ever. */
static void gate__old_keeper_dies_before_the_worker_is_known__told_to_go(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, TWIN);
    expect_spawn_by(KEEPER_A);
    policy_worker_made(&f, 0);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
}

static void gate__told_to_go__told_again_until_it_serves(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
    policy_worker_ready(&f, 0);
    policy_pass(&f, 100);
    assert_null(policy_action(&f, ACTION_GO, 0));
}

static void gate__resumed__told_again(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
}

static void gate__its_worker_is_killed__the_next_one_waits_as_well(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    expect_spawn_by(KEEPER_A);
    assert_true(slot->gated);
    policy_worker_made(&f, 0);
    assert_null(policy_action(&f, ACTION_GO, 0));
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    assert_int_equal(policy_action(&f, ACTION_GO, 0)->generation, 3);
}

/* The connections live in the worker alone, and in the old keeper's copy of its table. */
static void gate__new_keeper_dies__the_old_one_leaves_and_the_worker_goes(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    assert_null(policy_action(&f, ACTION_GO, 0));
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
    assert_non_null(policy_action(&f, ACTION_UNPROTECTED, 0));
    assert_int_equal(slot->phase, SLOT_LEAVING);
}

static void gate__new_keeper_dies_before_it_made_anybody__the_old_one_does(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_A, TWIN);
    expect_spawn_by(KEEPER_B);
    assert_int_equal(slot->image, 1);
    policy_worker_made(&f, 0);
    assert_non_null(policy_action(&f, ACTION_GO, 0)); /* it may have been told to wait */
}

static void gate__serves_unasked__is_closed_no_more(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_worker_ready(&f, 0);
    assert_false(slot->gated);
    assert_int_equal(slot->phase, SLOT_SERVING);
}

static void gate__made_by_the_old_keeper_while_the_other_may_be_the_new_image__that_one_is_ended(void **state)
{
    (void)state;
    start_execing(state);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_made(&f, 0);
    expect_keeper_action(ACTION_KEEPER_KILL, KEEPER_A);
    assert_null(policy_action(&f, ACTION_GO, 0));
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
}

/* Symptom: it had gone over when a drain had begun, and was taken for one of the old table when all ended. */
static void gate__execing_when_a_drain_begins_and_then_all_ends__no_go_while_it_lives(void **state)
{
    (void)state;
    start_execing(state);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_made(&f, 0);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_forget(&f);
    policy_pass(&f, 300);
    assert_int_equal(f.seen[ACTION_GO], 0);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_LEAVING);
    assert_int_equal(slot->keepers[KEEPER_A].image, 2);
}

static void gate__passed__new_twin_is_of_the_new_image(void **state)
{
    (void)state;
    policy_worker_made(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_worker_ready(&f, 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_TWIN, 0)->letter, KEEPER_A);
    assert_int_equal(slot->keepers[KEEPER_B].image, 2);
    policy_keeper_ready(&f, 0, KEEPER_B);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_false(slot->gated);
}

int main(void)
{
#define HANDING(test) cmocka_unit_test_setup(test, start)
#define GATE(test)    cmocka_unit_test_setup(test, start_at_gate)
    const struct CMUnitTest tests[] = {
        GATE(gate__worker_made__the_old_keeper_leaves_before_it_may_go),
        GATE(gate__worker_not_made_yet__the_old_keeper_stays),
        GATE(gate__old_keeper_does_not_leave__killed),
        GATE(gate__old_keeper_dies_before_the_worker_is_known__told_to_go),
        GATE(gate__told_to_go__told_again_until_it_serves),
        GATE(gate__resumed__told_again),
        GATE(gate__its_worker_is_killed__the_next_one_waits_as_well),
        GATE(gate__new_keeper_dies__the_old_one_leaves_and_the_worker_goes),
        GATE(gate__new_keeper_dies_before_it_made_anybody__the_old_one_does),
        GATE(gate__serves_unasked__is_closed_no_more),
        HANDING(gate__made_by_the_old_keeper_while_the_other_may_be_the_new_image__that_one_is_ended),
        HANDING(gate__execing_when_a_drain_begins_and_then_all_ends__no_go_while_it_lives),
        GATE(gate__passed__new_twin_is_of_the_new_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
