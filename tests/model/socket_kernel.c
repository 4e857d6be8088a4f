#include "tests/model/socket_kernel.h"

#include "tests/model/socket_trial.h"
#include "worker/heritage.h"

#include <errno.h>
#include <string.h>

static struct {
    struct socket_epoll epoll;
    struct socket_client *table[SOCKET_EPOLL_FD_COUNT]; /* from FIRST_CONNECTION on */
    struct socket_client *queue[SOCKET_KERNEL_CLIENT_COUNT_MAX];
    unsigned queue_count, connection_count_max;
    bool is_shut;                                    /* the listener */
    uint64_t counts[FIRST_CONNECTION];               /* of eventfds and the timer */
    int64_t now_ns, timer_due_ns, timer_interval_ns; /* interval 0: not armed */
} kernel;

/* ---- descriptors ---- */

static uint32_t poll_fd(int fd)
{
    if (fd >= FIRST_CONNECTION)
        return socket_poll(&kernel.table[fd]->socket);
    if (fd == FD_LISTENER)
        return (kernel.queue_count > 0 ? EPOLLIN | EPOLLRDNORM : 0u) |
               (kernel.is_shut ? EPOLLHUP | EPOLLIN : 0u);
    return kernel.counts[fd] > 0 ? EPOLLIN : 0;
}

void socket_kernel_init(unsigned connection_count_max)
{
    memset(&kernel, 0, sizeof kernel);
    socket_epoll_init(&kernel.epoll, poll_fd);
    kernel.connection_count_max = connection_count_max;
    kernel.now_ns = 1000 * INT64_C(1000000000);
}

struct socket_client *socket_kernel_client(int fd)
{
    return fd >= FIRST_CONNECTION && fd < SOCKET_EPOLL_FD_COUNT ? kernel.table[fd] : NULL;
}

static bool is_open(int fd)
{
    return (fd >= 0 && fd < FIRST_CONNECTION) || socket_kernel_client(fd);
}

unsigned socket_kernel_open_count(void)
{
    unsigned count = kernel.queue_count;

    for (int fd = FIRST_CONNECTION; fd < SOCKET_EPOLL_FD_COUNT; fd++)
        count += kernel.table[fd] != NULL;
    return count;
}

/* ---- the world's side ---- */

void socket_kernel_connect(struct socket_client *c)
{
    if (kernel.is_shut) {
        c->is_refused = true;
        return;
    }
    kernel.queue[kernel.queue_count++] = c;
    socket_kernel_wake(FD_LISTENER, EPOLLIN);
}

void socket_kernel_refuse_queue(void)
{
    for (unsigned i = 0; i < kernel.queue_count; i++)
        kernel.queue[i]->is_refused = true;
    kernel.queue_count = 0;
}

void socket_kernel_wake(int fd, uint32_t mask)
{
    if (fd >= 0)
        socket_epoll_wake(&kernel.epoll, fd, mask);
}

int64_t socket_kernel_now_ns(void)
{
    return kernel.now_ns;
}

bool socket_kernel_pass_time(int limit_ms)
{
    int64_t limit_ns = kernel.now_ns + (int64_t)limit_ms * 1000000;
    bool is_armed = kernel.timer_interval_ns > 0;

    if (limit_ms >= 0 && (!is_armed || limit_ns < kernel.timer_due_ns)) {
        kernel.now_ns = limit_ns;
        return true;
    }
    if (!is_armed)
        return false;
    kernel.now_ns = kernel.timer_due_ns;
    kernel.timer_due_ns += kernel.timer_interval_ns;
    kernel.counts[FD_TICK]++;
    socket_kernel_wake(FD_TICK, EPOLLIN);
    return true;
}

int socket_kernel_collect(struct epoll_event *events, int count_max)
{
    return socket_epoll_collect(&kernel.epoll, events, count_max);
}

/* ---- the worker's calls ---- */

static int lowest_free(void)
{
    for (int fd = FIRST_CONNECTION; fd < SOCKET_EPOLL_FD_COUNT; fd++)
        if (!kernel.table[fd])
            return fd;
    return -EMFILE;
}

/* A full worker accepts and resets, so that the client does not wait for nothing. It may die before that,
 * and its successor keep to it although somebody has left meanwhile. */
