/* What a running server tells about itself: every part of it, and that missing memory costs the answer alone.
 */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "master/status.h"
#include "worker/clock.h"
#include "worker/heritage.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct reactor reactor;
static struct service_setup setup;
static json_t *status;
static long allocations_left; /* below 0: as many as are wanted */

static void *allocate(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return malloc(size);
}

/* Two slots: one serves with a connection and rests of a death, one rests; slot 2 was never used. */
static void set_up_slots(void)
{
    struct slot_memory *serving = &reactor.state.slots[0], *resting = &reactor.state.slots[1];
    struct board *board = shared_board(reactor.pages, 0);
    struct load_cell *cell = &reactor.pages->loads.cells[0];

    reactor.state.slot_limit = 3;
    *serving =
        (struct slot_memory){.phase = SLOT_SERVING, .generation = 4, .death_count = 3, .settings_number = 2};
    serving->keepers[KEEPER_A].phase = KEEPER_READY;
    *resting = (struct slot_memory){.phase = SLOT_RESTING,
                                    .generation = 9,
                                    .death_count = 5,
                                    .out = 1,
                                    .deadline_ms = clock_now_ms() + 60000};
    atomic_store(&board->worker.generation, 4);
    atomic_store(&board->worker.pid, getpid());
    atomic_store(&board->keepers[KEEPER_A].generation, 1);
    atomic_store(&board->keepers[KEEPER_A].pid, 4711);
    atomic_store(&board->ready_generation, 4);
    atomic_store(&board->ready_ns, clock_now_ns() - 5000000000);
    atomic_store(&cell->connection_count, 7);
    counter_add(cell, COUNTER_answered, 1000);
    counter_add(&reactor.pages->loads.cells[1], COUNTER_answered, 1);
    slowest_asked(&reactor.slowest[0], 4, clock_now_ns());
    slowest_look(&reactor.slowest[0], 4, reactor.slowest[0].asked_ns + 2500000, clock_now_ns());
}

