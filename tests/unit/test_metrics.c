/* What the service looks like from outside: text, ready, healthy. */
#include "tests/support/cmocka_all.h"

#include "master/metrics.h"
#include "worker/heritage.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define S 1000000000LL

enum { WAITING = 2, QUEUE = 7 };

static struct shared_pages *pages;
static struct service_setup setup;
static struct metrics_view view;
static struct supervisor_memory *memory; /* the copy that holds */
static char *text;

static int begin(void **state)
{
    (void)state;
    if (shared_pages_create(&pages) < 0)
        return -1;
    void *room = pages->orders.memory[1];
    memory = room;
    atomic_store(&pages->orders.memory_current, 2);
    setup = (struct service_setup){.bound = "127.0.0.1:4242", .listener_is_unix = true};
    supervisor_init(&memory->policy, 2, true, 8000, 7);
    memory->policy.slot_limit = 3;
    pages->orders.start_ns = 100 * S;
    atomic_store(&pages->orders.supervisor_tick_ns, 200 * S);
    atomic_store(&pages->orders.supervisor_generation, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    munmap(pages, sizeof *pages);
    return close(FD_SHARED);
}

static void serve(unsigned slot, uint32_t generation)
{
    struct board *board = shared_board(pages, slot);

    atomic_store(&board->worker.pid, 4711);
    atomic_store(&board->worker.generation, generation);
    atomic_store(&board->ready_generation, generation);
    atomic_store(&board->ready_ns, 150 * S);
    memory->policy.slots[slot].phase = SLOT_SERVING;
    memory->policy.slots[slot].generation = generation;
}

static void look(void)
{
    metrics_look(&view, pages, &setup, 201 * S);
}

static const char *write_text(void)
{
    size_t length = 0;

    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    look();
    metrics_write(out, &view);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect(const char *line)
{
    if (!strstr(text, line))
        fail_msg("no %s in:\n%s", line, text);
}

/* ---- text ---- */

static void text__counters__those_of_the_table_for_each_slot_in_use(void **state)
{
    (void)state;
    serve(0, 1);
    serve(1, 4);
    counter_add(&pages->loads.cells[1], COUNTER_bytes_in, 12345678901234567u);
    write_text();
    expect("# HELP prefork_upper_bytes_in_total In bytes: taken from clients.\n"
           "# TYPE prefork_upper_bytes_in_total counter\n"
           "prefork_upper_bytes_in_total{slot=\"0\"} 0\n"
           "prefork_upper_bytes_in_total{slot=\"1\"} 12345678901234567\n");
    assert_null(strstr(text, "slot=\"2\""));
    for (int i = 0; i < COUNTER_COUNT; i++)
        expect(counter_descriptions[i].sentence);
}

static void text__slots__what_their_workers_are_doing(void **state)
{
    (void)state;
    serve(0, 1);
    serve(1, 4);
    memory->policy.slots[1].death_count = 2;
    atomic_store(&pages->loads.cells[1].connection_count, 9);
    memory->policy.slots[2].phase = SLOT_RESTING;
    write_text();
    expect("prefork_upper_connections{slot=\"1\"} 9\n");
    expect("prefork_upper_worker_generation{slot=\"1\"} 4\n");
    expect("prefork_upper_worker_restarts_total{slot=\"1\"} 3\n");
    expect("prefork_upper_worker_restarts_total{slot=\"2\"} 0\n");
    expect("prefork_upper_worker_deaths_total{slot=\"1\"} 2\n");
    expect("prefork_upper_worker_uptime_seconds{slot=\"1\"} 51\n");
    expect("prefork_upper_worker_uptime_seconds{slot=\"2\"} 0\n");
    expect("prefork_upper_worker_state{slot=\"1\",state=\"serving\"} 1\n");
    expect("prefork_upper_worker_state{slot=\"1\",state=\"resting\"} 0\n");
    expect("prefork_upper_worker_state{slot=\"2\",state=\"resting\"} 1\n");
}

static void text__dead_worker__holds_no_connections(void **state)
{
    (void)state;
    serve(0, 1);
    atomic_store(&pages->loads.cells[0].connection_count, 9);
    atomic_store(&shared_board(pages, 0)->worker_death.generation, 1);
    write_text();
    expect("prefork_upper_connections{slot=\"0\"} 0\n");
    expect("prefork_upper_workers 0\n");
}

static void text__service__as_a_whole(void **state)
{
    (void)state;
    serve(0, 1);
    strcpy(setup.bound, "unix:/a\"b\\c\nd");
    write_text();
    expect("address=\"unix:/a\\\"b\\\\c\\nd\",service=\"upper\"} 1\n");
    expect("prefork_upper_info{version=\"" PREFORK_UPPER_VERSION "\",build=\"");
    expect("prefork_upper_uptime_seconds 101\n");
    expect("prefork_upper_ready 1\n");
    expect("prefork_upper_healthy 1\n");
    expect("prefork_upper_workers 1\n");
    expect("prefork_upper_workers_wanted 2\n");
    expect("prefork_upper_supervisor_restarts_total 2\n");
    expect("prefork_upper_supervisor_tick_age_seconds 1\n");
    assert_null(strstr(text, "accept_queue"));
}

/* A listener of the test's own, with clients that nobody accepts. */
static void text__tcp_listener__queue_and_its_limit(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int clients[WAITING], fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    setup.listener_is_unix = false;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, QUEUE), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(heritage_place(fd, FD_LISTENER), 0);
    for (int i = 0; i < WAITING; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, length), 0);
    }
    write_text();
    for (int i = 0; i < WAITING; i++)
        close(clients[i]);
    expect("prefork_upper_accept_queue_connections 2\n");
    expect("prefork_upper_accept_queue_limit_connections 7\n");
    shutdown(FD_LISTENER, SHUT_RDWR);
    write_text();
    close(FD_LISTENER);
    assert_null(strstr(text, "accept_queue")); /* it is drained */
    write_text();
    assert_null(strstr(text, "accept_queue")); /* it is gone */
}

