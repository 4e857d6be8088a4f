/* What the supervisor sees of the listener: one that is held until it is empty, and connections that nobody takes. */
/* wrap: feed */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "worker/heritage.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOT_COUNT = 2, HELD_MS = 1000, DRAINED_MS = 1200, DEADLINE_MS = 5000 };

static struct reactor reactor;
static struct service_setup setup;
static struct sockaddr_in address;
static struct supervisor_event seen;
static unsigned seen_count;
static int client = -1;

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    assert_ptr_equal(r, &reactor);
    seen = *event;
    seen_count++;
}

static int begin(void **state)
{
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(fd, (const void *)&address, sizeof address) < 0 || listen(fd, 8) < 0)
        return -1;
    getsockname(fd, (void *)&address, &length);
    setup = (struct service_setup){.ready_fd = -1};
    reactor = (struct reactor){.setup = &setup, .hold_ms = HELD_MS, .accepts_seen = UINT32_MAX};
    supervisor_init(&reactor.state, SLOT_COUNT, true, 8000, 7);
    reactor.state.slot_limit = SLOT_COUNT;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        reactor.state.slots[slot].phase = SLOT_UNUSED;
    seen_count = 0;
    if (heritage_place(fd, FD_LISTENER) < 0 || shared_pages_create(&reactor.pages) < 0)
        return -1;
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        if (heritage_place(eventfd(0, EFD_NONBLOCK), FD_POKE + slot) < 0)
            return -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    munmap(reactor.pages, sizeof *reactor.pages);
    if (client >= 0)
        close(client);
    client = -1;
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        close(FD_POKE + slot);
    close(FD_SHARED);
    return close(FD_LISTENER);
}

/* A client stands in the queue. */
static void connect_one(void)
{
    struct pollfd queue = {.fd = FD_LISTENER, .events = POLLIN};

    client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const void *)&address, sizeof address), 0);
    assert_int_equal(poll(&queue, 1, DEADLINE_MS), 1);
}

static bool listens(void)
{
    int is_listening = 0;
    socklen_t length = sizeof is_listening;

    assert_int_equal(getsockopt(FD_LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length), 0);
    return is_listening != 0;
}

static void look(int64_t now_ms)
{
    look_after_listener(&reactor, now_ms);
}

static void expect_empty_told(bool told)
{
    seen_count = 0;
    look(DRAINED_MS);
    assert_int_equal(seen_count, told);
    assert_true(!told || seen.kind == SUPERVISOR_EMPTY);
}

/* ---- held ---- */

static void held__not_at_all__listens_on(void **state)
{
    (void)state;
    look(DRAINED_MS);
    assert_true(listens());
    reactor.state.held = true;
    reactor.listen_untold = true; /* it was opened again, and the policy does not know it yet */
    look(DRAINED_MS);
    assert_true(listens());
    reactor.listen_untold = false;
    reactor.state.stage = STAGE_ENDING;
    look(DRAINED_MS);
    assert_true(listens());
    assert_int_equal(seen_count, 0);
}

static void held__nobody_waits_in_it__shut_down_at_once(void **state)
{
    (void)state;
    reactor.state.held = true;
    look(HELD_MS);
    assert_false(listens());
    assert_int_equal(seen_count, 0); /* the next look sees whether all have left */
}

/* Whoever waits would be reset; but not for ever. */
static void held__somebody_waits_in_it__shut_down_after_a_while(void **state)
{
    (void)state;
    connect_one();
    reactor.state.held = true;
    look(DRAINED_MS - 1);
    assert_true(listens());
    look(DRAINED_MS);
    assert_false(listens());
}

static void held_and_shut__every_kind_of_slot__empty_when_nobody_can_have_a_client(void **state)
{
    static const struct {
        enum slot_phase phase;
        bool is_empty;
    } cases[] = {{SLOT_UNUSED, true},  {SLOT_KEEPING, false},  {SLOT_STARTING, false},
                 {SLOT_SERVING, true}, {SLOT_LEAVING, true},   {SLOT_RETRYING, false},
                 {SLOT_RESTING, true}, {SLOT_SWAPPING, false}, {SLOT_ENDED, true}};
    struct board *board = shared_board(reactor.pages, 1);

    (void)state;
    assert_int_equal(sizeof cases / sizeof cases[0], SLOT_ENDED + 1);
    shutdown(FD_LISTENER, SHUT_RDWR);
    reactor.state.held = true;
    atomic_store(&board->worker.generation, 1);
    atomic_store(&board->worker.pid, getpid());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reactor.state.slots[1].phase = cases[i].phase;
        expect_empty_told(cases[i].is_empty);
    }
}

