/* wrap: uv_thread_create calloc */
/* Whole runs against a server in this process: what is right passes, and every fault is found and named. */
#include "loadtool/engine.h"

#include <signal.h>

#include "loadtool/child.h"
#include "loadtool/verdict.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_server.h"

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

struct trial {
    struct server server;
    struct settings settings;
    struct target target;
    struct engine engine;
    struct outcome outcome;
    struct verdict verdict;
};

static struct trial trial;

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    trial.settings = (struct settings){.clients = 10,
                                       .duration_ms = 150,
                                       .dialogue = {.sizes = SIZES_ONE(64)},
                                       .seed = 1,
                                       .timeout_ms = 5000,
                                       .connect_timeout_ms = 5000,
                                       .check = ORACLE_UPPER};
    return 0;
}

static void kill_by(const char *word)
{
    assert_int_equal(plan_parse(word, &trial.settings.plan), 0);
}

static void aim(void)
{
    trial.target.length = sizeof(trial.target.address.v4);
    trial.target.address.v4 = (struct sockaddr_in){.sin_family = AF_INET,
                                                   .sin_port = htons(trial.server.port),
                                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Run against the server, stop it, and return the exit code. */
static int load(void)
{
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), 0);
    server_stop(&trial.server);
    verdict_judge(&trial.settings, &trial.outcome, &trial.verdict);
    return trial.verdict.exit_code;
}

static int load_server(enum server_fault fault, uint64_t after)
{
    server_start(&trial.server, fault, after);
    aim();
    return load();
}

static const struct tally *tally(void)
{
    return &trial.outcome.tally;
}

/* -- what is right -- */

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

/* -- what is wrong -- */

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

static void run__messages_and_a_server_gone_mute__ends_after_the_timeout(void **state)
{
    (void)state;
    trial.settings.timeout_ms = 200;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 10000000;
    assert_int_equal(load_server(SERVER_MUTE, 50), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.unanswered, 10);
    assert_true(trial.outcome.elapsed_ns < 5000000000);
}

static void run__messages_and_every_control_client_reset__ends(void **state)
{
    (void)state;
    trial.settings.timeout_ms = trial.settings.connect_timeout_ms = 200;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 10000000;
    kill_by("10%");
    assert_int_equal(load_server(SERVER_RESET, 100), EXIT_CLIENTS);
    assert_int_equal(trial.outcome.control.lost, 9);
    assert_true(trial.outcome.elapsed_ns < 15000000000);
}

static void run__messages_and_victims_alone_before_a_mute_server__ends(void **state)
{
    (void)state;
    trial.settings.timeout_ms = trial.settings.connect_timeout_ms = 200;
    trial.settings.duration_ms = 0;
    trial.settings.messages = 10000000;
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
    assert_true(trial.outcome.done[PLAN_FIN] > 0); /* of three, on a busy machine, not all come to it in time */
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
        cmocka_unit_test_setup(run__no_kills__passes_and_every_count_fits, fresh),
        cmocka_unit_test_setup(run__every_mode__is_done_and_nobody_else_notices, fresh),
        cmocka_unit_test_setup(run__every_other_mode__is_done_or_said_not_to_be_and_nobody_else_notices,
                               fresh),
        cmocka_unit_test_setup(run__three_loops__pass_and_every_count_fits, fresh),
        cmocka_unit_test_setup(run__more_loops_than_clients__passes, fresh),
        cmocka_unit_test_setup(run__messages_of_three_loops__come_out_of_one_budget, fresh),
        cmocka_unit_test_setup(run__three_loops_and_nobody_answers__are_given_up, fresh),
        cmocka_unit_test_setup(run__three_loops_interrupted__all_end, fresh),
        cmocka_unit_test_setup(run__a_thread_cannot_be_had__is_told_and_everything_is_closed, fresh),
        cmocka_unit_test_setup(run__no_memory_at_any_point_of_the_set_up__is_told, fresh),
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
        cmocka_unit_test_setup(run__sigint__ends_at_once_with_a_report, fresh),
    };

    /* kill9 starts this very program again as its child. */
    if (child_is_wanted(argc, argv))
        return child_run();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool engine", tests, NULL, NULL);
}