/* ---- ready ---- */

static void ready__a_worker_serves__and_connections_are_taken(void **state)
{
    (void)state;
    look();
    assert_string_equal(metrics_why_not_ready(&view), "no worker serves");
    serve(1, 4);
    look();
    assert_null(metrics_why_not_ready(&view));
    memory->policy.held = 1;
    look();
    assert_non_null(strstr(metrics_why_not_ready(&view), "drained"));
    memory->policy.stage = STAGE_DRAINING;
    look();
    assert_string_equal(metrics_why_not_ready(&view), "stopping");
}

static void ready__worker_that_goes_out_or_does_not_serve_yet__does_not_count(void **state)
{
    (void)state;
    serve(1, 4);
    memory->policy.slots[1].out = 1;
    look();
    assert_non_null(metrics_why_not_ready(&view));
    memory->policy.slots[1].out = 0;
    atomic_store(&shared_board(pages, 1)->ready_generation, 3);
    look();
    assert_non_null(metrics_why_not_ready(&view));
}

static void ready__no_supervisor_has_begun__starting(void **state)
{
    (void)state;
    atomic_store(&pages->orders.memory_current, 0);
    write_text();
    assert_string_equal(metrics_why_not_ready(&view), "starting");
    expect("prefork_upper_ready 0\n");
    atomic_store(&pages->orders.supervisor_generation, 0);
    write_text();
    expect("prefork_upper_supervisor_restarts_total 0\n");
}

static void ready__the_other_copy_of_the_memory_holds__that_one_is_read(void **state)
{
    (void)state;
    serve(0, 1);
    memcpy(pages->orders.memory[0], pages->orders.memory[1], sizeof *memory);
    memset(pages->orders.memory[1], 0, sizeof *memory);
    atomic_store(&pages->orders.memory_current, 1);
    look();
    assert_null(metrics_why_not_ready(&view));
}

/* ---- healthy ---- */

static void healthy__supervisor_ticks__or_has_just_begun(void **state)
{
    (void)state;
    look();
    assert_null(metrics_why_not_healthy(&view));
    metrics_look(&view, pages, &setup, 200 * S + (METRICS_TICK_MS_MAX + 1) * (S / 1000));
    assert_non_null(metrics_why_not_healthy(&view));
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    metrics_write(out, &view);
    assert_int_equal(fclose(out), 0);
    expect("prefork_upper_healthy 0\n");
    atomic_store(&pages->orders.supervisor_tick_ns, 0);
    metrics_look(&view, pages, &setup, 101 * S);
    assert_null(metrics_why_not_healthy(&view));
}

/* ---- pages that are not to be trusted ---- */

static void look__numbers_out_of_bounds__are_not_used(void **state)
{
    (void)state;
    memory->policy.slot_limit = 4000000000u;
    memory->policy.slots[5].phase = 77;
    memory->settings.service_index = 99;
    write_text();
    expect("service=\"?\"} 1\n");
    assert_null(strstr(text, "slot=\"5\""));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text__counters__those_of_the_table_for_each_slot_in_use),
        TEST(text__slots__what_their_workers_are_doing),
        TEST(text__dead_worker__holds_no_connections),
        TEST(text__service__as_a_whole),
        TEST(text__tcp_listener__queue_and_its_limit),
        TEST(ready__a_worker_serves__and_connections_are_taken),
        TEST(ready__worker_that_goes_out_or_does_not_serve_yet__does_not_count),
        TEST(ready__no_supervisor_has_begun__starting),
        TEST(ready__the_other_copy_of_the_memory_holds__that_one_is_read),
        TEST(healthy__supervisor_ticks__or_has_just_begun),
        TEST(look__numbers_out_of_bounds__are_not_used),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
