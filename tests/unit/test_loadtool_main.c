/* The order of a run of the load tool, and with which code it ends. */
/* wrap: child_is_wanted child_run options_parse target_resolve descriptors_provide engine_run */
/* wrap: health_look health_wait verdict_judge report_write_text report_write_json progress_clear */
/* wrap: progress_columns open_memstream */
#include "tests/unit/test_loadtool_main.h"

/* ---- who runs ---- */

static void main__child__owns_connections_and_nothing_else(void **state)
{
    char name[] = "loadtool";
    char word[] = CHILD_ARGUMENT;
    char *argv[] = {name, word, NULL};

    (void)state;
    assert_int_equal(run_words(2, argv), CHILD_CODE);
    assert_string_equal(calls, "child");
}

static void main__wrong_usage__2_and_no_run(void **state)
{
    (void)state;
    failing = "options";
    code_of_failing = -EINVAL;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(calls, "options");
}

/* Else a peer that has gone would end the load tool with 141. */
static void main__sigpipe__ignored(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    start();
    assert_true(signal(SIGPIPE, SIG_IGN) == SIG_IGN);
}

/* ---- a run ---- */

static void run__passes__report_on_stdout_in_its_width(void **state)
{
    (void)state;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(calls, "options target descriptors memory engine clear judge text");
    assert_string_equal(said, "<text 93>");
    assert_string_equal(complained, "");
    assert_null(csv_seen);
    assert_true(shows_progress);
    assert_int_equal(connections, 500);
    assert_string_equal(command, "loadtool host:9999 --seed 77");
}

static void run__verdict__its_exit_code(void **state)
{
    (void)state;
    verdict_code = EXIT_BYTES;
    assert_int_equal(start(), EXIT_BYTES);
    verdict_code = EXIT_UNRELIABLE;
    assert_int_equal(start(), EXIT_UNRELIABLE);
}

static void run__no_memory_for_the_command__reported_without(void **state)
{
    (void)state;
    failing = "memory";
    code_of_failing = -1;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(command, "");
}

static void run__engine_cannot_begin__2_and_no_report(void **state)
{
    (void)state;
    failing = "engine";
    code_of_failing = -EMFILE;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: the run could not be set up: Too many open files\n");
    assert_string_equal(calls, "options target descriptors memory engine clear");
    assert_string_equal(said, "");
}

static void target__not_known__2_and_the_resolvers_reason(void **state)
{
    (void)state;
    failing = "target";
    code_of_failing = EAI_NONAME;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: target host:9999: Name or service not known\n");
    assert_string_equal(calls, "options target");
}

static void descriptors__too_few__2_and_both_numbers(void **state)
{
    (void)state;
    failing = "descriptors";
    code_of_failing = -EMFILE;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(
        complained,
        "loadtool: --clients 500: needs 30000 descriptors, and the hard limit is 20000 (ulimit -Hn)\n");
    code_of_failing = -EPERM;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained,
                        "loadtool: the descriptor limit cannot be raised: Operation not permitted\n");
    assert_string_equal(calls, "options target descriptors");
}

static void descriptors__churn__room_for_its_clients_too(void **state)
{
    (void)state;
    given.churn_per_s = 10;
    assert_int_equal(start(), EXIT_PASS);
    assert_int_equal(connections, 500 + LIMIT_CHURN_CLIENTS);
}

/* ---- the server's health ---- */

static void health__watched__looked_at_before_and_after_a_rest(void **state)
{
    (void)state;
    given.server_pid = 4711;
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(
        calls, "options target descriptors memory look_before engine clear wait look_after judge text");
    assert_int_equal(looked_ms[0], LIMIT_HEALTH_BEFORE_MS);
    assert_int_equal(waited_ms, LIMIT_HEALTH_REST_MS);
    assert_int_equal(looked_ms[1], LIMIT_HEALTH_AFTER_MS);
    assert_true(judged_health.is_watched);
    assert_int_equal(judged_health.pid, 4711);
    assert_int_equal(judged_health.before.processes, 1);
    assert_int_equal(judged_health.after.processes, 2);
    assert_false(judged_interrupted);
}

static void health__no_such_server__2_and_no_load(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_before";
    code_of_failing = -ESRCH;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --server-pid 4711: No such process\n");
    assert_string_equal(calls, "options target descriptors memory look_before");
}

static void health__interrupted_before__130(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_before";
    code_of_failing = -EINTR;
    assert_int_equal(start(), EXIT_INTERRUPTED);
}

static void health__interrupted_meanwhile_or_after__the_verdict_knows(void **state)
{
    (void)state;
    given.server_pid = 4711;
    engine_is_interrupted = true;
    start();
    assert_true(judged_interrupted);
    assert_int_equal(looks, 1); /* nobody wants to wait any more */
    engine_is_interrupted = false;
    failing = "wait";
    code_of_failing = -EINTR;
    start();
    assert_true(judged_interrupted);
    assert_int_equal(looks, 1);
    failing = "look_after";
    start();
    assert_true(judged_interrupted);
}

/* What that means is the verdict's to say, by the sample. */
static void health__server_is_gone_afterwards__not_an_interruption(void **state)
{
    (void)state;
    given.server_pid = 4711;
    failing = "look_after";
    code_of_failing = -ESRCH;
    assert_int_equal(start(), EXIT_PASS);
    assert_false(judged_interrupted);
}

static void health__not_watched__not_looked_at(void **state)
{
    (void)state;
    engine_is_interrupted = true;
    assert_int_equal(start(), EXIT_PASS);
    assert_true(judged_interrupted);
    assert_false(judged_health.is_watched);
    assert_int_equal(looks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(main__child__owns_connections_and_nothing_else),
        TEST(main__wrong_usage__2_and_no_run),
        TEST(main__sigpipe__ignored),
        TEST(run__passes__report_on_stdout_in_its_width),
        TEST(run__verdict__its_exit_code),
        TEST(run__no_memory_for_the_command__reported_without),
        TEST(run__engine_cannot_begin__2_and_no_report),
        TEST(target__not_known__2_and_the_resolvers_reason),
        TEST(descriptors__too_few__2_and_both_numbers),
        TEST(descriptors__churn__room_for_its_clients_too),
        TEST(health__watched__looked_at_before_and_after_a_rest),
        TEST(health__no_such_server__2_and_no_load),
        TEST(health__interrupted_before__130),
        TEST(health__interrupted_meanwhile_or_after__the_verdict_knows),
        TEST(health__server_is_gone_afterwards__not_an_interruption),
        TEST(health__not_watched__not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
