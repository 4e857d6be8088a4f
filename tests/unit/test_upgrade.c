/* Another image for the whole service, or none of it: check, canary, the other slots, the master, and back.
 */
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

static void expect_stage(enum upgrade_stage stage)
{
    assert_int_equal(s->upgrade.stage, stage);
}

static void expect_running(uint32_t number)
{
    assert_int_equal(policy_operation_state(&f, number), OPERATION_RUNNING);
}

static void expect_done(uint32_t number)
{
    assert_int_equal(policy_operation_state(&f, number), OPERATION_DONE);
}

static void swap_and_prove(uint32_t slot)
{
    policy_swap(&f, slot);
    policy_proven(&f, slot);
}

/* To the moment when the master is told. */
static uint32_t upgrade_all_slots(void)
{
    uint32_t number = policy_upgrade(&f);

    swap_and_prove(0);
    swap_and_prove(1);
    expect_stage(UPGRADE_MASTER);
    return number;
}

static void crash_unanswered(uint32_t slot)
{
    policy_worker_died(&f, slot, DEATH_CRASH, false);
}

/* ---- the good one ---- */

static void good__check_then_slot_after_slot_then_the_master__done(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    expect_stage(UPGRADE_CHECKING);
    assert_int_equal(policy_action(&f, ACTION_CHECK, 0)->generation, 2);
    policy_checked(&f, NULL);
    expect_stage(UPGRADE_SLOTS);
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
    expect_running(number);
    policy_resume_as(&f, 2);
    expect_done(number);
    expect_stage(UPGRADE_NONE);
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
    upgrade_all_slots();
    policy_resume_as(&f, 2);

    uint32_t number = upgrade_all_slots();

    assert_int_equal(policy_action(&f, ACTION_EXEC_MASTER, 0)->generation, 3);
    policy_resume_as(&f, 3);
    expect_done(number);
}

static void good__scaled_after_it__the_next_slot_is_of_the_new_image(void **state)
{
    (void)state;
    upgrade_all_slots();
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
    swap_and_prove(0);
    policy_request(&f, OPERATION_SCALE, 3);
    swap_and_prove(1);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_keeper_ready(&f, 2, KEEPER_B);
    policy_worker_made(&f, 2);
    assert_int_equal(s->slots[2].image, 1);
    expect_stage(UPGRADE_SLOTS);
    policy_worker_ready(&f, 2);
    swap_and_prove(2);
    expect_stage(UPGRADE_MASTER);
    policy_resume_as(&f, 2);
    expect_done(number);
}

static void good__reload_meanwhile__one_generation_does_for_both(void **state)
{
    uint32_t number = policy_upgrade(&f), reload = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    swap_and_prove(0);
    swap_and_prove(1);
    expect_done(reload);
    policy_resume_as(&f, 2);
    expect_done(number);
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
    expect_stage(UPGRADE_MASTER);
    policy_resume_as(&f, 2);
    expect_done(number);
}

static void unprotected__canary_crashes__the_old_image_again(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_worker_ready(&f, 2);
    crash_unanswered(2);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 2)->image, 1);
    policy_worker_ready(&f, 2);
    policy_expect_failed(&f, number, BAD);
}

/* ---- what the check finds ---- */

static void check__bad__failed_and_nobody_was_touched(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    policy_forget(&f);
    policy_checked(&f, "it is no prefork-upper");
    policy_expect_failed(&f, number, "it is no prefork-upper");
    expect_stage(UPGRADE_NONE);
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
    expect_stage(UPGRADE_CHECKING);
    policy_checked(&f, NULL);
    policy_checked(&f, "no");
    expect_stage(UPGRADE_SLOTS);
}

static void second__while_one_is_under_way__refused(void **state)
{
    uint32_t first = policy_request(&f, OPERATION_UPGRADE, 0);

    (void)state;
    policy_expect_failed(&f, policy_request(&f, OPERATION_UPGRADE, 0), "another upgrade is under way");
    policy_checked(&f, NULL);
    policy_expect_failed(&f, policy_request(&f, OPERATION_UPGRADE, 0), "another upgrade is under way");
    expect_running(first);
    assert_int_equal(s->upgrade.last_number, 2);
}

/* ---- what goes wrong later ---- */

static void canary__cannot_be_executed__back_at_once_and_the_reason_is_told(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap_to_exec(&f, 0);
    policy_exec_failed(&f, 0, KEEPER_A, "Exec format error");
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    expect_stage(UPGRADE_BACK);
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
    crash_unanswered(0);
    expect_stage(UPGRADE_BACK);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 0)->generation, 1);
    expect_running(number);
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
    crash_unanswered(0);
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
    expect_stage(UPGRADE_BACK);
    assert_int_equal(s->slots[0].restart.deaths_in_a_row, 0);
}

