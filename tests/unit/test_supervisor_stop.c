/* The service stops: it drains, then ends everybody, whoever dies meanwhile, and finishes once. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true}, TWIN = {.twin = true},
                                BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
}

/* ---- stop ---- */

static void stop__first__every_worker_is_told_to_drain(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->stage, STAGE_DRAINING);
    assert_non_null(policy_action(&f, ACTION_DRAINING, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 1));
    assert_int_equal(s->drain_deadline_ms, f.now_ms + 8000);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 0);
}

static void stop__all_have_left__finished_with_code_0(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_everybody_leaves(&f, 0);
    assert_null(policy_action(&f, ACTION_FINISH, 0));
    policy_worker_died(&f, 1, DEATH_LEFT, true);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 1));
    policy_keepers_die(&f, 1);
    assert_non_null(policy_action(&f, ACTION_FINISH, 0));
    assert_int_equal(s->exit_code, EXIT_STOPPED);
    assert_int_equal(s->stage, STAGE_FINISHED);
}

static void stop__worker_killed_while_draining__its_clients_are_served_on(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(s->slots[0].phase, SLOT_STARTING);
}

/* Symptom: a successor that did not come to serve during the drain took its clients with it. */
static void stop__worker_stuck_while_draining__its_clients_are_served_on(void **state)
{
    (void)state;
    s->drain_timeout_ms = 60000;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_made(&f, 0);
    policy_pass(&f, WORKER_START_MS_MAX + 200);
    assert_int_equal(s->slots[0].kill_reason, KILL_STUCK);
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
}

static void stop__crash_loop_while_draining__slot_ends(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    for (int death = 0; death < RESTART_REST_COUNT; death++)
        policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
}

static void stop__not_left_long_after_the_deadline__killed_as_overdue(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_pass(&f, 8000 + LINGER_MS + LEAVE_GRACE_MS - 100);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_OVERDUE);
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    policy_keepers_die(&f, 0);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    policy_keepers_die(&f, 1);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__no_drain_timeout__waits_for_ever(void **state)
{
    (void)state;
    s->drain_timeout_ms = 0;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_pass(&f, 100000);
    assert_int_equal(f.seen[ACTION_KILL], 0);
}

static void stop__second__everybody_is_ended(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->stage, STAGE_ENDING);
    assert_non_null(policy_action(&f, ACTION_ENDING, 0));
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_STOP);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 1));
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    policy_keepers_die(&f, 0);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_keepers_die(&f, 1);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__keepers_that_do_not_leave__are_killed(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 2);
}

/* Symptom: the end never came, as it waited for the death of a twin that was never made. */
static void stop__twin_ordered_but_never_made__ends(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

/* Symptom: the same, of a first keeper whose clone fails. */
static void stop__first_keeper_cannot_be_made__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__first_keeper_under_way__leaves_once_it_is_there(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__first_keeper_dies__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__lone_worker_cannot_be_made__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, false);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__all_three_of_a_slot_die_while_draining__lost_and_not_begun_anew(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
    assert_int_equal(f.seen[ACTION_KEEPER], 0);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
}

/* ---- stop now ---- */

static void stop_now__while_serving__as_a_second_stop(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    assert_int_equal(s->stage, STAGE_ENDING);
    assert_int_equal(f.seen[ACTION_KILL], 2);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.actions.count, 0);
}

static void stop_now__a_slot_rests_and_another_is_being_made__both_end(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    assert_null(policy_action(&f, ACTION_KILL, 2));
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    policy_keepers_die(&f, 0);
    policy_keepers_die(&f, 1);
    assert_int_equal(s->stage, STAGE_ENDING);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_keeper_died(&f, 2, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop_now__keepers_die_first__the_worker_is_waited_for(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_keepers_die(&f, 0);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

/* Symptom: a second Ctrl-C on a healthy server was answered with errors about lost connections. */
static void stop_now__in_whatever_order_they_die__nothing_is_said_to_be_lost(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_keepers_die(&f, 0);
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    policy_keeper_died(&f, 1, KEEPER_A, BOTH);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    policy_keeper_died(&f, 1, KEEPER_B, WORKER);
    assert_int_equal(f.seen[ACTION_UNPROTECTED], 0);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop_now__worker_ordered_and_never_made__ends_with_its_keepers(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        TEST(stop__first__every_worker_is_told_to_drain),
        TEST(stop__all_have_left__finished_with_code_0),
        TEST(stop__worker_killed_while_draining__its_clients_are_served_on),
        TEST(stop__worker_stuck_while_draining__its_clients_are_served_on),
        TEST(stop__crash_loop_while_draining__slot_ends),
        TEST(stop__not_left_long_after_the_deadline__killed_as_overdue),
        TEST(stop__no_drain_timeout__waits_for_ever),
        TEST(stop__second__everybody_is_ended),
        TEST(stop_now__while_serving__as_a_second_stop),
        TEST(stop_now__a_slot_rests_and_another_is_being_made__both_end),
        TEST(stop_now__keepers_die_first__the_worker_is_waited_for),
        TEST(stop_now__in_whatever_order_they_die__nothing_is_said_to_be_lost),
        TEST(stop_now__worker_ordered_and_never_made__ends_with_its_keepers),
        TEST(stop__keepers_that_do_not_leave__are_killed),
        TEST(stop__twin_ordered_but_never_made__ends),
        TEST(stop__first_keeper_cannot_be_made__ends),
        TEST(stop__first_keeper_under_way__leaves_once_it_is_there),
        TEST(stop__first_keeper_dies__ends),
        TEST(stop__lone_worker_cannot_be_made__ends),
        TEST(stop__all_three_of_a_slot_die_while_draining__lost_and_not_begun_anew),
    };

    return cmocka_run_group_tests_name("supervisor_stop", tests, NULL, NULL);
}
