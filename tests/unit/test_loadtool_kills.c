/* The table of kill modes: what each row promises to the life around it, and that none counts as done without
 * its proof. (What else the hooks do is seen by the engine's tests, on a server.) */
/* wrap: client_unread_bytes client_tcp_state client_close client_reset victims_settle */
#include "loadtool/kills.h"

#include "tests/support/cmocka_all.h"

#include <netinet/tcp.h>

static struct target target = {.address.any.sa_family = AF_INET};
static struct client_world world = {.target = &target};
static struct victim victim;
static int unread_bytes, tcp_state;
static struct victims all;
static unsigned done_count, not_done_count, reset_count;

int __wrap_client_unread_bytes(struct client *client);
int __wrap_client_unread_bytes(struct client *client)
{
    assert_ptr_equal(client, &victim.client);
    return unread_bytes;
}

int __wrap_client_tcp_state(const struct client *client);
int __wrap_client_tcp_state(const struct client *client)
{
    assert_ptr_equal(client, &victim.client);
    return tcp_state;
}

void __wrap_client_close(struct client *client);
void __wrap_client_close(struct client *client)
{
    client->state = CLIENT_FREE;
}

void __wrap_client_reset(struct client *client);
void __wrap_client_reset(struct client *client)
{
    reset_count++;
    client->state = CLIENT_FREE;
}

void __wrap_victims_settle(struct victim *settled, bool was_done, uint32_t count);
void __wrap_victims_settle(struct victim *settled, bool was_done, uint32_t count)
{
    assert_ptr_equal(settled, &victim);
    assert_int_equal(count, 1);
    done_count += was_done;
    not_done_count += !was_done;
}

/* An open connection with a request outstanding. */
static int begin(void **state)
{
    (void)state;
    all = (struct victims){.world = &world};
    victim = (struct victim){.client = {.world = &world, .state = CLIENT_OPEN, .since_ns = 1}, .all = &all};
    victim.client.reply_end = 1;
    unread_bytes = 0;
    tcp_state = TCP_ESTABLISHED;
    done_count = not_done_count = reset_count = 0;
    return 0;
}

static void find__every_mode__has_a_way_to_die(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        const struct kill_mode *row = kills_find((enum plan_mode)mode);

        assert_non_null(row);
        assert_true(row->in_child || row->begin != NULL);
    }
}

/* A child's connections are out of our reach: a hook would be called with nothing to act on. */
static void find__mode_in_a_child__has_no_hooks(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        const struct kill_mode *row = kills_find((enum plan_mode)mode);

        if (!row->in_child)
            continue;
        assert_true(mode == PLAN_KILL9 || mode == PLAN_STOP);
        assert_true(!row->prepare && !row->born && !row->live && !row->begin);
        assert_true(!row->step && !row->answered && !row->finished);
    }
    assert_true(kills_find(PLAN_KILL9)->in_child);
}

/* UNIX sockets know no urgent data, windows, states and repairs; all other modes work there too. */
static void find__what_only_tcp_knows__is_for_tcp_alone(void **state)
{
    static const enum plan_mode only[] = {PLAN_OOB, PLAN_RST_UNSPEC, PLAN_HALFCLOSE_RST, PLAN_TINYWIN,
                                          PLAN_VANISH};
    enum { ONLY_COUNT = sizeof(only) / sizeof(only[0]) };
    int count = 0;

    (void)state;
    for (int i = 0; i < ONLY_COUNT; i++)
        assert_true(kills_find(only[i])->tcp_only);
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        count += kills_find((enum plan_mode)mode)->tcp_only;
    assert_int_equal(count, ONLY_COUNT);
}

/* Whoever sends FIN first is done when the server's FIN follows the last reply, not before. */
static void find__modes_that_half_close__wait_for_the_servers_fin(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        assert_int_equal(kills_find((enum plan_mode)mode)->finished != NULL,
                         mode == PLAN_HALFCLOSE || mode == PLAN_OOB || mode == PLAN_TINYWIN);
}

/* ---- proofs ---- */

static void unread__nothing_is_unread__waits_until_something_is(void **state)
{
    (void)state;
    kills_find(PLAN_UNREAD)->step(&victim);
    assert_int_equal(done_count + not_done_count, 0);
    unread_bytes = 1;
    kills_find(PLAN_UNREAD)->step(&victim);
    assert_int_equal(done_count, 1);
}

static void rst__connection_is_there__reset_and_done(void **state)
{
    (void)state;
    kills_find(PLAN_RST)->begin(&victim);
    assert_int_equal(reset_count, 1);
    assert_int_equal(done_count, 1);
}

static void rst__connection_has_ended_already__not_done(void **state)
{
    (void)state;
    tcp_state = TCP_CLOSE;
    kills_find(PLAN_RST)->begin(&victim);
    assert_int_equal(reset_count + done_count, 0);
    assert_int_equal(not_done_count, 1);
}

/* After our FIN a fast server has answered and closed before there is time for a RST. */
static void halfclose_rst__server_was_first__is_told_apart(void **state)
{
    (void)state;
    victim.mode_id = PLAN_HALFCLOSE_RST;
    tcp_state = TCP_FIN_WAIT2;
    kills_find(PLAN_HALFCLOSE_RST)->shut(&victim);
    assert_int_equal(done_count, 1);
    assert_int_equal(all.forestalled[PLAN_HALFCLOSE_RST], 0);
    tcp_state = TCP_TIME_WAIT;
    victim.client.state = CLIENT_OPEN;
    kills_find(PLAN_HALFCLOSE_RST)->shut(&victim);
    assert_int_equal(not_done_count, 1);
    assert_int_equal(all.forestalled[PLAN_HALFCLOSE_RST], 1);
    victim.client.state = CLIENT_OPEN;
    victim.was_settled = true; /* nothing is counted twice */
    kills_find(PLAN_HALFCLOSE_RST)->shut(&victim);
    assert_int_equal(all.forestalled[PLAN_HALFCLOSE_RST], 1);
}

static void mute__connection_has_ended_already__not_done(void **state)
{
    (void)state;
    tcp_state = TCP_CLOSE;
    kills_find(PLAN_MUTE)->begin(&victim);
    assert_int_equal(done_count, 0);
    assert_int_equal(not_done_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__every_mode__has_a_way_to_die),
        cmocka_unit_test(find__mode_in_a_child__has_no_hooks),
        cmocka_unit_test(find__what_only_tcp_knows__is_for_tcp_alone),
        cmocka_unit_test(find__modes_that_half_close__wait_for_the_servers_fin),
        cmocka_unit_test_setup(unread__nothing_is_unread__waits_until_something_is, begin),
        cmocka_unit_test_setup(rst__connection_is_there__reset_and_done, begin),
        cmocka_unit_test_setup(rst__connection_has_ended_already__not_done, begin),
        cmocka_unit_test_setup(mute__connection_has_ended_already__not_done, begin),
        cmocka_unit_test_setup(halfclose_rst__server_was_first__is_told_apart, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
