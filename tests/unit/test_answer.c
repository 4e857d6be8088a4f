/* The answer loop on real sockets; recv and send are bent where the kernel would hardly do so by itself. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/fault.h"
#include "worker/journal.h"
#include "worker/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct worker_fixture fixture;
static int server, client;

/* How one kind of call is bent: so often it fails with `error`, then it moves at most `limit` bytes. */
struct bend {
    int error, failure_count;
    size_t limit; /* 0: as asked */
};

static struct {
    struct bend look, give, take;
    char calls[128]; /* one letter a call of the worker: L, G, T */
} bent;

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);

static void note_call(char letter)
{
    size_t length = strlen(bent.calls);

    if (length < sizeof bent.calls - 1)
        bent.calls[length] = letter;
}

/* 0, or the error with which the call fails; shortens its size. */
static int apply(struct bend *bend, size_t *size)
{
    if (bend->failure_count > 0) {
        bend->failure_count--;
        return bend->error;
    }
    if (bend->limit > 0 && *size > bend->limit)
        *size = bend->limit;
    return 0;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (fd == server) {
        note_call(flags & MSG_PEEK ? 'L' : 'T');
        errno = apply(flags & MSG_PEEK ? &bent.look : &bent.take, &size);
        if (errno)
            return -1;
    }
    return __real_recv(fd, bytes, size, flags);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    if (fd == server) {
        note_call('G');
        errno = apply(&bent.give, &size);
        if (errno)
            return -1;
    }
    return __real_send(fd, bytes, size, flags);
}

/* Somebody else's bytes are in the journal, so the server is looked at. */
static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    server = worker_fixture_pair(&fixture, &client);
    memset(&bent, 0, sizeof bent);
    journal_open(fixture.worker.board, FIRST_CONNECTION + 7);
    return 0;
}

static int open_tcp(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true});
}

static int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static enum answer_end turn(bool until_empty)
{
    return answer_turn(&fixture.worker.answerer, server, until_empty);
}

static void send_to_server(const char *text)
{
    socket_send_text(client, text);
    socket_wait_queued(server, strlen(text));
}

static void expect_counters(uint64_t answered, uint64_t bytes)
{
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_answered), answered);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_bytes_in), bytes);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_bytes_out), bytes);
}

/* ---- what ordinary clients do ---- */

static void turn__short_chunk__looks_gives_takes_and_waits(void **state)
{
    (void)state;
    send_to_server("hello, {World}\n");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGT");
    socket_expect_text(client, "HELLO, {WORLD}\n");
    assert_int_equal(socket_queued(server), 0);
    expect_counters(1, 15);
}

static void turn__nothing_queued__waits_and_counts_nothing(void **state)
{
    (void)state;
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LL");
    expect_counters(0, 0);
}

static void turn__until_empty__asks_once_more(void **state)
{
    (void)state;
    send_to_server("a");
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTL");
}

static void turn__data_and_fin__answered_then_finished(void **state)
{
    (void)state;
    socket_send_text(client, "bye");
    shutdown(client, SHUT_WR);
    socket_wait_events(server, POLLRDHUP);
    assert_int_equal(turn(true), ANSWER_FINISHED);
    socket_expect_text(client, "BYE");
    expect_counters(1, 3);
}

static void turn__full_chunk__again(void **state)
{
    static char chunk[CHUNK_BYTES_MAX];

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    assert_int_equal(send(client, chunk, sizeof chunk, 0), sizeof chunk);
    socket_wait_queued(server, sizeof chunk);
    assert_int_equal(turn(false), ANSWER_AGAIN);
    expect_counters(1, CHUNK_BYTES_MAX);
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_int_equal(recv(client, chunk, sizeof chunk, MSG_WAITALL), sizeof chunk);
    for (size_t i = 0; i < sizeof chunk; i++)
        assert_int_equal(chunk[i], 'X');
}

static void turn__many_short_chunks__stops_at_the_budget(void **state)
{
    (void)state;
    bent.look.limit = 1;
    send_to_server("abcdefghijklmnopqrst");
    assert_int_equal(turn(true), ANSWER_AGAIN);
    expect_counters(TURN_CHUNK_COUNT_MAX, TURN_CHUNK_COUNT_MAX);
    assert_int_equal(turn(true), ANSWER_WAIT);
    socket_expect_text(client, "ABCDEFGHIJKLMNOPQRST");
}