/* It is the service that is ill then, or a connection: the ladder's matter. */
static void canary__crashes_of_an_image_that_nothing_can_leave__are_counted(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    crash_unanswered(0);
    s->slots[0].swap_tries = SWAP_TRIES_MAX;
    policy_keeper_killed(&f, 0, KEEPER_A, BOTH);
    assert_int_equal(s->slots[0].phase, SLOT_STARTING);
    assert_int_equal(s->slots[0].image, 2);
    crash_unanswered(0);
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
    expect_stage(UPGRADE_SLOTS);
    assert_int_equal(s->slots[0].image, 2);
}

static void canary__crashes_after_an_answer__is_the_connections_matter(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap(&f, 0);
    policy_worker_died(&f, 0, DEATH_CRASH, true);
    expect_stage(UPGRADE_SLOTS);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
}

static void second_slot__crashes_unproven__the_proven_one_goes_back_too(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    swap_and_prove(0);
    policy_swap(&f, 1);
    crash_unanswered(1);
    assert_non_null(policy_action(&f, ACTION_EXEC, 1));
    assert_false(s->slots[0].handing); /* one at a time */
    policy_keeper_ready(&f, 1, KEEPER_A);
    policy_worker_made(&f, 1);
    policy_keeper_died(&f, 1, KEEPER_B, BOTH);
    policy_worker_ready(&f, 1);
    assert_true(s->slots[0].handing);
    expect_running(number);
    policy_swap(&f, 0);
    policy_expect_failed(&f, number, BAD);
    assert_int_equal(s->slots[0].image, 1);
}

static void old_image__crashes_meanwhile__the_upgrade_goes_on(void **state)
{
    (void)state;
    policy_upgrade(&f);
    crash_unanswered(1);
    expect_stage(UPGRADE_SLOTS);
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

    uint32_t number = upgrade_all_slots();

    policy_resume_as(&f, 3);
    expect_done(number);
}

/* ---- slots on their way out ---- */

/* Symptom: a slot that went out stayed on an image that had been called off, and its crashes were counted. */
static void going_out__its_new_image_crashes__goes_back_for_its_clients(void **state)
{
    (void)state;
    policy_upgrade(&f);
    swap_and_prove(0);
    policy_swap(&f, 1);
    policy_worker_died(&f, 0, DEATH_KILL, true); /* else the upgrade would be over with the next request */
    policy_request(&f, OPERATION_SCALE, 1);
    assert_true(s->slots[1].out);
    expect_stage(UPGRADE_SLOTS);
    crash_unanswered(1);
    expect_stage(UPGRADE_BACK);
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
    swap_and_prove(0);
    policy_swap(&f, 1);
    policy_request(&f, OPERATION_SCALE, 1); /* 2 goes out as well, of the old image */
    policy_image(&f, 1, "Cannot allocate memory");
    expect_stage(UPGRADE_BACK);
    crash_unanswered(1);
    assert_int_equal(s->slots[1].phase, SLOT_SWAPPING);
    assert_int_equal(policy_action(&f, ACTION_EXEC, 1)->generation, 1);
}

/* ---- over, or not ---- */

/* Symptom: with every slot at rest or on its way out the master became an image that nobody had tried. */
static void no_slot_serves__not_over_before_one_has_proven_it(void **state)
{
    uint32_t number;

    (void)state;
    policy_request(&f, OPERATION_SCALE, 1); /* slot 1 has clients and goes out */
    policy_crash_until_rest(&f, 0);
    number = policy_upgrade(&f);
    policy_pass(&f, 100);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_keeper_ready(&f, 0, KEEPER_B);
    policy_worker_ready(&f, 0);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 0);
    swap_and_prove(0);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 1);
    policy_resume_as(&f, 2);
    expect_done(number);
}

static void one_rests__the_others_suffice(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 1);
    policy_upgrade(&f);
    swap_and_prove(0);
    expect_stage(UPGRADE_MASTER);
}

static void stopping__neither_goes_on_nor_back(void **state)
{
    uint32_t number = policy_upgrade(&f);

    (void)state;
    policy_swap_to_exec(&f, 0);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->slots[0].phase, SLOT_STARTING);
    policy_pass(&f, 3000);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 0);
    assert_false(s->slots[1].handing);
    policy_expect_failed(&f, number, "the server is stopping");
}

/* ---- the master ---- */

