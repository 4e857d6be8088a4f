/* What the service manager is told of the supervisor's state; a socket of the test's own is the manager. */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "tests/support/log_capture.h"
#include "worker/heritage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOW_MS = 9000 };

static struct reactor reactor;
static struct service_setup setup;
static int manager = -1;

static void open_manager(void)
{
    const struct sockaddr *address = (const void *)&reactor.manager.address;

    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager, address, reactor.manager.length), 0);
}

static int begin(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@test_announce_manager.%d", (int)getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    reactor = (struct reactor){.setup = &setup, .settings = {.worker_count = 2}};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    reactor.state.slot_limit = 2;
    setup = (struct service_setup){.bound = "127.0.0.1:4242"};
    log_capture_begin();
    if (shared_pages_create(&reactor.pages) < 0)
        return -1;
    announce_find_manager(&reactor);
    open_manager();
    return 0;
}

static int end(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    log_capture_end();
    if (manager >= 0)
        close(manager);
    munmap(reactor.pages, sizeof *reactor.pages);
    return close(FD_SHARED);
}

static void live_worker(unsigned slot, uint32_t connections)
{
    atomic_store(&shared_board(reactor.pages, slot)->worker.pid, 4711);
    atomic_store(&shared_board(reactor.pages, slot)->worker.generation, 1);
    atomic_store(&reactor.pages->loads.cells[slot].connection_count, connections);
    reactor.state.slots[slot].phase = SLOT_SERVING;
    reactor.state.slots[slot].generation = 1;
}

/* The datagram that comes of it, empty: none. */
static const char *told_at(int64_t now_ms)
{
    static char text[NOTIFY_TEXT_SIZE];

    announce_to_manager(&reactor, now_ms);
    ssize_t length = recv(manager, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void serve(void)
{
    live_worker(0, 3);
    live_worker(1, 4);
    reactor.state.announced = ANNOUNCE_ORDERED;
}

static void state__of_the_service__is_told(void **state)
{
    (void)state;
    live_worker(0, 3);
    assert_string_equal(told_at(NOW_MS),
                        "STATUS=starts at 127.0.0.1:4242: 1 of 2 workers, 3 connections, 0 deaths\n");
    serve();
    reactor.state.slots[1].death_count = 5;
    assert_string_equal(told_at(NOW_MS), "READY=1\nSTATUS=serves at 127.0.0.1:4242: 2 of 2 workers, "
                                         "7 connections, 5 deaths\n");
    operation_begin(&reactor.state.operations, OPERATION_SCALE, 2);
    assert_string_equal(told_at(NOW_MS), ""); /* which is no matter of his */
    operation_done(operation_find(&reactor.state.operations, 1), NULL);
    operation_begin(&reactor.state.operations, OPERATION_RELOAD, 2);
    assert_string_equal(told_at(NOW_MS),
                        "RELOADING=1\nMONOTONIC_USEC=9000000\nSTATUS=goes over to new settings "
                        "at 127.0.0.1:4242: 2 of 2 workers, 7 connections, 5 deaths\n");
    operation_done(operation_find(&reactor.state.operations, 2), NULL);
    assert_string_equal(told_at(NOW_MS), "READY=1\nSTATUS=serves at 127.0.0.1:4242: 2 of 2 workers, "
                                         "7 connections, 5 deaths\n");
    assert_string_equal(told_at(NOW_MS), ""); /* nothing has changed */
    reactor.state.stage = STAGE_DRAINING;
    assert_string_equal(told_at(NOW_MS), "STOPPING=1\nSTATUS=stops at 127.0.0.1:4242: 2 of 2 workers, "
                                         "7 connections, 5 deaths\n");
}

static void state__held_or_upgraded__is_said_to_people(void **state)
{
    (void)state;
    serve();
    reactor.state.held = 1;
    assert_non_null(strstr(told_at(NOW_MS), "STATUS=takes no new connections at"));
    reactor.state.upgrade.stage = UPGRADE_SLOTS;
    assert_non_null(strstr(told_at(NOW_MS + NOTIFY_STATUS_MS), "STATUS=goes over to another program at"));
}

static void watchdog__a_worker_is_silent__is_not_fed_and_its_slot_is_named(void **state)
{
    struct hang *hang = &reactor.hangs[1];

    (void)state;
    setenv("WATCHDOG_USEC", "400000", 1);
    announce_find_manager(&reactor);
    serve();
    assert_non_null(strstr(told_at(NOW_MS), "WATCHDOG=1\n"));
    *hang = (struct hang){.generation = 1, .in_spell = true, .unanswered_ms = 60000};
    const char *text = told_at(NOW_MS + 5000);
    assert_null(strstr(text, "WATCHDOG=1\n"));
    assert_non_null(strstr(text, "worker 1 does not answer\n"));
    reactor.state.slots[1].phase = SLOT_LEAVING; /* its keepers have died, and it is silent all the same */
    assert_null(strstr(told_at(NOW_MS + 5000), "WATCHDOG=1\n"));
    atomic_store(&shared_board(reactor.pages, 1)->worker_death.generation,
                 1); /* it has died, as will be seen soon */
    assert_non_null(strstr(told_at(NOW_MS + 5000), "WATCHDOG=1\n"));
    atomic_store(&shared_board(reactor.pages, 1)->worker_death.generation, 0);
    reactor.state.slots[1].phase = SLOT_STARTING; /* it was ended, and another is made */
    assert_non_null(strstr(told_at(NOW_MS + 6000), "WATCHDOG=1\n"));
}

static void manager__away__is_logged_once_and_told_when_it_is_back(void **state)
{
    (void)state;
    close(manager);
    manager = -1;
    serve();
    announce_to_manager(&reactor, NOW_MS);
    assert_non_null(strstr(log_capture_expect("failed"), "what=notify why=ECONNREFUSED"));
    announce_to_manager(&reactor, NOW_MS + 1000);
    log_capture_expect_nothing();
    open_manager();
    assert_string_equal(told_at(NOW_MS + 1000), ""); /* not at every turn of the loop */
    assert_non_null(strstr(told_at(NOW_MS + 2000), "READY=1\n"));
}

static void manager__none__nothing_is_done(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    announce_find_manager(&reactor);
    serve();
    assert_string_equal(told_at(NOW_MS), "");
    log_capture_expect_nothing();
}

static void manager__no_address__is_logged(void **state)
{
    (void)state;
    setenv("NOTIFY_SOCKET", "somewhere", 1);
    announce_find_manager(&reactor);
    assert_non_null(strstr(log_capture_expect("failed"), "what=notify why=EINVAL"));
    serve();
    assert_string_equal(told_at(NOW_MS), "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(state__of_the_service__is_told),
        TEST(state__held_or_upgraded__is_said_to_people),
        TEST(watchdog__a_worker_is_silent__is_not_fed_and_its_slot_is_named),
        TEST(manager__away__is_logged_once_and_told_when_it_is_back),
        TEST(manager__none__nothing_is_done),
        TEST(manager__no_address__is_logged),
    };

    return cmocka_run_group_tests_name("announce_manager", tests, NULL, NULL);
}
