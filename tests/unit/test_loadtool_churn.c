/* wrap: calloc */
#include "loadtool/churn.h"

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_world.h"

static bool is_failing;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_failing ? NULL : __real_calloc(count, size);
}

static struct {
    struct server server;
    uv_loop_t loop;
    uv_timer_t timer;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct churn churn;
    uint64_t enough;
} trial;

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    is_failing = false;
    server_start(&trial.server, SERVER_UPPER, 0);
    world_make(&trial.world, &trial.server, &trial.loop, &trial.target, &trial.dialogue, &trial.tally);
    trial.churn =
        (struct churn){.world = &trial.world, .timeout_ns = 100000000, .connect_timeout_ns = 100000000};
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    return client_world_init(&trial.world, ORACLE_UPPER);
}

static int stop(void **state)
{
    (void)state;
    churn_close(&trial.churn);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    churn_free(&trial.churn);
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    client_world_free(&trial.world);
    server_stop(&trial.server);
    return 0;
}

static void on_tick(uv_timer_t *timer)
{
    churn_sweep(&trial.churn, uv_hrtime());
    if (trial.churn.counts.due >= trial.enough)
        churn_stop(&trial.churn);
    if (trial.churn.counts.due >= trial.enough && churn_busy_count(&trial.churn) == 0)
        uv_close((uv_handle_t *)timer, NULL);
}

/* Run until so many were due, and all that came have gone. */
static void run(uint64_t rate, uint64_t enough)
{
    trial.enough = enough;
    assert_int_equal(churn_init(&trial.churn, rate, false), 0);
    assert_int_equal(churn_start(&trial.churn, uv_hrtime()), 0);
    uv_timer_init(&trial.loop, &trial.timer);
    uv_timer_start(&trial.timer, on_tick, 1, 1);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
}

static void run__a_right_server__answers_every_short_connection(void **state)
{
    (void)state;
    run(1000, 100);
    assert_true(trial.churn.counts.done >= 100);
    assert_int_equal(trial.churn.counts.done, trial.churn.counts.due);
    assert_int_equal(trial.tally.ended, trial.churn.counts.due);
    assert_int_equal(trial.server.accepted, trial.churn.counts.due);
}

static void run__a_server_that_resets__counts_failures(void **state)
{
    (void)state;
    trial.server.fault = SERVER_RESET;
    run(1000, 50);
    assert_int_equal(trial.churn.counts.failed, trial.churn.counts.due);
}

static void run__a_mute_server__times_out(void **state)
{
    (void)state;
    trial.server.fault = SERVER_MUTE;
    run(1000, 20);
    assert_int_equal(trial.churn.counts.failed, trial.churn.counts.due);
    assert_int_equal(trial.tally.faults[FAULT_UNANSWERED][WHERE_REPLY].count, trial.churn.counts.due);
}

static void run__more_than_may_be_there__are_missed(void **state)
{
    (void)state;
    trial.server.fault = SERVER_MUTE;
    trial.churn.timeout_ns = 1000000000;
    run(20000, LIMIT_CHURN_CLIENTS + 500);
    assert_true(trial.churn.counts.missed > 0);
    assert_int_equal(trial.churn.counts.missed + trial.churn.counts.failed, trial.churn.counts.due);
}

static void init__no_memory__is_told_and_nothing_is_there(void **state)
{
    (void)state;
    is_failing = true;
    assert_int_equal(churn_init(&trial.churn, 10, false), -ENOMEM);
    is_failing = false;
    churn_sweep(&trial.churn, uv_hrtime());
    assert_int_equal(churn_busy_count(&trial.churn), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run__a_right_server__answers_every_short_connection),
        TEST(run__a_server_that_resets__counts_failures),
        TEST(run__a_mute_server__times_out),
        TEST(run__more_than_may_be_there__are_missed),
        TEST(init__no_memory__is_told_and_nothing_is_there),
    };

    return cmocka_run_group_tests_name("loadtool churn", tests, NULL, NULL);
}
