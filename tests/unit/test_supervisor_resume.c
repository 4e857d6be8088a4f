/* The service goes on after the supervisor's own death: what was decided and not seen done is ordered again. */
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

static void resume(void)
{
    policy_forget(&f);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
}

static void resume__nothing_under_way__nothing_but_standing_orders(void **state)
{
    struct supervisor before;

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_TICK);
    before = *s;
    resume();
    assert_int_equal(f.actions.count, 2);
    assert_non_null(policy_action(&f, ACTION_SERVE, 0));
    assert_non_null(policy_action(&f, ACTION_SERVE, 1));
    assert_memory_equal(s->slots, before.slots, sizeof before.slots);
}

static void resume__first_keeper_ordered__ordered_again(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    resume();
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
}

static void resume__worker_ordered__ordered_again_of_the_same_keeper(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    resume();
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->generation, 2);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->letter, KEEPER_A);
    policy_worker_made(&f, 0);
    resume();
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
}

static void resume__twin_ordered__ordered_again(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    resume();
    assert_int_equal(policy_action(&f, ACTION_TWIN, 0)->generation, 2);
}

static void resume__kill_decided__killed_for_the_same_reason(void **state)
{
    (void)state;
    policy_claim_hang(&f, 1, KILL_HANG_SILENT);
    resume();
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_HANG_SILENT);
}

static void resume__both_keepers_dead__told_to_leave_again(void **state)
{
    (void)state;
    policy_keepers_die(&f, 0);
    resume();
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
}

static void resume__draining__told_to_drain_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    resume();
    assert_non_null(policy_action(&f, ACTION_DRAIN, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 1));
}

static void resume__ending__killed_and_told_to_leave_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    resume();
    assert_int_equal(f.seen[ACTION_KILL], 2);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 4);
}

static void resume__finished__finishes(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_everybody_leaves(&f, 0);
    policy_everybody_leaves(&f, 1);
    resume();
    assert_int_equal(f.seen[ACTION_FINISH], 1);
    assert_int_equal(f.actions.count, 1);
}

/* Symptom: who waited for the ready descriptor waited for ever. */
static void resume__serving_decided_but_not_said__said(void **state)
{
    (void)state;
    policy_start(&f, 1, false);
    policy_worker_ready(&f, 0);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    policy_feed_kind(&f, SUPERVISOR_TICK);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 0);
}

/* Symptom: the first thing that a new supervisor did was to kill keepers that had done their work. */
static void resume__after_a_long_gap__nobody_is_overdue(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    f.now_ms += 10 * KEEPER_OBEY_MS_MAX;
    resume();
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    assert_int_equal(f.seen[ACTION_TWIN], 1);
}

static void resume__memory_copied_elsewhere__decides_the_same(void **state)
{
    struct policy_fixture copy;

    (void)state;
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    copy = f;
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    policy_worker_died(&copy, 0, DEATH_CRASH, false);
    assert_memory_equal(&f.state, &copy.state, sizeof copy.state);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        TEST(resume__nothing_under_way__nothing_but_standing_orders),
        TEST(resume__first_keeper_ordered__ordered_again),
        TEST(resume__worker_ordered__ordered_again_of_the_same_keeper),
        TEST(resume__twin_ordered__ordered_again),
        TEST(resume__kill_decided__killed_for_the_same_reason),
        TEST(resume__both_keepers_dead__told_to_leave_again),
        TEST(resume__draining__told_to_drain_again),
        TEST(resume__ending__killed_and_told_to_leave_again),
        TEST(resume__finished__finishes),
        TEST(resume__serving_decided_but_not_said__said),
        TEST(resume__after_a_long_gap__nobody_is_overdue),
        TEST(resume__memory_copied_elsewhere__decides_the_same),
    };

    return cmocka_run_group_tests_name("supervisor_resume", tests, NULL, NULL);
}