static void master__could_not_become_it__all_slots_go_back(void **state)
{
    uint32_t number = upgrade_all_slots();

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    policy_image(&f, 1, "Cannot allocate memory");
    expect_stage(UPGRADE_BACK);
    policy_swap(&f, 0);
    expect_running(number);
    policy_swap(&f, 1);
    policy_expect_failed(&f, number, "Cannot allocate memory");
}

static void master__supervisor_died_before_it_was_told__told_again(void **state)
{
    (void)state;
    upgrade_all_slots();
    policy_resume_as(&f, 1);
    assert_int_equal(policy_action(&f, ACTION_EXEC_MASTER, 0)->generation, 2);
    expect_stage(UPGRADE_MASTER);
}

static void image__told_again_with_nothing_under_way__nothing(void **state)
{
    (void)state;
    policy_image(&f, 1, NULL);
    policy_image(&f, 1, "an older reason");
    assert_int_equal(f.actions.count, 0);
    expect_stage(UPGRADE_NONE);
    assert_int_equal(s->upgrade.image, 1);
}

/* ---- the supervisor dies meanwhile ---- */

static void resume__checking__checked_again(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_UPGRADE, 0);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_int_equal(policy_action(&f, ACTION_CHECK, 0)->generation, 2);
}

static void resume__checking_and_stopping__not_checked_again(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_UPGRADE, 0);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_null(policy_action(&f, ACTION_CHECK, 0));
}

/* Symptom: a supervisor that said what it is before it resumed took the announcement for made. */
static void resume__serving_was_to_be_said__said_before_the_image_is_told(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_ready(&f, 0);
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    policy_resume_as(&f, 1);
    assert_int_equal(f.seen[ACTION_SERVING], 2);
    assert_int_equal(s->announced, ANNOUNCE_DONE);
}

/* ---- what is forgotten ---- */

/* Once the master was told, it alone decides. */
static void master__was_told_and_a_slot_crashes__goes_on_with_the_new_image(void **state)
{
    uint32_t number;

    (void)state;
    policy_start_serving(&f, 3, true);
    number = policy_upgrade(&f);
    swap_and_prove(0);
    swap_and_prove(1);
    policy_swap(&f, 2);
    policy_request(&f, OPERATION_SCALE, 2);
    expect_stage(UPGRADE_MASTER);
    crash_unanswered(2);
    expect_stage(UPGRADE_MASTER);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 2));
    policy_resume_as(&f, 2);
    expect_done(number);
}

/* When all that are remembered run, the oldest is forgotten; the upgrade itself goes on to its end. */
static void operation__forgotten_meanwhile__the_upgrade_ends_all_the_same(void **state)
{
    uint32_t number = upgrade_all_slots();

    (void)state;
    for (int i = 0; i < OPERATION_COUNT_MAX; i++)
        policy_request(&f, OPERATION_DRAIN, 0);
    assert_int_equal(policy_operation_state(&f, number), OPERATION_NONE);
    policy_resume_as(&f, 2);
    expect_stage(UPGRADE_NONE);
    assert_int_equal(s->upgrade.image, 2);
}

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
        TEST(good__check_then_slot_after_slot_then_the_master__done),
        TEST(good__nobody_asks_anything__proven_by_its_age),
        TEST(good__twice__each_image_has_its_own_number),
        TEST(good__scaled_after_it__the_next_slot_is_of_the_new_image),
        TEST(good__scaled_meanwhile__the_new_slot_goes_over_too),
        TEST(good__reload_meanwhile__one_generation_does_for_both),
        UNPROTECTED(unprotected__slots_make_room_by_going_out),
        UNPROTECTED(unprotected__canary_crashes__the_old_image_again),
        TEST(check__bad__failed_and_nobody_was_touched),
        TEST(check__bad_then_another__number_is_not_given_twice),
        TEST(check__of_an_older_upgrade__ignored),
        TEST(second__while_one_is_under_way__refused),
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
        TEST(no_slot_serves__not_over_before_one_has_proven_it),
        TEST(one_rests__the_others_suffice),
        TEST(stopping__neither_goes_on_nor_back),
        TEST(master__could_not_become_it__all_slots_go_back),
        TEST(master__was_told_and_a_slot_crashes__goes_on_with_the_new_image),
        TEST(master__supervisor_died_before_it_was_told__told_again),
        TEST(image__told_again_with_nothing_under_way__nothing),
        TEST(resume__checking__checked_again),
        TEST(resume__checking_and_stopping__not_checked_again),
        TEST(resume__serving_was_to_be_said__said_before_the_image_is_told),
        TEST(operation__forgotten_meanwhile__the_upgrade_ends_all_the_same),
        TEST(reason__longer_than_its_room__cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
