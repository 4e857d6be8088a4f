/* The table that a keeper prepares for its slot, in a process of its own, and a kernel that has nothing more
 * to give. */
/* wrap: open dup2 epoll_create1 timerfd_create */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRAY = 700, HIGH_PLACEHOLDER = 800, NUMBER_COUNT = 1000 };

static struct worker_fixture fixture;

/* What the process under test leaves for the test to read. */
static struct report {
    int error;
    bool is_open[NUMBER_COUNT];
    struct stat stats[FIRST_CONNECTION];
    int epoll_error, timer_error; /* of a trial */
    int lowest_free;
} * report;

/* What the process under test finds broken. */
static struct {
    const char *call; /* fails with `error`; NULL: none */
    int error;
    int number;      /* dup2: for this descriptor alone */
    bool opens_high; /* open: as if every low number were taken */
} bend;

static bool fails(const char *call)
{
    errno = bend.error;
    return bend.call && strcmp(bend.call, call) == 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if (fails("open"))
        return -1;
    int fd = __real_open(path, flags);
    return bend.opens_high ? fcntl(fd, F_DUPFD, HIGH_PLACEHOLDER) : fd;
}

int __real_dup2(int from, int to);
int __wrap_dup2(int from, int to);

int __wrap_dup2(int from, int to)
{
    return to == bend.number && fails("dup2") ? -1 : __real_dup2(from, to);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);

int __wrap_epoll_create1(int flags)
{
    return fails("epoll_create1") ? -1 : __real_epoll_create1(flags);
}

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);

int __wrap_timerfd_create(int clock, int flags)
{
    return fails("timerfd_create") ? -1 : __real_timerfd_create(clock, flags);
}

static int begin(void **state)
{
    (void)state;
    memset(&bend, 0, sizeof bend);
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED)
        return -1;
    worker_fixture_open(&fixture, (struct fixture_options){0});
    return 0;
}

static int finish(void **state)
{
    (void)state;
    memset(&bend, 0, sizeof bend);
    worker_fixture_close(&fixture);
    return munmap(report, sizeof *report);
}

/* ---- in the child ---- */

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* In the child, whose own table it is. */
static void prepare_and_report(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct itimerspec spec;

    report->error = worker_prepare_table();
    for (int fd = 0; fd < NUMBER_COUNT; fd++)
        report->is_open[fd] = is_open(fd);
    for (int fd = 0; fd < FIRST_CONNECTION; fd++)
        fstat(fd, &report->stats[fd]);
    report->epoll_error = epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_TICK, &event) < 0 ? errno : 0;
    report->timer_error = timerfd_gettime(FD_TICK, &spec) < 0 ? errno : 0;
    report->lowest_free = dup(STDIN_FILENO);
}

/* Prepares the table in a child, and returns what that said. */
static int prepared(void)
{
    int status = -1;

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prepare_and_report();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return report->error;
}

/* ---- what it must be ---- */

static bool is_placeholder(int fd)
{
    struct stat null;

    assert_int_equal(stat("/dev/null", &null), 0);
    return S_ISCHR(report->stats[fd].st_mode) && report->stats[fd].st_rdev == null.st_rdev;
}

static bool is_as_inherited(int fd)
{
    struct stat here;

    assert_int_equal(fstat(fd, &here), 0);
    return here.st_ino == report->stats[fd].st_ino && here.st_dev == report->stats[fd].st_dev;
}

static void expect_low_numbers_taken_and_no_others(void)
{
    for (int fd = 0; fd < NUMBER_COUNT; fd++)
        assert_int_equal(report->is_open[fd], fd < FIRST_CONNECTION);
    assert_int_equal(report->lowest_free, FIRST_CONNECTION);
}

static void table__prepared__low_numbers_taken_and_no_others(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDIN_FILENO, STRAY), STRAY); /* somebody's, inherited by mistake */
    close_range(FD_POKE + SLOT_COUNT_MAX, FIRST_CONNECTION - 1, 0);
    assert_int_equal(prepared(), 0);
    expect_low_numbers_taken_and_no_others();
    assert_int_equal(report->epoll_error, 0);
    assert_int_equal(report->timer_error, 0);
}

/* The reading end of the log above all: a slot that held it would keep the pipe from ever breaking. */
static void table__prepared__keeps_the_heritage_alone(void **state)
{
    const int kept[] = {FD_LISTENER, FD_LOG, FD_MASTER, FD_SUPERVISOR, FD_POKE, FD_POKE + SLOT_COUNT_MAX - 1};

    (void)state;
    assert_int_equal(dup2(FD_LISTENER, FD_TICK + 1), FD_TICK + 1);
    assert_int_equal(dup2(FD_LISTENER, FD_POKE - 1), FD_POKE - 1);
    assert_int_equal(prepared(), 0);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_true(is_as_inherited(kept[i]));
    assert_true(is_placeholder(FD_LOG_READ));
    assert_true(is_placeholder(FD_TICK + 1));
    assert_true(is_placeholder(FD_POKE - 1));
}

/* Whoever closed a standard stream before the start gets no connection in its place. */
static void table__standard_stream_closed__its_number_taken(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    int error = prepared();
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(error, 0);
    assert_true(is_placeholder(STDIN_FILENO));
    expect_low_numbers_taken_and_no_others();
}

static void table__placeholder_opened_high__does_not_stay_there(void **state)
{
    (void)state;
    bend.opens_high = true;
    assert_int_equal(prepared(), 0);
    expect_low_numbers_taken_and_no_others();
}

static void table__no_epoll__is_told(void **state)
{
    (void)state;
    bend.call = "epoll_create1";
    bend.error = EMFILE;
    assert_int_equal(prepared(), -EMFILE);
}

static void table__no_timer__is_told(void **state)
{
    (void)state;
    bend.call = "timerfd_create";
    bend.error = ENFILE;
    assert_int_equal(prepared(), -ENFILE);
}

static void table__no_placeholder__is_told(void **state)
{
    (void)state;
    bend.call = "open";
    bend.error = EACCES;
    assert_int_equal(prepared(), -EACCES);
}

static void table__one_number_not_to_be_had__is_told_and_the_placeholder_closed(void **state)
{
    (void)state;
    bend.call = "dup2";
    bend.number = FD_TICK + 1;
    bend.error = EBUSY;
    assert_int_equal(prepared(), -EBUSY);
    assert_false(report->is_open[FD_LOG_READ]); /* the lowest free number: it was opened there */
    assert_false(report->is_open[FD_TICK + 1]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table__prepared__low_numbers_taken_and_no_others),
        TEST(table__prepared__keeps_the_heritage_alone),
        TEST(table__standard_stream_closed__its_number_taken),
        TEST(table__placeholder_opened_high__does_not_stay_there),
        TEST(table__no_epoll__is_told),
        TEST(table__no_timer__is_told),
        TEST(table__no_placeholder__is_told),
        TEST(table__one_number_not_to_be_had__is_told_and_the_placeholder_closed),
    };

    return cmocka_run_group_tests_name("worker table", tests, NULL, NULL);
}
