/*
 * One slot under its keepers: how it begins, what becomes of a worker that does not come, and how a slot rests. What
 * follows a death is in test_slot_worker_deaths.c and test_slot_keeper_deaths.c, the keepers by themselves in
 * test_slot_keepers.c.
 */
#include "tests/support/cmocka_all.h"

#include "master/slot.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true},
                                BOTH = {.worker = true, .twin = true};

static int start(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    return 0;
}

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    return 0;
}

/* ---- the beginning ---- */

static void begin__nothing_there__first_keeper_is_ordered(void **state)
{
    (void)state;
    assert_int_equal(slot->phase, SLOT_KEEPING);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
    assert_int_equal(f.actions.count, 1);
}

static void begin__keeper_ready__worker_and_twin_by_it(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_int_equal(slot->phase, SLOT_STARTING);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
    policy_expect_twin(&f, 0, KEEPER_B);
}

static void begin__worker_ready__serves(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_made(&f, 0);
    assert_int_equal(slot->phase, SLOT_STARTING);
    policy_worker_ready(&f, 0);
    assert_int_equal(slot->phase, SLOT_SERVING);
    policy_keeper_ready(&f, 0, KEEPER_B);
    assert_int_equal(f.actions.count, 0);
}

static void begin__first_keeper_dies__another_after_a_pause(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(slot->phase, SLOT_RETRYING);
    assert_null(policy_action(&f, ACTION_KEEPER, 0));
    policy_pass(&f, SPAWN_RETRY_MS);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 2);
}

/* It would be out twice if a later try had made it after all. */
static void begin__clone_fails__same_generation_is_ordered_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(slot->phase, SLOT_KEEPING);
    policy_pass(&f, SPAWN_RETRY_MS);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
}

static void begin__clone_fails_for_long__not_killed_as_overdue_once_made(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
        policy_pass(&f, 100);
        assert_null(policy_action(&f, ACTION_KEEPER_KILL, 0));
    }
}

static void begin__first_keeper_never_ready__killed(void **state)
{
    (void)state;
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_KEEPER_KILL, 0));
}

/* ---- a worker that does not come ---- */

static void worker_of_a_new_image_never_ready__ended_sooner(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    slot->image = f.state.upgrade.image + 1;
    policy_worker_made(&f, 0);
    policy_pass(&f, NEW_START_MS_MAX);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_STUCK);
}

static void worker_made_but_never_ready__ended_as_stuck(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_made(&f, 0);
    policy_pass(&f, WORKER_START_MS_MAX);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_STUCK);
    assert_int_equal(slot->kill_reason, KILL_STUCK);
    policy_pass(&f, 100); /* it may have been born after the first try */
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(slot->kill_reason, KILL_NONE);
    policy_expect_spawn_by(&f, 0, KEEPER_A);
}

static void ready__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_READY, .generation = 1});
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_MADE, .generation = 1});
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_false(slot->made);
}

/* ---- rest ---- */

static void rest__crash_loop__keepers_leave_and_the_slot_waits(void **state)
{
    (void)state;
    f.state.wanted_count = 1;
    policy_start_serving(&f, 2, true);
    policy_crash_until_rest(&f, 0);
    assert_non_null(policy_action(&f, ACTION_RESTS, 0));
    assert_true(policy_action(&f, ACTION_RESTS, 0)->rest_ms > 0);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    assert_int_equal(slot->phase, SLOT_KEEPING);
    assert_int_equal(f.state.slots[1].phase, SLOT_SERVING);
}

static void rest__keepers_still_there__waits_for_them(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, RESTART_REST_MS_MAX);
    assert_int_equal(slot->phase, SLOT_RESTING);
    assert_true(f.seen[ACTION_KEEPER_KILL] > 0);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_pass(&f, 100);
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

/* Symptom: after a crash loop the slot never came back, as it waited for the death of somebody never born. */
static void rest__twin_ordered_but_never_made__slot_comes_back(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_expect_twin(&f, 0, KEEPER_B);
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

/* ---- what is asked of one ---- */

static void gone__nothing_of_it_runs(void **state)
{
    struct slot_memory memory = {0};

    (void)state;
    for (enum slot_phase phase = SLOT_UNUSED; phase <= SLOT_ENDED; phase++) {
        memory.phase = phase;
        assert_int_equal(slot_is_gone(&memory), phase == SLOT_UNUSED || phase == SLOT_ENDED);
    }
    memory.keepers[KEEPER_B].phase = KEEPER_LEAVING;
    assert_false(slot_is_gone(&memory));
}

static void outdated__other_image_that_failed_too_often__not(void **state)
{
    struct slot_memory memory = {.settings_number = 1, .image = 5};

    (void)state;
    f.state.upgrade.target = 6;
    assert_true(slot_is_outdated(&f.state, &memory));
    memory.swap_tries = SWAP_TRIES_MAX;
    assert_false(slot_is_outdated(&f.state, &memory));
}

int main(void)
{
#define BEGIN(test)   cmocka_unit_test_setup(test, start)
#define SERVING(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        BEGIN(begin__nothing_there__first_keeper_is_ordered),
        BEGIN(begin__keeper_ready__worker_and_twin_by_it),
        BEGIN(begin__worker_ready__serves),
        BEGIN(begin__first_keeper_dies__another_after_a_pause),
        BEGIN(begin__clone_fails__same_generation_is_ordered_again),
        BEGIN(begin__clone_fails_for_long__not_killed_as_overdue_once_made),
        BEGIN(begin__first_keeper_never_ready__killed),
        SERVING(worker_of_a_new_image_never_ready__ended_sooner),
        SERVING(worker_made_but_never_ready__ended_as_stuck),
        SERVING(ready__of_an_older_generation__ignored),
        SERVING(rest__crash_loop__keepers_leave_and_the_slot_waits),
        SERVING(rest__keepers_still_there__waits_for_them),
        SERVING(rest__twin_ordered_but_never_made__slot_comes_back),
        SERVING(gone__nothing_of_it_runs),
        SERVING(outdated__other_image_that_failed_too_often__not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
