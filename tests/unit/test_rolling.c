/* What is wanted becomes so, slot by slot: how many serve, and which of them makes room next. */
#include "tests/support/cmocka_all.h"

#include "master/rolling.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made WORKER = {.worker = true}, BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 3, true);
    return 0;
}

static int start_unprotected(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, false);
    return 0;
}

static void begin_slot(uint32_t slot)
{
    policy_keeper_ready(&f, slot, KEEPER_A);
    policy_keeper_ready(&f, slot, KEEPER_B);
    policy_worker_made(&f, slot);
    policy_worker_ready(&f, slot);
}

static uint32_t handing_count(void)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        count += s->slots[slot].handing;
    return count;
}

/* ---- which slots count ---- */

static void counts__by_phase__neither_unused_nor_leaving_nor_going_out(void **state)
{
    (void)state;
    for (enum slot_phase phase = SLOT_UNUSED; phase <= SLOT_ENDED; phase++) {
        const struct slot_memory memory = {.phase = phase}, out = {.phase = phase, .out = 1};

        assert_int_equal(rolling_counts(&memory), phase != SLOT_UNUSED && phase != SLOT_LEAVING);
        assert_false(rolling_counts(&out));
    }
}

static void settled__one_is_on_its_way__not_yet(void **state)
{
    (void)state;
    assert_true(rolling_is_settled(s));
    policy_worker_died(&f, 1, DEATH_KILL, true);
    assert_false(rolling_is_settled(s));
    policy_worker_ready(&f, 1);
    assert_true(rolling_is_settled(s));
}

static void settled__one_rests__as_far_as_the_others_are(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 1);
    assert_true(rolling_is_settled(s));
    policy_request(&f, OPERATION_RESTART, 0);
    assert_false(rolling_is_settled(s));
}

/* ---- how many ---- */

static void fewer__wanted__the_last_ones_go_out_and_serve_what_they_have(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 1);
    assert_non_null(policy_action(&f, ACTION_LEAVE, 1));
    assert_non_null(policy_action(&f, ACTION_LEAVE, 2));
    assert_null(policy_action(&f, ACTION_LEAVE, 0));
    policy_pass(&f, 60000);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    assert_int_equal(s->slots[2].phase, SLOT_SERVING);
}

static void going_out__last_client_left__keepers_leave_and_the_slot_is_free(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_worker_died(&f, 2, DEATH_LEFT, true);
    assert_int_equal(s->slots[2].phase, SLOT_UNUSED);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 2);
    assert_int_equal(s->slots[2].out, 0);
    policy_request(&f, OPERATION_SCALE, 3); /* its keepers are still there: another place */
    assert_non_null(policy_action(&f, ACTION_KEEPER, 3));
    policy_keeper_died(&f, 2, KEEPER_A, BOTH);
    policy_keeper_died(&f, 2, KEEPER_B, WORKER);
    policy_request(&f, OPERATION_SCALE, 4);
    assert_non_null(policy_action(&f, ACTION_KEEPER, 2));
}

static void going_out__its_worker_dies__a_successor_serves_the_clients(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_worker_died(&f, 2, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 2));
    assert_int_equal(s->slots[2].out, 1);
}

static void going_out__crash_loop__ends_instead_of_resting(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    for (int death = 0; death < RESTART_REST_COUNT; death++)
        policy_worker_died(&f, 2, DEATH_CRASH, false);
    assert_int_equal(s->slots[2].phase, SLOT_UNUSED);
    assert_int_equal(f.seen[ACTION_RESTS], 0);
}

static void going_out__more_wanted_again__taken_back_first(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 1);
    policy_request(&f, OPERATION_SCALE, 2);
    assert_non_null(policy_action(&f, ACTION_SERVE, 1));
    assert_null(policy_action(&f, ACTION_SERVE, 2));
    policy_request(&f, OPERATION_SCALE, 4);
    assert_non_null(policy_action(&f, ACTION_SERVE, 2));
    assert_non_null(policy_action(&f, ACTION_KEEPER, 3));
    assert_int_equal(f.seen[ACTION_KEEPER], 1);
}

