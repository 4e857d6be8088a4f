/*
 * A worker's event loop (worker/loop.h) in a process of its own, as in a real worker; the test plays clients, supervisor and
 * master. One loop at a time, on tests/support/worker_fixture.h, which starts it.
 */
#ifndef TESTS_UNIT_TEST_LOOP_H
#define TESTS_UNIT_TEST_LOOP_H

#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/acceptor.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/loop.h"

#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;

static inline int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    if (loop_init(w) < 0)
        return -1;
    acceptor_start(w);
    return 0;
}

static inline int open_plain(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static inline int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static inline void write_number(int fd, uint64_t value)
{
    assert_int_equal(write(fd, &value, sizeof value), sizeof value);
}

static inline void order(enum worker_order order, int64_t deadline_ms)
{
    atomic_store(&w->board->drain_deadline_ns, (clock_now_ms() + deadline_ms) * 1000000);
    atomic_store(&w->board->order, order);
    write_number(FD_POKE, POKE_LOOK);
}

/* Waits for an answer, by which time the loop has dealt with all that came before. */
static inline void expect_served(int client)
{
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
}

#endif