static void turn__urgent_byte__part_of_the_stream(void **state)
{
    (void)state;
    socket_send_text(client, "ab");
    assert_int_equal(send(client, "c", 1, MSG_OOB), 1);
    socket_send_text(client, "de");
    socket_wait_queued(server, 5);
    assert_int_equal(turn(true), ANSWER_WAIT);
    assert_non_null(strstr(bent.calls, "LGTLGT")); /* the first look stopped at the mark */
    socket_expect_text(client, "ABCDE");
}

static bool was_in_service;

static void look_at_board(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    was_in_service = atomic_load(&fixture.worker.board->in_service);
    memcpy(out, in, byte_count);
}

static void turn__service_call__marked_on_the_board(void **state)
{
    const struct service service = {.name = "look", .transform = look_at_board};

    (void)state;
    fixture.worker.answerer.service = &service;
    was_in_service = false;
    send_to_server("a");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_true(was_in_service);
    assert_int_equal(atomic_load(&fixture.worker.board->in_service), 0);
}

/* ---- the peer breaks off ---- */

static void turn__reset__broken(void **state)
{
    (void)state;
    send_to_server("a");
    socket_close_reset(client);
    socket_wait_events(server, POLLERR);
    assert_int_equal(turn(false), ANSWER_BROKEN);
    expect_counters(0, 0);
}

static void turn__closed_with_answer_unread__broken(void **state)
{
    (void)state;
    send_to_server("a");
    assert_int_equal(turn(false), ANSWER_WAIT);
    socket_wait_queued(client, 1);
    close(client);
    socket_wait_events(server, POLLERR);
    assert_int_equal(turn(true), ANSWER_BROKEN);
}

/* SIGPIPE is not ignored in this program: the signal would end it. */
static void turn__send_to_a_closed_stream__broken_without_sigpipe(void **state)
{
    (void)state;
    send_to_server("a");
    shutdown(server, SHUT_WR);
    assert_int_equal(turn(false), ANSWER_BROKEN);
    assert_int_equal(socket_queued(server), 1);
    expect_counters(0, 0);
}

/* ---- the kernel takes less, or nothing ---- */

static void turn__short_send__takes_what_was_given_and_blocks(void **state)
{
    (void)state;
    bent.give.limit = 3;
    send_to_server("hello");
    assert_int_equal(turn(true), ANSWER_BLOCKED);
    socket_expect_text(client, "HEL");
    assert_int_equal(socket_queued(server), 2);
    expect_counters(1, 3);
    assert_int_equal(turn(true), ANSWER_WAIT);
    socket_expect_text(client, "LO");
}

static void turn__send_would_block__blocks_and_takes_nothing(void **state)
{
    (void)state;
    bent.give = (struct bend){.error = EAGAIN, .failure_count = 1};
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_BLOCKED);
    assert_string_equal(bent.calls, "LG");
    assert_int_equal(socket_queued(server), 5);
    expect_counters(0, 0);
}

static void turn__interrupted_anywhere__goes_on(void **state)
{
    (void)state;
    bent.look = (struct bend){.error = EINTR, .failure_count = 2};
    bent.give = bent.look;
    bent.take = bent.look;
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LLLGGGTTT");
    socket_expect_text(client, "HELLO");
    assert_int_equal(socket_queued(server), 0);
}

static void turn__want_of_memory__again_and_nothing_taken(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS};

    (void)state;
    send_to_server("hello");
    for (int i = 0; i < 2; i++) {
        bent.look = (struct bend){.error = errors[i], .failure_count = 1};
        assert_int_equal(turn(false), ANSWER_AGAIN);
        bent.give = (struct bend){.error = errors[i], .failure_count = 1};
        assert_int_equal(turn(false), ANSWER_AGAIN);
    }
    assert_int_equal(socket_queued(server), 5);
    expect_counters(0, 0);
    assert_int_equal(turn(false), ANSWER_WAIT);
    socket_expect_text(client, "HELLO");
}

static void turn__other_error__broken(void **state)
{
    (void)state;
    send_to_server("hello");
    bent.look = (struct bend){.error = ETIMEDOUT, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_BROKEN);
    bent.give = (struct bend){.error = ECONNRESET, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_BROKEN);
    expect_counters(0, 0);
}

static void turn__take_stops_short__takes_the_rest(void **state)
{
    (void)state;
    bent.take.limit = 2;
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_string_equal(bent.calls, "LGTTT");
    assert_int_equal(socket_queued(server), 0);
}

