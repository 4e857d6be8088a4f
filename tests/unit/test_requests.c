/* What an operator asks for: taken or refused, done or failed, and not lost with the supervisor. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made WORKER = {.worker = true}, BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
}

static void expect_state(uint32_t number, enum operation_state state)
{
    assert_int_equal(policy_operation_state(&f, number), state);
}

static void listening(const char *why)
{
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_LISTENING, .why = why});
}

/* The slot has its keepers and a worker that serves. */
static void begin_slot(uint32_t slot)
{
    policy_keeper_ready(&f, slot, KEEPER_A);
    policy_keeper_ready(&f, slot, KEEPER_B);
    policy_worker_made(&f, slot);
    policy_worker_ready(&f, slot);
}

/* ---- taking ---- */

static void request__taken__begun_and_ended_are_said_by_its_number(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_SCALE, 3);
    const struct supervisor_action *said = policy_action(&f, ACTION_OPERATION, 0);

    (void)state;
    assert_int_equal(number, 1);
    assert_non_null(said);
    assert_int_equal(said->generation, number);
    assert_true(said->begun);
    begin_slot(2);
    said = policy_action(&f, ACTION_OPERATION, 0);
    assert_non_null(said);
    assert_int_equal(said->generation, number);
    assert_false(said->begun);
}

static void request__refused_by_the_shell__failed_for_its_reason_and_nothing_changes(void **state)
{
    uint32_t before = s->settings_number;

    (void)state;
    policy_feed(&f, &(struct supervisor_event){
                        .kind = SUPERVISOR_REQUEST, .operation = OPERATION_RELOAD, .goal = 9, .why = "no"});
    policy_expect_failed(&f, s->operations.last_number, "no");
    assert_int_equal(s->settings_number, before);
    assert_int_equal(f.seen[ACTION_OPERATION], 2);
}

static void request__while_stopping__refused(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    for (enum operation_kind kind = OPERATION_RELOAD; kind <= OPERATION_UNDRAIN; kind++)
        policy_expect_failed(&f, policy_request(&f, kind, 1), "the server is stopping");
    assert_int_equal(s->wanted_count, 2);
    assert_false(s->held);
}

static void request__under_way_when_the_server_stops__failed(void **state)
{
    uint32_t scale = policy_request(&f, OPERATION_SCALE, 3), drain = policy_request(&f, OPERATION_DRAIN, 0);

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_expect_failed(&f, scale, "the server is stopping");
    policy_expect_failed(&f, drain, "the server is stopping");
}

/* ---- scale ---- */

static void scale__more__done_when_all_serve(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_SCALE, 3);

    (void)state;
    assert_non_null(policy_action(&f, ACTION_KEEPER, 2));
    expect_state(number, OPERATION_RUNNING);
    policy_keeper_ready(&f, 2, KEEPER_A);
    expect_state(number, OPERATION_RUNNING);
    policy_worker_ready(&f, 2);
    expect_state(number, OPERATION_DONE);
}

static void scale__to_what_it_is__done_at_once(void **state)
{
    (void)state;
    expect_state(policy_request(&f, OPERATION_SCALE, 2), OPERATION_DONE);
    assert_int_equal(f.seen[ACTION_OPERATION], 2);
    assert_int_equal(f.seen[ACTION_KEEPER], 0);
}

static void scale__fewer__done_at_once_while_the_last_clients_stay(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_SCALE, 1);

    (void)state;
    expect_state(number, OPERATION_DONE);
    assert_non_null(policy_action(&f, ACTION_LEAVE, 1));
    assert_int_equal(s->slots[1].phase, SLOT_SERVING);
}

static void scale__out_of_range__refused_with_the_range(void **state)
{
    const char *why = "a number of slots from 1 to 128 is accepted";

    (void)state;
    policy_expect_failed(&f, policy_request(&f, OPERATION_SCALE, 0), why);
    policy_expect_failed(&f, policy_request(&f, OPERATION_SCALE, SLOT_COUNT_MAX + 1), why);
    policy_expect_failed(&f, policy_request(&f, OPERATION_SCALE, UINT32_MAX), why);
    assert_int_equal(s->wanted_count, 2);
    policy_request(&f, OPERATION_SCALE, SLOT_COUNT_MAX);
    assert_int_equal(s->slot_limit, SLOT_COUNT_MAX);
}

static void scale__another_number_meanwhile__the_first_has_failed(void **state)
{
    uint32_t first = policy_request(&f, OPERATION_SCALE, 4), second = policy_request(&f, OPERATION_SCALE, 2);

    (void)state;
    policy_expect_failed(&f, first, "another number of slots was asked for");
    expect_state(second, OPERATION_DONE);
}

static void scale__a_slot_rests__failed_and_says_so(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);

    uint32_t number = policy_request(&f, OPERATION_SCALE, 3);

    expect_state(number, OPERATION_RUNNING);
    begin_slot(2);
    policy_expect_failed(&f, number, "a slot rests after a crash loop");
}

/* ---- reload, restart ---- */

