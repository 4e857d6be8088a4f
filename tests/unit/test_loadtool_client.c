/* wrap: setsockopt */
/*
 * One client: what it sends, reads and tells, whatever the server answers. Calls under it that fail are in
 * test_loadtool_client_failures.c.
 */
#include "tests/unit/test_loadtool_client.h"

#include <signal.h>

/* Whether a reset was asked for. */
static int lingers;

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    lingers += level == SOL_SOCKET && name == SO_LINGER;
    return __real_setsockopt(fd, level, name, value, length);
}

static int begin(void **state)
{
    lingers = 0;
    return fresh(state);
}

/* -- right -- */

static void open__three_messages__are_answered_and_counted(void **state)
{
    (void)state;
    run();
    assert_int_equal(trial.heard.prepared, 1);
    assert_int_equal(trial.heard.answered, 3);
    assert_int_equal(trial.heard.right, 3);
    assert_int_equal(trial.heard.ended, 0);
    assert_int_equal(trial.tally.bytes_sent, 300);
    assert_int_equal(trial.tally.bytes_right, 300);
    assert_int_equal(trial.tally.messages_right, 3);
    assert_int_equal(trial.client.serial, 1);
}

static void shut__after_ten_megabytes__every_answer_comes_then_fin(void **state)
{
    (void)state;
    dialogue_set_size(&trial.dialogue, 1000000);
    trial.messages = 10;
    trial.shuts = true;
    run();
    assert_int_equal(trial.heard.right, 10);
    assert_int_equal(trial.heard.finished, 1);
    assert_int_equal(trial.heard.ended, 0);
}

static void send__as_urgent_data__is_part_of_the_stream(void **state)
{
    (void)state;
    dialogue_set_size(&trial.dialogue, 1000);
    trial.messages = 40;
    trial.shuts = true;
    client_open(&trial.client, &trial.world, &events, 1);
    trial.client.is_urgent = true;
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.heard.right, 40);
    assert_int_equal(trial.heard.finished, 1);
}

/* Looks every 10 ms, for 10 s at most, whether all answers are there. */
static void look_for_answers(uv_timer_t *timer)
{
    static int looks;

    assert_int_equal(trial.heard.answered, 0);
    if (client_unread_bytes(&trial.client) < 300 && ++looks < 1000)
        return;
    assert_int_equal(client_unread_bytes(&trial.client), 300);
    assert_int_equal(client_waited_ns(&trial.client, uv_hrtime()), 0);
    client_resume(&trial.client);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_open_pause(struct client *client)
{
    client_pause(client);
    client_send(client, 3);
}

static void pause__answers_there__are_read_after_resume_only(void **state)
{
    struct client_events pausing = events;
    uv_timer_t timer;

    (void)state;
    pausing.opened = on_open_pause;
    uv_timer_init(&trial.loop, &timer);
    uv_timer_start(&timer, look_for_answers, 10, 10);
    client_open(&trial.client, &trial.world, &pausing, 1);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.heard.right, 3);
}

static void on_open_reset(struct client *client)
{
    client_send(client, 1);
    client_reset(client);
    client_close(client); /* harmless */
    client_send(client, 1);
    client_shut(client);
    client_pause(client);
    client_resume(client);
}

static void reset__with_a_request_out__asks_for_rst_and_ends_nothing_else(void **state)
{
    struct client_events resetting = events;

    (void)state;
    resetting.opened = on_open_reset;
    client_open(&trial.client, &trial.world, &resetting, 1);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(lingers, 1);
    assert_int_equal(trial.heard.ended, 0);
    assert_int_equal(trial.heard.closed, 1);
    assert_int_equal(trial.tally.messages_sent, 1);
}

static void unix__three_messages__are_answered(void **state)
{
    (void)state;
    run();
    assert_int_equal(trial.heard.right, 3);
}

/* -- wrong -- */

static void read__server_resets__ends_as_reset(void **state)
{
    (void)state;
    trial.server.fault = SERVER_RESET;
    run();
    assert_ended_by(FAULT_RESET, WHERE_REPLY);
}

static void read__server_closes__ends_as_closed(void **state)
{
    (void)state;
    trial.server.fault = SERVER_CLOSE;
    run();
    assert_ended_by(FAULT_CLOSED, WHERE_REPLY);
}

static void read__the_last_byte_twice__is_duplicated(void **state)
{
    (void)state;
    trial.server.fault = SERVER_DOUBLE;
    run();
    assert_int_equal(trial.tally.found_bytes[FINDING_DUPLICATED], 1);
    assert_int_equal(trial.tally.found_bytes[FINDING_WRONG], 0);
    assert_int_equal(trial.heard.right, 3);
    assert_int_equal(trial.tally.faults[FAULT_DUPLICATED][WHERE_REPLY].count, 1);
}

static void read__a_wrong_byte__spoils_its_message_alone(void **state)
{
    (void)state;
    trial.server.fault = SERVER_FLIP;
    run();
    assert_int_equal(trial.tally.found_bytes[FINDING_WRONG], 1);
    assert_int_equal(trial.heard.found_bytes, 1);
    assert_int_equal(trial.heard.found_in, 1);
    assert_int_equal(trial.heard.answered, 3);
    assert_int_equal(trial.heard.right, 2);
    assert_int_equal(trial.tally.examples[FINDING_WRONG].offset, 150);
}

#define TCP(test)  cmocka_unit_test_setup_teardown(test, begin, stop)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, fresh_unix, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TCP(open__three_messages__are_answered_and_counted),
        TCP(shut__after_ten_megabytes__every_answer_comes_then_fin),
        TCP(send__as_urgent_data__is_part_of_the_stream),
        TCP(pause__answers_there__are_read_after_resume_only),
        TCP(reset__with_a_request_out__asks_for_rst_and_ends_nothing_else),
        TCP(read__server_resets__ends_as_reset),
        TCP(read__server_closes__ends_as_closed),
        TCP(read__the_last_byte_twice__is_duplicated),
        TCP(read__a_wrong_byte__spoils_its_message_alone),
        UNIX(unix__three_messages__are_answered),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool client", tests, NULL, NULL);
}
