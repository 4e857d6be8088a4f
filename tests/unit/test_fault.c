/* Shots: a process with a plan on its page, and what its calls do then. */
/* wrap: accept4 recv send close shutdown epoll_wait epoll_ctl timerfd_settime read mmap nanosleep */
#include "tests/support/cmocka_all.h"

#include "worker/fault.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#ifdef WITH_FAULTS

enum { SLOT = 2, GENERATION = 4, PLAN_NUMBER = 2 };

static struct shared_pages *pages;
static struct fault_page *page;

/* The calls that really took place; nothing is done by them. */
static struct {
    int count;
    size_t size;
    int flags;
    int64_t slept_ms;
} real;

static int happen(size_t size, int flags)
{
    real.count++;
    real.size = size;
    real.flags = flags;
    return 5;
}

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    (void)fd;
    (void)peer;
    (void)length;
    return happen(0, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    (void)fd;
    (void)bytes;
    return happen(size, flags);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    (void)fd;
    (void)bytes;
    return happen(size, flags);
}

int __wrap_close(int fd);
int __wrap_close(int fd)
{
    (void)fd;
    return happen(0, 0);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    (void)fd;
    return happen(0, how);
}

int __wrap_epoll_wait(int set, struct epoll_event *events, int count_max, int timeout_ms);
int __wrap_epoll_wait(int set, struct epoll_event *events, int count_max, int timeout_ms)
{
    (void)events;
    (void)count_max;
    return happen((size_t)set, timeout_ms);
}

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    (void)fd;
    (void)event;
    return happen((size_t)set, operation);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
    (void)wanted;
    (void)before;
    return happen((size_t)fd, flags);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    (void)fd;
    (void)bytes;
    return happen(size, 0);
}

void *__real_mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (pages)
        happen(size, flags);
    return __real_mmap(where, size, protection, flags, fd, offset);
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    real.slept_ms += wanted->tv_sec * 1000 + wanted->tv_nsec / 1000000;
    errno = EINTR;
    return -1;
}

static int begin(void **state)
{
    (void)state;
    void *memory = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    pages = memory;
    page = &pages->orders.faults;
    memset(&real, 0, sizeof real);
    fault_arm(pages, FAULT_WORKER, SLOT, GENERATION);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    fault_disarm();
    munmap(pages, sizeof *pages);
    pages = NULL;
    return 0;
}

/* Every call, for everybody. */
static void order(enum fault_kind kind, uint32_t value)
{
    page->plan = (struct fault_plan){
        .processes = ~0u,
        .slot = -1,
        .rule_count = 1,
        .rules = {{.calls = ~0u, .kind = kind, .value = value, .one_in = 1}},
    };
    atomic_fetch_add(&page->number, PLAN_NUMBER);
    atomic_store(&page->armed, ~0u);
}

static uint32_t shots(enum fault_call call)
{
    return atomic_load(&shared_board(pages, SLOT)->worker_shots[call]);
}

static void call__nothing_ordered__takes_place(void **state)
{
    size_t size = 100;

    (void)state;
    assert_int_equal(fault_accept(3, NULL, NULL, SOCK_NONBLOCK), 5);
    assert_int_equal(real.flags, SOCK_NONBLOCK);
    assert_int_equal(fault_peek(3, NULL, &size, MSG_DONTWAIT), 5);
    assert_int_equal(real.flags, MSG_DONTWAIT | MSG_PEEK);
    assert_int_equal(size, 100);
    assert_int_equal(real.count, 2);
    assert_int_equal(shots(FAULT_accept), 0);
}

/* Every wrapper: fails with the error, is not made, is counted as its own call. */
static void call__error__fails_without_it_and_is_counted(void **state)
{
    struct epoll_event event = {0};
    struct itimerspec spec = {{0}, {0}};
    uint64_t value;
    size_t size = 100;

    (void)state;
    order(FAULT_ERROR, ENOMEM);
#define FAILS(call, which)                                                                                   \
    do {                                                                                                     \
        errno = 0;                                                                                           \
        assert_int_equal(call, -1);                                                                          \
        assert_int_equal(errno, ENOMEM);                                                                     \
        assert_int_equal(shots(which), 1);                                                                   \
    } while (0)
    FAILS(fault_accept(3, NULL, NULL, 0), FAULT_accept);
    FAILS(fault_fetch(3, NULL, &size, 0), FAULT_fetch);
    FAILS(fault_peek(3, NULL, &size, 0), FAULT_peek);
    FAILS(fault_recv(FAULT_take, 3, NULL, 9, 0), FAULT_take);
    FAILS(fault_recv(FAULT_discard, 3, NULL, 9, 0), FAULT_discard);
    FAILS(fault_send(3, NULL, &size, 0), FAULT_send);
    FAILS(fault_shutdown(3, SHUT_WR), FAULT_shutdown);
    FAILS(fault_epoll_wait(&event, 1, 0), FAULT_epoll_wait);
    FAILS(fault_epoll_ctl(EPOLL_CTL_ADD, 3, &event), FAULT_epoll_ctl);
    FAILS(fault_timerfd_settime(&spec), FAULT_timerfd);
    FAILS(fault_read(3, &value), FAULT_read);
    assert_true(fault_mmap(4096, 0) == MAP_FAILED);
    assert_int_equal(shots(FAULT_mmap), 1);
    assert_int_equal(real.count, 0);
}

