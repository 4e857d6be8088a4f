/* The new client after the last disturbance; time is made up, so that no test waits for it. */
#include "loadtool/probe.h"

#include <signal.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_world.h"

static const uint64_t ms = 1000000;

static struct {
    struct server server;
    uv_loop_t loop;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct probe probe;
    uint64_t now_ns;
} trial;

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    server_start(&trial.server, SERVER_UPPER, 0);
    world_make(&trial.world, &trial.server, &trial.loop, &trial.target, &trial.dialogue, &trial.tally);
    trial.now_ns = uv_hrtime();
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    probe_init(&trial.probe, &trial.world, trial.now_ns, trial.now_ns);
    return client_world_init(&trial.world, ORACLE_UPPER);
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    client_world_free(&trial.world);
    server_stop(&trial.server);
    return 0;
}

static bool step_after(uint64_t later_ms)
{
    trial.now_ns += later_ms * ms;
    return probe_step(&trial.probe, trial.now_ns);
}

/* Let the loop work till the present try is over. */
static void finish_try(void)
{
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_false(trial.probe.is_out);
    trial.probe.next_ns = 0; /* the pause between two tries is over */
}

static void step__server_answers__is_right_and_over(void **state)
{
    (void)state;
    assert_false(step_after(0));
    finish_try();
    assert_true(trial.probe.is_right);
    assert_true(trial.probe.took_ns > 0);
    assert_true(step_after(0));
    assert_int_equal(trial.tally.opened, 1);
}

static void step__first_try_is_closed__tries_again(void **state)
{
    (void)state;
    trial.server.fault = SERVER_CLOSE;
    assert_false(step_after(0));
    finish_try();
    assert_false(trial.probe.is_right);
    trial.server.fault = SERVER_UPPER;
    assert_false(step_after(200));
    finish_try();
    assert_true(trial.probe.is_right);
    assert_int_equal(trial.tally.opened, 2);
}

static void step__first_try_is_never_answered__is_given_up_for_another(void **state)
{
    (void)state;
    trial.server.fault = SERVER_MUTE;
    assert_false(step_after(0));
    while (trial.tally.messages_sent == 0)
        uv_run(&trial.loop, UV_RUN_ONCE);
    assert_false(step_after(LIMIT_RECOVERY_TRY_MS + 1));
    finish_try();
    trial.server.fault = SERVER_UPPER;
    assert_false(step_after(0));
    finish_try();
    assert_true(trial.probe.is_right);
}

static void step__wrong_reply__is_not_right_and_after_five_seconds_over(void **state)
{
    (void)state;
    trial.server.fault = SERVER_FLIP;
    assert_false(step_after(0));
    finish_try();
    assert_false(trial.probe.is_right);
    assert_true(step_after(LIMIT_RECOVERY_MS + 1));
    assert_int_equal(trial.tally.opened, 1);
}

/* A victim that could not die held the run up: the server gets its try, and the time is told as it was. */
static void step__last_disturbance_long_ago__has_one_try(void **state)
{
    (void)state;
    probe_init(&trial.probe, &trial.world, trial.now_ns - 7000 * ms, trial.now_ns);
    assert_false(step_after(0));
    finish_try();
    assert_true(trial.probe.is_right);
    assert_true(trial.probe.took_ns >= 7000 * ms);
    probe_init(&trial.probe, &trial.world, trial.now_ns - 7000 * ms, trial.now_ns);
    assert_true(step_after(LIMIT_RECOVERY_TRY_MS + 1));
}

static void step__just_failed__waits_before_the_next_try(void **state)
{
    (void)state;
    trial.server.fault = SERVER_CLOSE;
    assert_false(step_after(0));
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_false(step_after(0));
    assert_false(trial.probe.is_out);
    assert_int_equal(trial.tally.opened, 1);
}

static void close__amid_a_try__ends_it(void **state)
{
    (void)state;
    probe_close(&trial.probe); /* harmless */
    assert_false(step_after(0));
    probe_close(&trial.probe);
    finish_try();
    assert_false(trial.probe.is_right);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(step__server_answers__is_right_and_over),
        TEST(step__first_try_is_closed__tries_again),
        TEST(step__first_try_is_never_answered__is_given_up_for_another),
        TEST(step__wrong_reply__is_not_right_and_after_five_seconds_over),
        TEST(step__last_disturbance_long_ago__has_one_try),
        TEST(step__just_failed__waits_before_the_next_try),
        TEST(close__amid_a_try__ends_it),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool probe", tests, NULL, NULL);
}