static void going_out__taken_back_between_two_generations__told_nothing_and_serves(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_worker_died(&f, 2, DEATH_KILL, true);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_worker_ready(&f, 2);
    assert_int_equal(s->slots[2].phase, SLOT_SERVING);
    assert_int_equal(s->slots[2].out, 0);
}

static void going_out__resting__ends_at_once(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 2);
    policy_request(&f, OPERATION_SCALE, 2);
    assert_int_equal(s->slots[2].phase, SLOT_UNUSED);
}

static void going_out__first_keeper_on_its_way__leaves_once_it_is_there(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 4);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_keeper_ready(&f, 3, KEEPER_A);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 3));
    assert_null(policy_action(&f, ACTION_SPAWN, 3));
    assert_int_equal(s->slots[3].phase, SLOT_UNUSED);
}

static void going_out__first_keeper_cannot_be_made__ends(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 4);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_SPAWN_FAILED, .slot = 3});
    assert_int_equal(s->slots[3].phase, SLOT_UNUSED);
    assert_int_equal(s->slots[3].keepers[KEEPER_A].phase, KEEPER_NONE);
}

static void going_out__first_keeper_dies__ends(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 4);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_keeper_died(&f, 3, KEEPER_A, BOTH);
    assert_int_equal(s->slots[3].phase, SLOT_UNUSED);
}

/* Symptom: a slot without keepers was sent out and taken back for ever. */
static void going_out__both_keepers_die__another_slot_and_not_taken_back(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_keeper_died(&f, 2, KEEPER_A, BOTH);
    policy_keeper_died(&f, 2, KEEPER_B, WORKER);
    policy_request(&f, OPERATION_SCALE, 3);
    assert_null(policy_action(&f, ACTION_SERVE, 2));
    assert_non_null(policy_action(&f, ACTION_KEEPER, 3));
}

static void going_out__all_three_die__not_begun_anew(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_worker_died(&f, 2, DEATH_KILL, true);
    policy_keeper_died(&f, 2, KEEPER_A, (struct policy_made){.twin = true});
    policy_keeper_died(&f, 2, KEEPER_B, (struct policy_made){0});
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 2));
    assert_null(policy_action(&f, ACTION_KEEPER, 2));
    assert_int_equal(s->slots[2].phase, SLOT_UNUSED);
}

static void going_out__taken_back_between_two_images__nobody_is_there_to_be_told(void **state)
{
    (void)state;
    policy_upgrade(&f);
    policy_swap_to_exec(&f, 0);
    s->slots[0].out = 1; /* the last slots go first; this one has waited for the others */
    policy_request(&f, OPERATION_SCALE, 3);
    assert_int_equal(s->slots[0].out, 0);
    assert_null(policy_action(&f, ACTION_SERVE, 0));
    assert_int_equal(s->slots[0].phase, SLOT_SWAPPING);
}

static void resume__going_out__told_again_to_leave(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 2);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_LEAVE, 2));
    assert_non_null(policy_action(&f, ACTION_SERVE, 1));
}

static void most__wanted__fits_the_actions_of_one_step(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, SLOT_COUNT_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER], SLOT_COUNT_MAX - 3);
    policy_pass(&f, 3000); /* reminders and kills of all */
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_true(f.actions.count < SUPERVISOR_ACTION_COUNT_MAX);
}

/* ---- one after the other ---- */

static void renew__many_slots__never_two_at_a_time(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_RELOAD, 2);
    for (uint32_t slot = 0; slot < 3; slot++) {
        assert_int_equal(handing_count(), 1);
        assert_true(s->slots[slot].handing);
        policy_worker_died(&f, slot, DEATH_LEFT, true);
        assert_int_equal(handing_count(), 0);
        policy_worker_ready(&f, slot);
    }
    assert_int_equal(handing_count(), 0);
}

