/* Whole runs against a server in this process that does wrong: every fault is found and named. */
#include "tests/unit/test_loadtool_trial.h"

static void run__echo_server__fails_with_a_hint(void **state)
{
    (void)state;
    assert_int_equal(load_server(SERVER_ECHO, 0), EXIT_BYTES);
    assert_string_equal(trial.verdict.reasons[1], "this looks like an echo server: try --check echo");
    assert_false(tally()->differs_from_request);
}

/* A proof by a right reply will never come: the run once waited for it for ever. */
static void run__every_reply_wrong__still_ends(void **state)
{
    (void)state;
    dialogue_set_size(&trial.settings.dialogue, 5000); /* too long to be right by chance */
    kill_by("fin:20%");
    assert_int_equal(load_server(SERVER_ECHO, 0), EXIT_BYTES);
    assert_int_equal(trial.outcome.control.silent_before, 8);
    assert_int_equal(trial.outcome.control.silent_after, 8);
    assert_false(trial.outcome.recovery.is_ok);
}

static void run__one_wrong_byte__is_found_where_it_is(void **state)
{
    (void)state;
    trial.settings.clients = 1;
    assert_int_equal(load_server(SERVER_FLIP, 3), EXIT_BYTES);
    assert_true(tally()->examples[FINDING_WRONG].is_set);
    assert_int_equal(tally()->examples[FINDING_WRONG].connection, 1);
    assert_int_equal(tally()->examples[FINDING_WRONG].offset, 3 * 64 + 32);
    const struct tally_wrong *example = &tally()->examples[FINDING_WRONG];
    assert_int_equal(example->shown_offset, example->offset - TALLY_BEFORE_BYTES);
    assert_int_equal(example->expected[TALLY_BEFORE_BYTES] ^ 0x80, example->got[TALLY_BEFORE_BYTES]);
    assert_int_equal(tally()->messages_right, 3);
    assert_int_equal(trial.outcome.control.lost, 0);
}

static void run__doubled_bytes__are_duplicated(void **state)
{
    (void)state;
    assert_int_equal(load_server(SERVER_DOUBLE, 20), EXIT_BYTES);
    assert_true(tally()->found_bytes[FINDING_DUPLICATED] > 0);
}

static void run__answers_cut_at_half_close__are_missing(void **state)
{
    (void)state;
    kill_by("halfclose:100%");
    dialogue_set_size(&trial.settings.dialogue, 5000);
    assert_int_equal(load_server(SERVER_LOSE, 0), EXIT_BYTES);
    assert_true(tally()->found_bytes[FINDING_MISSING] > 0);
    assert_true(trial.outcome.unexpected_ends > 0);
}

static void run__mute_server__ends_after_one_timeout(void **state)
{
    (void)state;
    trial.settings.clients = 300; /* three ramps full */
    trial.settings.timeout_ms = 200;
    trial.settings.duration_ms = 60000;
    assert_int_equal(load_server(SERVER_MUTE, 0), EXIT_CLIENTS);
    /* The first that waits too long ends it; on a slow machine the last of the hundred have not waited so
     * long yet. */
    assert_in_range(trial.outcome.control.unanswered, 1, 100);
    assert_int_equal(trial.outcome.control.untried, 200);
    assert_true(trial.outcome.elapsed_ns < 5000000000);
}

/* Runs that end by messages which nobody can send any more: they once never ended. */

static void send_without_end(void)
{
    trial.settings.timeout_ms = trial.settings.connect_timeout_ms = 200;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 10000000;
}

static void run__messages_and_a_server_gone_mute__ends_after_the_timeout(void **state)
{
    (void)state;
    send_without_end();
    assert_int_equal(load_server(SERVER_MUTE, 50), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.unanswered, 10);
    assert_true(trial.outcome.elapsed_ns < 5000000000);
}

static void run__messages_and_every_control_client_reset__ends(void **state)
{
    (void)state;
    send_without_end();
    kill_by("10%");
    assert_int_equal(load_server(SERVER_RESET, 100), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.lost, 9);
    assert_true(trial.outcome.elapsed_ns < 15000000000);
}

static void run__messages_and_victims_alone_before_a_mute_server__ends(void **state)
{
    (void)state;
    send_without_end();
    kill_by("rst:100%");
    assert_int_equal(load_server(SERVER_MUTE, 0), EXIT_CLIENTS);
    assert_true(trial.outcome.unexpected_ends > 0);
    assert_true(trial.outcome.elapsed_ns < 15000000000);
}

/* The victims that half-close get no FIN and hold the end up for the time-out, long after the last kill. */
static void run__a_victim_that_cannot_die__recovery_counts_from_the_last_kill(void **state)
{
    (void)state;
    trial.settings.timeout_ms = 400;
    kill_by("fin:30%,halfclose:30%");
    assert_int_equal(load_server(SERVER_NO_FIN, 0), EXIT_CLIENTS);
    assert_true(trial.outcome.done[PLAN_FIN] >
                0); /* of three, on a busy machine, not all come to it in time */
    assert_true(trial.outcome.recovery.is_ok);
    assert_true(trial.outcome.recovery.ns >= 200000000);
}

