/* An image that is no good: which deaths say so, and how every slot that has gone over to it goes back. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

#include <string.h>

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made BOTH = {.worker = true, .twin = true};

static const char BAD[] = "its first worker died before it had answered anything";

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
}

static int start_unprotected(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, false);
    return 0;
}

/* ---- the canary ---- */

static void unprotected__canary_crashes__the_old_image_again(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_worker_ready(&f, 2);
    policy_crash_unanswered(&f, 2);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 2)->image, 1);
    policy_worker_ready(&f, 2);
    policy_expect_failed(&f, number, BAD);
}

static void canary__cannot_be_executed__back_at_once_and_the_reason_is_told(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap_to_exec(&f, 0);
    policy_exec_failed(&f, 0, KEEPER_A, "Exec format error");
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_expect_stage(&f, UPGRADE_BACK);
    policy_worker_ready(&f, 0);
    policy_expect_failed(&f, number, "Exec format error");
    assert_int_equal(s->slots[0].image, 1);
    assert_int_equal(s->slots[1].generation, 1);
}

static void canary__its_worker_crashes_unproven__the_slot_goes_back(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap(&f, 0);
    policy_crash_unanswered(&f, 0);
    policy_expect_stage(&f, UPGRADE_BACK);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 0)->generation, 1);
    policy_expect_running(&f, number);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_made(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    assert_non_null(policy_action(&f, ACTION_GO, 0));
    policy_worker_ready(&f, 0);
    policy_expect_failed(&f, number, BAD);
    assert_int_equal(s->slots[0].image, 1);
    assert_int_equal(s->slots[0].death_count, 1);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
}

/* Symptom: the crashes of an image that was no good reset the connections, and sent the slot to rest. */
static void canary__its_worker_crashes__no_step_up_the_ladder(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    s->slots[0].restart.deaths_in_a_row = RESTART_REST_COUNT - 1; /* one more would be too many */
    policy_crash_unanswered(&f, 0);
    assert_int_equal(s->slots[0].phase, SLOT_SWAPPING);
    assert_int_equal(f.seen[ACTION_RESTS], 0);
    assert_int_equal(s->slots[0].restart.deaths_in_a_row, RESTART_REST_COUNT - 1);
    assert_int_equal(s->slots[0].recover_how, RECOVER_ALL);
}

static void canary__its_worker_hangs_unproven__likewise(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    policy_worker_died(&f, 0, DEATH_HANG, false);
    policy_expect_stage(&f, UPGRADE_BACK);
    assert_int_equal(s->slots[0].restart.deaths_in_a_row, 0);
}

/* It is the service that is ill then, or a connection: the ladder's matter. */
static void canary__crashes_of_an_image_that_nothing_can_leave__are_counted(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    policy_crash_unanswered(&f, 0);
    s->slots[0].swap_tries = SWAP_TRIES_MAX;
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    assert_int_equal(s->slots[0].phase, SLOT_STARTING);
    assert_int_equal(s->slots[0].image, 2);
    policy_crash_unanswered(&f, 0);
    assert_int_equal(s->slots[0].restart.deaths_in_a_row, 1);
}

static void canary__its_worker_is_killed__says_nothing_about_the_image(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    for (int kill = 0; kill < 3; kill++) {
        policy_worker_died(&f, 0, DEATH_KILL, false);
        policy_worker_ready(&f, 0);
    }
    policy_expect_stage(&f, UPGRADE_SLOTS);
    assert_int_equal(s->slots[0].image, 2);
}

static void canary__crashes_after_an_answer__is_the_connections_matter(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    policy_worker_died(&f, 0, DEATH_CRASH, true);
    policy_expect_stage(&f, UPGRADE_SLOTS);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
}

/* ---- the others ---- */

static void second_slot__crashes_unproven__the_proven_one_goes_back_too(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap_and_prove(&f, 0);
    policy_swap(&f, 1);
    policy_crash_unanswered(&f, 1);
    assert_non_null(policy_action(&f, ACTION_EXEC, 1));
    assert_false(s->slots[0].handing); /* one at a time */
    policy_keeper_ready(&f, 1, KEEPER_A);
    policy_worker_made(&f, 1);
    policy_keeper_died(&f, 1, KEEPER_B, BOTH);
    policy_worker_ready(&f, 1);
    assert_true(s->slots[0].handing);
    policy_expect_running(&f, number);
    policy_swap(&f, 0);
    policy_expect_failed(&f, number, BAD);
    assert_int_equal(s->slots[0].image, 1);
}

