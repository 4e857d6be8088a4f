/* Whole runs against a server in this process: what is right passes. */
#include "tests/unit/test_loadtool_trial.h"

static void run__no_kills__passes_and_every_count_fits(void **state)
{
    (void)state;
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.verdict.kind, VERDICT_PASS);
    assert_int_equal(tally()->messages_sent, tally()->messages_right);
    assert_int_equal(tally()->bytes_sent, tally()->messages_sent * 64);
    assert_int_equal(tally()->bytes_right, tally()->bytes_sent);
    assert_int_equal(tally()->opened, 10);
    assert_int_equal(tally()->ended, 10);
    assert_int_equal(trial.server.accepted, 10);
    assert_int_equal(trial.outcome.latency.count, tally()->messages_right);
    assert_true(trial.outcome.messages_per_s > 0);
    assert_false(trial.outcome.recovery.is_checked);
}

static void run__every_mode__is_done_and_nobody_else_notices(void **state)
{
    (void)state;
    trial.settings.clients = 20;
    kill_by("fin:10%,rst:10%,unread:10%,halfclose:10%,kill9:10%,slowread:10%,oob:10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.verdict.reason_count, 0);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        assert_true(trial.outcome.done[i] >= 2 || !plan_has(&trial.settings.plan, (enum plan_mode)i));
    assert_int_equal(trial.outcome.control.clients, 6);
    assert_int_equal(trial.outcome.victims, 14);
    assert_true(trial.outcome.recovery.is_ok);
    assert_int_equal(tally()->opened, tally()->ended);
}

static void run__every_other_mode__is_done_or_said_not_to_be_and_nobody_else_notices(void **state)
{
    (void)state;
    trial.settings.clients = 20;
    kill_by(
        "rst-unspec:10%,halfclose-rst:10%,midcut:10%,noread:10%,tinywin:10%,dribble:10%,mute:10%,storm:10%,"
        "stop:10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        uint64_t done = trial.outcome.done[i];
        uint64_t took = 0;
        if (!plan_has(&trial.settings.plan, (enum plan_mode)i))
            continue;
        assert_true(done >= 2 || (i == PLAN_HALFCLOSE_RST && done + trial.outcome.not_done[i] >= 2));
        for (size_t k = 0; k < TOOK_COUNT; k++)
            took += trial.outcome.took[i][k];
        assert_int_equal(took, done);
    }
    assert_int_equal(trial.outcome.unexpected_ends, 0);
    assert_int_equal(tally()->opened, tally()->ended);
}

static void run__large_messages_and_slow_readers__come_whole(void **state)
{
    (void)state;
    dialogue_set_size(&trial.settings.dialogue, 200000);
    kill_by("slowread:20%,halfclose:20%,oob:20%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_true(trial.outcome.done[PLAN_SLOWREAD] > 0);
    assert_int_equal(tally()->bytes_right, tally()->bytes_sent);
}

static void run__unix_socket__passes_with_all_kills(void **state)
{
    (void)state;
    server_start_unix(&trial.server, SERVER_UPPER);
    trial.target.address.un = trial.server.un;
    trial.target.length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(trial.server.un.sun_path + 1));
    kill_by("fin:10%,rst:10%,unread:10%,halfclose:10%,kill9:10%,slowread:10%");
    assert_int_equal(load(), EXIT_PASS);
    assert_int_equal(trial.verdict.reason_count, 0);
}

static void run__everybody_a_victim__passes_by_recovery_alone(void **state)
{
    (void)state;
    kill_by("rst:100%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.outcome.control.clients, 0);
    assert_true(trial.outcome.done[PLAN_RST] >= 10);
    assert_true(trial.outcome.recovery.is_checked && trial.outcome.recovery.is_ok);
}

static void run__one_place_for_two_modes__does_both_in_turn(void **state)
{
    (void)state;
    trial.settings.clients = 3;
    trial.settings.duration_ms = 2500;
    kill_by("fin:10%,kill9:10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(trial.outcome.victims, 1);
    assert_true(trial.outcome.done[PLAN_FIN] > 0 && trial.outcome.done[PLAN_KILL9] > 0);
}

static void run__messages_without_kills__sends_exactly_so_many(void **state)
{
    (void)state;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 25;
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_int_equal(tally()->messages_sent, 25);
}

/* Two thousand replies to victims alone, who once could not spend what -n gives. */
static void run__messages_and_victims_alone__ends(void **state)
{
    (void)state;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 2000;
    kill_by("fin:100%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_true(tally()->messages_right >= 2000);
}

/* What comes on top: a first message and up to eight to die for each victim, two proofs for each control
 * client, and the new client at the end. Children once sent without end. */
static void run__messages_with_the_default_mix__sends_hardly_more(void **state)
{
    (void)state;
    trial.settings.clients = 50;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 3000;
    kill_by("10%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_in_range(tally()->messages_sent, 3000, 3000 + 2 * 45 + 1 + 10 * 10);
}

static void run__messages_and_children_alone__ends(void **state)
{
    (void)state;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 2000;
    trial.settings.connect_timeout_ms =
        200; /* shorter than a life: what children do is told by their death */
    kill_by("kill9:100%");
    assert_int_equal(load_server(SERVER_UPPER, 0), EXIT_PASS);
    assert_in_range(tally()->messages_sent, 2000, 2100);
}

/* Arrival k is due at k / rate: 500 of them take a quarter of a second, and after ten first messages no more
 * and no fewer are sent. How much later the end comes is the machine's affair. */
static void run__a_rate__is_kept(void **state)
{
    (void)state;
    trial.settings.rate_per_s = 2000;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 510;
    int code = load_server(SERVER_UPPER, 0);
    /* A loaded machine keeps the load tool waiting, and that it says: the machine's affair as well. */
    assert_true(code == EXIT_PASS || code == EXIT_UNRELIABLE);
    assert_int_equal(tally()->messages_sent, 510);
    assert_true(trial.outcome.elapsed_ns >= 499 * UINT64_C(500000));
    assert_true(trial.outcome.elapsed_ns < 10000000000);
}

static void run__echo_server_checked_as_such__passes(void **state)
{
    (void)state;
    trial.settings.check = ORACLE_ECHO;
    assert_int_equal(load_server(SERVER_ECHO, 0), EXIT_PASS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(run__no_kills__passes_and_every_count_fits, fresh),
        cmocka_unit_test_setup(run__every_mode__is_done_and_nobody_else_notices, fresh),
        cmocka_unit_test_setup(run__every_other_mode__is_done_or_said_not_to_be_and_nobody_else_notices,
                               fresh),
        cmocka_unit_test_setup(run__large_messages_and_slow_readers__come_whole, fresh),
        cmocka_unit_test_setup(run__unix_socket__passes_with_all_kills, fresh),
        cmocka_unit_test_setup(run__everybody_a_victim__passes_by_recovery_alone, fresh),
        cmocka_unit_test_setup(run__one_place_for_two_modes__does_both_in_turn, fresh),
        cmocka_unit_test_setup(run__messages_without_kills__sends_exactly_so_many, fresh),
        cmocka_unit_test_setup(run__messages_and_victims_alone__ends, fresh),
        cmocka_unit_test_setup(run__messages_with_the_default_mix__sends_hardly_more, fresh),
        cmocka_unit_test_setup(run__messages_and_children_alone__ends, fresh),
        cmocka_unit_test_setup(run__a_rate__is_kept, fresh),
        cmocka_unit_test_setup(run__echo_server_checked_as_such__passes, fresh),
    };

    return trial_main(argc, argv, "loadtool engine", tests);
}
