/* wrap: timerfd_create timerfd_settime uv_poll_init */
#include "loadtool/pacer.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>

#include "tests/support/cmocka_all.h"

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *from);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *from);
int __real_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);

static const char *failing;

int __wrap_timerfd_create(int clock, int flags)
{
    errno = EMFILE;
    return failing != NULL && strcmp(failing, "create") == 0 ? -1 : __real_timerfd_create(clock, flags);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *from)
{
    errno = EINVAL;
    return failing != NULL && strcmp(failing, "settime") == 0 ? -1
                                                              : __real_timerfd_settime(fd, flags, to, from);
}

int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
    return failing != NULL && strcmp(failing, "poll") == 0 ? UV_EEXIST : __real_uv_poll_init(loop, poll, fd);
}

static struct {
    uv_loop_t loop;
    struct pacer pacer;
    struct histogram lag;
    uint64_t arrivals;
    uint64_t stop_after;
    uint64_t rate;
    bool was_early;
} trial;

static void on_arrival(void *owner, uint64_t k, uint64_t due_ns)
{
    assert_int_equal(due_ns, trial.pacer.begin_ns + k * 1000000000 / trial.rate);

    assert_ptr_equal(owner, &trial);
    assert_int_equal(k, trial.arrivals);
    trial.arrivals++;
    trial.was_early = trial.was_early || uv_hrtime() < due_ns;
    if (trial.arrivals == trial.stop_after)
        pacer_stop(&trial.pacer);
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    trial.pacer.owner = &trial;
    trial.pacer.arrival = on_arrival;
    return uv_loop_init(&trial.loop);
}

static int stop(void **state)
{
    (void)state;
    return uv_loop_close(&trial.loop);
}

static void pace(uint64_t rate, uint64_t begin_ns, uint64_t stop_after)
{
    trial.rate = rate;
    trial.stop_after = stop_after;
    schedule_begin(&trial.pacer.arrivals, rate, false, 1, 0);
    trial.pacer.lag = &trial.lag;
    assert_int_equal(pacer_start(&trial.pacer, &trial.loop, begin_ns), 0);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
}

static void arrivals__of_a_rate__come_in_order_and_never_early(void **state)
{
    uint64_t begin_ns = uv_hrtime();

    (void)state;
    pace(5000, begin_ns + 1000000, 500);
    assert_int_equal(trial.arrivals, 500);
    assert_false(trial.was_early);
    assert_true(uv_hrtime() - begin_ns >= 100000000);
}

static void arrivals__long_overdue__are_all_told(void **state)
{
    (void)state;
    pace(1000000, uv_hrtime() - 10000000, 10000);
    assert_int_equal(trial.arrivals, 10000);
    assert_int_equal(trial.lag.count, 10000);
    assert_true(trial.lag.max_ns >= 10000000);
    assert_false(trial.was_early);
}

static void stop__not_started_or_twice__is_harmless(void **state)
{
    (void)state;
    pacer_stop(&trial.pacer);
    pace(1000, uv_hrtime(), 1);
    pacer_stop(&trial.pacer);
    assert_int_equal(trial.arrivals, 1);
}

static void start__any_call_fails__is_told(void **state)
{
    (void)state;
    failing = "create";
    assert_int_equal(pacer_start(&trial.pacer, &trial.loop, uv_hrtime()), -EMFILE);
    failing = "settime";
    assert_int_equal(pacer_start(&trial.pacer, &trial.loop, uv_hrtime()), -EINVAL);
    failing = "poll";
    assert_int_equal(pacer_start(&trial.pacer, &trial.loop, uv_hrtime()), UV_EEXIST);
    assert_false(trial.pacer.is_open);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arrivals__of_a_rate__come_in_order_and_never_early),
        TEST(arrivals__long_overdue__are_all_told),
        TEST(stop__not_started_or_twice__is_harmless),
        TEST(start__any_call_fails__is_told),
    };

    return cmocka_run_group_tests_name("loadtool pacer", tests, NULL, NULL);
}