static bool is_too_many(void)
{
    return socket_kernel_open_count() - kernel.queue_count > kernel.connection_count_max;
}

int socket_kernel_accept(void)
{
    if (kernel.is_shut)
        return -EINVAL;
    if (kernel.queue_count == 0)
        return -EAGAIN;

    int fd = lowest_free();

    if (fd < 0)
        return fd;
    kernel.table[fd] = kernel.queue[0];
    kernel.table[fd]->fd = fd;
    memmove(kernel.queue, kernel.queue + 1, --kernel.queue_count * sizeof kernel.queue[0]);
    kernel.table[fd]->may_be_refused = is_too_many();
    return fd;
}

ssize_t socket_kernel_recv(int fd, void *bytes, size_t size, int flags)
{
    struct socket_client *c = socket_kernel_client(fd);

    return c ? socket_recv(&c->socket, bytes, size, flags) : -EBADF;
}

ssize_t socket_kernel_send(int fd, const void *bytes, size_t size)
{
    struct socket_client *c = socket_kernel_client(fd);

    if (!c)
        return -EBADF;

    uint64_t before = c->socket.written;
    ssize_t count = socket_send(&c->socket, size);

    if (count > 0) {
        c->socket.written = before;
        const char *wrong = socket_client_judge_send(c, bytes, (size_t)count);
        c->socket.written += (uint64_t)count;
        if (wrong)
            trial_fail("%s", wrong);
    }
    return count;
}

/* On UNIX a linger time of 0 means nothing, so a successor may have served it after all. */
static bool is_refused(const struct socket_client *c)
{
    bool was_served = c->socket.is_unix && c->socket.consumed + c->socket.written > 0;
    return c->linger_0 && c->may_be_refused && !was_served;
}

int socket_kernel_close(int fd)
{
    struct socket_client *c = socket_kernel_client(fd);

    if (!is_open(fd))
        return -EBADF;
    if (!c)
        trial_fail("closed its own descriptor %d", fd);

    c->is_refused |= is_refused(c);

    const char *wrong = socket_client_judge_close(c);

    if (wrong)
        trial_fail("%s", wrong);
    socket_close(&c->socket, c->linger_0);
    socket_epoll_forget(&kernel.epoll, fd);
    kernel.table[fd] = NULL;
    c->fd = -1;
    return 0;
}

int socket_kernel_shutdown(int fd)
{
    struct socket_client *c = socket_kernel_client(fd);

    if (fd == FD_LISTENER) {
        kernel.is_shut = true;
        socket_kernel_refuse_queue();
        socket_kernel_wake(fd, SOCKET_WAKE_ALL);
        return 0;
    }
    if (!c)
        return -EBADF;

    const char *wrong = socket_client_judge_shutdown(c);

    if (wrong)
        trial_fail("%s", wrong);
    socket_shutdown(&c->socket);
    return 0;
}

int socket_kernel_linger_0(int fd)
{
    struct socket_client *c = socket_kernel_client(fd);

    if (!c)
        return -EBADF;
    c->linger_0 = true;
    c->may_be_refused |= is_too_many();
    return 0;
}

int socket_kernel_oob_inline(int fd)
{
    struct socket_client *c = socket_kernel_client(fd);

    if (!c)
        return -EBADF;
    c->socket.urgent_inline = true;
    return 0;
}

int socket_kernel_epoll_ctl(int operation, int fd, const struct epoll_event *event)
{
    return is_open(fd) ? socket_epoll_control(&kernel.epoll, operation, fd, event) : -EBADF;
}

ssize_t socket_kernel_read(int fd, uint64_t *value)
{
    if (kernel.counts[fd] == 0)
        return -EAGAIN;
    *value = kernel.counts[fd];
    kernel.counts[fd] = 0;
    return sizeof *value;
}

ssize_t socket_kernel_write(int fd, uint64_t value)
{
    kernel.counts[fd] += value;
    socket_kernel_wake(fd, EPOLLIN);
    return sizeof value;
}

int socket_kernel_set_timer(int64_t interval_ns)
{
    kernel.timer_interval_ns = interval_ns;
    kernel.timer_due_ns = kernel.now_ns + interval_ns;
    kernel.counts[FD_TICK] = 0;
    return 0;
}
