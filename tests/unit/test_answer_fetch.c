/* The shorter way of the answer loop, by the journal: two calls for a message, and whatever goes wrong, nothing is lost. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/bent_connection.h"
#include "worker/fault.h"
#include "worker/journal.h"
#include "worker/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct answerer *const answerer = &bent.fixture.worker.answerer;

static enum answer_end turn(void)
{
    return answer_turn(answerer, bent.server, false);
}

/* The last ones of the journal that are the connection's and not answered are these, and that is where they begin. */
static uint32_t expect_held(const char *text)
{
    uint32_t held = (uint32_t)strlen(text);
    int32_t offset = journal_offset(answerer->board, bent.server, held);

    assert_int_equal(bent_owner(), bent.server);
    assert_true(offset >= 0);
    assert_memory_equal(answerer->journal + offset, text, held);
    bent_expect_queued(0);
    return (uint32_t)offset;
}

/* As a successor does it, or the worker itself at its next turn. */
static enum answer_end answer_the_held(const char *text)
{
    return answer_held(answerer, bent.server, expect_held(text), (uint32_t)strlen(text));
}

/* ---- what ordinary clients do ---- */

static void fetch__short_message__two_calls_and_nothing_left(void **state)
{
    (void)state;
    bent_send("hello, {World}\n");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_string_equal(bent.calls, "FG");
    assert_int_equal(bent_owner(), 0);
    bent_expect_answer("HELLO, {WORLD}\n");
    bent_expect_queued(0);
    bent_expect_counters(1, 15);
}

/* A worker may die at each of the two calls; its successor goes by what stands there then. */
static void fetch__at_each_call__the_board_says_what_a_successor_needs(void **state)
{
    (void)state;
    bent_send("a longer message");
    turn();
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_int_equal(bent.at_fetch.owner, bent.server);
    assert_int_equal(bent.at_fetch.byte_count, 0); /* not the count of the message before */
    assert_int_equal(bent.at_give.owner, bent.server);
    assert_int_equal(bent.at_give.byte_count, 5);
}

static const unsigned char *served_bytes;
static bool was_in_service;

static void look_at_call(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    served_bytes = in;
    was_in_service = atomic_load(&answerer->board->in_service);
    memcpy(out, in, byte_count);
}

static void fetch__service_call__of_the_journal_and_marked_on_the_board(void **state)
{
    const struct service service = {.name = "look", .transform = look_at_call};

    (void)state;
    answerer->service = &service;
    was_in_service = false;
    bent_send("a");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_ptr_equal(served_bytes, bent.fixture.pages->journals[0]);
    assert_true(was_in_service);
    assert_int_equal(atomic_load(&answerer->board->in_service), 0);
}

static void send_chunk(void)
{
    static char chunk[CHUNK_BYTES_MAX];

    memset(chunk, 'x', sizeof chunk);
    assert_int_equal(send(bent.client, chunk, sizeof chunk, 0), sizeof chunk);
    socket_wait_queued(bent.server, sizeof chunk);
}

static void fetch__full_chunk__again(void **state)
{
    static char chunk[CHUNK_BYTES_MAX];

    (void)state;
    send_chunk();
    assert_int_equal(turn(), ANSWER_AGAIN);
    assert_string_equal(bent.calls, "FG");
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(1, CHUNK_BYTES_MAX);
    assert_int_equal(recv(bent.client, chunk, sizeof chunk, MSG_WAITALL), sizeof chunk);
    for (size_t i = 0; i < sizeof chunk; i++)
        assert_int_equal(chunk[i], 'X');
}

/* ---- who is looked at all the same ---- */

static void look__journal_is_anothers__left_alone(void **state)
{
    (void)state;
    memcpy(answerer->journal, "theirs", 6);
    journal_open(answerer->board, bent.server + 1);
    journal_fill(answerer->board, 6);
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGT");
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    assert_int_equal(bent_owner(), bent.server + 1);
    assert_int_equal(journal_offset(answerer->board, bent.server + 1, 6), 0);
    assert_memory_equal(answerer->journal, "theirs", 6);
}

