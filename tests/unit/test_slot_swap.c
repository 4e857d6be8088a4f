/*
 * One slot on its way to another image: a keeper becomes it, or does not. The gate between two tables is in
 * test_slot_swap_gate.c.
 */
#include "tests/unit/test_slot_swap.h"

static void expect_stage(enum upgrade_stage stage)
{
    assert_int_equal(f.state.upgrade.stage, stage);
}

/* ---- the keeper becomes the new image ---- */

static void left__room_was_made__one_keeper_is_told_to_become_it(void **state)
{
    const struct supervisor_action *exec;

    (void)state;
    policy_swap_to_exec(&f, 0);
    exec = policy_action(&f, ACTION_EXEC, 0);
    assert_non_null(exec);
    assert_int_equal(exec->letter, KEEPER_A);
    assert_int_equal(exec->generation, 2);
    assert_int_equal(exec->keeper_generation, 1);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(slot->keepers[KEEPER_B].phase, KEEPER_READY);
}

/* Killed instead: it left nothing undone, so its successor may as well be of the new image. */
static void killed__told_to_make_room__goes_over_all_the_same(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
    assert_non_null(policy_action(&f, ACTION_EXEC, 0));
}

static void left__the_service_stops__its_clients_are_drained_by_the_old_image(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_int_equal(f.seen[ACTION_EXEC], 0);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(slot->image, 1);
}

static void left__a_keeper_has_just_died__its_twin_first(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    assert_non_null(policy_action(&f, ACTION_TWIN, 0));
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
    assert_null(policy_action(&f, ACTION_EXEC, 0));
    policy_keeper_ready(&f, 0, KEEPER_B);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 0)->letter, KEEPER_A);
}

static void left__both_keepers_are_being_made__spawns_as_it_is(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH); /* its twin was made, and is not ready yet */
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_keeper_ready(&f, 0, KEEPER_A);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(slot->image, 1);
}

static void execing__ready_as_the_old_image__is_a_late_word(void **state)
{
    (void)state;
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_KEEPER_READY,
                                               .letter = KEEPER_A,
                                               .generation = slot->keepers[KEEPER_A].generation,
                                               .image = 1});
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_EXECING);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
}

static void execing__every_tick__told_again(void **state)
{
    (void)state;
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_EXEC, 0));
}

static void execing__resumed__told_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_EXEC, 0));
    assert_int_equal(slot->phase, SLOT_SWAPPING);
}

static void execing__comes__its_worker_is_ordered_and_will_wait(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(slot->image, 2);
    assert_true(slot->gated);
    assert_null(policy_action(&f, ACTION_GO, 0));
}

static void execing__does_not_come__killed_and_the_old_one_serves_on(void **state)
{
    (void)state;
    policy_pass(&f, EXEC_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    expect_keeper_action(ACTION_KEEPER_KILL, KEEPER_A);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    expect_stage(UPGRADE_BACK);
    assert_string_equal(f.state.upgrade.why, "the new image did not say that it is ready");
    expect_spawn_by(KEEPER_B);
    assert_false(slot->gated);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
}

static void execing__dies_of_itself__the_image_is_bad(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    expect_stage(UPGRADE_BACK);
    assert_string_equal(f.state.upgrade.why, "the new image died at its start");
    expect_spawn_by(KEEPER_B);
}

static void execing__killed_from_elsewhere__tried_again(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    expect_stage(UPGRADE_SLOTS);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
    assert_non_null(policy_action(&f, ACTION_TWIN, 0));
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_non_null(policy_action(&f, ACTION_EXEC, 0));
}

static void execing__killed_again_and_again__called_off(void **state)
{
    (void)state;
    for (int kill = 0; kill < SWAP_TRIES_MAX; kill++) {
        expect_stage(UPGRADE_SLOTS);
        policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
        if (kill < SWAP_TRIES_MAX - 1)
            policy_keeper_ready(&f, 0, KEEPER_A);
    }
    expect_stage(UPGRADE_BACK);
    assert_string_equal(f.state.upgrade.why,
                        "keepers were killed again and again on their way to the new image");
    expect_spawn_by(KEEPER_B);
}

static void execing__the_other_one_dies__its_death_changes_nothing_and_patience_is_longer(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_B, BOTH);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
    policy_pass(&f, EXEC_ALONE_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0); /* with it the connections would go */
    policy_keeper_ready(&f, 0, KEEPER_A);
    expect_spawn_by(KEEPER_A);
    assert_false(slot->gated); /* its table is the only one */
    assert_non_null(policy_action(&f, ACTION_TWIN, 0));
}

static void execing__alone_and_does_not_come__ended_at_last_and_begun_anew(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, EXEC_ALONE_MS_MAX + 200);
    expect_keeper_action(ACTION_KEEPER_KILL, KEEPER_A);
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_non_null(policy_action(&f, ACTION_KEEPER, 0));
    assert_int_equal(slot->keepers[KEEPER_A].image, 1);
    policy_expect_failed(&f, 1, "the new image did not say that it is ready");
}

