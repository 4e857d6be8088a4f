#include "loadtool/think.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/prng.h"
#include "loadtool/units.h"

int think_init(struct think *think, uv_loop_t *loop, uint32_t places)
{
    think->heap = calloc(places, sizeof(*think->heap));
    think->rests = calloc(places, sizeof(*think->rests));
    think->is_resting = calloc(places, sizeof(*think->is_resting));
    think->places = places;
    think->count = 0;
    if (think->heap == NULL || think->rests == NULL || think->is_resting == NULL) {
        think_free(think);
        return -ENOMEM;
    }
    uv_timer_init(loop, &think->timer);
    think->timer.data = think;
    think->is_open = true;
    return 0;
}

void think_free(struct think *think)
{
    free(think->heap);
    free(think->rests);
    free(think->is_resting);
    think->heap = NULL;
    think->rests = NULL;
    think->is_resting = NULL;
}

/* -- the heap -- */

static void swap(struct think *think, uint32_t a, uint32_t b)
{
    struct think_entry kept = think->heap[a];

    think->heap[a] = think->heap[b];
    think->heap[b] = kept;
}

static void rise(struct think *think, uint32_t at)
{
    for (; at > 0 && think->heap[at].at_ns < think->heap[(at - 1) / 2].at_ns; at = (at - 1) / 2)
        swap(think, at, (at - 1) / 2);
}

static void sink(struct think *think)
{
    for (uint32_t at = 0, child; (child = 2 * at + 1) < think->count; at = child) {
        if (child + 1 < think->count && think->heap[child + 1].at_ns < think->heap[child].at_ns)
            child++;
        if (think->heap[at].at_ns <= think->heap[child].at_ns)
            return;
        swap(think, at, child);
    }
}

/* -- time -- */

static void on_time(uv_timer_t *timer);

static void set_timer(struct think *think)
{
    if (!think->is_open || think->count == 0)
        return;
    uint64_t now_ns = uv_hrtime();
    uint64_t at_ns = think->heap[0].at_ns;
    uint64_t ms = at_ns <= now_ns ? 0 : (at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    uv_update_time(think->timer.loop);
    uv_timer_start(&think->timer, on_time, ms, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct think *think = timer->data;
    uint64_t now_ns = uv_hrtime();

    /* Each place is there once, so this ends. */
    while (think->is_open && think->count > 0 && think->heap[0].at_ns <= now_ns) {
        struct think_entry first = think->heap[0];
        think->heap[0] = think->heap[--think->count];
        sink(think);
        think->is_resting[first.place] = false;
        think->over(think->owner, first.place, now_ns);
    }
    set_timer(think);
}

void think_rest(struct think *think, uint32_t place, uint64_t now_ns)
{
    if (!think->is_open || think->is_resting[place])
        return;
    uint64_t key = prng_key(think->seed, PRNG_THINK, place);
    uint64_t rest_ns = prng_range(key, think->rests[place]++, think->min_ns, think->max_ns);
    think->is_resting[place] = true;
    think->heap[think->count] = (struct think_entry){.at_ns = now_ns + rest_ns, .place = place};
    rise(think, think->count++);
    if (think->heap[0].place == place)
        set_timer(think);
}

void think_stop(struct think *think)
{
    if (!think->is_open)
        return;
    think->is_open = false;
    uv_close((uv_handle_t *)&think->timer, NULL);
}
