/*
 * The system calls of a worker, answered by the model: the linker sends them here, by the names below. A call
 * that changes something has a point on either side of the change, one that only looks has one.
 */
/* wrap: recv send accept4 close shutdown setsockopt getsockopt ioctl getpeername */
/* wrap: epoll_ctl epoll_wait read write timerfd_settime clock_gettime mmap madvise _exit */
/* wrap: sigprocmask signal fcntl crash_handler_install title_set check_failed */
#include "tests/model/socket_kernel.h"
#include "tests/model/socket_trial.h"
#include "worker/board.h"
#include "worker/heritage.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

/* ---- helpers ---- */

static ssize_t as_result(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

static int fault_of_memory(void)
{
    static const int errors[] = {EINTR, ENOMEM, ENOBUFS, 0};

    return trial_fault(errors);
}

/* ---- connections ---- */

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    trial_point(flags & MSG_PEEK ? "peek" : "recv", fd);

    /* What is taken from the queue is dropped there: that needs no memory. */
    static const int interrupted[] = {EINTR, 0};
    int fault = flags & MSG_PEEK ? fault_of_memory() : trial_fault(interrupted);
    ssize_t result = fault ? -fault : socket_kernel_recv(fd, bytes, size, flags);

    if (!(flags & MSG_DONTWAIT))
        trial_fail("recv would block");
    if (!(flags & MSG_PEEK))
        trial_point("recv done", fd);
    return as_result(result);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    trial_point("send", fd);

    int fault = fault_of_memory();
    ssize_t result = fault ? -fault : socket_kernel_send(fd, bytes, size);

    if ((flags & (MSG_DONTWAIT | MSG_NOSIGNAL)) != (MSG_DONTWAIT | MSG_NOSIGNAL))
        trial_fail("send would block or signal");
    trial_point("send done", fd);
    return as_result(result);
}

static socklen_t write_peer(struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(1024), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    memcpy(address, &peer, length < sizeof peer ? length : sizeof peer);
    return sizeof peer;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    static const int errors[] = {EINTR, EMFILE, ENOBUFS, EAGAIN, 0};

    trial_point("accept4", fd);

    int fault = trial_fault(errors);
    int result = fault ? -fault : socket_kernel_accept();

    if (result >= 0)
        *length = write_peer(address, *length);
    if (!(flags & SOCK_NONBLOCK))
        trial_fail("accept4 without SOCK_NONBLOCK");
    trial_point("accept4 done", result);
    return (int)as_result(result);
}

int __wrap_close(int fd);
int __wrap_close(int fd)
{
    trial_point("close", fd);

    int result = socket_kernel_close(fd);

    trial_point("close done", fd);
    return (int)as_result(result);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    (void)how;
    trial_point("shutdown", fd);

    int result = socket_kernel_shutdown(fd);

    trial_point("shutdown done", fd);
    return (int)as_result(result);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    struct linger linger;

    trial_point("setsockopt", fd);
    if (level == SOL_SOCKET && option == SO_OOBINLINE)
        return (int)as_result(socket_kernel_oob_inline(fd));
    if (level != SOL_SOCKET || option != SO_LINGER || length != sizeof linger)
        trial_fail("setsockopt of %d/%d is not modelled", level, option);
    memcpy(&linger, value, sizeof linger);
    if (!linger.l_onoff || linger.l_linger != 0)
        trial_fail("SO_LINGER that waits is not modelled");
    return (int)as_result(socket_kernel_linger_0(fd));
}

static int write_tcp_info(const struct socket_client *c, void *value, socklen_t *length)
{
    const struct tcp_info info = {.tcpi_state = socket_state(&c->socket),
                                  .tcpi_bytes_received = socket_bytes_received(&c->socket),
                                  .tcpi_bytes_acked = socket_bytes_acked(&c->socket)};

    if (c->socket.is_unix)
        return -EOPNOTSUPP;
    memcpy(value, &info, *length < sizeof info ? *length : sizeof info);
    return 0;
}

int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    struct socket_client *c = socket_kernel_client(fd);
    int number = option == SO_TYPE ? SOCK_STREAM : 0;

    trial_point("getsockopt", fd);
    if (!c)
        return (int)as_result(-EBADF);
    if (level == IPPROTO_TCP && option == TCP_INFO)
        return (int)as_result(write_tcp_info(c, value, length));
    if (level == SOL_SOCKET && option == SO_LINGER) {
        const struct linger linger = {.l_onoff = c->linger_0};

        memcpy(value, &linger, *length < sizeof linger ? *length : sizeof linger);
        return 0;
    }
    if (level != SOL_SOCKET || (option != SO_TYPE && option != SO_ACCEPTCONN))
        trial_fail("getsockopt of %d/%d is not modelled", level, option);
    memcpy(value, &number, sizeof number);
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    struct socket_client *c = socket_kernel_client(fd);
    va_list arguments;

    va_start(arguments, request);
    int *value = va_arg(arguments, int *);
    va_end(arguments);
    trial_point("ioctl", fd);
    if (!c)
        return (int)as_result(-EBADF);
    *value = request == SIOCINQ ? socket_unread(&c->socket) : socket_unsent(&c->socket);
    return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    struct socket_client *c = socket_kernel_client(fd);

    trial_point("getpeername", fd);
    if (!c || c->has_reset)
        return (int)as_result(-ENOTCONN);
    *length = write_peer(address, *length);
    return 0;
}

