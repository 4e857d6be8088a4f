/*
 * The floor: the barest prefork server that does the same job, to measure what supervision costs.
 *
 * N processes, one listener, one epoll loop each: epoll_wait, recv, transform, send. It shares with the real
 * server the transform, the compiler flags, TCP_NODELAY, the size of a chunk and the rotation of the
 * listener, and has nothing else: no counters, no timers, no limits, no log; a client that does not read its
 * answer keeps the others waiting. It is not a server to be used.
 *
 *     floor WORKERS PORT|PATH        serves on 127.0.0.1 or a UNIX socket until SIGTERM
 */
#include "tests/bench/prefork.h"
#include "worker/limits.h"
#include "worker/service.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char in[CHUNK_BYTES_MAX], out[CHUNK_BYTES_MAX];

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_connection(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0)
        watch(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    epoll_ctl(epoll, EPOLL_CTL_DEL, listener, NULL);
    watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
}

/* The barest way to send what the kernel does not take at once, as happens with messages of a megabyte. */
static bool send_all(int fd, const unsigned char *bytes, size_t count)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    for (;;) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent == (ssize_t)count)
            return true;
        if (sent < 0 && errno != EAGAIN)
            return false;
        bytes += sent > 0 ? sent : 0;
        count -= sent > 0 ? (size_t)sent : 0;
        poll(&writable, 1, -1);
    }
}

/* A short read has emptied the queue: the next bytes make an edge of their own. */
static void answer(int fd, uint32_t events)
{
    ssize_t n;
    do {
        n = recv(fd, in, sizeof in, 0);
        if (n > 0)
            service_upper.transform(out, in, (size_t)n);
        if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && !send_all(fd, out, (size_t)n))) {
            close(fd);
            return;
        }
    } while (n == (ssize_t)sizeof in || (n > 0 && (events & EPOLLRDHUP)));
}

static void serve(int listener)
{
    struct epoll_event events[LOOP_EVENT_COUNT_MAX];
    int epoll = epoll_create1(0);
    watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
    for (;;) {
        int count = epoll_wait(epoll, events, LOOP_EVENT_COUNT_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                take_connection(epoll, listener);
            else
                answer(events[i].data.fd, events[i].events);
        }
    }
}

int main(int argc, char **argv)
{
    return prefork_main(argc, argv, serve);
}
