/*
 * A supervisor that looks around (master/look.h): the test says what boards and signals tell it, and takes the events, which
 * stand in `seen`. It has two slots, of which SLOT serves as generation 4. The log is caught (log_capture.h).
 *
 * Replaced: feed feed_decide feed_carry_out; a test that includes this names them in its "wrap" comment.
 */
#ifndef TESTS_UNIT_TEST_LOOK_H
#define TESTS_UNIT_TEST_LOOK_H

#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "tests/support/log_capture.h"
#include "worker/heritage.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOT = 1 };

static struct reactor reactor;
static struct service_setup setup;
static struct board *board;
static struct slot_memory *memory;
static struct supervisor_event seen[16];
static unsigned seen_count;

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed_decide(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed_carry_out(struct reactor *r);

void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    (void)r;
    assert_true(seen_count < sizeof seen / sizeof seen[0]);
    seen[seen_count++] = *event;
}

void __wrap_feed_decide(struct reactor *r, const struct supervisor_event *event)
{
    __wrap_feed(r, event);
}

void __wrap_feed_carry_out(struct reactor *r)
{
    (void)r;
}

static inline int begin(void **state)
{
    (void)state;
    seen_count = 0;
    setup = (struct service_setup){.ready_fd = -1};
    reactor = (struct reactor){.setup = &setup,
                               .settings = {.hang_timeout_ms = 2000},
                               .oom_kills_seen = INT64_MAX,
                               .oom_kills_before = INT64_MAX};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    reactor.state.slot_limit = 2;
    memory = &reactor.state.slots[SLOT];
    memory->phase = SLOT_SERVING;
    memory->generation = 4;
    log_capture_begin();
    int error = shared_pages_create(&reactor.pages);
    board = error ? NULL : shared_board(reactor.pages, SLOT);
    return error ? error : heritage_place(eventfd(0, EFD_NONBLOCK), FD_POKE + SLOT);
}

static inline int end(void **state)
{
    (void)state;
    log_capture_end();
    munmap(reactor.pages, sizeof *reactor.pages);
    close(FD_POKE + SLOT);
    return close(FD_SHARED);
}

#endif
