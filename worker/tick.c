#include "worker/tick.h"
#include "worker/clock.h"
#include "worker/context.h"
#include "worker/heritage.h"
#include <sys/timerfd.h>
#include <unistd.h>

static void update(struct worker *w)
{
    w->now_tick = (uint32_t)(clock_now_ms() / TICK_MS);
}

static void set_interval(int64_t interval_ms)
{
    struct timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = interval_ms % 1000 * 1000000};
    struct itimerspec spec = {.it_interval = interval, .it_value = interval};
    timerfd_settime(FD_TICK, 0, &spec, NULL);
}

void tick_start(struct worker *w)
{
    if (w->tick_running)
        return;
    update(w);
    set_interval(TICK_MS);
    w->tick_running = true;
}

void tick_read(struct worker *w)
{
    uint64_t expirations;
    ssize_t n = read(FD_TICK, &expirations, sizeof expirations);
    (void)n; /* not expired after all: the clock says what time it is */
    update(w);
}

void tick_stop(struct worker *w)
{
    set_interval(0);
    w->tick_running = false;
}
