/*
 * The floor: the barest prefork server that does the same job, to measure what supervision costs.
 *
 * N processes, one listener, one epoll loop each: epoll_wait, recv, transform, send. It shares with the real
 * server the transform, the compiler flags, TCP_NODELAY, the size of a chunk and the rotation of the
 * listener, and has nothing else: no counters, no timers, no limits, no log; a client that does not read its
 * answer is dropped. It is not a server to be used.
 *
 *     floor WORKERS PORT        serves on 127.0.0.1 until SIGTERM
 */
#include "worker/limits.h"
#include "worker/service.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

/* A short read has emptied the queue: the next bytes make an edge of their own. */
static void answer(int fd, uint32_t events)
{
    ssize_t n;
    do {
        n = recv(fd, in, sizeof in, 0);
        if (n > 0)
            service_upper.transform(out, in, (size_t)n);
        if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && send(fd, out, (size_t)n, MSG_NOSIGNAL) != n)) {
            close(fd);
            return;
        }
    } while (n == (ssize_t)sizeof in || (n > 0 && (events & EPOLLRDHUP)));
}

_Noreturn static void serve(int listener)
{
    struct epoll_event events[LOOP_EVENT_COUNT_MAX];
    int epoll = epoll_create1(0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
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

static int open_listener(unsigned short port)
{
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0)
        return -1;
    return fd;
}

int main(int argc, char **argv)
{
    int listener = argc == 3 ? open_listener((unsigned short)atoi(argv[2])) : -1;
    if (listener < 0) {
        fprintf(stderr, "usage: floor WORKERS PORT (a free one of 127.0.0.1)\n");
        return 64;
    }
    for (int i = 0; i < atoi(argv[1]); i++)
        if (fork() == 0)
            serve(listener);
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