/* ---- epoll, eventfds, timer, clock ---- */

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    (void)epoll;
    trial_point("epoll_ctl", fd);

    int result = socket_kernel_epoll_ctl(operation, fd, event);

    trial_point("epoll_ctl done", fd);
    return (int)as_result(result);
}

/* Sleeps as long as the kernel would: until there is an event, or the time is over. */
static int wait_for_events(struct epoll_event *events, int count_max, int timeout_ms)
{
    for (;;) {
        int count = socket_kernel_collect(events, count_max);

        if (count > 0 || timeout_ms == 0)
            return count;
        if (trial_step_clients())
            continue;

        int64_t before_ns = socket_kernel_now_ns();
        bool passed = socket_kernel_pass_time(timeout_ms);

        trial_rest(passed);
        if (timeout_ms > 0 && socket_kernel_now_ns() - before_ns >= (int64_t)timeout_ms * 1000000)
            return 0;
    }
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count_max, int timeout_ms);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count_max, int timeout_ms)
{
    static const int errors[] = {EINTR, 0};
    /* Fewer events than asked for are as right, and make more turns. */
    int cap = trial_fault(errors) ? 1 : count_max;

    trial_point("epoll_wait", epoll);

    int fault = trial_fault(errors);
    int result = fault ? -fault : wait_for_events(events, cap, timeout_ms);

    trial_point("epoll_wait done", result);
    return (int)as_result(result);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    uint64_t value = 0;

    trial_point("read", fd);

    ssize_t result = socket_kernel_read(fd, &value);

    memcpy(bytes, &value, size < sizeof value ? size : sizeof value);
    trial_point("read done", fd);
    return as_result(result);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    uint64_t value;

    if (fd == FD_LOG) /* only errors are logged here, and there must be none */
        trial_fail("the worker says: %.*s", (int)(size - 16), (const char *)bytes + 16);
    trial_point("write", fd);
    memcpy(&value, bytes, sizeof value);

    ssize_t result = socket_kernel_write(fd, value);

    trial_point("write done", fd);
    return as_result(result);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
    (void)flags;
    (void)before;
    trial_point("timerfd_settime", fd);
    return socket_kernel_set_timer((int64_t)wanted->it_interval.tv_sec * 1000000000 +
                                   wanted->it_interval.tv_nsec);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t now_ns = socket_kernel_now_ns();

    (void)clock;
    *now = (struct timespec){.tv_sec = now_ns / 1000000000, .tv_nsec = now_ns % 1000000000};
    return 0;
}

/* ---- a process of its own: memory that is new in each life, and an end ---- */

static struct {
    _Alignas(4096) unsigned char bytes[1 << 18];
    size_t used;
} memory;

/* worker_main() asks for its memory at birth; its first request is the pair of chunk buffers. */
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int fd, off_t offset)
{
    (void)where, (void)protection, (void)fd, (void)offset;
    if (flags & MAP_POPULATE)
        memory.used = 0;
    size = (size + 4095) / 4096 * 4096;
    if (memory.used + size > sizeof memory.bytes)
        trial_fail("more memory than expected: %zu bytes", size);
    void *place = memory.bytes + memory.used;
    memory.used += size;
    if (!(flags & MAP_POPULATE)) /* the buffers are written before they are read; new pages would be zero */
        memset(place, 0, size);
    return place;
}

int __wrap_madvise(void *where, size_t size, int advice);
int __wrap_madvise(void *where, size_t size, int advice)
{
    (void)where, (void)size, (void)advice;
    return 0;
}

_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap__exit(int status)
{
    trial_exited(status);
}

_Noreturn void __wrap_check_failed(const char *file, int line, const char *expression);
_Noreturn void __wrap_check_failed(const char *file, int line, const char *expression)
{
    trial_fail("%s:%d: CHECK(%s)", file, line, expression);
}

/* ---- what a worker does to itself, and a model must not let it ---- */

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
    (void)how, (void)set, (void)before;
    return 0;
}

typedef void (*signal_handler)(int);
signal_handler __wrap_signal(int number, signal_handler handler);
signal_handler __wrap_signal(int number, signal_handler handler)
{
    (void)number, (void)handler;
    return SIG_DFL;
}

int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    (void)fd, (void)command;
    return 0;
}

int __wrap_crash_handler_install(struct board *board, unsigned generation);
int __wrap_crash_handler_install(struct board *board, unsigned generation)
{
    (void)board, (void)generation;
    return 0;
}

void __wrap_title_set(const char *format, ...);
void __wrap_title_set(const char *format, ...)
{
    (void)format;
}