static void run__late_muteness__leaves_clients_unanswered_but_not_lost(void **state)
{
    (void)state;
    trial.settings.timeout_ms = 200;
    assert_int_equal(load_server(SERVER_MUTE, 50), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.unanswered, 10);
    assert_int_equal(trial.outcome.control.lost, 0);
    assert_true(trial.outcome.silence.max_ns >= 200000000);
}

static void run__server_that_closes__counts_each_client_once(void **state)
{
    (void)state;
    trial.settings.duration_ms = 60000; /* nobody is left: the run ends by itself */
    assert_int_equal(load_server(SERVER_CLOSE, 30), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.lost, 10);
    assert_int_equal(trial.outcome.control.closed, 10);
    assert_int_equal(trial.outcome.control.reset, 0);
    assert_int_equal(tally()->faults[FAULT_CLOSED][WHERE_REPLY].count, 10);
    assert_true(trial.outcome.elapsed_ns < 5000000000);
}

static void run__server_that_resets__counts_each_client_once(void **state)
{
    (void)state;
    trial.settings.duration_ms = 60000;
    assert_int_equal(load_server(SERVER_RESET, 30), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.lost, 10);
    assert_int_equal(trial.outcome.control.reset, 10);
}

static void run__no_fin_after_half_close__is_an_unexpected_end(void **state)
{
    (void)state;
    trial.settings.timeout_ms = 200;
    kill_by("halfclose:30%");
    assert_int_equal(load_server(SERVER_NO_FIN, 0), EXIT_CLIENTS);
    assert_true(trial.outcome.unexpected_ends > 0);
    assert_true(tally()->faults[FAULT_UNANSWERED][WHERE_HALFCLOSE].count > 0);
    assert_int_equal(trial.outcome.done[PLAN_HALFCLOSE], 0);
    assert_int_equal(trial.outcome.control.lost, 0);
}

static void run__nobody_listens__is_refused_at_once(void **state)
{
    (void)state;
    close(server_listen(&trial.server.port));
    aim();
    kill_by("10%");
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), 0);
    verdict_judge(&trial.settings, &trial.outcome, &trial.verdict);
    assert_int_equal(trial.verdict.exit_code, EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.refused, 9);
    assert_int_equal(tally()->failed, 9);
    assert_int_equal(tally()->opened, 0);
    assert_true(trial.outcome.elapsed_ns < 3000000000);
}

static void run__nobody_listens_and_all_are_victims__ends_within_the_connect_timeout(void **state)
{
    (void)state;
    close(server_listen(&trial.server.port));
    aim();
    kill_by("rst:100%");
    trial.settings.duration_ms = 60000;
    trial.settings.connect_timeout_ms = 200;
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), 0);
    verdict_judge(&trial.settings, &trial.outcome, &trial.verdict);
    assert_int_equal(trial.verdict.exit_code, EXIT_CLIENTS);
    assert_true(trial.outcome.elapsed_ns < 2000000000);
}

static void run__unix_path_without_a_server__is_refused(void **state)
{
    (void)state;
    trial.target.address.un = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    trial.target.length = sizeof(struct sockaddr_un);
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), 0);
    assert_int_equal(trial.outcome.control.refused, 10);
    assert_int_equal(tally()->faults[FAULT_REFUSED][WHERE_CONNECT].count, 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(run__echo_server__fails_with_a_hint, fresh),
        cmocka_unit_test_setup(run__every_reply_wrong__still_ends, fresh),
        cmocka_unit_test_setup(run__one_wrong_byte__is_found_where_it_is, fresh),
        cmocka_unit_test_setup(run__doubled_bytes__are_duplicated, fresh),
        cmocka_unit_test_setup(run__answers_cut_at_half_close__are_missing, fresh),
        cmocka_unit_test_setup(run__mute_server__ends_after_one_timeout, fresh),
        cmocka_unit_test_setup(run__messages_and_a_server_gone_mute__ends_after_the_timeout, fresh),
        cmocka_unit_test_setup(run__messages_and_every_control_client_reset__ends, fresh),
        cmocka_unit_test_setup(run__messages_and_victims_alone_before_a_mute_server__ends, fresh),
        cmocka_unit_test_setup(run__a_victim_that_cannot_die__recovery_counts_from_the_last_kill, fresh),
        cmocka_unit_test_setup(run__late_muteness__leaves_clients_unanswered_but_not_lost, fresh),
        cmocka_unit_test_setup(run__server_that_closes__counts_each_client_once, fresh),
        cmocka_unit_test_setup(run__server_that_resets__counts_each_client_once, fresh),
        cmocka_unit_test_setup(run__no_fin_after_half_close__is_an_unexpected_end, fresh),
        cmocka_unit_test_setup(run__nobody_listens__is_refused_at_once, fresh),
        cmocka_unit_test_setup(run__nobody_listens_and_all_are_victims__ends_within_the_connect_timeout,
                               fresh),
        cmocka_unit_test_setup(run__unix_path_without_a_server__is_refused, fresh),
    };

    return trial_main(argc, argv, "loadtool engine, faults of the server", tests);
}