static void close__error__closes_all_the_same(void **state)
{
    (void)state;
    assert_int_equal(fault_close(3), 5);
    order(FAULT_ERROR, EIO);
    assert_int_equal(fault_close(3), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(real.count, 2);
}

static void epoll_ctl__not_to_add__never_struck(void **state)
{
    struct epoll_event event = {0};

    (void)state;
    order(FAULT_ERROR, ENOMEM);
    assert_int_equal(fault_epoll_ctl(EPOLL_CTL_MOD, 3, &event), 5);
    assert_int_equal(fault_epoll_ctl(EPOLL_CTL_DEL, 3, NULL), 5);
    assert_int_equal(shots(FAULT_epoll_ctl), 0);
}

static void call__short__made_with_fewer_bytes_and_says_so(void **state)
{
    size_t size = 100;

    (void)state;
    order(FAULT_SHORT, 7);
    assert_int_equal(fault_peek(3, NULL, &size, 0), 5);
    assert_int_equal(size, 7);
    assert_int_equal(real.size, 7);
    size = 100;
    assert_int_equal(fault_send(3, NULL, &size, 0), 5);
    assert_int_equal(size, 7);
    assert_int_equal(fault_recv(FAULT_take, 3, NULL, 4, 0), 5);
    assert_int_equal(real.size, 3);
    assert_int_equal(shots(FAULT_peek), 1);
}

static void call__short_of_what_moves_nothing__no_shot(void **state)
{
    (void)state;
    order(FAULT_SHORT, 1);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), 5);
    assert_int_equal(fault_recv(FAULT_take, 3, NULL, 1, 0), 5);
    assert_int_equal(shots(FAULT_accept) + shots(FAULT_take), 0);
}

static void call__delay__sleeps_then_takes_place(void **state)
{
    (void)state;
    order(FAULT_DELAY, 1250);
    errno = ENOENT;
    assert_int_equal(fault_accept(3, NULL, NULL, 0), 5);
    assert_int_equal(real.slept_ms, 1250);
    assert_int_equal(errno, ENOENT); /* a sleep that was interrupted is nobody's business */
    assert_int_equal(shots(FAULT_accept), 1);
}

static void call__die__killed_there_and_counted(void **state)
{
    (void)state;
    order(FAULT_DIE, 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fault_accept(3, NULL, NULL, 0);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(shots(FAULT_accept), 1);
}

static void call__armed_but_for_others__takes_place(void **state)
{
    (void)state;
    order(FAULT_ERROR, ENOMEM);
    page->plan.slot = SLOT + 1;
    assert_int_equal(fault_accept(3, NULL, NULL, 0), 5);
    assert_int_equal(shots(FAULT_accept), 0);
}

static void plan__being_written__nothing_until_it_is_whole(void **state)
{
    (void)state;
    order(FAULT_ERROR, ENOMEM);
    atomic_fetch_add(&page->number, 1);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), 5);
    atomic_fetch_add(&page->number, 1);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), -1);
}

static void plan__another_one__holds_from_the_next_call_on(void **state)
{
    (void)state;
    order(FAULT_ERROR, ENOMEM);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), -1);
    assert_int_equal(errno, ENOMEM);
    order(FAULT_ERROR, EMFILE);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), -1);
    assert_int_equal(errno, EMFILE);
    atomic_store(&page->armed, 0);
    assert_int_equal(fault_accept(3, NULL, NULL, 0), 5);
    assert_int_equal(shots(FAULT_accept), 2);
}

static void arm__keeper_and_supervisor__cells_of_their_own(void **state)
{
    (void)state;
    order(FAULT_ERROR, ENOMEM);
    fault_arm(pages, FAULT_KEEPER, SLOT, 1);
    assert_true(fault_fails(FAULT_clone));
    fault_arm(pages, FAULT_SUPERVISOR, 0, 1);
    assert_true(fault_fails(FAULT_clone));
    assert_true(fault_fails(FAULT_clone));
    assert_int_equal(atomic_load(&shared_board(pages, SLOT)->keeper_shots[FAULT_clone]), 1);
    assert_int_equal(atomic_load(&page->supervisor_shots[FAULT_clone]), 2);
    assert_int_equal(shots(FAULT_clone), 0);
}

static void disarm__nothing_fires(void **state)
{
    (void)state;
    order(FAULT_ERROR, ENOMEM);
    fault_disarm();
    assert_false(fault_fails(FAULT_poke));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(call__nothing_ordered__takes_place),
        TEST(call__error__fails_without_it_and_is_counted),
        TEST(close__error__closes_all_the_same),
        TEST(epoll_ctl__not_to_add__never_struck),
        TEST(call__short__made_with_fewer_bytes_and_says_so),
        TEST(call__short_of_what_moves_nothing__no_shot),
        TEST(call__delay__sleeps_then_takes_place),
        TEST(call__die__killed_there_and_counted),
        TEST(call__armed_but_for_others__takes_place),
        TEST(plan__being_written__nothing_until_it_is_whole),
        TEST(plan__another_one__holds_from_the_next_call_on),
        TEST(arm__keeper_and_supervisor__cells_of_their_own),
        TEST(disarm__nothing_fires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void call__without_faults__is_the_bare_one(void **state)
{
    (void)state;
    assert_int_equal(FAULT_BUILT_IN, 0);
    assert_false(fault_fails(FAULT_accept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(call__without_faults__is_the_bare_one)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