static void held_and_shut__clients_or_a_death_not_dealt_with__not_empty(void **state)
{
    struct board *board = shared_board(reactor.pages, 1);

    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    reactor.state.held = true;
    reactor.state.slots[1].phase = SLOT_SERVING;
    atomic_store(&board->worker.generation, 1);
    atomic_store(&board->worker.pid, getpid());
    atomic_store(&reactor.pages->loads.cells[1].connection_count, 1);
    expect_empty_told(false);
    atomic_store(&board->worker_death.generation, 1);
    expect_empty_told(false);
    atomic_store(&board->worker_death.generation, 0);
    atomic_store(&reactor.pages->loads.cells[1].connection_count, 0);
    expect_empty_told(true);
}

/* ---- a drain ---- */

static void draining__after_a_while__shut_down_though_somebody_waits(void **state)
{
    (void)state;
    connect_one();
    reactor.state.stage = STAGE_DRAINING;
    reactor.drain_ms = HELD_MS;
    look(DRAINED_MS - 1);
    assert_true(listens());
    setup.listener_is_passed = true; /* its owner will want it again */
    look(DRAINED_MS);
    assert_true(listens());
    setup.listener_is_passed = false;
    look(DRAINED_MS);
    assert_false(listens());
}

/* ---- a connection that nobody takes ---- */

static unsigned pokes_of(uint32_t slot)
{
    uint64_t sum = 0;

    return read(FD_POKE + (int)slot, &sum, sizeof sum) == sizeof sum && sum == POKE_ACCEPT;
}

static void stray__no_accept_between_two_looks__one_slot_after_the_other_is_poked(void **state)
{
    (void)state;
    connect_one();
    look(0); /* the count was another one at the last look */
    assert_int_equal(pokes_of(0) + pokes_of(1), 0);
    for (uint32_t i = 0; i < 4; i++) {
        look(0);
        assert_int_equal(pokes_of((i + 1) % SLOT_COUNT), 1);
        assert_int_equal(pokes_of(i % SLOT_COUNT), 0);
    }
    atomic_store(&reactor.pages->loads.cells[1].accept_count, 1);
    look(0);
    assert_int_equal(pokes_of(0) + pokes_of(1), 0);
}

static void stray__nobody_waits_or_nobody_is_there_to_be_poked__nothing(void **state)
{
    (void)state;
    reactor.accepts_seen = 0;
    look(0);
    connect_one();
    reactor.state.stage = STAGE_ENDING;
    look(0);
    reactor.state.stage = STAGE_RUNNING;
    reactor.state.slot_limit = 0;
    look(0);
    reactor.state.slot_limit = SLOT_COUNT;
    shutdown(FD_LISTENER, SHUT_RDWR); /* readable for ever, and by far not a client */
    look(0);
    assert_int_equal(pokes_of(0) + pokes_of(1), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(held__not_at_all__listens_on),
        TEST(held__nobody_waits_in_it__shut_down_at_once),
        TEST(held__somebody_waits_in_it__shut_down_after_a_while),
        TEST(held_and_shut__every_kind_of_slot__empty_when_nobody_can_have_a_client),
        TEST(held_and_shut__clients_or_a_death_not_dealt_with__not_empty),
        TEST(draining__after_a_while__shut_down_though_somebody_waits),
        TEST(stray__no_accept_between_two_looks__one_slot_after_the_other_is_poked),
        TEST(stray__nobody_waits_or_nobody_is_there_to_be_poked__nothing),
    };

    /* The fixed numbers are the test's alone: cmocka uses the standard streams. */
    close_range(STDERR_FILENO + 1, ~0u, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
