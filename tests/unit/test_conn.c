/* The table of connections and the lists that run through it. */
/* wrap: mmap */
#include "tests/support/cmocka_all.h"

#include "worker/conn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPACITY 8

static struct conn_table table;
static bool mmap_fails;

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!mmap_fails)
        return __real_mmap(address, size, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static int open_with(int64_t idle_ms, int64_t write_ms)
{
    mmap_fails = false;
    return conn_table_init(&table, CAPACITY, (struct conn_timeouts){idle_ms, write_ms});
}

static int open_table(void **state)
{
    (void)state;
    return open_with(1000, 500);
}

static int close_table(void **state)
{
    (void)state;
    return munmap(table.conns, CAPACITY * sizeof(struct conn));
}

static struct conn *opened(unsigned index)
{
    struct conn *conn = conn_find(&table, FIRST_CONNECTION + (int)index);

    conn_open(&table, conn);
    return conn;
}

/* ---- numbers ---- */

static void init__no_memory__error_and_table_untouched(void **state)
{
    struct conn_table other = {.capacity = 77};

    (void)state;
    mmap_fails = true;
    assert_int_equal(conn_table_init(&other, CAPACITY, (struct conn_timeouts){0, 0}), -ENOMEM);
    assert_int_equal(other.capacity, 77);
    mmap_fails = false;
}

static void find__number_of_the_table__conn_with_that_number(void **state)
{
    (void)state;
    for (int fd = FIRST_CONNECTION; fd < FIRST_CONNECTION + CAPACITY; fd++)
        assert_int_equal(conn_fd(&table, conn_find(&table, fd)), fd);
}

static void find__number_outside__null(void **state)
{
    const int outside[] = {-1, 0, FIRST_CONNECTION - 1, FIRST_CONNECTION + CAPACITY, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_null(conn_find(&table, outside[i]));
}

/* ---- life ---- */

static void open_close__counted_and_clean_again(void **state)
{
    struct conn *conn = opened(3);

    (void)state;
    assert_int_equal(table.open_count, 1);
    conn->flags |= CONN_BLOCKED;
    conn->unsent_mark = 5;
    conn_close(&table, conn);
    assert_int_equal(conn->state, CONN_CLOSED);
    assert_int_equal(table.open_count, 0);
    conn_open(&table, conn);
    assert_int_equal(conn->state, CONN_OPEN);
    assert_int_equal(conn->flags, 0);
    assert_int_equal(conn->unsent_mark, 0);
}

/* Runs in a child, since it must die. */
static bool dies(void (*step)(struct conn *), struct conn *conn)
{
    const struct rlimit none = {0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        step(conn);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void open_it(struct conn *conn)
{
    conn_open(&table, conn);
}

static void close_it(struct conn *conn)
{
    conn_close(&table, conn);
}

static void open_close__in_the_wrong_state__check_fails(void **state)
{
    struct conn *conn = conn_find(&table, FIRST_CONNECTION);

    (void)state;
    assert_true(dies(close_it, conn));
    assert_false(dies(open_it, conn));
    conn_open(&table, conn);
    assert_true(dies(open_it, conn));
    assert_false(dies(close_it, conn));
}

/* ---- the ready list ---- */

static void ready__several__first_in_first_out(void **state)
{
    struct conn *a = opened(5), *b = opened(0), *c = opened(7);

    (void)state;
    conn_ready_push(&table, a);
    conn_ready_push(&table, b);
    conn_ready_push(&table, c);
    assert_int_equal(table.ready_count, 3);
    assert_ptr_equal(conn_ready_pop(&table), a);
    conn_ready_push(&table, a); /* to the back again */
    assert_ptr_equal(conn_ready_pop(&table), b);
    assert_ptr_equal(conn_ready_pop(&table), c);
    assert_ptr_equal(conn_ready_pop(&table), a);
    assert_null(conn_ready_pop(&table));
    assert_int_equal(table.ready_count, 0);
}

static void ready__pushed_twice__in_it_once(void **state)
{
    struct conn *a = opened(1), *b = opened(2);

    (void)state;
    conn_ready_push(&table, a);
    conn_ready_push(&table, b);
    conn_ready_push(&table, a);
    assert_int_equal(table.ready_count, 2);
    assert_ptr_equal(conn_ready_pop(&table), a);
    assert_ptr_equal(conn_ready_pop(&table), b);
    assert_null(conn_ready_pop(&table));
}

/* The list is linked one way: a number closed meanwhile stays in it, and its next use must not enter twice.
 */
static void ready__number_closed_and_used_again__in_it_once(void **state)
{
    struct conn *a = opened(1), *b = opened(2);

    (void)state;
    conn_ready_push(&table, a);
    conn_ready_push(&table, b);
    conn_close(&table, a);
    conn_open(&table, a);
    conn_ready_push(&table, a);
    assert_int_equal(table.ready_count, 2);
    assert_ptr_equal(conn_ready_pop(&table), a);
    assert_ptr_equal(conn_ready_pop(&table), b);
    assert_null(conn_ready_pop(&table));
}

/* ---- deadlines ---- */

static void deadline__time_is_up__each_once_and_in_order(void **state)
{
    struct conn *a = opened(1), *b = opened(2);
    uint32_t timeout_ticks = table.deadlines[DEADLINE_IDLE].timeout_ticks;

    (void)state;
    assert_int_equal(timeout_ticks, 1000 / TICK_MS + 1); /* never early: the first tick is partly over */
    conn_deadline_set(&table, b, DEADLINE_IDLE, 10);
    conn_deadline_set(&table, a, DEADLINE_IDLE, 11);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 10 + timeout_ticks - 1));
    assert_ptr_equal(conn_deadline_expired(&table, DEADLINE_IDLE, 10 + timeout_ticks), b);
    assert_int_equal(b->deadline, DEADLINE_NONE);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 10 + timeout_ticks));
    assert_ptr_equal(conn_deadline_expired(&table, DEADLINE_IDLE, 11 + timeout_ticks), a);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 1000));
}

