#include "loadtool/pacer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/schedule.h"

/* uv_hrtime is CLOCK_MONOTONIC, so its times are the timer's. */
static int sleep_till(struct pacer *pacer, uint64_t at_ns)
{
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000)}};

    return timerfd_settime(pacer->fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

static uint64_t due_ns(const struct pacer *pacer)
{
    return pacer->begin_ns + pacer->arrivals.due_ns;
}

static void on_time(uv_poll_t *poll, int status, int events)
{
    struct pacer *pacer = poll->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t ticks = 0;

    (void)status;
    (void)events;
    /* Only to make the descriptor unready: what is due is told by the clock, also after a spurious wake-up.
     */
    if (read(pacer->fd, &ticks, sizeof(ticks)) < 0)
        ticks = 0;
    for (int burst = 0; pacer->is_open && burst < LIMIT_PACER_BURST && due_ns(pacer) <= now_ns; burst++) {
        if (pacer->lag != NULL)
            histogram_record(pacer->lag, now_ns - due_ns(pacer));
        uint64_t k = pacer->arrivals.k;
        uint64_t at_ns = due_ns(pacer);
        schedule_advance(&pacer->arrivals);
        pacer->arrival(pacer->owner, k, at_ns);
    }
    if (!pacer->is_open)
        return;
    uint64_t soon_ns = now_ns + LIMIT_PACER_SLEEP_NS;
    (void)sleep_till(pacer, due_ns(pacer) > soon_ns ? due_ns(pacer) : soon_ns);
}

int pacer_start(struct pacer *pacer, uv_loop_t *loop, uint64_t begin_ns)
{
    pacer->begin_ns = begin_ns;
    pacer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->fd < 0)
        return -errno;
    int rc = sleep_till(pacer, begin_ns);
    if (rc == 0)
        rc = uv_poll_init(loop, &pacer->poll, pacer->fd);
    if (rc < 0) {
        close(pacer->fd);
        return rc;
    }
    pacer->poll.data = pacer;
    pacer->is_open = true;
    return uv_poll_start(&pacer->poll, UV_READABLE, on_time);
}

static void on_closed(uv_handle_t *handle)
{
    struct pacer *pacer = handle->data;

    close(pacer->fd);
}

void pacer_stop(struct pacer *pacer)
{
    if (!pacer->is_open)
        return;
    pacer->is_open = false;
    uv_close((uv_handle_t *)&pacer->poll, on_closed);
}
