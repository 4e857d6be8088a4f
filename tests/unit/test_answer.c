/* The answer loop on real sockets; recv and send are bent where the kernel would hardly do so by itself. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/bent_connection.h"
#include "worker/journal.h"
#include "worker/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Somebody else's bytes are in the journal, so the connection is looked at. */
static int open_tcp(void **state)
{
    bent_open_tcp(state);
    journal_open(bent.fixture.worker.board, FIRST_CONNECTION + 7);
    return 0;
}

static enum answer_end turn(bool until_empty)
{
    return answer_turn(&bent.fixture.worker.answerer, bent.server, until_empty);
}

/* ---- what ordinary clients do ---- */

static void turn__short_chunk__looks_gives_takes_and_waits(void **state)
{
    (void)state;
    bent_send("hello, {World}\n");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGT");
    bent_expect_answer("HELLO, {WORLD}\n");
    bent_expect_queued(0);
    bent_expect_counters(1, 15);
}

static void turn__nothing_queued__waits_and_counts_nothing(void **state)
{
    (void)state;
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LL");
    bent_expect_counters(0, 0);
}

static void turn__until_empty__asks_once_more(void **state)
{
    (void)state;
    bent_send("a");
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTL");
}

static void turn__data_and_fin__answered_then_finished(void **state)
{
    (void)state;
    socket_send_text(bent.client, "bye");
    shutdown(bent.client, SHUT_WR);
    socket_wait_events(bent.server, POLLRDHUP);
    assert_int_equal(turn(true), ANSWER_FINISHED);
    bent_expect_answer("BYE");
    bent_expect_counters(1, 3);
}

static void turn__full_chunk__again(void **state)
{
    static char chunk[CHUNK_BYTES_MAX];

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    assert_int_equal(send(bent.client, chunk, sizeof chunk, 0), sizeof chunk);
    socket_wait_queued(bent.server, sizeof chunk);
    assert_int_equal(turn(false), ANSWER_AGAIN);
    bent_expect_counters(1, CHUNK_BYTES_MAX);
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_int_equal(recv(bent.client, chunk, sizeof chunk, MSG_WAITALL), sizeof chunk);
    for (size_t i = 0; i < sizeof chunk; i++)
        assert_int_equal(chunk[i], 'X');
}

static void turn__many_short_chunks__stops_at_the_budget(void **state)
{
    (void)state;
    bent.look.limit = 1;
    bent_send("abcdefghijklmnopqrst");
    assert_int_equal(turn(true), ANSWER_AGAIN);
    bent_expect_counters(TURN_CHUNK_COUNT_MAX, TURN_CHUNK_COUNT_MAX);
    assert_int_equal(turn(true), ANSWER_WAIT);
    bent_expect_answer("ABCDEFGHIJKLMNOPQRST");
}

static void turn__urgent_byte__part_of_the_stream(void **state)
{
    (void)state;
    socket_send_text(bent.client, "ab");
    assert_int_equal(send(bent.client, "c", 1, MSG_OOB), 1);
    socket_send_text(bent.client, "de");
    socket_wait_queued(bent.server, 5);
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_non_null(strstr(bent.calls, "LGTLGT")); /* the first look stopped at the mark */
    bent_expect_answer("ABCDE");
}

static bool was_in_service;

static void look_at_board(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    was_in_service = atomic_load(&bent.fixture.worker.board->in_service);
    memcpy(out, in, byte_count);
}

static void turn__service_call__marked_on_the_board(void **state)
{
    const struct service service = {.name = "look", .transform = look_at_board};

    (void)state;
    bent.fixture.worker.answerer.service = &service;
    was_in_service = false;
    bent_send("a");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_true(was_in_service);
    assert_int_equal(atomic_load(&bent.fixture.worker.board->in_service), 0);
}

/* ---- the peer breaks off ---- */

static void turn__reset__broken(void **state)
{
    (void)state;
    bent_send("a");
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    assert_int_equal(turn(false), ANSWER_BROKEN);
    bent_expect_counters(0, 0);
}

static void turn__closed_with_answer_unread__broken(void **state)
{
    (void)state;
    bent_send("a");
    assert_int_equal(turn(false), ANSWER_WAIT);
    socket_wait_queued(bent.client, 1);
    close(bent.client);
    socket_wait_events(bent.server, POLLERR);
    assert_int_equal(turn(true), ANSWER_BROKEN);
}

