/* wrap: uv_thread_create calloc */
/* Whole runs of several loops, and runs that are interrupted or cannot begin. */
#include "tests/unit/test_loadtool_trial.h"

static bool no_threads;
static int allocations_left = -1; /* until one fails; -1 = none does */

int __real_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *argument)
{
    return no_threads ? UV_EAGAIN : __real_uv_thread_create(thread, entry, argument);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return __real_calloc(count, size);
}

/* -- several loops -- */

static void run__three_loops__pass_and_every_count_fits(void **state)
{
    (void)state;
    trial.settings.clients = 20;
    trial.settings.threads = 3;
    trial.settings.duration_ms = 400;
    kill_by("fin:10%,rst:10%,halfclose:10%,kill9:10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.outcome.control.clients, 12);
    assert_int_equal(trial.outcome.victims, 8);
    assert_int_equal(trial.outcome.done[PLAN_RST] > 0, 1);
    assert_int_equal(trial.outcome.done[PLAN_KILL9] > 0, 1);
    assert_true(trial.outcome.latency.count > 100);
    assert_int_equal(tally()->opened, tally()->ended);
    assert_true(trial.outcome.recovery.is_ok);
}

static void run__more_loops_than_clients__passes(void **state)
{
    (void)state;
    trial.settings.clients = 2;
    trial.settings.threads = 5;
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.outcome.control.clients, 2);
    assert_int_equal(tally()->opened, 2);
}

static void run__messages_of_three_loops__come_out_of_one_budget(void **state)
{
    (void)state;
    trial.settings.clients = 10;
    trial.settings.threads = 3;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 500;
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(tally()->messages_right, 500);
}

static void run__three_loops_and_nobody_answers__are_given_up(void **state)
{
    (void)state;
    trial.settings.threads = 3;
    trial.settings.timeout_ms = 200;
    assert_int_equal(load_server(SERVER_MUTE, 0), EXIT_CLIENTS);
    /* The first loop that sees it ends the run for all: some may not have waited for too long yet. */
    assert_in_range(trial.outcome.control.unanswered, 1, 10);
    assert_int_equal(trial.outcome.control.silent_before, 10);
}

/* -- interrupted -- */

static void interrupt_in_main(const struct engine *engine, uint64_t now_ns)
{
    (void)now_ns;
    if (engine->phase == ENGINE_MAIN)
        raise(SIGINT);
}

static void run__sigint__ends_at_once_with_a_report(void **state)
{
    (void)state;
    trial.settings.duration_ms = 60000;
    trial.engine.show_progress = interrupt_in_main;
    kill_by("10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_INTERRUPTED);
    assert_int_equal(trial.verdict.kind, VERDICT_INTERRUPTED);
    assert_true(tally()->messages_right > 0);
    assert_int_equal(trial.outcome.control.lost, 0);
}

static void run__a_thread_cannot_be_had__is_told_and_everything_is_closed(void **state)
{
    (void)state;
    trial.settings.threads = 3;
    server_start(&trial.server, SERVER_UPPER, 0);
    aim();
    no_threads = true;
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), UV_EAGAIN);
    no_threads = false;
    server_stop(&trial.server);
}

static void run__no_memory_at_any_point_of_the_set_up__is_told(void **state)
{
    int failures = 0;

    server_start(&trial.server, SERVER_UPPER, 0);
    for (int allowed = 0; allowed < 8; allowed++) {
        struct server server = trial.server;
        fresh(state);
        trial.server = server;
        trial.settings.threads = 2;
        trial.settings.churn_per_s = 10;
        trial.settings.think_ms_min = trial.settings.think_ms_max = 1;
        kill_by("10%");
        aim();
        allocations_left = allowed;
        failures += engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome) == -ENOMEM;
        allocations_left = -1;
    }
    assert_int_equal(failures, 8);
    server_stop(&trial.server);
}

static void run__three_loops_interrupted__all_end(void **state)
{
    (void)state;
    trial.settings.threads = 3;
    trial.settings.duration_ms = 60000;
    trial.engine.show_progress = interrupt_in_main;
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_INTERRUPTED);
    assert_int_equal(tally()->opened, tally()->ended);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(run__three_loops__pass_and_every_count_fits, fresh),
        cmocka_unit_test_setup(run__more_loops_than_clients__passes, fresh),
        cmocka_unit_test_setup(run__messages_of_three_loops__come_out_of_one_budget, fresh),
        cmocka_unit_test_setup(run__three_loops_and_nobody_answers__are_given_up, fresh),
        cmocka_unit_test_setup(run__three_loops_interrupted__all_end, fresh),
        cmocka_unit_test_setup(run__a_thread_cannot_be_had__is_told_and_everything_is_closed, fresh),
        cmocka_unit_test_setup(run__no_memory_at_any_point_of_the_set_up__is_told, fresh),
        cmocka_unit_test_setup(run__sigint__ends_at_once_with_a_report, fresh),
    };

    return trial_main(argc, argv, "loadtool engine, several loops", tests);
}
