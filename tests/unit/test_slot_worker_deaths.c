/* One slot when its worker dies: the successor, and the connections that it is told to reset. */
#include "tests/support/cmocka_all.h"

#include "master/slot.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    return 0;
}

/* ---- the successor ---- */

static void worker_died__keepers_live__successor_at_once(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_int_equal(slot->generation, 2);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    assert_int_equal(slot->death_count, 1);
}

static void worker_died__told_twice__counts_once(void **state)
{
    const struct supervisor_event again = {
        .kind = SUPERVISOR_DEATH, .generation = 1, .death = {.kind = DEATH_CRASH}};

    (void)state;
    policy_feed(&f, &again);
    policy_feed(&f, &again);
    assert_int_equal(f.actions.count, 0);
    assert_int_equal(slot->generation, 2);
    assert_int_equal(slot->death_count, 1);
}

static void worker_died__before_it_was_ready__successor_too(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->generation, 3);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
}

static void worker_died__many_kills_in_a_row__successor_held_back_not_dropped(void **state)
{
    (void)state;
    for (int death = 0; death < RESTART_KILLS_FREE_COUNT; death++) {
        policy_worker_died(&f, 0, DEATH_KILL, false);
        policy_expect_spawn_by(&f, 0, KEEPER_A);
    }
    for (int death = 0; death < 10; death++)
        policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    policy_pass(&f, RESTART_DELAY_MS_MAX);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
}

static void worker_left__without_being_told__successor_as_well(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
    assert_int_equal(slot->death_count, 0);
}

/* ---- what it resets ---- */

static void worker_died__crashed_twice_on_one__that_one_is_reset(void **state)
{
    struct supervisor_event death = {
        .kind = SUPERVISOR_DEATH,
        .generation = 1,
        .death = {.kind = DEATH_CRASH, .in_service = true, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &death);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    assert_int_equal(slot->suspect, 170);
    death.generation++;
    policy_feed(&f, &death);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
}

/* The successor that was to reset it is killed before it has done so. */
static void worker_died__reset_not_carried_out__ordered_again(void **state)
{
    struct supervisor_event event = {.kind = SUPERVISOR_DEATH,
                                     .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    event.generation = slot->generation;
    policy_feed(&f, &event);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
    policy_worker_made(&f, 0);
    policy_worker_ready(&f, 0);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
}

/* Symptom: a SIGKILL at the right moment saved the poisonous connection, which then cost two more crashes. */
static void worker_died__before_an_ordered_reset_was_carried_out__ordered_again(void **state)
{
    struct supervisor_event hang = {.kind = SUPERVISOR_DEATH,
                                    .generation = 1,
                                    .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &hang);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
    policy_worker_ready(&f, 0);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
}

static void worker_died__for_another_reset_before_the_ordered_one__the_later_one(void **state)
{
    struct supervisor_event hang = {.kind = SUPERVISOR_DEATH,
                                    .generation = 1,
                                    .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &hang);
    hang.generation = 2;
    hang.death.suspect = 171;
    policy_feed(&f, &hang);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 171);
}

static void worker_died__five_crashes_in_a_row__all_are_reset(void **state)
{
    (void)state;
    for (int death = 0; death < RESTART_RESET_ALL_COUNT; death++)
        policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_ALL);
    assert_int_equal(slot->phase, SLOT_STARTING);
}

int main(void)
{
#define SERVING(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        SERVING(worker_died__keepers_live__successor_at_once),
        SERVING(worker_died__told_twice__counts_once),
        SERVING(worker_died__before_it_was_ready__successor_too),
        SERVING(worker_died__many_kills_in_a_row__successor_held_back_not_dropped),
        SERVING(worker_left__without_being_told__successor_as_well),
        SERVING(worker_died__crashed_twice_on_one__that_one_is_reset),
        SERVING(worker_died__reset_not_carried_out__ordered_again),
        SERVING(worker_died__before_an_ordered_reset_was_carried_out__ordered_again),
        SERVING(worker_died__for_another_reset_before_the_ordered_one__the_later_one),
        SERVING(worker_died__five_crashes_in_a_row__all_are_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