/* Whoever must know that the queue is empty looks in any case. */
static void look__until_empty__journal_stays_nobodys(void **state)
{
    (void)state;
    bent_send("hello");
    assert_int_equal(answer_turn(answerer, bent.server, true), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTL");
    assert_int_equal(bent.at_give.owner, 0);
    assert_int_equal(answerer->journal[0], 0);
    bent_expect_answer("HELLO");
}

static void unix_look__short_message__journal_stays_nobodys(void **state)
{
    (void)state;
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTL");
    assert_int_equal(bent.at_give.owner, 0);
    assert_int_equal(answerer->journal[0], 0);
    bent_expect_answer("HELLO");
}

/* ---- nothing comes ---- */

/* EFAULT: no page for the journal. */
static void fetch__fails_for_now__looked_at_and_answered(void **state)
{
    const int errors[] = {EAGAIN, EINTR, ENOMEM, ENOBUFS, EFAULT};

    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        bent_straighten();
        bent.fetch = (struct bend){.error = errors[i], .failure_count = 1};
        bent_send("hello");
        assert_int_equal(turn(), ANSWER_WAIT);
        assert_string_equal(bent.calls, "FLGTL");
        assert_int_equal(bent.at_give.owner, 0);
        bent_expect_answer("HELLO");
        bent_expect_counters(i + 1, (i + 1) * 5);
    }
}

static void fetch__nothing_queued__waits_and_counts_nothing(void **state)
{
    (void)state;
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_string_equal(bent.calls, "FL");
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(0, 0);
}

static void fetch__end_of_the_stream__finished(void **state)
{
    (void)state;
    shutdown(bent.client, SHUT_WR);
    socket_wait_events(bent.server, POLLRDHUP);
    assert_int_equal(turn(), ANSWER_FINISHED);
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(0, 0);
}

/* A socket tells its error once: a look after that finds an end like any other. */
static void fetch__reset_and_nothing_queued__broken_not_finished(void **state)
{
    (void)state;
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    assert_int_equal(turn(), ANSWER_BROKEN);
    assert_int_equal(bent_owner(), 0);
}

/* ---- the answer does not go, or not whole ---- */

static void give__short__the_rest_is_held_and_answered_once(void **state)
{
    (void)state;
    bent.give.limit = 2;
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_OWING);
    assert_string_equal(bent.calls, "FG");
    bent_expect_answer("HE");
    bent_expect_counters(1, 2);
    assert_int_equal(answer_the_held("llo"), ANSWER_BLOCKED);
    bent_expect_counters(2, 4);
    assert_int_equal(answer_the_held("o"), ANSWER_WAIT);
    assert_int_equal(bent_owner(), 0);
    bent_expect_answer("LLO");
    bent_expect_counters(3, 5);
}

static void give__no_room_or_memory__all_is_held_and_answered_once(void **state)
{
    const int errors[] = {EAGAIN, ENOMEM, ENOBUFS};

    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        bent_straighten();
        bent.give = (struct bend){.error = errors[i], .failure_count = 1};
        bent_send("hello");
        assert_int_equal(turn(), ANSWER_OWING);
        assert_string_equal(bent.calls, "FG");
        bent_expect_counters(i, i * 5);
        assert_int_equal(answer_the_held("hello"), ANSWER_WAIT);
        assert_int_equal(bent_owner(), 0);
        bent_expect_answer("HELLO");
        bent_expect_counters(i + 1, (i + 1) * 5);
    }
}

/* A whole chunk of which something is left is no reason to look for more. */
static void give__part_of_a_full_chunk__owing_not_again(void **state)
{
    (void)state;
    bent.give.limit = CHUNK_BYTES_MAX - 3;
    send_chunk();
    assert_int_equal(turn(), ANSWER_OWING);
    bent_expect_counters(1, CHUNK_BYTES_MAX - 3);
    assert_int_equal(answer_the_held("xxx"), ANSWER_WAIT);
}

static void give__interrupted__once_more(void **state)
{
    (void)state;
    bent.give = (struct bend){.error = EINTR, .failure_count = 2};
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_WAIT);
    assert_string_equal(bent.calls, "FGGG");
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
}

static void give__broken__broken_and_nothing_counted(void **state)
{
    (void)state;
    bent.give = (struct bend){.error = ECONNRESET, .failure_count = 1};
    bent_send("hello");
    assert_int_equal(turn(), ANSWER_BROKEN);
    bent_expect_counters(0, 0);
}

static void give__reset_meanwhile__broken_and_nothing_counted(void **state)
{
    (void)state;
    bent_send("hello");
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    assert_int_equal(turn(), ANSWER_BROKEN);
    bent_expect_counters(0, 0);
}

/* ---- held bytes ---- */

static void hold(const char *bytes, bool count_known)
{
    memcpy(answerer->journal, bytes, strlen(bytes));
    journal_open(answerer->board, bent.server);
    if (count_known)
        journal_fill(answerer->board, (uint32_t)strlen(bytes));
}

static void held__from_an_offset__these_alone(void **state)
{
    (void)state;
    hold("givenheld", true);
    assert_int_equal(answer_held(answerer, bent.server, 5, 4), ANSWER_WAIT);
    assert_string_equal(bent.calls, "G");
    assert_int_equal(bent.at_give.byte_count, 9);
    assert_int_equal(bent_owner(), 0);
    bent_expect_answer("HELD");
    assert_int_equal(socket_queued(bent.client), 0);
    bent_expect_counters(1, 4);
}

