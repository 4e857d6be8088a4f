#include "master/slowest.h"
#include "worker/clock.h"

static int64_t window_of(int64_t now_ns)
{
    return now_ns / 1000000 / SLOWEST_WINDOW_MS;
}

static void begin_window(struct slowest *slowest, int64_t now_ns)
{
    int64_t window = window_of(now_ns);
    if (window == slowest->window)
        return;
    slowest->in_window_before_ns = window == slowest->window + 1 ? slowest->in_window_ns : 0;
    slowest->in_window_ns = 0;
    slowest->window = window;
}

void slowest_asked(struct slowest *slowest, uint32_t generation, int64_t now_ns)
{
    if (slowest->generation != generation)
        *slowest = (struct slowest){.generation = generation};
    slowest->asked_ns = now_ns;
}

void slowest_look(struct slowest *slowest, uint32_t generation, int64_t answered_ns, int64_t now_ns)
{
    int64_t until_ns = answered_ns > 0 ? answered_ns : now_ns;
    if (slowest->generation != generation || slowest->asked_ns == 0)
        return;
    begin_window(slowest, now_ns);
    int64_t took_ns = clock_between_ns(slowest->asked_ns, until_ns);
    if (took_ns > slowest->in_window_ns)
        slowest->in_window_ns = took_ns;
}

int64_t slowest_ns(const struct slowest *slowest, uint32_t generation, int64_t now_ns)
{
    struct slowest now = *slowest;
    if (slowest->generation != generation)
        return 0;
    begin_window(&now, now_ns);
    return now.in_window_before_ns > now.in_window_ns ? now.in_window_before_ns : now.in_window_ns;
}
