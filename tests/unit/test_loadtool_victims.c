/* wrap: calloc memfd_create uv_spawn */
/* The life around the kill modes: who dies when, and how it is counted. */
#include "loadtool/victims.h"

#include <signal.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_world.h"
#include "tests/unit/test_loadtool_wrap.h"

static const char *failing; /* the call that fails from now on */

static bool fails(const char *call)
{
    errno = ENOMEM;
    return failing != NULL && strcmp(failing, call) == 0;
}

WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)

/* A spawn fails inside libuv, so that the handle is left as libuv leaves it. */
int __real_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options)
{
    uv_process_options_t changed = *options;

    if (failing != NULL && strcmp(failing, "uv_spawn") == 0)
        changed.file = "/nonexistent/loadtool";
    return __real_uv_spawn(loop, process, &changed);
}

static struct {
    struct server server;
    uv_loop_t loop;
    uv_timer_t timer;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct load load;
    struct plan plan;
    struct victims victims;
    uint64_t deadline_ns;
    int disturbed;
} trial;

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    server_start(&trial.server, SERVER_UPPER, 0);
    world_make(&trial.world, &trial.server, &trial.loop, &trial.target, &trial.dialogue, &trial.tally);
    trial.load = (struct load){.flows = true};
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    return client_world_init(&trial.world, ORACLE_UPPER);
}

static int stop(void **state)
{
    (void)state;
    failing = NULL;
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    victims_free(&trial.victims);
    client_world_free(&trial.world);
    server_stop(&trial.server);
    return 0;
}

static void on_disturbed(void *owner)
{
    assert_ptr_equal(owner, &trial);
    trial.disturbed++;
}

static int deal(const char *plan, uint32_t clients, uint64_t timeout_ms)
{
    struct victims_settings settings = {.plan = &trial.plan,
                                        .check = ORACLE_UPPER,
                                        .clients = clients,
                                        .timeout_ns = timeout_ms * 1000000,
                                        .connect_timeout_ns = timeout_ms * 1000000};

    assert_int_equal(plan_parse(plan, &trial.plan), 0);
    trial.load.places = clients;
    int rc = victims_init(&trial.victims, &trial.world, &trial.load, &settings);
    trial.victims.owner = &trial;
    trial.victims.disturbed = on_disturbed;
    return rc;
}

/* Tick till nobody is left, or the deadline: then everything is dropped. */
static void on_tick(uv_timer_t *timer)
{
    uint64_t now_ns = uv_hrtime();

    victims_tick(&trial.victims, now_ns);
    if (now_ns > trial.deadline_ns)
        victims_drop_all(&trial.victims, false);
    if (trial.victims.away_count == trial.victims.count && !trial.victims.is_replacing)
        uv_close((uv_handle_t *)timer, NULL);
}

static void run_for_ms(uint64_t deadline_ms)
{
    trial.deadline_ns = uv_hrtime() + deadline_ms * 1000000;
    uv_timer_init(&trial.loop, &trial.timer);
    uv_timer_start(&trial.timer, on_tick, 0, LIMIT_TICK_MS);
    assert_int_equal(uv_run(&trial.loop, UV_RUN_DEFAULT), 0);
}

/* A slow reader whose time was over before its first reply once waited for ever. */
static void end_all__before_the_first_reply__every_mode_still_dies_its_way(void **state)
{
    (void)state;
    assert_int_equal(
        deal("fin:10%,rst:10%,unread:10%,halfclose:10%,kill9:10%,slowread:10%,oob:10%", 20, 5000), 0);
    victims_tick(&trial.victims, uv_hrtime());
    assert_int_equal(trial.victims.away_count, 0);
    victims_end_all(&trial.victims);
    run_for_ms(10000);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        assert_int_equal(trial.victims.done[i], plan_has(&trial.plan, (enum plan_mode)i) ? 2 : 0);
        assert_int_equal(trial.victims.not_done[i], 0);
    }
    assert_int_equal(trial.victims.done_count, 14);
    assert_int_equal(trial.victims.unexpected_ends, 0);
    assert_int_equal(trial.disturbed, 13); /* two deaths in one child are one disturbance */
    assert_int_equal(trial.tally.opened, trial.tally.ended);
}

