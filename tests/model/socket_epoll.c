#include "tests/model/socket_epoll.h"

#include "tests/model/socket.h"

#include <errno.h>
#include <string.h>

/* Bits that say how to report, not what. */
#define HOW (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

void socket_epoll_init(struct socket_epoll *epoll, uint32_t (*poll)(int fd))
{
    memset(epoll, 0, sizeof *epoll);
    epoll->poll = poll;
}

static void list(struct socket_epoll *epoll, int fd)
{
    if (epoll->items[fd].listed)
        return;
    epoll->items[fd].listed = true;
    epoll->ready[epoll->ready_count++] = fd;
}

static void unlist(struct socket_epoll *epoll, int fd)
{
    int kept = 0;

    for (int i = 0; i < epoll->ready_count; i++)
        if (epoll->ready[i] != fd)
            epoll->ready[kept++] = epoll->ready[i];
    epoll->ready_count = kept;
    epoll->items[fd].listed = false;
}

static void list_if_ready(struct socket_epoll *epoll, int fd)
{
    if (epoll->poll(fd) & epoll->items[fd].event.events & ~(uint32_t)HOW)
        list(epoll, fd);
}

static int add(struct socket_epoll *epoll, int fd, const struct epoll_event *event)
{
    if (epoll->items[fd].registered)
        return -EEXIST;
    if ((event->events & EPOLLEXCLUSIVE) && (event->events & EPOLLRDHUP))
        return -EINVAL;
    epoll->items[fd].registered = true;
    epoll->items[fd].event = *event;
    epoll->items[fd].event.events |= EPOLLERR | EPOLLHUP;
    list_if_ready(epoll, fd);
    return 0;
}

static int modify(struct socket_epoll *epoll, int fd, const struct epoll_event *event)
{
    if (!epoll->items[fd].registered)
        return -ENOENT;
    if ((epoll->items[fd].event.events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    epoll->items[fd].event = *event;
    epoll->items[fd].event.events |= EPOLLERR | EPOLLHUP;
    list_if_ready(epoll, fd);
    return 0;
}

int socket_epoll_control(struct socket_epoll *epoll, int operation, int fd, const struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD)
        return add(epoll, fd, event);
    if (operation == EPOLL_CTL_MOD)
        return modify(epoll, fd, event);
    if (!epoll->items[fd].registered)
        return -ENOENT;
    socket_epoll_forget(epoll, fd);
    return 0;
}

void socket_epoll_wake(struct socket_epoll *epoll, int fd, uint32_t mask)
{
    if (mask == 0 || !epoll->items[fd].registered)
        return;
    if (mask == SOCKET_WAKE_ALL || (mask & epoll->items[fd].event.events & ~(uint32_t)HOW))
        list(epoll, fd);
}

void socket_epoll_forget(struct socket_epoll *epoll, int fd)
{
    epoll->items[fd].registered = false;
    unlist(epoll, fd);
}

int socket_epoll_collect(struct socket_epoll *epoll, struct epoll_event *events, int count_max)
{
    int count = 0;

    /* Those that go to the back during this wait are not asked again by it. */
    for (int left = epoll->ready_count; left > 0 && count < count_max; left--) {
        int fd = epoll->ready[0];

        unlist(epoll, fd);

        const struct epoll_event *wanted = &epoll->items[fd].event;
        uint32_t mask = epoll->poll(fd) & wanted->events & ~(uint32_t)HOW;

        if (mask == 0)
            continue;
        events[count++] = (struct epoll_event){.events = mask, .data = wanted->data};
        if (!(wanted->events & EPOLLET))
            list(epoll, fd);
    }
    return count;
}