static int begin(void **state)
{
    (void)state;
    allocations_left = -1;
    json_set_alloc_funcs(allocate, free);
    setup = (struct service_setup){.bound = "127.0.0.1:9999", .control = {.path = "/run/x.sock"}};
    reactor = (struct reactor){.setup = &setup, .settings = {.number = 2}};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    reactor.state.settings_number = 2;
    reactor.state.upgrade.image = 1;
    reactor.state.upgrade.target = 3;
    if (shared_pages_create(&reactor.pages) < 0)
        return -1;
    reactor.pages->orders.start_ns = clock_now_ns() - 10000000000;
    set_up_slots();
    operation_failed(operation_begin(&reactor.state.operations, OPERATION_SCALE, 8), "no");
    operation_begin(&reactor.state.operations, OPERATION_RELOAD, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    json_decref(status);
    status = NULL;
    json_set_alloc_funcs(malloc, free);
    munmap(reactor.pages, sizeof *reactor.pages);
    return close(FD_SHARED);
}

static json_t *at(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (!value)
        fail_msg("no key %s", key);
    return value;
}

static json_int_t number_at(json_t *object, const char *key)
{
    assert_true(json_is_integer(at(object, key)));
    return json_integer_value(at(object, key));
}

static void expect_text(json_t *object, const char *key, const char *text)
{
    assert_string_equal(json_string_value(at(object, key)), text);
}

static void take_status(void)
{
    status = status_json(&reactor);
    assert_non_null(status);
}

static void server__keys_of_the_whole(void **state)
{
    (void)state;
    take_status();
    assert_int_equal(number_at(status, "schema"), STATUS_SCHEMA);
    expect_text(status, "address", "127.0.0.1:9999");
    expect_text(status, "control", "/run/x.sock");
    expect_text(status, "stage", "running");
    expect_text(status, "service", "upper");
    json_decref(status);
    reactor.settings.service_index = 99; /* remembered by an image that had more */
    take_status();
    expect_text(status, "service", "?");
    expect_text(status, "version", PREFORK_UPPER_VERSION);
    assert_int_equal(number_at(status, "pid"), getpid()); /* who made the pages */
    assert_int_equal(number_at(status, "workers"), 2);
    assert_int_equal(number_at(status, "settings"), 2);
    assert_int_equal(number_at(status, "image"), 1);
    assert_int_equal(number_at(status, "image_wanted"), 3);
    assert_int_equal(strlen(json_string_value(at(status, "build"))), 16);
    assert_true(json_is_true(at(status, "protect")));
    assert_true(json_is_false(at(status, "draining")));
    assert_in_range(number_at(status, "uptime_ms"), 10000, 20000);
    assert_int_equal(number_at(at(status, "totals"), "deaths"), 8);
    assert_int_equal(number_at(at(at(status, "totals"), "counters"), "answered"), 1001);
}

static void slots__used_ones_with_all_that_is_known(void **state)
{
    (void)state;
    take_status();
    assert_int_equal(json_array_size(at(status, "slots")), 2);
    json_t *slot = json_array_get(at(status, "slots"), 0);
    expect_text(slot, "state", "serving");
    assert_int_equal(number_at(slot, "pid"), getpid());
    assert_int_equal(number_at(slot, "generation"), 4);
    assert_int_equal(number_at(slot, "connections"), 7);
    assert_int_equal(number_at(slot, "deaths"), 3);
    assert_in_range(number_at(slot, "uptime_ms"), 5000, 15000);
    assert_true(number_at(slot, "memory_kib") > 0);
    assert_true(json_real_value(at(slot, "slowest_turn_ms")) == 2.5);
    assert_int_equal(number_at(at(slot, "counters"), "answered"), 1000);
    json_t *keeper = json_array_get(at(slot, "keepers"), 0);
    expect_text(keeper, "keeper", "a");
    expect_text(keeper, "state", "ready");
    assert_int_equal(number_at(keeper, "pid"), 4711);
    expect_text(json_array_get(at(slot, "keepers"), 1), "state", "none");
}

static void keepers__in_every_phase__a_word(void **state)
{
    static const char *const words[] = {"none", "starting", "ready", "leaving", "upgrading"};

    (void)state;
    for (uint32_t phase = KEEPER_NONE; phase <= KEEPER_EXECING; phase++) {
        reactor.state.slots[0].keepers[KEEPER_B].phase = phase;
        json_decref(status);
        take_status();
        json_t *keepers = at(json_array_get(at(status, "slots"), 0), "keepers");
        expect_text(json_array_get(keepers, 1), "state", words[phase]);
    }
}

static void slots__resting_and_going_out__no_pid_and_for_how_long(void **state)
{
    (void)state;
    take_status();
    json_t *slot = json_array_get(at(status, "slots"), 1);
    expect_text(slot, "state", "resting");
    assert_true(json_is_true(at(slot, "going_out")));
    assert_int_equal(number_at(slot, "pid"), 0);
    assert_int_equal(number_at(slot, "uptime_ms"), 0);
    assert_int_equal(number_at(slot, "memory_kib"), 0);
    assert_in_range(number_at(slot, "resting_ms"), 50000, 60000);
}

static void operations__the_last_ones_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < OPERATION_COUNT_MAX; i++)
        operation_begin(&reactor.state.operations, OPERATION_RESTART, 1);
    take_status();
    json_t *list = at(status, "operations");
    assert_int_equal(json_array_size(list), OPERATION_COUNT_MAX);
    assert_int_equal(number_at(json_array_get(list, 0), "number"), 3);
    expect_text(json_array_get(list, 0), "operation", "restart");
    expect_text(json_array_get(list, 0), "state", "running");
}

static void operations__failed_one__why_even_if_it_is_no_utf8(void **state)
{
    (void)state;
    operation_failed(operation_begin(&reactor.state.operations, OPERATION_UPGRADE, 1), "/bin/\xff");
    take_status();
    json_t *list = at(status, "operations");
    expect_text(json_array_get(list, 0), "why", "no");
    expect_text(json_array_get(list, 0), "state", "failed");
    expect_text(json_array_get(list, 1), "why", "");
    expect_text(json_array_get(list, 2), "why", "(not UTF-8)");
}

static void accept_queue__tcp_listener__length_and_limit(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(bind(listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 17), 0);
    getsockname(listener, (void *)&address, &length);
    assert_int_equal(heritage_place(listener, FD_LISTENER), 0);
    assert_int_equal(connect(client, (const void *)&address, sizeof address), 0);
    take_status();
    assert_int_equal(number_at(at(status, "accept_queue"), "waiting"), 1);
    assert_int_equal(number_at(at(status, "accept_queue"), "limit"), 17);
    close(client);
    close(FD_LISTENER);
}

