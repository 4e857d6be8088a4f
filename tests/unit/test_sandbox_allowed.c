/* What a confined worker may call: all that it needs to serve, to tell others and to die in its own way. */
/* wrap: syscall mprotect setrlimit prctl sysconf */
#include "tests/support/cmocka_all.h"

#include "tests/support/sandbox_fixture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int ends[2];

static int exchange(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = ends[0]};
    char bytes[8];
    int unread = 0, unsent = 0;
    const struct linger none = {.l_onoff = 1};
    socklen_t length = sizeof unread;

    if (epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, ends[0], &event) < 0 || epoll_wait(FD_EPOLL, &event, 1, 1000) != 1)
        return 1;
    if (recv(ends[0], bytes, sizeof bytes, MSG_PEEK) != 5 || send(ends[0], "HELLO", 5, MSG_NOSIGNAL) != 5)
        return 2;
    if (ioctl(ends[0], FIONREAD, &unread) < 0 || ioctl(ends[0], TIOCOUTQ, &unsent) < 0 || unread != 5)
        return 3;
    if (getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &unread, &length) < 0)
        return 4;
    if (setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0 || shutdown(ends[0], SHUT_WR) < 0)
        return 5;
    setsockopt(ends[0], SOL_SOCKET, SO_OOBINLINE, &unread, sizeof unread);
    setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &unread, sizeof unread);
    return close(ends[0]) == 0 ? CONFINED_SURVIVED : 6;
}

static void answering__all_its_calls__are_allowed(void **state)
{
    char bytes[8] = "";

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(heritage_place(epoll_create1(0), FD_EPOLL), 0);
    assert_int_equal(send(ends[1], "hello", 5, 0), 5);
    assert_int_equal(confined_code_of(exchange), CONFINED_SURVIVED);
    assert_int_equal(recv(ends[1], bytes, sizeof bytes, 0), 5);
    assert_string_equal(bytes, "HELLO");
    close(ends[0]);
    close(ends[1]);
    close(FD_EPOLL);
}

/* Poking the first slot and the last, waking the supervisor, a line for the log. */
static int tell_others(void)
{
    const int numbers[] = {FD_LOG, FD_SUPERVISOR, FD_POKE, FD_POKE + SLOT_COUNT_MAX - 1, STDERR_FILENO};

    const int told[] = {FD_TICK, FD_POKE + CONFINED_SLOT};
    char nothing;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (write(numbers[i], "", 0) < 0 && errno != EBADF && errno != EINVAL)
            return 1;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (read(told[i], &nothing, 0) < 0 && errno != EBADF && errno != EINVAL)
            return 2;
    return CONFINED_SURVIVED;
}

static int use_memory_and_time(void)
{
    const struct timespec moment = {.tv_nsec = 1};
    uint32_t word = 0;
    void *memory =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    void *blocks[64];

    for (size_t i = 0; i < 64; i++)
        blocks[i] = malloc(i << 12);
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    munmap(memory, 1 << 20);
    nanosleep(&moment, NULL);
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, &moment, NULL, 0);
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    return memory == MAP_FAILED || syscall(-1L) != -1;
}

static void other_needs__are_allowed(void **state)
{
    (void)state;
    assert_int_equal(confined_code_of(tell_others), CONFINED_SURVIVED);
    assert_int_equal(confined_code_of(use_memory_and_time), CONFINED_SURVIVED);
}

static int call_abort(void)
{
    abort();
}

static int kill_oneself(void)
{
    raise(SIGKILL);
    return CONFINED_SURVIVED;
}

static void dying__in_its_own_way__true_cause(void **state)
{
    (void)state;
    assert_int_equal(confined_signal_of(call_abort), SIGABRT);
    assert_int_equal(confined_signal_of(kill_oneself), SIGKILL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, confined_begin, confined_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answering__all_its_calls__are_allowed),
        TEST(other_needs__are_allowed),
        TEST(dying__in_its_own_way__true_cause),
    };

    return cmocka_run_group_tests_name("sandbox_allowed", tests, NULL, NULL);
}
