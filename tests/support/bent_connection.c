#include "tests/support/bent_connection.h"

#include "tests/support/cmocka_all.h"
#include "worker/fault.h"
#include "worker/journal.h"

#include <errno.h>
#include <string.h>

struct bent_connection bent;

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);

/* ---- the calls ---- */

static struct board *board(void)
{
    return bent.fixture.worker.board;
}

static struct journal_view view(void)
{
    return (struct journal_view){journal_owner(board()), atomic_load(&board()->journal_bytes)};
}

/* 0, or the error with which the call fails; shortens its size. */
static int apply(char letter, struct bend *bend, size_t *size)
{
    size_t length = strlen(bent.calls);

    if (length < sizeof bent.calls - 1)
        bent.calls[length] = letter;
    if (bend->failure_count > 0) {
        bend->failure_count--;
        return bend->error;
    }
    if (bend->limit > 0 && *size > bend->limit)
        *size = bend->limit;
    return 0;
}

static int apply_to_recv(const void *bytes, int flags, size_t *size)
{
    if (flags & MSG_PEEK)
        return apply('L', &bent.look, size);
    if (bytes != bent.fixture.worker.answerer.journal)
        return apply('T', &bent.take, size);
    bent.at_fetch = view();
    return apply('F', &bent.fetch, size);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    errno = fd == bent.server ? apply_to_recv(bytes, flags, &size) : 0;
    return errno ? -1 : __real_recv(fd, bytes, size, flags);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    bool is_bent = fd == bent.server;

    if (is_bent)
        bent.at_give = view();
    errno = is_bent ? apply('G', &bent.give, &size) : 0;
    return errno ? -1 : __real_send(fd, bytes, size, flags);
}

/* ---- life ---- */

int bent_open(struct fixture_options options)
{
    bent.server = -1;
    worker_fixture_open(&bent.fixture, options);
    worker_fixture_stop_clock(&bent.fixture);
    bent.server = worker_fixture_pair(&bent.fixture, &bent.client);
    bent_straighten();
    return 0;
}

int bent_open_tcp(void **state)
{
    (void)state;
    return bent_open((struct fixture_options){0});
}

int bent_open_unix(void **state)
{
    (void)state;
    return bent_open((struct fixture_options){.is_unix = true});
}

int bent_close(void **state)
{
    (void)state;
    fault_disarm();
    worker_fixture_close(&bent.fixture);
    return 0;
}

void bent_straighten(void)
{
    memset(&bent.look, 0, sizeof bent - offsetof(struct bent_connection, look));
}

/* ---- what happens to it ---- */

void bent_send(const char *text)
{
    socket_send_text(bent.client, text);
    socket_wait_queued(bent.server, strlen(text));
}

void bent_expect_queued(size_t count)
{
    assert_int_equal(socket_queued(bent.server), count);
}

void bent_expect_answer(const char *text)
{
    socket_expect_text(bent.client, text);
}

void bent_expect_counters(uint64_t answered, uint64_t bytes)
{
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_answered), answered);
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_bytes_in), bytes);
    assert_int_equal(worker_fixture_counter(&bent.fixture, COUNTER_bytes_out), bytes);
}

int bent_owner(void)
{
    return journal_owner(board());
}

void bent_hold(const char *text, const char *given, bool count_known)
{
    size_t size = strlen(text);

    bent_send(text);
    journal_open(board(), bent.server);
    assert_int_equal(__real_recv(bent.server, bent.fixture.worker.answerer.journal, size, 0), size);
    if (count_known)
        journal_fill(board(), (uint32_t)size);
    if (*given)
        assert_int_equal(__real_send(bent.server, given, strlen(given), MSG_NOSIGNAL), strlen(given));
}

/* ---- trials ---- */

void bent_shorten(enum fault_call call, uint32_t bytes)
{
    struct fault_page *page = &bent.fixture.pages->orders.faults;

    page->plan = (struct fault_plan){
        .processes = 1u << FAULT_WORKER,
        .slot = -1,
        .rule_count = 1,
        .rules = {{.calls = 1u << call, .kind = FAULT_SHORT, .value = bytes, .one_in = 1}},
    };
    page->number += 2;
    page->armed = 1u << call;
    fault_arm(bent.fixture.pages, FAULT_WORKER, 0, 1);
}
