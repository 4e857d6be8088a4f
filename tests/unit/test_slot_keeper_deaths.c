/*
 * One slot when its keepers die: who gets the order that was not carried out, who is made anew, and what two and
 * three deaths cost.
 */
#include "tests/support/cmocka_all.h"

#include "master/slot.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true}, TWIN = {.twin = true},
                                BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    return 0;
}

/* ---- a keeper's death ---- */

static void keeper_died__twin_lives__made_anew_within_a_tick(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    policy_expect_twin(&f, 0, KEEPER_A);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 2);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(f.seen[ACTION_UNPROTECTED], 0);
}

static void keeper_died__told_twice__counts_once(void **state)
{
    const struct supervisor_event again = {.kind = SUPERVISOR_KEEPER_DEATH,
                                           .generation = 1,
                                           .letter = KEEPER_A,
                                           .twin_made = true,
                                           .worker_made = true};

    (void)state;
    policy_feed(&f, &again);
    policy_pass(&f, 100);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_feed(&f, &again);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_READY);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 2);
}

static void keeper_died__with_an_order_not_carried_out__twin_gets_the_order(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_expect_spawn_by(&f, 0, KEEPER_B);
    assert_int_equal(slot->generation, 2);
}

/* The worker is known to be made by its pid, whoever had no time to tell of it. */
static void keeper_died__with_its_order_carried_out__nothing_is_ordered_again(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_true(slot->made);
}

static void keeper_does_not_obey__twin_ready__killed_then_readdressed(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    policy_expect_spawn_by(&f, 0, KEEPER_A); /* reminded, since a signal may be lost */
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KEEPER_KILL, 0)->letter, KEEPER_A);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_expect_spawn_by(&f, 0, KEEPER_B);
}

static void keeper_does_not_obey__it_is_alone__reminded_never_killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_pass(&f, 60000);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->letter, KEEPER_A);
    for (uint32_t i = 0; i < f.actions.count; i++)
        if (f.actions.items[i].kind == ACTION_KEEPER_KILL)
            assert_int_equal(f.actions.items[i].letter, KEEPER_B); /* the twin that may be half made */
}

/* Symptom: worker dead, first keeper dead, the other slow to be ready: killed for it, and the table with it.
 */
static void keeper_slow_to_be_ready__its_maker_is_dead__not_killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_forget(&f);
    policy_pass(&f, 60000);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_keeper_ready(&f, 0, KEEPER_B);
    policy_expect_spawn_by(&f, 0, KEEPER_B);
    policy_expect_twin(&f, 0, KEEPER_A);
}

static void keeper_slow_to_be_ready__its_maker_lives__killed_and_made_anew(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 300);
    assert_int_equal(policy_action(&f, ACTION_KEEPER_KILL, 0)->letter, KEEPER_B);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_expect_twin(&f, 0, KEEPER_B);
}

static void keeper_died__twin_half_made_by_it__both_are_gone(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    assert_non_null(policy_action(&f, ACTION_UNPROTECTED, 0));
}

static void keeper_ready__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    policy_feed(
        &f, &(struct supervisor_event){.kind = SUPERVISOR_KEEPER_READY, .letter = KEEPER_A, .generation = 1});
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_STARTING);
}

/* ---- two and three deaths ---- */

static void both_keepers_died__worker_lives__leaves_and_another_slot_begins(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    assert_int_equal(slot->phase, SLOT_LEAVING);
    assert_non_null(policy_action(&f, ACTION_UNPROTECTED, 0));
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
    assert_non_null(policy_action(&f, ACTION_KEEPER, 1));
    assert_int_equal(f.state.slot_limit, 2);
}

static void leaving__worker_left__slot_is_free_again(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    assert_int_equal(slot->phase, SLOT_UNUSED);
    assert_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_null(policy_action(&f, ACTION_KEEPER, 0));
}

static void leaving__worker_died__its_connections_are_lost_and_said_so(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_int_equal(slot->phase, SLOT_UNUSED);
}

static void all_three_died__worker_first__table_lost_and_begun_anew(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    assert_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation,
                     3); /* the second was ordered of the other */
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

static void all_three_died__keepers_first__table_lost_and_another_slot(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
    assert_int_equal(f.state.slots[1].phase, SLOT_KEEPING);
}

static void all_three_died__worker_made_and_never_seen__still_leaving_until_its_death_is_told(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    assert_int_equal(slot->phase, SLOT_LEAVING);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
}

int main(void)
{
#define SERVING(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        SERVING(keeper_died__twin_lives__made_anew_within_a_tick),
        SERVING(keeper_died__told_twice__counts_once),
        SERVING(keeper_died__with_an_order_not_carried_out__twin_gets_the_order),
        SERVING(keeper_died__with_its_order_carried_out__nothing_is_ordered_again),
        SERVING(keeper_does_not_obey__twin_ready__killed_then_readdressed),
        SERVING(keeper_does_not_obey__it_is_alone__reminded_never_killed),
        SERVING(keeper_slow_to_be_ready__its_maker_is_dead__not_killed),
        SERVING(keeper_slow_to_be_ready__its_maker_lives__killed_and_made_anew),
        SERVING(keeper_died__twin_half_made_by_it__both_are_gone),
        SERVING(keeper_ready__of_an_older_generation__ignored),
        SERVING(both_keepers_died__worker_lives__leaves_and_another_slot_begins),
        SERVING(leaving__worker_left__slot_is_free_again),
        SERVING(leaving__worker_died__its_connections_are_lost_and_said_so),
        SERVING(all_three_died__worker_first__table_lost_and_begun_anew),
        SERVING(all_three_died__keepers_first__table_lost_and_another_slot),
        SERVING(all_three_died__worker_made_and_never_seen__still_leaving_until_its_death_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