/* SIGPIPE is not ignored in this program: the signal would end it. */
static void turn__send_to_a_closed_stream__broken_without_sigpipe(void **state)
{
    (void)state;
    bent_send("a");
    shutdown(bent.server, SHUT_WR);
    assert_int_equal(turn(false), ANSWER_BROKEN);
    bent_expect_queued(1);
    bent_expect_counters(0, 0);
}

/* ---- the kernel takes less, or nothing ---- */

static void turn__short_send__takes_what_was_given_and_blocks(void **state)
{
    (void)state;
    bent.give.limit = 3;
    bent_send("hello");
    assert_int_equal(turn(true), ANSWER_BLOCKED);
    bent_expect_answer("HEL");
    bent_expect_queued(2);
    bent_expect_counters(1, 3);
    assert_int_equal(turn(true), ANSWER_WAIT);
    bent_expect_answer("LO");
}

static void turn__send_would_block__blocks_and_takes_nothing(void **state)
{
    (void)state;
    bent.give = (struct bend){.error = EAGAIN, .failure_count = 1};
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_BLOCKED);
    assert_string_equal(bent.calls, "LG");
    bent_expect_queued(5);
    bent_expect_counters(0, 0);
}

static void turn__interrupted_anywhere__goes_on(void **state)
{
    (void)state;
    bent.look = (struct bend){.error = EINTR, .failure_count = 2};
    bent.give = bent.look;
    bent.take = bent.look;
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LLLGGGTTT");
    bent_expect_answer("HELLO");
    bent_expect_queued(0);
}

static void turn__want_of_memory__again_and_nothing_taken(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS};

    (void)state;
    bent_send("hello");
    for (int i = 0; i < 2; i++) {
        bent.look = (struct bend){.error = errors[i], .failure_count = 1};
        assert_int_equal(turn(false), ANSWER_AGAIN);
        bent.give = (struct bend){.error = errors[i], .failure_count = 1};
        assert_int_equal(turn(false), ANSWER_AGAIN);
    }
    bent_expect_queued(5);
    bent_expect_counters(0, 0);
    assert_int_equal(turn(false), ANSWER_WAIT);
    bent_expect_answer("HELLO");
}

static void turn__other_error__broken(void **state)
{
    (void)state;
    bent_send("hello");
    bent.look = (struct bend){.error = ETIMEDOUT, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_BROKEN);
    bent.give = (struct bend){.error = ECONNRESET, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_BROKEN);
    bent_expect_counters(0, 0);
}

static void turn__take_stops_short__takes_the_rest(void **state)
{
    (void)state;
    bent.take.limit = 2;
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTTT");
    bent_expect_queued(0);
}

static void turn__take_fails__broken(void **state)
{
    (void)state;
    bent.take = (struct bend){.error = ECONNRESET, .failure_count = 1};
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_BROKEN);
}

/* So it is at an urgent mark while a signal is pending; to wait for another event would be to wait for ever. */
static void turn__nothing_to_be_looked_at_though_bytes_are_there__again(void **state)
{
    (void)state;
    bent_send("hello");
    bent.look = (struct bend){.error = EAGAIN, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_AGAIN);
    assert_int_equal(turn(false), ANSWER_WAIT);
    bent_expect_answer("HELLO");
    assert_int_equal(turn(true), ANSWER_WAIT); /* nothing is there */
}

/* They are owed now, as if a worker had died. */
static void turn__not_to_be_taken_just_now__owing(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS, EAGAIN};

    (void)state;
    for (int i = 0; i < 3; i++) {
        bent.take = (struct bend){.error = errors[i], .failure_count = 1};
        bent_send("hello");
        assert_int_equal(turn(false), ANSWER_OWING);
        bent_expect_counters(0, 0);
        bent_expect_answer("HELLO");
        assert_int_equal(recv(bent.server, NULL, 5, MSG_TRUNC), 5);
    }
}

/* ---- a trial asks for less than there is (fault.h) ---- */

#ifdef WITH_FAULTS

