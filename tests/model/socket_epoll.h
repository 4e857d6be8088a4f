/*
 * A model of one epoll instance over small descriptor numbers, with the kernel's rules for what is reported
 * when, and in which order.
 *
 * A registration enters the ready list when its file wakes it, or when ADD or MOD find it ready; never twice.
 * A wait takes from the front and asks the file again: one that has nothing to say is dropped, a
 * level-triggered one goes to the back, an edge-triggered one leaves until it is woken again. Source:
 * fs/eventpoll.c, ep_poll_callback(), ep_send_events(), ep_insert(), ep_modify().
 */
#ifndef TESTS_MODEL_SOCKET_EPOLL_H
#define TESTS_MODEL_SOCKET_EPOLL_H

#include "worker/limits.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum { SOCKET_EPOLL_FD_COUNT = FIRST_CONNECTION + 64 };

struct socket_epoll {
    uint32_t (*poll)(int fd); /* what the file says now; asked with the instance's own calls */
    struct {
        bool registered, listed;
        struct epoll_event event;
    } items[SOCKET_EPOLL_FD_COUNT];
    int ready[SOCKET_EPOLL_FD_COUNT]; /* in order; numbers that left stay as gaps until they are reached */
    int ready_count;
};

void socket_epoll_init(struct socket_epoll *epoll, uint32_t (*poll)(int fd));

/* epoll_ctl(2) on an open descriptor: 0 or a negative errno. */
int socket_epoll_control(struct socket_epoll *epoll, int operation, int fd, const struct epoll_event *event);

/* The file behind that number wakes its pollers. */
void socket_epoll_wake(struct socket_epoll *epoll, int fd, uint32_t mask);

/* The file was closed. */
void socket_epoll_forget(struct socket_epoll *epoll, int fd);

/* What epoll_wait(2) would return at once: a number of events, 0 for none. */
int socket_epoll_collect(struct socket_epoll *epoll, struct epoll_event *events, int count_max);

#endif
