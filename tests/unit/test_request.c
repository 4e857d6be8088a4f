/* What is asked of the policy for each wish of an operator; policy and reload are stood in for. */
/* wrap: feed reload */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "master/reload.h"
#include "master/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS_MAX = 4 };

static struct reactor reactor;
static struct service_setup setup;
static struct {
    struct supervisor_event event;
    char why[256];
} fed[EVENTS_MAX];
static int fed_count;
static int reload_error;
static uint32_t workers_changed_to;

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    assert_true(fed_count < EVENTS_MAX);
    fed[fed_count].event = *event;
    snprintf(fed[fed_count].why, sizeof fed[0].why, "%s", event->why ? event->why : "");
    fed_count++;
    if (event->kind == SUPERVISOR_REQUEST)
        r->state.operations.last_number++;
}

int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE]);
int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE])
{
    if (reload_error) {
        snprintf(why, RELOAD_WHY_SIZE, "line 3 is not good");
        return reload_error;
    }
    r->settings.number = 12;
    r->settings.drain_timeout_ms = 700;
    *change = (struct settings_change){.worker_count = workers_changed_to};
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(&reactor, 0, sizeof reactor);
    memset(fed, 0, sizeof fed);
    setup = (struct service_setup){0};
    reactor.setup = &setup;
    reactor.state.operations.last_number = 40;
    reactor.settings.number = 11;
    snprintf(reactor.programs.current, sizeof reactor.programs.current, "/usr/bin/current");
    fed_count = reload_error = 0;
    workers_changed_to = 0;
    return 0;
}

static void expect_fed(int i, enum operation_kind kind, uint32_t goal, const char *why)
{
    assert_true(i < fed_count);
    assert_int_equal(fed[i].event.kind, SUPERVISOR_REQUEST);
    assert_int_equal(fed[i].event.operation, kind);
    assert_int_equal(fed[i].event.goal, goal);
    assert_string_equal(fed[i].why, why);
}

static void reload__good__goal_is_the_new_settings(void **state)
{
    (void)state;
    assert_int_equal(request_reload(&reactor), 41);
    assert_int_equal(fed_count, 1);
    expect_fed(0, OPERATION_RELOAD, 12, "");
    assert_int_equal(fed[0].event.drain_timeout_ms, 700);
    assert_true(reactor.notify.reload_asked);
}

/* Two operations, of which the first is the one that was asked for. */
static void reload__another_number_of_workers__is_a_scale_too(void **state)
{
    (void)state;
    workers_changed_to = 6;
    assert_int_equal(request_reload(&reactor), 41);
    assert_int_equal(fed_count, 2);
    expect_fed(1, OPERATION_SCALE, 6, "");
}

static void reload__bad_file__fails_with_its_reason_and_scales_nothing(void **state)
{
    (void)state;
    reload_error = -EINVAL;
    workers_changed_to = 6;
    assert_int_equal(request_reload(&reactor), 41);
    assert_int_equal(fed_count, 1);
    expect_fed(0, OPERATION_RELOAD, 11, "line 3 is not good");
    assert_true(reactor.notify.reload_asked);
}

static void scale_and_restart__any_number__as_asked(void **state)
{
    (void)state;
    assert_int_equal(request_scale(&reactor, 5), 41);
    assert_int_equal(request_restart(&reactor, 3), 42);
    expect_fed(0, OPERATION_SCALE, 5, "");
    expect_fed(1, OPERATION_RESTART, 3, "");
}

static void upgrade__path_or_none__is_the_candidate(void **state)
{
    (void)state;
    (void)request_upgrade(&reactor, "/usr/bin/next");
    expect_fed(0, OPERATION_UPGRADE, 0, "");
    assert_string_equal(reactor.programs.candidate, "/usr/bin/next");
    (void)request_upgrade(&reactor, NULL);
    expect_fed(1, OPERATION_UPGRADE, 0, "");
    assert_string_equal(reactor.programs.candidate, "/usr/bin/current");
}

/* It is looked up by a process that may stand in another folder. */
static void upgrade__path_that_cannot_be_kept__fails(void **state)
{
    char path[SETTINGS_PATH_SIZE + 1];

    (void)state;
    (void)request_upgrade(&reactor, "next");
    expect_fed(0, OPERATION_UPGRADE, 0, "an absolute path is needed");
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[SETTINGS_PATH_SIZE] = '\0';
    (void)request_upgrade(&reactor, path);
    expect_fed(1, OPERATION_UPGRADE, 0, "the path is too long");
    assert_string_equal(reactor.programs.candidate, "");
    path[SETTINGS_PATH_SIZE - 1] = '\0'; /* just fits */
    (void)request_upgrade(&reactor, path);
    expect_fed(2, OPERATION_UPGRADE, 0, "");
    assert_string_equal(reactor.programs.candidate, path);
}

/* The policy refuses the second one; until then the first one's program must stay. */
static void upgrade__one_runs__its_candidate_stays(void **state)
{
    (void)state;
    (void)request_upgrade(&reactor, "/usr/bin/next");
    reactor.state.upgrade.stage = UPGRADE_NONE + 1;
    (void)request_upgrade(&reactor, "/usr/bin/other");
    assert_string_equal(reactor.programs.candidate, "/usr/bin/next");
}

static void drain__on_and_off__two_operations(void **state)
{
    (void)state;
    assert_int_equal(request_drain(&reactor, true), 41);
    assert_int_equal(request_drain(&reactor, false), 42);
    expect_fed(0, OPERATION_DRAIN, 0, "");
    expect_fed(1, OPERATION_UNDRAIN, 0, "");
}

static void drain__unix_listener__is_refused(void **state)
{
    (void)state;
    setup.listener_is_unix = true;
    (void)request_drain(&reactor, true);
    assert_non_null(strstr(fed[0].why, "UNIX listener"));
}

static void drain__passed_listener__is_refused(void **state)
{
    (void)state;
    setup.listener_is_passed = true;
    (void)request_drain(&reactor, true);
    assert_non_null(strstr(fed[0].why, "socket activation"));
}

static void stop__asked__is_no_operation(void **state)
{
    (void)state;
    request_stop(&reactor);
    assert_int_equal(fed_count, 1);
    assert_int_equal(fed[0].event.kind, SUPERVISOR_STOP);
    assert_int_equal(reactor.state.operations.last_number, 40);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reload__good__goal_is_the_new_settings),
        TEST(reload__another_number_of_workers__is_a_scale_too),
        TEST(reload__bad_file__fails_with_its_reason_and_scales_nothing),
        TEST(scale_and_restart__any_number__as_asked),
        TEST(upgrade__path_or_none__is_the_candidate),
        TEST(upgrade__path_that_cannot_be_kept__fails),
        TEST(upgrade__one_runs__its_candidate_stays),
        TEST(drain__on_and_off__two_operations),
        TEST(drain__unix_listener__is_refused),
        TEST(drain__passed_listener__is_refused),
        TEST(stop__asked__is_no_operation),
    };

    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