static void reload__every_slot_in_turn__done_after_the_last(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    policy_hand_over(&f, 0);
    expect_state(number, OPERATION_RUNNING);
    policy_hand_over(&f, 1);
    expect_state(number, OPERATION_DONE);
    assert_int_equal(s->slots[0].settings_number, 2);
    assert_int_equal(s->slots[1].settings_number, 2);
}

static void reload__another_meanwhile__both_are_done_with_the_newest(void **state)
{
    uint32_t first = policy_request(&f, OPERATION_RELOAD, 2);

    (void)state;
    policy_hand_over(&f, 0);

    uint32_t second = policy_request(&f, OPERATION_RELOAD, 3);

    policy_hand_over(&f, 1);
    expect_state(first, OPERATION_RUNNING);
    policy_hand_over(&f, 0);
    expect_state(first, OPERATION_DONE);
    expect_state(second, OPERATION_DONE);
    assert_int_equal(s->slots[1].settings_number, 3);
}

static void reload__same_settings__done_at_once(void **state)
{
    (void)state;
    expect_state(policy_request(&f, OPERATION_RELOAD, s->settings_number), OPERATION_DONE);
    assert_int_equal(f.seen[ACTION_HANDOVER], 0);
}

static void reload__drain_timeout_changed__the_next_stop_has_it(void **state)
{
    (void)state;
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_REQUEST,
                                               .operation = OPERATION_RELOAD,
                                               .goal = 2,
                                               .drain_timeout_ms = 77});
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->drain_deadline_ms, f.now_ms + 77);
}

static void restart__of_one_slot__that_one_alone(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RESTART, 1);

    (void)state;
    assert_non_null(policy_action(&f, ACTION_HANDOVER, 1));
    assert_int_equal(policy_action(&f, ACTION_HANDOVER, 1)->generation, 1);
    assert_null(policy_action(&f, ACTION_HANDOVER, 0));
    policy_hand_over(&f, 1);
    expect_state(number, OPERATION_DONE);
    assert_int_equal(s->slots[0].generation, 1);
    assert_int_equal(s->slots[1].generation, 2);
}

static void restart__of_a_slot_that_is_not_there__refused(void **state)
{
    const char *why = "no such slot is in use";

    (void)state;
    policy_expect_failed(&f, policy_request(&f, OPERATION_RESTART, 2), why);
    policy_expect_failed(&f, policy_request(&f, OPERATION_RESTART, UINT32_MAX), why);
    policy_request(&f, OPERATION_SCALE, 1);
    policy_expect_failed(&f, policy_request(&f, OPERATION_RESTART, 1), why);
}

static void restart__of_a_slot_that_rests__refused_since_it_comes_by_itself(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_expect_failed(&f, policy_request(&f, OPERATION_RESTART, 0),
                         "the slot rests after a crash loop; it begins anew by itself");
}

/* ---- the listener ---- */

static void drain__nobody_left__done_and_still_held(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_DRAIN, 0);

    (void)state;
    assert_non_null(policy_action(&f, ACTION_HOLD, 0));
    expect_state(number, OPERATION_RUNNING);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    expect_state(number, OPERATION_DONE);
    assert_true(s->held);
}

static void drain__empty_told_again__nothing(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    assert_int_equal(f.actions.count, 0);
    policy_request(&f, OPERATION_DRAIN, 0);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    assert_int_equal(f.actions.count, 0);
}

static void undrain__held__listens_and_those_that_count_serve(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_SCALE, 1);
    policy_request(&f, OPERATION_DRAIN, 0);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);

    uint32_t number = policy_request(&f, OPERATION_UNDRAIN, 0);

    assert_non_null(policy_action(&f, ACTION_LISTEN, 0));
    expect_state(number, OPERATION_RUNNING);
    assert_true(s->held);
    listening(NULL);
    expect_state(number, OPERATION_DONE);
    assert_false(s->held);
    assert_non_null(policy_action(&f, ACTION_SERVE, 0));
    assert_null(policy_action(&f, ACTION_SERVE, 1)); /* it goes out */
}

static void undrain__port_taken_by_another__failed_and_still_held(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_DRAIN, 0);

    uint32_t number = policy_request(&f, OPERATION_UNDRAIN, 0);

    listening("address already in use");
    policy_expect_failed(&f, number, "address already in use");
    assert_true(s->held);
    assert_null(policy_action(&f, ACTION_SERVE, 0));
    expect_state(policy_request(&f, OPERATION_UNDRAIN, 0), OPERATION_RUNNING);
}

static void undrain__not_held__refused(void **state)
{
    (void)state;
    policy_expect_failed(&f, policy_request(&f, OPERATION_UNDRAIN, 0), "it is not drained");
    assert_int_equal(f.seen[ACTION_LISTEN], 0);
}

static void undrain__while_a_drain_runs__that_one_has_failed(void **state)
{
    uint32_t drain = policy_request(&f, OPERATION_DRAIN, 0);

    (void)state;
    policy_request(&f, OPERATION_UNDRAIN, 0);
    listening(NULL);
    policy_expect_failed(&f, drain, "new connections were let in again");
}