static void renew__another_slot_is_between_two_generations__waits_for_it(void **state)
{
    (void)state;
    policy_worker_died(&f, 2, DEATH_KILL, true);
    policy_request(&f, OPERATION_RELOAD, 2);
    assert_int_equal(handing_count(), 0);
    policy_worker_ready(&f, 2);
    assert_int_equal(handing_count(), 1);
    assert_int_equal(s->slots[2].settings_number, 1); /* it was made before */
}

static void renew__a_keeper_is_missing__waits_for_it(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_request(&f, OPERATION_RELOAD, 2);
    assert_int_equal(handing_count(), 0);
    policy_pass(&f, 100);
    policy_keeper_ready(&f, 0, KEEPER_B);
    assert_true(s->slots[0].handing);
}

static void renew__not_heard__reminded_then_ended_and_replaced(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_RESTART, 0);
    policy_pass(&f, RENEW_MS_MAX);
    assert_non_null(policy_action(&f, ACTION_HANDOVER, 0));
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_RENEW);
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_false(s->slots[0].renew);
}

static void renew__dies_before_it_has_made_room__its_successor_is_the_next_generation(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(s->slots[0].settings_number, 2);
    policy_worker_ready(&f, 0);
    assert_int_equal(handing_count(), 1);
    assert_true(s->slots[1].handing);
    assert_int_equal(policy_operation_state(&f, number), OPERATION_RUNNING);
}

/* Symptom: after crashes of its predecessors a worker that made room took their place on the ladder with it.
 */
static void renew__left_after_many_crashes__replaced_at_once_and_nothing_is_reset(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_RESTART, 0);
    for (int death = 1; death < RESTART_REST_COUNT; death++)
        policy_worker_died(&f, 0, DEATH_CRASH, false);
    policy_worker_ready(&f, 0);
    policy_request(&f, OPERATION_RESTART, 0);
    policy_worker_died(&f, 0, DEATH_LEFT, false);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(s->slots[0].recover_how, RECOVER_ALL);
    assert_int_equal(f.seen[ACTION_RESTS], 0);
}

static void renew__stop_meanwhile__no_further_slot(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_RELOAD, 2);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true); /* made room: its clients stay, and need a successor */
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_worker_ready(&f, 0);
    assert_int_equal(handing_count(), 0);
}

/* ---- without keepers ---- */

static void unprotected__renew__another_slot_takes_its_place(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
    assert_non_null(policy_action(&f, ACTION_SPAWN, 2));
    assert_null(policy_action(&f, ACTION_LEAVE, 1));
    policy_worker_ready(&f, 2);
    assert_non_null(policy_action(&f, ACTION_LEAVE, 1));
    policy_worker_ready(&f, 3);
    assert_int_equal(policy_operation_state(&f, number), OPERATION_DONE);
}

/* Without a free slot nothing would be won: it serves on as it is. */
static void unprotected__renew__no_other_slot_is_free__stays(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, SLOT_COUNT_MAX);
    for (uint32_t slot = 2; slot < SLOT_COUNT_MAX; slot++)
        policy_worker_ready(&f, slot);
    policy_request(&f, OPERATION_RELOAD, 2);
    assert_int_equal(f.seen[ACTION_LEAVE], 0);
    policy_worker_died(&f, 5, DEATH_KILL, true);
    assert_int_equal(f.seen[ACTION_LEAVE], 0);
}

static void unprotected__outdated_and_going_out__not_taken_back(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_RELOAD, 2);
    policy_worker_ready(&f, 2);
    policy_worker_ready(&f, 3);
    policy_request(&f, OPERATION_SCALE, 3);
    assert_null(policy_action(&f, ACTION_SERVE, 0));
    assert_non_null(policy_action(&f, ACTION_SPAWN, 4));
}

static void unprotected__going_out_and_dies__nobody_is_served_by_a_successor(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 1);
    policy_worker_died(&f, 1, DEATH_KILL, true);
    assert_null(policy_action(&f, ACTION_SPAWN, 1));
    assert_int_equal(s->slots[1].phase, SLOT_UNUSED);
}

