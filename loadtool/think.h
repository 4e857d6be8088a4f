/*
 * Think time: a client rests between its reply and its next message, for a seeded time.
 *
 * A heap of (time, place) with one timer of the loop, whose grain is a millisecond. A place rests once at a
 * time.
 */
#ifndef LOADTOOL_THINK_H
#define LOADTOOL_THINK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct think_entry {
    uint64_t at_ns;
    uint32_t place;
};

struct think {
    uv_timer_t timer;
    bool is_open;
    uint64_t seed;
    uint64_t min_ns, max_ns;
    struct think_entry *heap; /* owned: a place each */
    uint32_t *rests;          /* owned: how often each place has rested */
    bool *is_resting;         /* owned, a place each */
    uint32_t count, places;
    void *owner;
    void (*over)(void *owner, uint32_t place, uint64_t due_ns);
};

/* seed, min_ns, max_ns, owner and over are set by the caller before. -ENOMEM. */
int think_init(struct think *think, uv_loop_t *loop, uint32_t places);

/* Begin a rest; nothing when the place rests already. */
void think_rest(struct think *think, uint32_t place, uint64_t now_ns);

/* Nobody rests any more; harmless when it is not open. The memory must stay till the loop has run once more.
 */
void think_stop(struct think *think);
void think_free(struct think *think);

#endif