static void deadline__set_anew__counts_from_then(void **state)
{
    struct conn *a = opened(1);
    uint32_t timeout_ticks = table.deadlines[DEADLINE_IDLE].timeout_ticks;

    (void)state;
    conn_deadline_set(&table, a, DEADLINE_IDLE, 10);
    conn_deadline_set(&table, a, DEADLINE_IDLE, 15);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 14 + timeout_ticks));
    assert_ptr_equal(conn_deadline_expired(&table, DEADLINE_IDLE, 15 + timeout_ticks), a);
}

static void deadline__other_kind__leaves_the_first(void **state)
{
    struct conn *a = opened(1);

    (void)state;
    conn_deadline_set(&table, a, DEADLINE_IDLE, 10);
    conn_deadline_set(&table, a, DEADLINE_LINGER, 10);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 1000));
    assert_ptr_equal(conn_deadline_expired(&table, DEADLINE_LINGER, 1000), a);
}

static void deadline__none_or_closed__disarmed(void **state)
{
    struct conn *a = opened(1), *b = opened(2);

    (void)state;
    assert_false(conn_deadlines_any(&table));
    conn_deadline_set(&table, a, DEADLINE_IDLE, 10);
    conn_deadline_set(&table, b, DEADLINE_WRITE, 10);
    assert_true(conn_deadlines_any(&table));
    conn_deadline_set(&table, a, DEADLINE_NONE, 10);
    assert_true(conn_deadlines_any(&table));
    conn_close(&table, b);
    assert_false(conn_deadlines_any(&table));
    assert_null(conn_deadline_expired(&table, DEADLINE_WRITE, 1000));
}

static void deadline__timeout_off__never(void **state)
{
    (void)state;
    close_table(NULL);
    assert_int_equal(open_with(0, 0), 0);
    struct conn *a = opened(1);
    conn_deadline_set(&table, a, DEADLINE_LINGER, 10);
    conn_deadline_set(&table, a, DEADLINE_IDLE, 10); /* off: but the linger is over */
    assert_false(conn_deadlines_any(&table));
    conn_deadline_set(&table, a, DEADLINE_WRITE, 10);
    assert_null(conn_deadline_expired(&table, DEADLINE_IDLE, 100000));
    assert_null(conn_deadline_expired(&table, DEADLINE_WRITE, 100000));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)
    const struct CMUnitTest tests[] = {
        TEST(init__no_memory__error_and_table_untouched),
        TEST(find__number_of_the_table__conn_with_that_number),
        TEST(find__number_outside__null),
        TEST(open_close__counted_and_clean_again),
        TEST(open_close__in_the_wrong_state__check_fails),
        TEST(ready__several__first_in_first_out),
        TEST(ready__pushed_twice__in_it_once),
        TEST(ready__number_closed_and_used_again__in_it_once),
        TEST(deadline__time_is_up__each_once_and_in_order),
        TEST(deadline__set_anew__counts_from_then),
        TEST(deadline__other_kind__leaves_the_first),
        TEST(deadline__none_or_closed__disarmed),
        TEST(deadline__timeout_off__never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
