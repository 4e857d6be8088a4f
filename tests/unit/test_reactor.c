/*
 * The supervisor as a process: how it begins, what it waits for, how it ends. It runs in a child; what it
 * looks at and what it feeds the policy with is the test's.
 */
/* wrap: feed feed_load_memory look_around look_on_tick keeper_probe poll __poll_chk */
#include "tests/support/cmocka_all.h"

#include "master/options.h"
#include "master/reactor_state.h"
#include "worker/heritage.h"
#include "worker/keeper.h"
#include "worker/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 4, GENERATION = 3, OUTPUT_SIZE = 4096, TURNS_MAX = 1000 };

static struct shared_pages *pages;
static struct options options;
static struct service_setup setup;

/* Written by the child. */
static struct seen {
    unsigned event_count;
    struct {
        enum supervisor_event_kind kind;
        uint32_t generation;
        char why[80];
    } events[EVENTS_MAX];
    bool protects;
    unsigned probes, looks, ticks;
    int wait_ms; /* of the last poll */
    bool own_group;
    uint32_t slots_wanted;
} * seen;

/* What the child finds. */
static bool has_memory;
static struct supervisor memory;
static int probe_result;
static void (*on_look)(struct reactor *r); /* at each turn; the test's way to end it */

/* ---- stood in for ---- */

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    unsigned i = seen->event_count++;

    if (i >= EVENTS_MAX)
        _exit(90);
    seen->events[i].kind = event->kind;
    seen->events[i].generation = event->generation;
    snprintf(seen->events[i].why, sizeof seen->events[i].why, "%s", event->why ? event->why : "");
    seen->protects = r->state.protect;
    seen->slots_wanted = r->state.wanted_count;
}

bool __wrap_feed_load_memory(struct reactor *r);
bool __wrap_feed_load_memory(struct reactor *r)
{
    if (has_memory)
        r->state = memory;
    return has_memory;
}

void __wrap_look_around(struct reactor *r);
void __wrap_look_around(struct reactor *r)
{
    seen->own_group = getpgrp() == getpid();
    if (++seen->looks > TURNS_MAX)
        _exit(91);
    on_look(r);
}

void __wrap_look_on_tick(struct reactor *r, int64_t now_ms);
void __wrap_look_on_tick(struct reactor *r, int64_t now_ms)
{
    (void)r;
    (void)now_ms;
    seen->ticks++;
}

int __wrap_keeper_probe(void);
int __wrap_keeper_probe(void)
{
    seen->probes++;
    return probe_result;
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    if (count > 1)
        seen->wait_ms = timeout_ms;
    return __real_poll(polled, count, timeout_ms);
}

/* What poll is called where the compiler does not see how long its array is (feature_test_macros(7)). */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

/* ---- help ---- */

static void end_at_once(struct reactor *r)
{
    (void)r;
    _exit(0);
}

static int begin(void **state)
{
    int ends[2];

    (void)state;
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED || shared_pages_create(&pages) < 0 || pipe2(ends, O_NONBLOCK) < 0)
        return -1;
    heritage_place(ends[1], FD_LOG);
    heritage_place(ends[0], FD_LOG_READ);
    heritage_place(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR);
    heritage_place(eventfd(0, EFD_NONBLOCK), FD_MASTER); /* written to, it is as readable as a dead one's */
    atomic_store(&pages->orders.log_level, LOG_LEVEL_INFO);
    atomic_store(&pages->orders.master_image, 1);
    options = (struct options){.protect = true, .log_level = LOG_LEVEL_INFO};
    setup = (struct service_setup){.pages = pages, .options = &options, .ready_fd = -1};
    setup.settings = (struct service_settings){.number = 1, .worker_count = 4, .drain_timeout_ms = 50};
    has_memory = false;
    supervisor_init(&memory, 2, true, 1000, 1);
    memory.upgrade = (struct upgrade_memory){.image = 1, .target = 1, .last_number = 1};
    probe_result = 0;
    on_look = end_at_once;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    munmap(seen, sizeof *seen);
    munmap(pages, sizeof *pages);
    close_range(STDERR_FILENO + 1, FD_POKE - 1, 0);
    return 0;
}

static char output[OUTPUT_SIZE];

