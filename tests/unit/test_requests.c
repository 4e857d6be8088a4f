/* Requests as the policy takes them: what each changes, what is refused, and when an operation ends. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

#include <string.h>

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_forget(&f);
    return 0;
}

static struct operation *ask_why(enum operation_kind kind, uint32_t goal, const char *why)
{
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_REQUEST,
                                               .operation = kind,
                                               .goal = goal,
                                               .drain_timeout_ms = 4000,
                                               .why = why});
    return operation_find(&s->operations, s->operations.last_number);
}

static struct operation *ask(enum operation_kind kind, uint32_t goal)
{
    return ask_why(kind, goal, NULL);
}

static void expect_failed(const struct operation *operation, const char *why)
{
    assert_int_equal(operation->state, OPERATION_FAILED);
    assert_non_null(strstr(operation->why, why));
}

/* Begin and end are said, each once. */
static void expect_said(uint32_t count)
{
    assert_int_equal(f.seen[ACTION_OPERATION], count);
}

static void refused_before__fails_with_that_reason_and_changes_nothing(void **state)
{
    (void)state;
    expect_failed(ask_why(OPERATION_SCALE, 3, "of the asker's own"), "of the asker's own");
    assert_int_equal(s->wanted_count, 2);
    expect_said(2);
}

static void scale__out_of_range__is_refused(void **state)
{
    (void)state;
    expect_failed(ask(OPERATION_SCALE, 0), "a number of slots");
    expect_failed(ask(OPERATION_SCALE, SLOT_COUNT_MAX + 1), "a number of slots");
    assert_int_equal(s->wanted_count, 2);
}

static void scale__to_what_it_is__is_done_at_once(void **state)
{
    (void)state;
    assert_int_equal(ask(OPERATION_SCALE, 2)->state, OPERATION_DONE);
    expect_said(2);
}

static void scale__up__is_done_when_the_new_slot_serves(void **state)
{
    (void)state;
    struct operation *operation = ask(OPERATION_SCALE, 3);
    assert_int_equal(operation->state, OPERATION_RUNNING);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_keeper_ready(&f, 2, KEEPER_B);
    assert_int_equal(operation->state, OPERATION_RUNNING);
    policy_worker_ready(&f, 2);
    assert_int_equal(operation->state, OPERATION_DONE);
    expect_said(2);
}

static void scale__overtaken_by_another__fails(void **state)
{
    (void)state;
    struct operation *first = ask(OPERATION_SCALE, 3);
    struct operation *second = ask(OPERATION_SCALE, 4);
    expect_failed(first, "another number of slots");
    assert_int_equal(second->state, OPERATION_RUNNING);
}

static void restart__slot_not_in_use__is_refused(void **state)
{
    (void)state;
    expect_failed(ask(OPERATION_RESTART, 2), "no such slot");
    expect_failed(ask(OPERATION_RESTART, SLOT_COUNT_MAX), "no such slot");
}

static void restart__slot_that_rests__is_refused(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 1);
    expect_failed(ask(OPERATION_RESTART, 1), "rests after a crash loop");
    assert_int_equal(ask(OPERATION_RESTART, 0)->state, OPERATION_RUNNING);
}

static void reload__same_settings__is_done_at_once_with_the_new_deadline(void **state)
{
    (void)state;
    assert_int_equal(ask(OPERATION_RELOAD, s->settings_number)->state, OPERATION_DONE);
    assert_int_equal(s->drain_timeout_ms, 4000);
}

static void drain__empty_is_told__is_done(void **state)
{
    (void)state;
    struct operation *operation = ask(OPERATION_DRAIN, 0);
    assert_int_equal(operation->state, OPERATION_RUNNING);
    assert_int_equal(f.seen[ACTION_HOLD], 1);
    policy_feed_kind(&f, SUPERVISOR_EMPTY);
    assert_int_equal(operation->state, OPERATION_DONE);
    assert_true(s->held); /* until it is taken back */
}

static void undrain__not_drained__is_refused(void **state)
{
    (void)state;
    expect_failed(ask(OPERATION_UNDRAIN, 0), "it is not drained");
    assert_int_equal(f.seen[ACTION_LISTEN], 0);
}

static void undrain__listens_again__is_done_and_ends_the_drain(void **state)
{
    (void)state;
    struct operation *drain = ask(OPERATION_DRAIN, 0);
    struct operation *undrain = ask(OPERATION_UNDRAIN, 0);
    assert_int_equal(undrain->state, OPERATION_RUNNING);
    assert_int_equal(f.seen[ACTION_LISTEN], 1);
    policy_feed_kind(&f, SUPERVISOR_LISTENING);
    assert_int_equal(undrain->state, OPERATION_DONE);
    expect_failed(drain, "new connections were let in again");
    assert_false(s->held);
    assert_int_equal(f.seen[ACTION_SERVE], 2);
}

static void undrain__cannot_listen__fails_with_the_reason_and_stays_held(void **state)
{
    (void)state;
    (void)ask(OPERATION_DRAIN, 0);
    struct operation *undrain = ask(OPERATION_UNDRAIN, 0);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_LISTENING, .why = "the port is another's"});
    expect_failed(undrain, "the port is another's");
    assert_true(s->held);
    assert_int_equal(f.seen[ACTION_SERVE], 0);
}

static void stopping__requests__are_refused_and_running_ones_fail(void **state)
{
    (void)state;
    struct operation *running = ask(OPERATION_SCALE, 3);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    expect_failed(running, "the server is stopping");
    expect_failed(ask(OPERATION_SCALE, 4), "the server is stopping");
    expect_failed(ask(OPERATION_DRAIN, 0), "the server is stopping");
    assert_int_equal(s->wanted_count, 3);
}

#define TEST(test) cmocka_unit_test_setup(test, start_serving)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refused_before__fails_with_that_reason_and_changes_nothing),
        TEST(scale__out_of_range__is_refused),
        TEST(scale__to_what_it_is__is_done_at_once),
        TEST(scale__up__is_done_when_the_new_slot_serves),
        TEST(scale__overtaken_by_another__fails),
        TEST(restart__slot_not_in_use__is_refused),
        TEST(restart__slot_that_rests__is_refused),
        TEST(reload__same_settings__is_done_at_once_with_the_new_deadline),
        TEST(drain__empty_is_told__is_done),
        TEST(undrain__not_drained__is_refused),
        TEST(undrain__listens_again__is_done_and_ends_the_drain),
        TEST(undrain__cannot_listen__fails_with_the_reason_and_stays_held),
        TEST(stopping__requests__are_refused_and_running_ones_fail),
    };

    return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
