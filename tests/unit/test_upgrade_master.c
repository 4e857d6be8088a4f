/* The end of an upgrade: when the master is told, what becomes of it then, and a supervisor that dies meanwhile. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
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
    policy_swap_and_prove(&f, 0);
    assert_int_equal(f.seen[ACTION_EXEC_MASTER], 1);
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
}

static void one_rests__the_others_suffice(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 1);
    policy_upgrade(&f);
    policy_swap_and_prove(&f, 0);
    policy_expect_stage(&f, UPGRADE_MASTER);
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
    uint32_t number = policy_upgrade_all_slots(&f);

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    policy_image(&f, 1, "Cannot allocate memory");
    policy_expect_stage(&f, UPGRADE_BACK);
    policy_swap(&f, 0);
    policy_expect_running(&f, number);
    policy_swap(&f, 1);
    policy_expect_failed(&f, number, "Cannot allocate memory");
}

static void master__supervisor_died_before_it_was_told__told_again(void **state)
{
    (void)state;
    policy_upgrade_all_slots(&f);
    policy_resume_as(&f, 1);
    assert_int_equal(policy_action(&f, ACTION_EXEC_MASTER, 0)->generation, 2);
    policy_expect_stage(&f, UPGRADE_MASTER);
}

static void image__told_again_with_nothing_under_way__nothing(void **state)
{
    (void)state;
    policy_image(&f, 1, NULL);
    policy_image(&f, 1, "an older reason");
    assert_int_equal(f.actions.count, 0);
    policy_expect_stage(&f, UPGRADE_NONE);
    assert_int_equal(s->upgrade.image, 1);
}

/* Once the master was told, it alone decides. */
static void master__was_told_and_a_slot_crashes__goes_on_with_the_new_image(void **state)
{
    uint32_t number;

    (void)state;
    policy_start_serving(&f, 3, true);
    number = policy_upgrade(&f);
    policy_swap_and_prove(&f, 0);
    policy_swap_and_prove(&f, 1);
    policy_swap(&f, 2);
    policy_request(&f, OPERATION_SCALE, 2);
    policy_expect_stage(&f, UPGRADE_MASTER);
    policy_crash_unanswered(&f, 2);
    policy_expect_stage(&f, UPGRADE_MASTER);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 2));
    policy_resume_as(&f, 2);
    policy_expect_done(&f, number);
}

/* When all that are remembered run, the oldest is forgotten; the upgrade itself goes on to its end. */
static void operation__forgotten_meanwhile__the_upgrade_ends_all_the_same(void **state)
{
    uint32_t number = policy_upgrade_all_slots(&f);

    (void)state;
    for (int i = 0; i < OPERATION_COUNT_MAX; i++)
        policy_request(&f, OPERATION_DRAIN, 0);
    assert_int_equal(policy_operation_state(&f, number), OPERATION_NONE);
    policy_resume_as(&f, 2);
    policy_expect_stage(&f, UPGRADE_NONE);
    assert_int_equal(s->upgrade.image, 2);
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

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