/* Runs it in a child to its end; returns the exit code. What it logged is in `output`. */
static int run(void)
{
    int ends[2], status = -1;
    size_t length = 0;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(10);
        reactor_main(&setup, GENERATION);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], output + length, sizeof output - 1 - length)) > 0;)
        length += (size_t)n;
    output[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A turn that also writes the log, before the end. */
static void end_after_a_turn(struct reactor *r)
{
    (void)r;
    if (seen->looks == 2)
        _exit(0);
    heritage_wake_supervisor();
}

static void expect_events(enum supervisor_event_kind first, enum supervisor_event_kind second)
{
    assert_int_equal(seen->event_count, 2);
    assert_int_equal(seen->events[0].kind, first);
    assert_int_equal(seen->events[1].kind, second);
}

/* ---- the first supervisor ---- */

static void first__says_its_image_and_starts__with_the_settings_of_the_start(void **state)
{
    (void)state;
    assert_int_equal(run(), 0);
    expect_events(SUPERVISOR_IMAGE, SUPERVISOR_START);
    assert_int_equal(seen->events[0].generation, 1);
    assert_int_equal(seen->slots_wanted, 4);
    assert_true(seen->own_group);
}

static void first__protection__as_wanted_and_as_the_kernel_lets(void **state)
{
    const struct {
        bool wanted;
        int probe;
        bool protects;
    } cases[] = {{true, 0, true},        {true, -EAGAIN, true},  {true, -ENOMEM, true},
                 {true, -EPERM, false},  {true, -EACCES, false}, {true, -EINVAL, false},
                 {true, -ENOSYS, false}, {false, 0, false}};

    (void)state;
    on_look = end_after_a_turn;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(seen, 0, sizeof *seen);
        options.protect = cases[i].wanted;
        probe_result = cases[i].probe;
        assert_int_equal(run(), 0);
        assert_int_equal(seen->protects, cases[i].protects);
        assert_int_equal(seen->probes, cases[i].wanted);
        assert_int_equal(strstr(output, "event=unprotected why=") != NULL,
                         cases[i].wanted && !cases[i].protects);
    }
}

/* ---- the next ones ---- */

/* Symptom: the announcement that the service serves was lost, since the image was told before. */
static void next__resumes__before_it_says_what_it_is(void **state)
{
    (void)state;
    has_memory = true;
    on_look = end_after_a_turn;
    assert_int_equal(run(), 0);
    expect_events(SUPERVISOR_RESUME, SUPERVISOR_IMAGE);
    assert_int_equal(seen->probes, 0); /* that was decided for good */
    assert_non_null(strstr(output, "event=supervisor_started generation=3 pid="));
}

static void next__of_the_new_image__says_that_it_was_upgraded(void **state)
{
    (void)state;
    has_memory = true;
    on_look = end_after_a_turn;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = 1, .target = 2};
    atomic_store(&pages->orders.master_image, 2);
    assert_int_equal(run(), 0);
    assert_int_equal(seen->events[1].generation, 2);
    assert_string_equal(seen->events[1].why, "");
    assert_non_null(strstr(output, "event=upgraded image=2 version="));
    assert_null(strstr(output, "event=supervisor_started"));
}

static void next__master_could_not_become_it__says_why(void **state)
{
    (void)state;
    has_memory = true;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = 1, .target = 2};
    atomic_store(&pages->orders.exec_failed_error, ENOMEM);
    atomic_store(&pages->orders.exec_failed_image, 2);
    assert_int_equal(run(), 0);
    assert_int_equal(seen->events[1].generation, 1);
    assert_string_equal(seen->events[1].why, "Cannot allocate memory");
}

static void next__master_became_it_and_came_back__says_why(void **state)
{
    (void)state;
    has_memory = true;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = 1, .target = 2};
    atomic_store(&pages->orders.exec_failed_image, 2);
    assert_int_equal(run(), 0);
    assert_string_equal(seen->events[1].why, "its supervisors died or hung at their start");
}

static void next__an_older_image_had_failed__no_reason(void **state)
{
    (void)state;
    has_memory = true;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = 1, .target = 3};
    atomic_store(&pages->orders.exec_failed_error, ENOMEM);
    atomic_store(&pages->orders.exec_failed_image, 2);
    assert_int_equal(run(), 0);
    assert_string_equal(seen->events[1].why, "");
}

/* ---- turns ---- */

static void end_after_two_ticks(struct reactor *r)
{
    (void)r;
    if (seen->ticks == 2)
        _exit(0);
}

static void turns__ticks_at_intervals__and_leaves_a_sign_of_life(void **state)
{
    (void)state;
    on_look = end_after_two_ticks;
    assert_int_equal(run(), 0);
    assert_int_equal(seen->wait_ms, REACTOR_TICK_MS);
    assert_true(seen->looks < 50);
    assert_true(atomic_load(&pages->orders.supervisor_tick_ns) > 0);
}