static void listening__nobody_asked__serves_all_the_same(void **state)
{
    (void)state;
    listening(NULL);
    assert_int_equal(f.seen[ACTION_OPERATION], 0);
    assert_non_null(policy_action(&f, ACTION_SERVE, 1));
}

/* ---- many ---- */

/* Only when all are running the oldest is forgotten. */
static void many__more_than_are_remembered__all_that_are_known_end_together(void **state)
{
    uint32_t first = policy_request(&f, OPERATION_DRAIN, 0), last = first;

    (void)state;
    for (int i = 0; i < OPERATION_COUNT_MAX; i++)
        last = policy_request(&f, OPERATION_DRAIN, 0);
    expect_state(first, OPERATION_NONE);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    for (uint32_t number = first + 1; number <= last; number++)
        expect_state(number, OPERATION_DONE);
}

/* Symptom: a drain that was asked for before many other operations was never done. */
static void many__of_another_kind_that_end__one_that_runs_is_not_forgotten(void **state)
{
    uint32_t drain = policy_request(&f, OPERATION_DRAIN, 0);

    (void)state;
    for (int i = 0; i < 3 * OPERATION_COUNT_MAX; i++)
        expect_state(policy_request(&f, OPERATION_SCALE, 2), OPERATION_DONE);
    expect_state(drain, OPERATION_RUNNING);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    expect_state(drain, OPERATION_DONE);
}

static void unknown__kind__refused(void **state)
{
    (void)state;
    policy_expect_failed(&f, policy_request(&f, (enum operation_kind)99, 0), "no such operation");
}

/* ---- the supervisor dies meanwhile ---- */

static void resume__held__held_again(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_DRAIN, 0);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_HOLD, 0));
    assert_null(policy_action(&f, ACTION_LISTEN, 0));
}

static void resume__was_to_listen_again__does(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_DRAIN, 0);
    policy_request(&f, OPERATION_UNDRAIN, 0);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_LISTEN, 0));
    assert_null(policy_action(&f, ACTION_HOLD, 0));
}

static void resume__held_and_stopping__not_held_again(void **state)
{
    (void)state;
    policy_request(&f, OPERATION_DRAIN, 0);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_null(policy_action(&f, ACTION_HOLD, 0));
}

static void resume__restart_under_way__handover_ordered_again_and_done(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RESTART, 1);

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_RESUME);
    assert_non_null(policy_action(&f, ACTION_HANDOVER, 1));
    policy_hand_over(&f, 1);
    expect_state(number, OPERATION_DONE);
}

/* A slot that lost both keepers is another one's matter now: what was asked of it is done by that one. */
static void restart__its_keepers_die__done_when_another_slot_serves(void **state)
{
    uint32_t number = policy_request(&f, OPERATION_RESTART, 1);

    (void)state;
    policy_keeper_died(&f, 1, KEEPER_A, BOTH);
    policy_keeper_died(&f, 1, KEEPER_B, WORKER);
    expect_state(number, OPERATION_RUNNING);
    begin_slot(2);
    expect_state(number, OPERATION_DONE);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        TEST(request__taken__begun_and_ended_are_said_by_its_number),
        TEST(request__refused_by_the_shell__failed_for_its_reason_and_nothing_changes),
        TEST(request__while_stopping__refused),
        TEST(request__under_way_when_the_server_stops__failed),
        TEST(scale__more__done_when_all_serve),
        TEST(scale__to_what_it_is__done_at_once),
        TEST(scale__fewer__done_at_once_while_the_last_clients_stay),
        TEST(scale__out_of_range__refused_with_the_range),
        TEST(scale__another_number_meanwhile__the_first_has_failed),
        TEST(scale__a_slot_rests__failed_and_says_so),
        TEST(reload__every_slot_in_turn__done_after_the_last),
        TEST(reload__another_meanwhile__both_are_done_with_the_newest),
        TEST(reload__same_settings__done_at_once),
        TEST(reload__drain_timeout_changed__the_next_stop_has_it),
        TEST(restart__of_one_slot__that_one_alone),
        TEST(restart__of_a_slot_that_is_not_there__refused),
        TEST(restart__of_a_slot_that_rests__refused_since_it_comes_by_itself),
        TEST(restart__its_keepers_die__done_when_another_slot_serves),
        TEST(drain__nobody_left__done_and_still_held),
        TEST(drain__empty_told_again__nothing),
        TEST(undrain__held__listens_and_those_that_count_serve),
        TEST(undrain__port_taken_by_another__failed_and_still_held),
        TEST(undrain__not_held__refused),
        TEST(undrain__while_a_drain_runs__that_one_has_failed),
        TEST(listening__nobody_asked__serves_all_the_same),
        TEST(many__more_than_are_remembered__all_that_are_known_end_together),
        TEST(many__of_another_kind_that_end__one_that_runs_is_not_forgotten),
        TEST(unknown__kind__refused),
        TEST(resume__held__held_again),
        TEST(resume__was_to_listen_again__does),
        TEST(resume__held_and_stopping__not_held_again),
        TEST(resume__restart_under_way__handover_ordered_again_and_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
