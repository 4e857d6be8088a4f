/*
 * A worker that takes over what a dead one's table holds (worker/recover.h): the test says what was left behind, and looks
 * at what became of it. One worker at a time, on tests/support/worker_fixture.h.
 */
#ifndef TESTS_UNIT_TEST_RECOVER_H
#define TESTS_UNIT_TEST_RECOVER_H

#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/recover.h"

#include <stdatomic.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;

static inline int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    return 0;
}

static inline int open_tcp(void **state)
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

/* A client, and its other end as the dead worker has left it; returns that end. */
static inline int left_behind(int *client)
{
    int server = worker_fixture_pair(&fixture, client);

    worker_fixture_leave_behind(&fixture, server);
    return server;
}

static inline void recover_all(void)
{
    worker_fixture_recover(&fixture);
}

static inline uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&fixture, which);
}

static inline void expect_served(int client)
{
    socket_send_text(client, "hello");
    worker_fixture_serve_until_readable(&fixture, client, 5);
    socket_expect_text(client, "HELLO");
}

#endif