static void old_image__crashes_meanwhile__the_upgrade_goes_on(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_crash_unanswered(&f, 1);
    policy_expect_stage(&f, UPGRADE_SLOTS);
    assert_int_equal(s->slots[1].restart.deaths_in_a_row, 1);
}

static void called_off__the_same_image_again__may_work(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap_to_exec(&f, 0);
    policy_exec_failed(&f, 0, KEEPER_A, NULL);
    policy_worker_ready(&f, 0);
    policy_expect_failed(&f, 1, "the new image cannot be executed");

    uint32_t number = policy_upgrade_all_slots(&f);

    policy_resume_as(&f, 3);
    policy_expect_done(&f, number);
}

/* ---- slots on their way out ---- */

/* Symptom: a slot that went out stayed on an image that had been called off, and its crashes were counted. */
static void going_out__its_new_image_crashes__goes_back_for_its_clients(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap_and_prove(&f, 0);
    policy_swap(&f, 1);
    policy_worker_died(&f, 0, DEATH_KILL, true); /* else the upgrade would be over with the next request */
    policy_request(&f, OPERATION_SCALE, 1);
    assert_true(s->slots[1].out);
    policy_expect_stage(&f, UPGRADE_SLOTS);
    policy_crash_unanswered(&f, 1);
    policy_expect_stage(&f, UPGRADE_BACK);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 1)->generation, 1);
    policy_keeper_ready(&f, 1, KEEPER_A);
    assert_int_equal(s->slots[1].image, 1);
    assert_true(s->slots[1].out);
}

static void going_out__crashes_after_it_was_called_off__goes_back(void **state)
{
    (void)state;
    policy_start_serving(&f, 3, true);
    policy_upgrade(&f);
    policy_swap_and_prove(&f, 0);
    policy_swap(&f, 1);
    policy_request(&f, OPERATION_SCALE, 1); /* 2 goes out as well, of the old image */
    policy_image(&f, 1, "Cannot allocate memory");
    policy_expect_stage(&f, UPGRADE_BACK);
    policy_crash_unanswered(&f, 1);
    assert_int_equal(s->slots[1].phase, SLOT_SWAPPING);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 1)->generation, 1);
}

/* ---- why ---- */

static void reason__longer_than_its_room__cut(void **state)
{
    char why[2 * OPERATION_WHY_SIZE];
    uint32_t number = policy_upgrade(&f);

    (void)state;
    memset(why, 'x', sizeof why - 1);
    why[sizeof why - 1] = '\0';
    policy_swap_to_exec(&f, 0);
    policy_exec_failed(&f, 0, KEEPER_A, why);
    policy_worker_ready(&f, 0);
    why[OPERATION_WHY_SIZE - 1] = '\0';
    policy_expect_failed(&f, number, why);
}

int main(void)
{
#define TEST(test)        cmocka_unit_test_setup(test, start_serving)
#define UNPROTECTED(test) cmocka_unit_test_setup(test, start_unprotected)
    const struct CMUnitTest tests[] = {
        UNPROTECTED(unprotected__canary_crashes__the_old_image_again),
        TEST(canary__cannot_be_executed__back_at_once_and_the_reason_is_told),
        TEST(canary__its_worker_crashes_unproven__the_slot_goes_back),
        TEST(canary__its_worker_crashes__no_step_up_the_ladder),
        TEST(canary__its_worker_hangs_unproven__likewise),
        TEST(canary__crashes_of_an_image_that_nothing_can_leave__are_counted),
        TEST(canary__its_worker_is_killed__says_nothing_about_the_image),
        TEST(canary__crashes_after_an_answer__is_the_connections_matter),
        TEST(second_slot__crashes_unproven__the_proven_one_goes_back_too),
        TEST(old_image__crashes_meanwhile__the_upgrade_goes_on),
        TEST(called_off__the_same_image_again__may_work),
        TEST(going_out__its_new_image_crashes__goes_back_for_its_clients),
        TEST(going_out__crashes_after_it_was_called_off__goes_back),
        TEST(reason__longer_than_its_room__cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