static void end__server_never_answers__is_unexpected_and_not_done(void **state)
{
    (void)state;
    trial.server.fault = SERVER_MUTE;
    assert_int_equal(deal("fin:20%,rst:20%,unread:20%,halfclose:20%,kill9:20%", 5, 100), 0);
    victims_tick(&trial.victims, uv_hrtime());
    victims_end_all(&trial.victims);
    run_for_ms(10000);
    assert_int_equal(trial.victims.done_count, 0);
    assert_int_equal(trial.victims.unexpected_ends, 5);
    for (size_t i = 0; i <= PLAN_KILL9; i++)
        assert_int_equal(trial.victims.not_done[i], 1);
}

/* The reply that unread waits for never comes: the first message is answered, the last is not. */
static void unread__no_reply_to_leave_unread__is_not_done(void **state)
{
    (void)state;
    trial.server.fault = SERVER_MUTE;
    trial.server.after = 1;
    trial.load.rate_per_s = 1; /* nothing is sent between the first message and the last */
    assert_int_equal(deal("unread:100%", 1, 100), 0);
    victims_tick(&trial.victims, uv_hrtime());
    victims_end_all(&trial.victims);
    run_for_ms(10000);
    assert_int_equal(trial.victims.done_count, 0);
    assert_int_equal(trial.victims.not_done[PLAN_UNREAD], 1);
    assert_int_equal(trial.victims.unexpected_ends, 1);
}

static void drop_all__amid_life__counts_only_if_asked(void **state)
{
    (void)state;
    assert_int_equal(deal("fin:50%,kill9:50%", 4, 1000), 0);
    victims_tick(&trial.victims, uv_hrtime());
    victims_drop_all(&trial.victims, true);
    run_for_ms(10000);
    assert_int_equal(trial.victims.done_count, 0);
    assert_int_equal(trial.victims.not_done[PLAN_FIN], 2);
    assert_int_equal(trial.victims.not_done[PLAN_KILL9], 2);
}

static void child__cannot_be_made__is_not_done_and_said(void **state)
{
    static const char *const calls[] = {"calloc", "memfd_create", "uv_spawn"};

    (void)state;
    assert_int_equal(deal("kill9:100%", 3, 1000), 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        failing = calls[i];
        trial.victims.list[0].not_before_ns = 0;
        victims_tick(&trial.victims, uv_hrtime());
        assert_int_equal(trial.victims.away_count, 1);
    }
    failing = NULL;
    uv_run(&trial.loop, UV_RUN_DEFAULT); /* closes what the failed spawn left */
    assert_int_equal(trial.victims.not_done[PLAN_KILL9], 9);
    assert_int_equal(trial.tally.faults[FAULT_RESOURCES][WHERE_CONNECT].count, 3);
}

static void init__no_memory__is_told(void **state)
{
    (void)state;
    failing = "calloc";
    assert_int_equal(deal("10%", 100, 1000), -ENOMEM);
    failing = NULL;
    assert_null(trial.victims.list);
}

static void init__many_kill9_places__share_children(void **state)
{
    (void)state;
    assert_int_equal(deal("kill9:100%", 70, 1000), 0);
    assert_int_equal(trial.victims.places, 70);
    assert_int_equal(trial.victims.count, 3);
    assert_int_equal(trial.victims.list[0].width, 32);
    assert_int_equal(trial.victims.list[2].width, 6);
}

static void arrival__for_places_that_are_away_or_none__only_counts(void **state)
{
    (void)state;
    assert_int_equal(deal("fin:50%", 4, 1000), 0);
    victims_arrival(&trial.victims, 0, 1);
    victims_arrival(&trial.victims, 99, 1);
    assert_int_equal(trial.load.arrivals.due, 1);
    assert_int_equal(trial.load.arrivals.missed, 1);
    assert_int_equal(trial.tally.messages_sent, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(end_all__before_the_first_reply__every_mode_still_dies_its_way),
        TEST(end__server_never_answers__is_unexpected_and_not_done),
        TEST(unread__no_reply_to_leave_unread__is_not_done),
        TEST(drop_all__amid_life__counts_only_if_asked),
        TEST(child__cannot_be_made__is_not_done_and_said),
        TEST(init__no_memory__is_told),
        TEST(init__many_kill9_places__share_children),
        TEST(arrival__for_places_that_are_away_or_none__only_counts),
    };

    /* kill9 starts this very program again as its child. */
    if (child_is_wanted(argc, argv))
        return child_run();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool victims", tests, NULL, NULL);
}