static void execing__cannot__runs_on_as_it_was(void **state)
{
    (void)state;
    policy_exec_failed(&f, 0, KEEPER_A, "Cannot allocate memory");
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_READY);
    assert_int_equal(slot->keepers[KEEPER_A].image, 1);
    expect_spawn_by(KEEPER_A);
    assert_false(slot->gated);
}

static void exec_failed__of_one_that_was_not_told__ignored(void **state)
{
    (void)state;
    policy_exec_failed(&f, 0, KEEPER_B, "no");
    expect_stage(UPGRADE_SLOTS);
    policy_feed(&f, &(struct supervisor_event){
                        .kind = SUPERVISOR_EXEC_FAILED, .letter = KEEPER_A, .generation = 99, .why = "no"});
    expect_stage(UPGRADE_SLOTS);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_EXECING);
}

static void exec_failed__after_the_slot_gave_up_waiting__nothing_but_the_keeper_changes(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(slot->phase, SLOT_STARTING);
    policy_forget(&f);
    policy_exec_failed(&f, 0, KEEPER_A, "no");
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_READY);
    assert_int_equal(f.seen[ACTION_SPAWN], 0);
}

/* Twins that die again and again never let it begin: clients wait no longer than that. */
static void swapping__twin_never_comes__a_worker_of_the_old_image(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, SWAP_TRIES_MAX * EXEC_MS_MAX - 100);
    assert_int_equal(slot->phase, SLOT_SWAPPING);
    policy_pass(&f, 300);
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_int_equal(slot->image, 1);
}

static void swapping__stop__a_worker_at_once_to_drain_what_it_has(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    expect_spawn_by(KEEPER_B);
    assert_true(slot->gated);
    assert_non_null(policy_action(&f, ACTION_DRAIN, 0));
}

static void swapping__scaled_out__its_clients_are_served_by_the_next_generation(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_upgrade(&f);
    policy_swap_to_exec(&f, 0);
    slot->out = 1;
    policy_keeper_ready(&f, 0, KEEPER_A);
    expect_spawn_by(KEEPER_A);
}

static void swapping__all_keepers_die__table_lost_and_begun_anew(void **state)
{
    (void)state;
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    policy_keeper_killed(&f, 0, KEEPER_B, WORKER);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_int_equal(slot->phase, SLOT_KEEPING);
    assert_null(policy_action(&f, ACTION_UNPROTECTED, 0));
}

/* ---- a resumed supervisor ---- */

/* Symptom: it ended the keeper, though the other one, which it believed ready, was dead. */
static void resume__execing_for_long__not_ended_on_remembered_age_alone(void **state)
{
    (void)state;
    policy_pass(&f, EXEC_MS_MAX);
    f.now_ms += TICK_LATE_MS - 100; /* a death and a new supervisor take no longer */
    policy_resume_as(&f, 1);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_keeper_killed(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_keeper_ready(&f, 0, KEEPER_A);
    expect_spawn_by(KEEPER_A);
}

int main(void)
{
#define HANDING(test) cmocka_unit_test_setup(test, start)
#define EXECING(test) cmocka_unit_test_setup(test, start_execing)
    const struct CMUnitTest tests[] = {
        HANDING(left__room_was_made__one_keeper_is_told_to_become_it),
        HANDING(killed__told_to_make_room__goes_over_all_the_same),
        HANDING(left__the_service_stops__its_clients_are_drained_by_the_old_image),
        HANDING(left__a_keeper_has_just_died__its_twin_first),
        HANDING(left__both_keepers_are_being_made__spawns_as_it_is),
        EXECING(execing__ready_as_the_old_image__is_a_late_word),
        EXECING(execing__every_tick__told_again),
        EXECING(execing__resumed__told_again),
        EXECING(execing__comes__its_worker_is_ordered_and_will_wait),
        EXECING(execing__does_not_come__killed_and_the_old_one_serves_on),
        EXECING(execing__dies_of_itself__the_image_is_bad),
        EXECING(execing__killed_from_elsewhere__tried_again),
        EXECING(execing__killed_again_and_again__called_off),
        EXECING(execing__the_other_one_dies__its_death_changes_nothing_and_patience_is_longer),
        EXECING(execing__alone_and_does_not_come__ended_at_last_and_begun_anew),
        EXECING(execing__cannot__runs_on_as_it_was),
        EXECING(exec_failed__of_one_that_was_not_told__ignored),
        EXECING(exec_failed__after_the_slot_gave_up_waiting__nothing_but_the_keeper_changes),
        EXECING(swapping__twin_never_comes__a_worker_of_the_old_image),
        EXECING(swapping__stop__a_worker_at_once_to_drain_what_it_has),
        HANDING(swapping__scaled_out__its_clients_are_served_by_the_next_generation),
        EXECING(swapping__all_keepers_die__table_lost_and_begun_anew),
        EXECING(resume__execing_for_long__not_ended_on_remembered_age_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
