/* wrap: client_open client_send client_close client_fail client_note think_rest uv_hrtime calloc */
/* What the control group tells of its messages: to those who ask what was felt, and to the timeline. */
#include "tests/unit/test_loadtool_control_group.h"

static struct felt_marks marks;
static struct felt felt;
static struct timeline timeline;
static struct tap tap;
static struct outages outages;
static struct disturbances_told told;

static int fresh_with_ears(void **state)
{
    fresh(state);
    felt_marks_init(&marks);
    assert_int_equal(felt_init(&felt, &marks), 0);
    assert_int_equal(timeline_init(&timeline, 1), 0);
    tap_init(&tap, &timeline, 0);
    return 0;
}

static int stop_with_ears(void **state)
{
    felt_free(&felt);
    felt_marks_free(&marks);
    timeline_free(&timeline);
    return stop(state);
}

/* Connected, answered, and the load is on: everybody has one message outstanding. */
static void load(uint32_t count)
{
    assert_int_equal(make(count), 0);
    trial.group.felt = &felt;
    trial.group.tap = &tap;
    (void)control_ramp(&trial.group);
    for (uint32_t i = 0; i < count; i++) {
        connect_one(i);
        answer(i, 1);
    }
    tap_begin(&tap, trial.now_ns);
    control_start(&trial.group);
}

static void tell(void)
{
    tap_end(&tap, trial.now_ns);
    timeline_tell(&timeline, &outages, &told);
}

static void found(uint32_t place, uint64_t bytes)
{
    struct client *client = &at(place)->client;

    trial.world.now_ns = trial.now_ns;
    client->events->found(client, bytes);
}

static void ramp__replies__are_not_felt(void **state)
{
    (void)state;
    load(2);
    assert_int_equal(felt_calm(&felt).replies, 0);
    answer(0, 1);
    assert_int_equal(felt_calm(&felt).replies, 1);
}

static void found__in_the_message_that_is_answered__is_felt_since_its_sending(void **state)
{
    (void)state;
    trial.load.depth = 2;
    load(1); /* two are outstanding */
    pass_ms(100);
    answer(0, 1); /* a third one is sent, now */
    felt_begin(&felt, PLAN_RST, trial.now_ns - 60 * MS);
    felt_end(&felt, PLAN_RST, trial.now_ns - 60 * MS);
    pass_ms(5);
    found(0, 3); /* of the second one, sent long before that death */
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes, 3);
    answer(0, 1);
    found(0, 4); /* of the third one, sent after it */
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes, 3);
    assert_int_equal(felt_calm(&felt).wrong_bytes, 4);
}

static void found__when_nothing_is_outstanding__is_felt_when_it_comes(void **state)
{
    (void)state;
    trial.load.flows = false;
    load(1);
    pass_ms(500);
    felt_begin(&felt, PLAN_FIN, trial.now_ns);
    found(0, 1);
    assert_int_equal(felt_result_of(&felt, PLAN_FIN).wrong_bytes, 1);
    trial.group.felt = NULL;
    found(0, 1); /* nobody wants to know */
}

static void tap__requests__are_outstanding_till_they_are_answered(void **state)
{
    (void)state;
    load(3);
    assert_int_equal(tap.outstanding, 3);
    pass_ms(2);
    answer(0, 1);
    answer(1, 0); /* a wrong reply is no good one, but one that is not waited for */
    assert_int_equal(tap.outstanding, 3);
    assert_int_equal(tap.present.replies, 1);
}

static void tap__connection_ends__its_requests_are_lost_to_the_death(void **state)
{
    (void)state;
    trial.load.depth = 2;
    load(2);
    tap_death(&tap, trial.now_ns, PLAN_RST, 1);
    pass_ms(1);
    end(0, FAULT_RESET);
    assert_int_equal(tap.outstanding, 2);
    assert_int_equal(tap.present.lost, 1);
    pass_ms(20);
    tell();
    assert_int_equal(told.lost, 2);
}

static void tap__waits_too_long__is_lost_once_and_no_longer_outstanding(void **state)
{
    (void)state;
    load(2);
    tap_death(&tap, trial.now_ns, PLAN_RST, 1);
    pass_ms(60);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(tap.outstanding, 0);
    answer(0, 1); /* late, but a good reply: and its next request is waited for again */
    assert_int_equal(tap.present.replies, 1);
    assert_int_equal(tap.outstanding, 1);
    end(1, FAULT_CLOSED); /* no second time */
    answer(0, 1);
    end(0, FAULT_CLOSED); /* the new one */
    pass_ms(20);
    tell();
    assert_int_equal(told.lost + told.lost_apart, 3);
    assert_int_equal(tap.outstanding, 0);
}

int main(void)
{
#define EARS(test) cmocka_unit_test_setup_teardown(test, fresh_with_ears, stop_with_ears)
    const struct CMUnitTest tests[] = {
        EARS(ramp__replies__are_not_felt),
        EARS(found__in_the_message_that_is_answered__is_felt_since_its_sending),
        EARS(found__when_nothing_is_outstanding__is_felt_when_it_comes),
        EARS(tap__requests__are_outstanding_till_they_are_answered),
        EARS(tap__connection_ends__its_requests_are_lost_to_the_death),
        EARS(tap__waits_too_long__is_lost_once_and_no_longer_outstanding),
    };

    return cmocka_run_group_tests_name("loadtool control felt", tests, NULL, NULL);
}