static void held__no_room__blocked_and_still_held(void **state)
{
    (void)state;
    hold("givenheld", true);
    bent.give = (struct bend){.error = EAGAIN, .failure_count = 1};
    assert_int_equal(answer_held(answerer, bent.server, 5, 4), ANSWER_BLOCKED);
    bent_expect_counters(0, 0);
    assert_int_equal(expect_held("held"), 5);
}

static void held__no_memory__again_and_still_held(void **state)
{
    (void)state;
    hold("givenheld", true);
    bent.give = (struct bend){.error = ENOMEM, .failure_count = 1};
    assert_int_equal(answer_held(answerer, bent.server, 5, 4), ANSWER_AGAIN);
    bent_expect_counters(0, 0);
    assert_int_equal(expect_held("held"), 5);
}

static void held__connection_breaks__broken(void **state)
{
    (void)state;
    hold("held", true);
    bent.give = (struct bend){.error = EPIPE, .failure_count = 1};
    assert_int_equal(answer_held(answerer, bent.server, 0, 4), ANSWER_BROKEN);
    bent_expect_counters(0, 0);
}

/* All of them means all only as long as none is out: so the count is noted before the first one goes. */
static void held__count_was_not_known__known_before_anything_is_given(void **state)
{
    (void)state;
    hold("held", false);
    bent.give.limit = 1;
    assert_int_equal(answer_held(answerer, bent.server, 0, 4), ANSWER_BLOCKED);
    assert_int_equal(bent.at_give.byte_count, 4);
    assert_int_equal(expect_held("eld"), 1);
    bent_expect_counters(1, 1);
}

/* ---- a trial asks for less than there is (fault.h) ---- */

#ifdef WITH_FAULTS

/* The queue is not empty behind the byte: nobody would ever wake us again. */
static void fetch__trial_of_short_ones__again(void **state)
{
    (void)state;
    bent_shorten(FAULT_fetch, 1);
    bent_send("hi");
    assert_int_equal(turn(), ANSWER_AGAIN);
    bent_expect_answer("H");
    bent_expect_queued(1);
    bent_expect_counters(1, 1);
    assert_int_equal(bent_owner(), 0);
}

/* The client's window is not full: nobody would ever tell that there is room again. */
static void give__trial_of_short_ones__again_not_blocked(void **state)
{
    (void)state;
    bent_shorten(FAULT_send, 1);
    bent_send("hey");
    assert_int_equal(turn(), ANSWER_OWING);
    bent_expect_counters(1, 1);
    assert_int_equal(answer_the_held("ey"), ANSWER_AGAIN);
    assert_int_equal(answer_the_held("y"), ANSWER_WAIT);
    bent_expect_answer("HEY");
    bent_expect_counters(3, 3);
}

#endif

int main(void)
{
#define TCP(test)  cmocka_unit_test_setup_teardown(test, bent_open_tcp, bent_close)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, bent_open_unix, bent_close)
    const struct CMUnitTest tests[] = {
        TCP(fetch__short_message__two_calls_and_nothing_left),
        TCP(fetch__at_each_call__the_board_says_what_a_successor_needs),
        TCP(fetch__service_call__of_the_journal_and_marked_on_the_board),
        TCP(fetch__full_chunk__again),
        TCP(look__journal_is_anothers__left_alone),
        TCP(look__until_empty__journal_stays_nobodys),
        UNIX(unix_look__short_message__journal_stays_nobodys),
        TCP(fetch__fails_for_now__looked_at_and_answered),
        TCP(fetch__nothing_queued__waits_and_counts_nothing),
        TCP(fetch__end_of_the_stream__finished),
        TCP(fetch__reset_and_nothing_queued__broken_not_finished),
        TCP(give__short__the_rest_is_held_and_answered_once),
        TCP(give__no_room_or_memory__all_is_held_and_answered_once),
        TCP(give__part_of_a_full_chunk__owing_not_again),
        TCP(give__interrupted__once_more),
        TCP(give__broken__broken_and_nothing_counted),
        TCP(give__reset_meanwhile__broken_and_nothing_counted),
        TCP(held__from_an_offset__these_alone),
        TCP(held__no_room__blocked_and_still_held),
        TCP(held__no_memory__again_and_still_held),
        TCP(held__connection_breaks__broken),
        TCP(held__count_was_not_known__known_before_anything_is_given),
#ifdef WITH_FAULTS
        TCP(fetch__trial_of_short_ones__again),
        TCP(give__trial_of_short_ones__again_not_blocked),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
