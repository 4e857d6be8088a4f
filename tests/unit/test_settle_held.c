/* What a dead worker had taken into the journal and not answered is answered by its successor, from there, and once. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/bent_connection.h"
#include "worker/journal.h"
#include "worker/settle.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct worker *const w = &bent.fixture.worker;

static enum settle_result settle(void)
{
    return settle_connection(w, bent.server);
}

static void expect_redone(uint64_t times)
{
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_redone), times);
    assert_int_equal(atomic_load(&w->board->recovered.redone), times);
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_owed), 0);
}

/* ---- the journal has them ---- */

static void settle__taken_and_count_known__the_last_ones_answered(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_string_equal(bent.calls, "G");
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 3); /* the dead worker counts what it gave itself */
    expect_redone(1);
    assert_int_equal(bent_owner(), 0);
}

static void settle__taken_and_nothing_given__all_answered(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    expect_redone(1);
}

/* It died between the fetch and the note of how many bytes that were. */
static void settle__count_not_known__all_answered(void **state)
{
    (void)state;
    bent_hold("hello", "", false);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    expect_redone(1);
    assert_int_equal(bent_owner(), 0);
}

static void settle__whole_chunk_held__answered(void **state)
{
    static char chunk[CHUNK_BYTES_MAX + 1];

    (void)state;
    memset(chunk, 'x', CHUNK_BYTES_MAX);
    bent_hold(chunk, "", true);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_counters(1, CHUNK_BYTES_MAX);
    assert_int_equal(recv(bent.client, chunk, CHUNK_BYTES_MAX, MSG_WAITALL), CHUNK_BYTES_MAX);
    for (size_t i = 0; i < CHUNK_BYTES_MAX; i++)
        assert_int_equal(chunk[i], 'X');
}

/* It died before it could close the journal: nothing is held. */
static void settle__everything_given__nothing_answered_twice(void **state)
{
    (void)state;
    bent_hold("hello", "HELLO", true);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_string_equal(bent.calls, "");
    bent_expect_counters(0, 0);
    expect_redone(0);
}

static void settle__more_has_come_since__left_in_the_queue(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    bent_send("more");
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_queued(4);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 3);
}

static void settle__client_has_ended_since__answered(void **state)
{
    (void)state;
    bent_hold("bye", "", true);
    shutdown(bent.client, SHUT_WR);
    socket_wait_events(bent.server, POLLRDHUP);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("BYE");
    expect_redone(1);
}

/* ---- the answer does not go ---- */

static void settle__no_room__blocked_and_answered_at_the_second_try(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    bent.give = (struct bend){.error = EAGAIN, .failure_count = 1};
    assert_int_equal(settle(), SETTLE_BLOCKED);
    bent_expect_counters(0, 0);
    expect_redone(0);
    assert_int_equal(bent_owner(), bent.server);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 3);
    expect_redone(1);
}

static void settle__room_for_a_part__the_rest_at_the_second_try(void **state)
{
    (void)state;
    bent_hold("hello", "H", true);
    bent.give.limit = 3;
    assert_int_equal(settle(), SETTLE_BLOCKED);
    bent_expect_counters(1, 3);
    expect_redone(0);
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    bent_expect_counters(2, 4);
    expect_redone(1);
}

static void settle__want_of_memory__later(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS};

    (void)state;
    bent_hold("hello", "", true);
    for (int i = 0; i < 2; i++) {
        bent.give = (struct bend){.error = errors[i], .failure_count = 1};
        assert_int_equal(settle(), SETTLE_LATER);
        expect_redone(0);
    }
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    expect_redone(1);
}

static void settle__connection_breaks_meanwhile__closed(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    bent.give = (struct bend){.error = EPIPE, .failure_count = 1};
    assert_int_equal(settle(), SETTLE_CLOSED);
    bent_expect_counters(0, 0);
    expect_redone(0);
}