static void unprotected__cannot_be_made_and_not_wanted_any_more__ends(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 3);
    policy_request(&f, OPERATION_SCALE, 2);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_SPAWN_FAILED, .slot = 2});
    assert_int_equal(s->slots[2].phase, SLOT_UNUSED);
}

/* ---- the announcement ---- */

/* Symptom: with fewer wanted meanwhile, nobody ever said that the service serves. */
static void serving__fewer_wanted_before_all_serve__said_then(void **state)
{
    (void)state;
    policy_start(&f, 2, true);
    begin_slot(0);
    assert_int_equal(f.seen[ACTION_SERVING], 0);
    policy_request(&f, OPERATION_SCALE, 1);
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    policy_pass(&f, 1000);
    assert_int_equal(f.seen[ACTION_SERVING], 1);
}

static void serving__a_slot_that_goes_out__is_none_of_them(void **state)
{
    (void)state;
    policy_start(&f, 2, true);
    begin_slot(1);
    policy_request(&f, OPERATION_SCALE, 1);
    assert_int_equal(s->slots[1].phase, SLOT_SERVING);
    assert_int_equal(f.seen[ACTION_SERVING], 0);
    begin_slot(0);
    assert_int_equal(f.seen[ACTION_SERVING], 1);
}

int main(void)
{
#define TEST(test)        cmocka_unit_test_setup(test, start_serving)
#define UNPROTECTED(test) cmocka_unit_test_setup(test, start_unprotected)
    const struct CMUnitTest tests[] = {
        TEST(counts__by_phase__neither_unused_nor_leaving_nor_going_out),
        TEST(settled__one_is_on_its_way__not_yet),
        TEST(settled__one_rests__as_far_as_the_others_are),
        TEST(fewer__wanted__the_last_ones_go_out_and_serve_what_they_have),
        TEST(going_out__last_client_left__keepers_leave_and_the_slot_is_free),
        TEST(going_out__its_worker_dies__a_successor_serves_the_clients),
        TEST(going_out__crash_loop__ends_instead_of_resting),
        TEST(going_out__more_wanted_again__taken_back_first),
        TEST(going_out__taken_back_between_two_generations__told_nothing_and_serves),
        TEST(going_out__resting__ends_at_once),
        TEST(going_out__first_keeper_on_its_way__leaves_once_it_is_there),
        TEST(going_out__first_keeper_cannot_be_made__ends),
        TEST(going_out__first_keeper_dies__ends),
        TEST(going_out__both_keepers_die__another_slot_and_not_taken_back),
        TEST(going_out__all_three_die__not_begun_anew),
        TEST(going_out__taken_back_between_two_images__nobody_is_there_to_be_told),
        TEST(resume__going_out__told_again_to_leave),
        TEST(most__wanted__fits_the_actions_of_one_step),
        TEST(renew__many_slots__never_two_at_a_time),
        TEST(renew__another_slot_is_between_two_generations__waits_for_it),
        TEST(renew__a_keeper_is_missing__waits_for_it),
        TEST(renew__not_heard__reminded_then_ended_and_replaced),
        TEST(renew__dies_before_it_has_made_room__its_successor_is_the_next_generation),
        TEST(renew__left_after_many_crashes__replaced_at_once_and_nothing_is_reset),
        TEST(renew__stop_meanwhile__no_further_slot),
        UNPROTECTED(unprotected__renew__another_slot_takes_its_place),
        UNPROTECTED(unprotected__outdated_and_going_out__not_taken_back),
        UNPROTECTED(unprotected__going_out_and_dies__nobody_is_served_by_a_successor),
        UNPROTECTED(unprotected__cannot_be_made_and_not_wanted_any_more__ends),
        TEST(serving__fewer_wanted_before_all_serve__said_then),
        TEST(serving__a_slot_that_goes_out__is_none_of_them),
        UNPROTECTED(unprotected__renew__no_other_slot_is_free__stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
