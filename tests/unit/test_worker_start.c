/* A worker that starts where the kernel has nothing more to give: what it tries again, and what it says and leaves. */
/* wrap: mmap madvise conn_table_init epoll_ctl nanosleep sandbox_apply */
#include "tests/support/cmocka_all.h"

#include "tests/support/life_fixture.h"
#include "worker/heritage.h"
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>

/* What the process under test finds broken. */
static struct {
    const char *call; /* fails with `error`; NULL: none */
    int error;
    int number;     /* epoll_ctl: for this descriptor alone */
    unsigned count; /* so often; 0: always */
} bend;

static bool fails(const char *call)
{
    errno = bend.error;
    if (!bend.call || strcmp(bend.call, call) != 0)
        return false;
    if (bend.count > 0 && --bend.count == 0)
        bend.call = NULL;
    return true;
}

uint32_t __real_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core);
uint32_t __wrap_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core);

uint32_t __wrap_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core)
{
    return fails("sandbox_apply") ? 0 : __real_sandbox_apply(pages, slot, plan, core);
}

void *__real_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    return fails("mmap") ? MAP_FAILED : __real_mmap(at, length, protection, flags, fd, offset);
}

int __real_madvise(void *at, size_t length, int advice);
int __wrap_madvise(void *at, size_t length, int advice);

int __wrap_madvise(void *at, size_t length, int advice)
{
    return fails("madvise") ? -1 : __real_madvise(at, length, advice);
}

int __real_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);
int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);

int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts)
{
    return fails("conn_table_init") ? -bend.error : __real_conn_table_init(table, capacity, timeouts);
}

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    bool is_bent = fd == bend.number && operation == EPOLL_CTL_ADD && fails("epoll_ctl");
    return is_bent ? -1 : __real_epoll_ctl(set, operation, fd, event);
}

/* Nobody has time for that here. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    assert_int_equal(wanted->tv_nsec, 100000000);
    atomic_fetch_add(&life.seen->pauses, 1);
    return 0;
}

static int open_unbent(void **state)
{
    memset(&bend, 0, sizeof bend);
    return life_open(state);
}

static int close_unbent(void **state)
{
    memset(&bend, 0, sizeof bend);
    return life_close(state);
}

/* ---- what comes of it ---- */

static void expect_no_start(const char *what, const char *why)
{
    char text[512], expected[512];

    life_start();
    assert_int_equal(life_end(), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&life.board->ready_generation), 0);
    assert_int_equal(atomic_load(&life.board->left_generation), 0);
    assert_true(worker_fixture_read_log(text, sizeof text));
    snprintf(expected, sizeof expected, "event=failed what=%s slot=%u why=%s", what,
             life.fixture.options.slot, why);
    assert_string_equal(text, expected);
}

/* The third try is the last that fails. */
static void expect_late_start(const char *call, int error)
{
    bend.call = call;
    bend.error = error;
    bend.number = FD_TICK;
    bend.count = 3;
    life_start();
    life_wait_ready();
    assert_int_equal(atomic_load(&life.seen->pauses), 3);
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
}

/* ---- memory and room ---- */

static void start__no_buffers__said_and_left(void **state)
{
    (void)state;
    bend.call = "mmap";
    expect_no_start("worker_start", "ENOMEM");
}

static void start__memory_for_buffers_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("mmap", ENOMEM);
}

static void start__memory_for_its_journal_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("madvise", ENOMEM);
}

static void start__memory_for_its_journal_is_never_there__said_and_left(void **state)
{
    (void)state;
    bend.call = "madvise";
    bend.error = ENOMEM;
    expect_no_start("worker_start", "ENOMEM");
}

static void start__memory_for_its_table_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("conn_table_init", ENOMEM);
}

static void start__memory_is_never_there__tried_for_two_seconds(void **state)
{
    (void)state;
    bend.call = "mmap";
    bend.error = ENOMEM;
    expect_no_start("worker_start", "ENOMEM");
    assert_int_equal(atomic_load(&life.seen->pauses), 19);
}

static void start__kernel_cannot_be_asked_for_the_journal__serves(void **state)
{
    (void)state;
    bend.call = "madvise";
    bend.error = EINVAL;
    life_start();
    life_wait_ready();
    assert_int_equal(atomic_load(&life.seen->pauses), 0);
    life_order_to_leave();
    life_expect_left();
}

static void start__epoll_has_room_again__serves(void **state)
{
    (void)state;
    expect_late_start("epoll_ctl", ENOSPC);
}

static void start__no_connection_table__said_and_left(void **state)
{
    (void)state;
    bend.call = "conn_table_init";
    bend.error = EOVERFLOW;
    expect_no_start("worker_start", "EOVERFLOW");
}

static void start__epoll_takes_no_timer__said_and_left(void **state)
{
    (void)state;
    bend.call = "epoll_ctl";
    bend.number = FD_TICK;
    bend.error = ENOSPC;
    expect_no_start("worker_start", "ENOSPC");
}

/* ---- anything else ---- */

/* One that was to be another user must not serve as this one. */
static void start__ids_cannot_be_changed__said_and_left(void **state)
{
    (void)state;
    bend.call = "sandbox_apply";
    bend.error = EPERM;
    expect_no_start("user", "EPERM");
}

/* Or else the failed start would be blamed on the connection that the last worker died of. */
static void start__fails__what_the_last_one_was_doing_is_wiped(void **state)
{
    (void)state;
    atomic_store(&life.board->current, (uint64_t)FIRST_CONNECTION << 8 | PHASE_ANSWERING);
    atomic_store(&life.board->in_service, 1);
    bend.call = "mmap";
    expect_no_start("worker_start", "ENOMEM");
    assert_int_equal(atomic_load(&life.board->current), 0);
    assert_int_equal(atomic_load(&life.board->in_service), 0);
}

/* Settings are the supervisor's: nonsense there is a bug of ours, and the board says which. */
static void start__no_such_service__is_a_failed_check(void **state)
{
    (void)state;
    life.board->settings.service_index = 1000;
    life_start();
    assert_int_equal(life_end(), -SIGABRT);
    assert_int_equal(atomic_load(&life.board->check_generation), FIXTURE_GENERATION);
    assert_non_null(strstr(life.board->check_note, "service != NULL"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_unbent, close_unbent)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(start__no_buffers__said_and_left),
        TEST(start__memory_for_buffers_is_there_again__serves),
        TEST(start__memory_for_its_journal_is_there_again__serves),
        TEST(start__memory_for_its_journal_is_never_there__said_and_left),
        TEST(start__kernel_cannot_be_asked_for_the_journal__serves),
        TEST(start__memory_for_its_table_is_there_again__serves),
        TEST(start__epoll_has_room_again__serves),
        TEST(start__memory_is_never_there__tried_for_two_seconds),
        TEST(start__no_connection_table__said_and_left),
        TEST(start__epoll_takes_no_timer__said_and_left),
        TEST(start__fails__what_the_last_one_was_doing_is_wiped),
        TEST(start__no_such_service__is_a_failed_check),
        TEST(start__ids_cannot_be_changed__said_and_left),
    };

    return cmocka_run_group_tests_name("worker_start", tests, NULL, NULL);
}