/* How long it waits at most, with what it remembers of its slot. */
static int wait_with(struct slot_memory slot)
{
    memset(seen, 0, sizeof *seen);
    has_memory = true;
    memory.slot_limit = 1;
    memory.slots[0] = slot;
    assert_int_equal(run(), 0);
    return seen->wait_ms;
}

static void turns__a_keeper_is_on_its_way__short_waits_since_it_cannot_wake_us(void **state)
{
    (void)state;
    assert_true(wait_with((struct slot_memory){.keepers = {{.phase = KEEPER_STARTING}}}) < 10);
    assert_true(wait_with((struct slot_memory){.keepers = {{0}, {.phase = KEEPER_EXECING}}}) < 10);
    assert_true(wait_with((struct slot_memory){.gated = 1}) < 10); /* nor can a worker before its gate */
    assert_int_equal(wait_with((struct slot_memory){.gated = 1, .made = 1}), REACTOR_TICK_MS);
    assert_int_equal(wait_with((struct slot_memory){.keepers = {{.phase = KEEPER_LEAVING}}}),
                     REACTOR_TICK_MS);
}

static void give_way(struct reactor *r)
{
    log_event(LOG_LEVEL_INFO, "event=last_words");
    r->gives_way = true;
}

static void gives_way__what_was_logged_is_written_first(void **state)
{
    (void)state;
    on_look = give_way;
    assert_int_equal(run(), 0);
    assert_int_equal(seen->looks, 1);
    assert_int_equal(seen->ticks, 0);
    assert_non_null(strstr(output, "event=last_words"));
}

/* ---- the master's death ---- */

static void kill_master(void)
{
    const uint64_t one = 1;

    assert_int_equal(write(FD_MASTER, &one, sizeof one), sizeof one);
}

static struct sockaddr_in make_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    assert_int_equal(heritage_place(socket(AF_INET, SOCK_STREAM, 0), FD_LISTENER), 0);
    assert_int_equal(bind(FD_LISTENER, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(FD_LISTENER, 4), 0);
    assert_int_equal(getsockname(FD_LISTENER, (struct sockaddr *)&address, &length), 0);
    return address;
}

static void master_died__nobody_is_served__port_is_free_and_it_leaves(void **state)
{
    struct sockaddr_in address = make_listener();
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    kill_master();
    assert_int_equal(run(), 1);
    assert_int_equal(seen->looks, 0);
    assert_non_null(strstr(output, "event=master_died connections=0"));
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(client);
}

/* Its log goes on as long as a worker lives, to the drain deadline or for ever. */
static void master_died__a_worker_lives_a_while__leaves_after_it(void **state)
{
    struct board *board = shared_board(pages, 0);
    pid_t worker;

    (void)state;
    make_listener();
    has_memory = true;
    memory.slot_limit = 1;
    worker = fork();
    assert_true(worker >= 0);
    if (worker == 0) { /* serves until the listener is shut down */
        struct pollfd shut = {.fd = FD_LISTENER, .events = POLLIN};

        __real_poll(&shut, 1, 5000);
        log_init(FD_LOG, LOG_LEVEL_INFO);
        log_event(LOG_LEVEL_INFO, "event=worker_ends hang_up=%d", (shut.revents & POLLHUP) != 0);
        _exit(0);
    }
    atomic_store(&board->worker.generation, 1);
    atomic_store(&board->worker.pid, worker);
    kill_master();
    assert_int_equal(run(), 1);
    assert_non_null(strstr(output, "event=master_died"));
    assert_non_null(strstr(output, "event=worker_ends hang_up=1"));
    assert_int_equal(waitpid(worker, NULL, 0), worker);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(first__says_its_image_and_starts__with_the_settings_of_the_start),
        TEST(first__protection__as_wanted_and_as_the_kernel_lets),
        TEST(next__resumes__before_it_says_what_it_is),
        TEST(next__of_the_new_image__says_that_it_was_upgraded),
        TEST(next__master_could_not_become_it__says_why),
        TEST(next__master_became_it_and_came_back__says_why),
        TEST(next__an_older_image_had_failed__no_reason),
        TEST(turns__ticks_at_intervals__and_leaves_a_sign_of_life),
        TEST(turns__a_keeper_is_on_its_way__short_waits_since_it_cannot_wake_us),
        TEST(gives_way__what_was_logged_is_written_first),
        TEST(master_died__nobody_is_served__port_is_free_and_it_leaves),
        TEST(master_died__a_worker_lives_a_while__leaves_after_it),
    };

    /* The fixed numbers are the test's alone: cmocka uses the standard streams. */
    close_range(STDERR_FILENO + 1, ~0u, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
