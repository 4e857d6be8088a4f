#include "worker/tick.h"
#include "worker/clock.h"
#include "worker/context.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include <sys/timerfd.h>
#include <unistd.h>

static void update(struct worker *w)
{
    w->now_tick = (uint32_t)(clock_now_ms() / TICK_MS);
}

static bool set_interval(int64_t interval_ms)
{
    struct timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = interval_ms % 1000 * 1000000};
    struct itimerspec spec = {.it_interval = interval, .it_value = interval};
    return fault_timerfd_settime(&spec) == 0;
}

void tick_start(struct worker *w)
{
    if (w->tick_running)
        return;
    update(w);
    w->tick_running = set_interval(TICK_MS);
}

void tick_read(struct worker *w)
{
    uint64_t expirations;
    ssize_t n = fault_read(FD_TICK, &expirations);
    (void)n; /* not expired after all: the clock says what time it is */
    update(w);
}

void tick_stop(struct worker *w)
{
    w->tick_running = !set_interval(0);
}