/* Neither is the queue empty behind the byte, nor the client's window full: nobody would ever wake us again. */
static void turn__trial_of_short_looks__again(void **state)
{
    (void)state;
    bent_shorten(FAULT_peek, 1);
    bent_send("hi");
    assert_int_equal(turn(false), ANSWER_AGAIN);
    assert_int_equal(turn(true), ANSWER_AGAIN);
    assert_int_equal(turn(true), ANSWER_WAIT);
    bent_expect_answer("HI");
}

static void turn__trial_of_short_sends__again(void **state)
{
    (void)state;
    bent_shorten(FAULT_send, 1);
    bent_send("hi");
    assert_int_equal(turn(false), ANSWER_AGAIN);
    bent_expect_answer("H");
    bent_expect_queued(1);
    assert_int_equal(turn(true), ANSWER_WAIT);
    bent_expect_answer("I");
}

#endif

/* ---- UNIX sockets ---- */

static void unix_turn__short_chunk__taken_by_reading_exactly_what_was_given(void **state)
{
    (void)state;
    bent.give.limit = 3;
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_BLOCKED);
    bent_expect_queued(2);
    assert_memory_equal(bent.fixture.in, "hel", 3);
    bent.give.limit = 0;
    assert_int_equal(turn(false), ANSWER_WAIT);
    bent_expect_answer("HELLO");
    bent_expect_counters(2, 5);
}

/* No sums say how far it came. */
static void unix_turn__no_memory_to_take__broken(void **state)
{
    (void)state;
    bent.take = (struct bend){.error = ENOMEM, .failure_count = 1};
    bent_send("hello");
    assert_int_equal(turn(false), ANSWER_BROKEN);
}

static void unix_turn__peer_gone__finished(void **state)
{
    (void)state;
    close(bent.client);
    assert_int_equal(turn(true), ANSWER_FINISHED);
}

/* A look stops behind a message that carries a descriptor, and no edge tells of what follows. */
static void unix_turn__message_with_descriptor__does_not_hide_the_next(void **state)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {
        .header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec bytes = {.iov_base = &(char[]){'a', 'b'}, .iov_len = 2};
    const struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

    (void)state;
    memcpy(CMSG_DATA(&control.header), &bent.client, sizeof bent.client);
    assert_int_equal(sendmsg(bent.client, &message, 0), 2);
    socket_send_text(bent.client, "cd");
    assert_int_equal(turn(false), ANSWER_WAIT);
    bent_expect_queued(0);
    bent_expect_answer("ABCD");
}

int main(void)
{
#define TCP(test)  cmocka_unit_test_setup_teardown(test, open_tcp, bent_close)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, bent_open_unix, bent_close)
    const struct CMUnitTest tests[] = {
        TCP(turn__short_chunk__looks_gives_takes_and_waits),
        TCP(turn__nothing_queued__waits_and_counts_nothing),
        TCP(turn__until_empty__asks_once_more),
        TCP(turn__data_and_fin__answered_then_finished),
        TCP(turn__full_chunk__again),
        TCP(turn__many_short_chunks__stops_at_the_budget),
        TCP(turn__urgent_byte__part_of_the_stream),
        TCP(turn__service_call__marked_on_the_board),
        TCP(turn__reset__broken),
        TCP(turn__closed_with_answer_unread__broken),
        TCP(turn__send_to_a_closed_stream__broken_without_sigpipe),
        TCP(turn__short_send__takes_what_was_given_and_blocks),
        TCP(turn__send_would_block__blocks_and_takes_nothing),
        TCP(turn__interrupted_anywhere__goes_on),
        TCP(turn__want_of_memory__again_and_nothing_taken),
        TCP(turn__other_error__broken),
        TCP(turn__take_stops_short__takes_the_rest),
        TCP(turn__take_fails__broken),
        TCP(turn__nothing_to_be_looked_at_though_bytes_are_there__again),
        TCP(turn__not_to_be_taken_just_now__owing),
#ifdef WITH_FAULTS
        TCP(turn__trial_of_short_looks__again),
        TCP(turn__trial_of_short_sends__again),
#endif
        UNIX(unix_turn__no_memory_to_take__broken),
        UNIX(unix_turn__short_chunk__taken_by_reading_exactly_what_was_given),
        UNIX(unix_turn__peer_gone__finished),
        UNIX(unix_turn__message_with_descriptor__does_not_hide_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