static void turn__take_fails__broken(void **state)
{
    (void)state;
    bent.take = (struct bend){.error = ECONNRESET, .failure_count = 1};
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_BROKEN);
}

/* So it is at an urgent mark while a signal is pending; to wait for another event would be to wait for ever. */
static void turn__nothing_to_be_looked_at_though_bytes_are_there__again(void **state)
{
    (void)state;
    send_to_server("hello");
    bent.look = (struct bend){.error = EAGAIN, .failure_count = 1};
    assert_int_equal(turn(false), ANSWER_AGAIN);
    assert_int_equal(turn(false), ANSWER_WAIT);
    socket_expect_text(client, "HELLO");
    assert_int_equal(turn(true), ANSWER_WAIT); /* nothing is there */
}

/* They are owed now, as if a worker had died. */
static void turn__not_to_be_taken_just_now__owing(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS, EAGAIN};

    (void)state;
    for (int i = 0; i < 3; i++) {
        bent.take = (struct bend){.error = errors[i], .failure_count = 1};
        send_to_server("hello");
        assert_int_equal(turn(false), ANSWER_OWING);
        expect_counters(0, 0);
        socket_expect_text(client, "HELLO");
        assert_int_equal(__real_recv(server, NULL, 5, MSG_TRUNC), 5);
    }
}

/* ---- a trial asks for less than there is (fault.h) ---- */

#ifdef WITH_FAULTS

static void shorten(enum fault_call call)
{
    struct fault_page *page = &fixture.pages->orders.faults;

    page->plan = (struct fault_plan){
        .processes = 1u << FAULT_WORKER,
        .slot = -1,
        .rule_count = 1,
        .rules = {{.calls = 1u << call, .kind = FAULT_SHORT, .value = 1, .one_in = 1}},
    };
    page->number += 2;
    page->armed = 1u << call;
    fault_arm(fixture.pages, FAULT_WORKER, 0, 1);
}

/* Neither is the queue empty behind the byte, nor the client's window full: nobody would ever wake us again. */
static void turn__trial_of_short_looks__again(void **state)
{
    (void)state;
    shorten(FAULT_peek);
    send_to_server("hi");
    assert_int_equal(turn(false), ANSWER_AGAIN);
    assert_int_equal(turn(true), ANSWER_AGAIN);
    assert_int_equal(turn(true), ANSWER_WAIT);
    socket_expect_text(client, "HI");
    fault_disarm();
}

static void turn__trial_of_short_sends__again(void **state)
{
    (void)state;
    shorten(FAULT_send);
    send_to_server("hi");
    assert_int_equal(turn(false), ANSWER_AGAIN);
    socket_expect_text(client, "H");
    assert_int_equal(socket_queued(server), 1);
    assert_int_equal(turn(true), ANSWER_WAIT);
    socket_expect_text(client, "I");
    fault_disarm();
}

#endif

/* ---- UNIX sockets ---- */

static void unix_turn__short_chunk__taken_by_reading_exactly_what_was_given(void **state)
{
    (void)state;
    bent.give.limit = 3;
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_BLOCKED);
    assert_int_equal(socket_queued(server), 2);
    assert_memory_equal(fixture.in, "hel", 3);
    bent.give.limit = 0;
    assert_int_equal(turn(false), ANSWER_WAIT);
    socket_expect_text(client, "HELLO");
    expect_counters(2, 5);
}

/* No sums say how far it came. */
static void unix_turn__no_memory_to_take__broken(void **state)
{
    (void)state;
    bent.take = (struct bend){.error = ENOMEM, .failure_count = 1};
    send_to_server("hello");
    assert_int_equal(turn(false), ANSWER_BROKEN);
}

static void unix_turn__peer_gone__finished(void **state)
{
    (void)state;
    close(client);
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
    memcpy(CMSG_DATA(&control.header), &client, sizeof client);
    assert_int_equal(sendmsg(client, &message, 0), 2);
    socket_send_text(client, "cd");
    assert_int_equal(turn(false), ANSWER_WAIT);
    assert_int_equal(socket_queued(server), 0);
    socket_expect_text(client, "ABCD");
}

int main(void)
{
#define TCP(test)  cmocka_unit_test_setup_teardown(test, open_tcp, close_all)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, open_unix, close_all)
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
