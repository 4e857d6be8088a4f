/* Another image for the whole service: it is checked, then comes the canary, the other slots, and the master. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

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

/* ---- the good one ---- */

static void good__check_then_slot_after_slot_then_the_master__done(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    policy_expect_stage(&f, UPGRADE_CHECKING);
    assert_int_equal(policy_action(&f, ACTION_CHECK, 0)->generation, 2);
    policy_checked(&f, NULL);
    policy_expect_stage(&f, UPGRADE_SLOTS);
    assert_true(s->slots[0].handing);
    assert_false(s->slots[1].handing);
    policy_swap(&f, 0);
    assert_false(s->slots[1].handing); /* the canary has shown nothing yet */
    policy_proven(&f, 0);
    assert_true(s->slots[1].handing);
    policy_swap(&f, 1);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 0);
    policy_proven(&f, 1);
    assert_int_equal(policy_action(&f, ACTION_EXEC_MASTER, 0)->generation, 2);
    policy_expect_running(&f, number);
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
    policy_expect_stage(&f, UPGRADE_NONE);
    assert_int_equal(s->upgrade.image, 2);
    assert_int_equal(operation_find(&s->operations, number)->goal, 2);
    assert_int_equal(s->slots[0].death_count, 0);
}

static void good__nobody_asks_anything__proven_by_its_age(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    policy_pass(&f, PROVEN_MS - 200);
    assert_false(s->slots[1].handing);
    policy_pass(&f, 400);
    assert_true(s->slots[1].handing);
}

static void good__twice__each_image_has_its_own_number(void **state)
{
    (void)state;
    policy_upgrade_all_slots(&f);
    policy_resume_as(&f, 2);

    uint32_t number = policy_upgrade_all_slots(&f);

    assert_int_equal(policy_action(&f, ACTION_EXEC_MASTER, 0)->generation, 3);
    policy_resume_as(&f, 3);
    policy_expect_done(&f, number);
}

static void good__scaled_after_it__the_next_slot_is_of_the_new_image(void **state)
{
    (void)state;
    policy_upgrade_all_slots(&f);
    policy_resume_as(&f, 2);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_worker_ready(&f, 2);
    assert_int_equal(s->slots[2].image, 2);
    assert_int_equal(f.seen[ACTION_EXEC], 2);
}

/* The first keeper of a slot is forked, and so always what the supervisor is: it goes over like the others.
 */
static void good__scaled_meanwhile__the_new_slot_goes_over_too(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap_and_prove(&f, 0);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_swap_and_prove(&f, 1);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_keeper_ready(&f, 2, KEEPER_B);
    policy_worker_made(&f, 2);
    assert_int_equal(s->slots[2].image, 1);
    policy_expect_stage(&f, UPGRADE_SLOTS);
    policy_worker_ready(&f, 2);
    policy_swap_and_prove(&f, 2);
    policy_expect_stage(&f, UPGRADE_MASTER);
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
}

static void good__reload_meanwhile__one_generation_does_for_both(void **state)
{
    uint32_t number = policy_upgrade(&f), reload = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    policy_swap_and_prove(&f, 0);
    policy_swap_and_prove(&f, 1);
    policy_expect_done(&f, reload);
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
    assert_int_equal(s->slots[0].generation, 2);
    assert_int_equal(s->slots[1].generation, 2);
}

static void unprotected__slots_make_room_by_going_out(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 2)->image, 2);
    policy_worker_ready(&f, 2);
    assert_null(policy_action(&f, ACTION_LEAVE, 1));
    policy_proven(&f, 2);
    assert_non_null(policy_action(&f, ACTION_LEAVE, 1));
    policy_worker_ready(&f, 3);
    policy_proven(&f, 3);
    policy_expect_stage(&f, UPGRADE_MASTER);
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
}

/* ---- what the check finds ---- */

static void check__bad__failed_and_nobody_was_touched(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    policy_forget(&f);
    policy_checked(&f, "it is no prefork-upper");
    policy_expect_failed(&f, number, "it is no prefork-upper");
    policy_expect_stage(&f, UPGRADE_NONE);
    assert_int_equal(f.seen[ACTION_HANDOVER], 0);
    assert_int_equal(s->upgrade.target, 1);
}

static void check__bad_then_another__number_is_not_given_twice(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_UPGRADE, 0);
    policy_checked(&f, "no");
    policy_request(&f, OPERATION_UPGRADE, 0);
    assert_int_equal(policy_action(&f, ACTION_CHECK, 0)->generation, 3);
}

static void check__of_an_older_upgrade__ignored(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_UPGRADE, 0);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_CHECKED, .generation = 1, .why = "no"});
    policy_expect_stage(&f, UPGRADE_CHECKING);
    policy_checked(&f, NULL);
    policy_checked(&f, "no");
    policy_expect_stage(&f, UPGRADE_SLOTS);
}

static void second__while_one_is_under_way__refused(void **state)
{
    uint32_t first = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    policy_expect_failed(&f, policy_request(&f, OPERATION_UPGRADE, 0), "another upgrade is under way");
    policy_checked(&f, NULL);
    policy_expect_failed(&f, policy_request(&f, OPERATION_UPGRADE, 0), "another upgrade is under way");
    policy_expect_running(&f, first);
    assert_int_equal(s->upgrade.last_number, 2);
}

int main(void)
{
#define TEST(test)        cmocka_unit_test_setup(test, start_serving)
#define UNPROTECTED(test) cmocka_unit_test_setup(test, start_unprotected)
    const struct CMUnitTest tests[] = {
        TEST(good__check_then_slot_after_slot_then_the_master__done),
        TEST(good__nobody_asks_anything__proven_by_its_age),
        TEST(good__twice__each_image_has_its_own_number),
        TEST(good__scaled_after_it__the_next_slot_is_of_the_new_image),
        TEST(good__scaled_meanwhile__the_new_slot_goes_over_too),
        TEST(good__reload_meanwhile__one_generation_does_for_both),
        UNPROTECTED(unprotected__slots_make_room_by_going_out),
        TEST(check__bad__failed_and_nobody_was_touched),
        TEST(check__bad_then_another__number_is_not_given_twice),
        TEST(check__of_an_older_upgrade__ignored),
        TEST(second__while_one_is_under_way__refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