static void accept_queue__no_tcp_listener__null(void **state)
{
    (void)state;
    setup.listener_is_unix = true;
    take_status();
    assert_true(json_is_null(at(status, "accept_queue")));
}

/* The pages are shared with workers, and one of them may have written anywhere. Symptom: status never came back. */
static void incidents__pages_full_of_garbage__told_and_no_further_than_their_room(void **state)
{
    struct incident_ring *ring = incident_ring_of(reactor.pages);

    (void)state;
    for (size_t i = 0; i < INCIDENT_LINE_COUNT_MAX; i++) {
        memset(&ring->lines[i], 'x', sizeof ring->lines[i]);
        ring->lines[i].number = UINT32_MAX - 63 + (uint32_t)i; /* the line of that number */
    }
    memset(ring->lines[1].cause, 0xff, sizeof ring->lines[1].cause);
    atomic_store(&ring->last_number, UINT32_MAX);
    json_t *all = status_incidents_json(ring), *list = at(all, "incidents");
    assert_int_equal(json_array_size(list), INCIDENT_LINE_COUNT_MAX);
    assert_int_equal(json_string_length(at(json_array_get(list, 0), "cause")), sizeof ring->lines[0].cause);
    assert_int_equal(json_string_length(at(json_array_get(list, 0), "file")), sizeof ring->lines[0].file);
    expect_text(json_array_get(list, 1), "cause", "(not UTF-8)");
    json_decref(all);
}

static void incidents__some__the_last_in_status_and_all_by_themselves(void **state)
{
    struct incident incident = {.slot = 1, .report = {.cause = "SIGKILL"}};
    struct incident_ring *ring = incident_ring_of(reactor.pages);

    (void)state;
    for (int i = 0; i < 2 * STATUS_INCIDENT_COUNT_MAX; i++)
        incident_ring_add(ring, &incident);
    incident.replaced = true;
    incident.gap_us = 1500;
    incident_ring_settle(ring, 2 * STATUS_INCIDENT_COUNT_MAX, &incident);
    take_status();
    json_t *list = at(status, "incidents");
    assert_int_equal(json_array_size(list), STATUS_INCIDENT_COUNT_MAX);
    assert_true(json_is_null(at(json_array_get(list, 0), "gap_ms")));
    assert_true(json_is_null(at(json_array_get(list, 0), "file")));
    assert_true(json_real_value(at(json_array_get(list, STATUS_INCIDENT_COUNT_MAX - 1), "gap_ms")) == 1.5);
    json_t *all = status_incidents_json(ring);
    assert_int_equal(json_array_size(at(all, "incidents")), 2 * STATUS_INCIDENT_COUNT_MAX);
    assert_int_equal(number_at(all, "schema"), STATUS_SCHEMA);
    expect_text(json_array_get(at(all, "incidents"), 0), "cause", "SIGKILL");
    json_decref(all);
}

/* However far the memory reaches, the answer is none or JSON, and nothing else breaks. */
static void memory__ends_at_any_allocation__no_answer(void **state)
{
    bool whole = false;

    (void)state;
    for (long i = 0; i < 10000 && !whole; i++) {
        allocations_left = i;
        json_t *json = status_json(&reactor);
        whole = allocations_left > 0;
        allocations_left = -1;
        assert_true(json || !whole);
        json_decref(json);
    }
    assert_true(whole);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(server__keys_of_the_whole),
        TEST(slots__used_ones_with_all_that_is_known),
        TEST(keepers__in_every_phase__a_word),
        TEST(slots__resting_and_going_out__no_pid_and_for_how_long),
        TEST(operations__the_last_ones_in_order),
        TEST(operations__failed_one__why_even_if_it_is_no_utf8),
        TEST(accept_queue__tcp_listener__length_and_limit),
        TEST(accept_queue__no_tcp_listener__null),
        TEST(incidents__pages_full_of_garbage__told_and_no_further_than_their_room),
        TEST(incidents__some__the_last_in_status_and_all_by_themselves),
        TEST(memory__ends_at_any_allocation__no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