static void settle__reset_by_the_client__closed_and_nothing_given(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    assert_int_equal(settle(), SETTLE_CLOSED);
    assert_string_equal(bent.calls, "");
}

static void settle__we_had_ended_it__lingers_and_nothing_given(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    shutdown(bent.server, SHUT_WR);
    assert_int_equal(settle(), SETTLE_LINGERS);
    assert_string_equal(bent.calls, "");
    expect_redone(0);
}

/* ---- the successor dies, too ---- */

static void settle__repeated_by_the_next_successor__nothing_more(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    assert_int_equal(settle(), SETTLE_DONE);
    journal_open(w->board, bent.server); /* so it stands there if the first one dies before it closes it */
    journal_fill(w->board, 5);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_string_equal(bent.calls, "G");
    bent_expect_counters(1, 3);
    expect_redone(1);
}

/* Without the count that the first successor has noted, the second one would take the first bytes for the last. */
static void settle__given_in_part_of_an_unknown_count__next_one_gives_the_rest(void **state)
{
    (void)state;
    bent_hold("hello", "", false);
    bent.give.limit = 2;
    assert_int_equal(settle(), SETTLE_BLOCKED);
    bent_straighten();
    assert_int_equal(settle(), SETTLE_DONE);
    bent_expect_answer("HELLO");
    assert_int_equal(socket_queued(bent.client), 0);
    bent_expect_counters(2, 5);
}

/* ---- the journal can not have them ---- */

static void expect_impossible(void)
{
    char line[512];

    assert_int_equal(settle(), SETTLE_IMPOSSIBLE);
    assert_string_equal(bent.calls, "");
    bent_expect_counters(0, 0);
    expect_redone(0);
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_recover_reset), 1);
    assert_int_equal(atomic_load(&w->board->recovered.reset), 1);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_memory_equal(line, "event=position_broken slot=0 ", 29);
    assert_non_null(strstr(line, " received=5 acked=0 unread=0 "));
}

static void settle__journal_is_anothers__impossible_and_logged(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    atomic_store(&w->board->journal_fd, bent.server + 1);
    expect_impossible();
    assert_int_equal(bent_owner(), bent.server + 1); /* whose bytes are still in there */
}

static void settle__journal_is_nobodys__impossible_and_logged(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    journal_close(w->board);
    expect_impossible();
}

static void settle__more_held_than_were_taken__impossible_and_logged(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    journal_fill(w->board, 4);
    expect_impossible();
}

static void settle__count_above_a_chunk__impossible_and_logged(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    journal_fill(w->board, UINT32_MAX);
    expect_impossible();
}

int main(void)
{
#define TCP(test) cmocka_unit_test_setup_teardown(test, bent_open_tcp, bent_close)
    const struct CMUnitTest tests[] = {
        TCP(settle__taken_and_count_known__the_last_ones_answered),
        TCP(settle__taken_and_nothing_given__all_answered),
        TCP(settle__count_not_known__all_answered),
        TCP(settle__whole_chunk_held__answered),
        TCP(settle__everything_given__nothing_answered_twice),
        TCP(settle__more_has_come_since__left_in_the_queue),
        TCP(settle__client_has_ended_since__answered),
        TCP(settle__no_room__blocked_and_answered_at_the_second_try),
        TCP(settle__room_for_a_part__the_rest_at_the_second_try),
        TCP(settle__want_of_memory__later),
        TCP(settle__connection_breaks_meanwhile__closed),
        TCP(settle__reset_by_the_client__closed_and_nothing_given),
        TCP(settle__we_had_ended_it__lingers_and_nothing_given),
        TCP(settle__repeated_by_the_next_successor__nothing_more),
        TCP(settle__given_in_part_of_an_unknown_count__next_one_gives_the_rest),
        TCP(settle__journal_is_anothers__impossible_and_logged),
        TCP(settle__journal_is_nobodys__impossible_and_logged),
        TCP(settle__more_held_than_were_taken__impossible_and_logged),
        TCP(settle__count_above_a_chunk__impossible_and_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
