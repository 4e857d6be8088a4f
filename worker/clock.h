/* Monotonic time in the units that the server uses; CLOCK_MONOTONIC, no system call on the usual kernels
 * (vdso(7)). */
#ifndef WORKER_CLOCK_H
#define WORKER_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t clock_now_ms(void)
{
    return clock_now_ns() / 1000000;
}

/* From one time to another, of which either may stand in a page that others write to: 0 where the difference is
 * no number that anybody could have meant. */
static inline int64_t clock_between_ns(int64_t from_ns, int64_t to_ns)
{
    int64_t between_ns;
    return __builtin_sub_overflow(to_ns, from_ns, &between_ns) ? 0 : between_ns;
}

#endif
