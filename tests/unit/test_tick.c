/* The timer of the deadlines. */
/* wrap: timerfd_settime */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/tick.h"

#include <poll.h>
#include <sys/timerfd.h>

static struct worker_fixture fixture;
static bool settime_fails;

int __real_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before);

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
    return settime_fails ? -1 : __real_timerfd_settime(fd, flags, wanted, before);
}

static int open_fixture(void **state)
{
    (void)state;
    settime_fails = false;
    worker_fixture_open(&fixture, (struct fixture_options){0});
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static int64_t interval_ms(void)
{
    struct itimerspec spec;

    assert_int_equal(timerfd_gettime(FD_TICK, &spec), 0);
    return spec.it_interval.tv_sec * 1000 + spec.it_interval.tv_nsec / 1000000;
}

static bool expired(void)
{
    struct pollfd poller = {.fd = FD_TICK, .events = POLLIN};

    return poll(&poller, 1, 0) == 1;
}

static uint32_t clock_tick(void)
{
    return (uint32_t)(clock_now_ms() / TICK_MS);
}

static void start__stopped__knows_the_time_and_runs(void **state)
{
    uint32_t before = clock_tick();

    (void)state;
    tick_start(&fixture.worker);
    assert_true(fixture.worker.tick_running);
    assert_true(fixture.worker.now_tick - before <= clock_tick() - before);
    assert_int_equal(interval_ms(), TICK_MS);
}

/* Called for every message with a deadline: must not look at the clock, nor put the next tick off. */
static void start__running__changes_nothing(void **state)
{
    (void)state;
    tick_start(&fixture.worker);
    fixture.worker.now_tick = 7;
    tick_start(&fixture.worker);
    assert_int_equal(fixture.worker.now_tick, 7);
}

static void read__expired__time_goes_on_and_the_event_is_gone(void **state)
{
    (void)state;
    tick_start(&fixture.worker);
    uint32_t start = fixture.worker.now_tick;
    socket_wait_events(FD_TICK, POLLIN);
    tick_read(&fixture.worker);
    assert_true(fixture.worker.now_tick > start);
    assert_false(expired());
}

static void read__not_expired__returns_at_once_with_the_time(void **state)
{
    uint32_t before = clock_tick();

    (void)state;
    fixture.worker.now_tick = 0;
    tick_read(&fixture.worker);
    assert_true(fixture.worker.now_tick >= before);
}

static void stop__running__timer_off_and_startable_again(void **state)
{
    (void)state;
    tick_start(&fixture.worker);
    tick_stop(&fixture.worker);
    assert_false(fixture.worker.tick_running);
    assert_int_equal(interval_ms(), 0);
    tick_start(&fixture.worker);
    assert_int_equal(interval_ms(), TICK_MS);
}

/* Else no deadline would ever come. */
static void start__kernel_refuses__tried_again_by_the_next(void **state)
{
    (void)state;
    settime_fails = true;
    tick_start(&fixture.worker);
    assert_false(fixture.worker.tick_running);
    settime_fails = false;
    tick_start(&fixture.worker);
    assert_true(fixture.worker.tick_running);
    assert_int_equal(interval_ms(), TICK_MS);
    settime_fails = true;
    tick_stop(&fixture.worker);
    assert_true(fixture.worker.tick_running);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(start__stopped__knows_the_time_and_runs),
        TEST(start__running__changes_nothing),
        TEST(read__expired__time_goes_on_and_the_event_is_gone),
        TEST(read__not_expired__returns_at_once_with_the_time),
        TEST(stop__running__timer_off_and_startable_again),
        TEST(start__kernel_refuses__tried_again_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
