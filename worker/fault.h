/*
 * fault: calls that can be made to fail, for trials: `--fault`, `prefork-upper fault` (fault_plan.h).
 *
 * Each function here is the call of its name at the call sites of worker, keeper and supervisor. With nothing armed it
 * costs a look at one word of the orders page, which hardly ever changes, and a branch that is never taken. A build
 * with FAULTS=0 (without -DWITH_FAULTS) has the bare calls, and nothing of this in the program.
 *
 * A shot is counted in the cell of its process and call before it acts, in shared pages, so that it outlives a process
 * that fires at itself. An ERROR fails without the call being made; SHORT makes it with fewer bytes; DELAY sleeps first;
 * DIE is SIGKILL at that place.
 *
 * SHORT is honest about it where somebody relies on a short result: epoll(7) promises that one which is shorter than
 * what was asked for leaves nothing in the queue, or no room in it. So such calls take the size by pointer and say how
 * much they have asked for.
 */
#ifndef WORKER_FAULT_H
#define WORKER_FAULT_H

#include "worker/board.h"
#include "worker/heritage.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifdef WITH_FAULTS

enum { FAULT_BUILT_IN = 1 };

/* From now on this process fires as that one. Without it, and before it, nothing is ever fired. */
void fault_arm(struct shared_pages *pages, enum fault_process process, unsigned slot, uint32_t generation);

/* From now on nothing: a child that is none of the three. */
void fault_disarm(void);

extern struct fault_page *fault_orders; /* of this process; never NULL */

/* The call is armed for somebody: is it struck here? True: it is to fail, and errno says how. `size`: what it would
 * move, and what it shall; NULL: it moves no bytes. */
bool fault_shoot(enum fault_call call, size_t *size);

static inline bool fault_fails_sized(enum fault_call call, size_t *size)
{
    uint32_t armed = atomic_load_explicit(&fault_orders->armed, memory_order_relaxed);
    return __builtin_expect(armed >> call & 1, 0) && fault_shoot(call, size);
}

#else

enum { FAULT_BUILT_IN = 0 };

static inline void fault_arm(struct shared_pages *pages, enum fault_process process, unsigned slot,
                             uint32_t generation)
{
    (void)pages;
    (void)process;
    (void)slot;
    (void)generation;
}

static inline void fault_disarm(void)
{
}

static inline bool fault_fails_sized(enum fault_call call, size_t *size)
{
    (void)call;
    (void)size;
    return false;
}

#endif

static inline bool fault_fails(enum fault_call call)
{
    return fault_fails_sized(call, NULL);
}

/* ---- connections ---- */

static inline int fault_accept(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    return fault_fails(FAULT_accept) ? -1 : accept4(fd, peer, length, flags);
}

static inline ssize_t fault_peek(int fd, void *bytes, size_t *size, int flags)
{
    return fault_fails_sized(FAULT_peek, size) ? -1 : recv(fd, bytes, *size, flags | MSG_PEEK);
}

static inline ssize_t fault_fetch(int fd, void *bytes, size_t *size, int flags)
{
    return fault_fails_sized(FAULT_fetch, size) ? -1 : recv(fd, bytes, *size, flags);
}

/* `call`: FAULT_take or FAULT_discard. */
static inline ssize_t fault_recv(enum fault_call call, int fd, void *bytes, size_t size, int flags)
{
    return fault_fails_sized(call, &size) ? -1 : recv(fd, bytes, size, flags);
}

static inline ssize_t fault_send(int fd, const void *bytes, size_t *size, int flags)
{
    return fault_fails_sized(FAULT_send, size) ? -1 : send(fd, bytes, *size, flags);
}

/* Whatever it says, the descriptor is free, as after a close(2) of Linux that failed. */
static inline int fault_close(int fd)
{
    bool fails = fault_fails(FAULT_close);
    int error = errno, result = close(fd);
    if (!fails)
        return result;
    errno = error;
    return -1;
}

static inline int fault_shutdown(int fd, int how)
{
    return fault_fails(FAULT_shutdown) ? -1 : shutdown(fd, how);
}

/* ---- the slot's own descriptors ---- */

static inline int fault_epoll_wait(struct epoll_event *events, int count_max, int timeout_ms)
{
    return fault_fails(FAULT_epoll_wait) ? -1 : epoll_wait(FD_EPOLL, events, count_max, timeout_ms);
}

static inline int fault_epoll_ctl(int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && fault_fails(FAULT_epoll_ctl))
        return -1;
    return epoll_ctl(FD_EPOLL, operation, fd, event);
}

static inline int fault_timerfd_settime(const struct itimerspec *spec)
{
    return fault_fails(FAULT_timerfd) ? -1 : timerfd_settime(FD_TICK, 0, spec, NULL);
}

/* An eventfd or a timer. */
static inline ssize_t fault_read(int fd, uint64_t *value)
{
    return fault_fails(FAULT_read) ? -1 : read(fd, value, sizeof *value);
}

/* Memory of the caller's own. */
static inline void *fault_mmap(size_t size, int more_flags)
{
    if (fault_fails(FAULT_mmap))
        return MAP_FAILED;
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
}

#endif
