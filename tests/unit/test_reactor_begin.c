/*
 * How a supervisor begins: on a fresh policy, or on what an earlier one has left behind; whether there can be
 * keepers; and what it says of the image that it runs.
 */
/* wrap: feed feed_load_memory look_around look_on_tick announce_progress keeper_probe oom_kill_count */
/* wrap: control_init control_on_line control_turn control_flush logsink_drain title_set */
/* wrap: poll __poll_chk clock_gettime getrandom */
#include "tests/support/cmocka_all.h"

#include "tests/support/reactor_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a fresh service ---- */

static void begin__no_memory__image_then_start_on_a_fresh_policy(void **state)
{
    (void)state;
    strcpy(rig.setup.program, "/opt/prefork-upper");
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->event_count, 2);
    rig_expect_event(0, SUPERVISOR_IMAGE);
    assert_int_equal(rig.seen->events[0].generation, RIG_IMAGE);
    rig_expect_event(1, SUPERVISOR_START);
    const struct reactor *r = &rig.seen->reactor;
    assert_int_equal(r->state.wanted_count, 3);
    assert_true(r->state.protect);
    assert_int_equal(r->state.drain_timeout_ms, 5000);
    assert_int_equal(r->state.random, RIG_SEED);
    assert_int_equal(r->settings.hang_timeout_ms, 700);
    assert_string_equal(r->programs.current, "/opt/prefork-upper");
    assert_string_equal(rig.log_text, ""); /* who serves is said when it serves */
}

static void begin__its_own_group_title_and_time(void **state)
{
    (void)state;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->group, rig.seen->pid);
    assert_string_equal(rig.seen->title, "prefork-upper: supervisor");
    assert_int_equal(rig.seen->reactor.last_tick_ms, RIG_BEGIN_MS);
    assert_int_equal(rig.seen->reactor.hold_ms, RIG_BEGIN_MS);
    assert_int_equal(rig.seen->reactor.oom_kills_seen, 77);
    assert_int_equal(rig.seen->reactor.oom_kills_before, 77);
}

static void begin__no_random_numbers__seed_from_the_clock(void **state)
{
    (void)state;
    rig.random_fails = true;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->reactor.state.random, (uint32_t)(RIG_BEGIN_MS * INT64_C(1000000)));
}

static void protect__what_does_not_pass__off_and_said(void **state)
{
    static const struct {
        int error;
        const char *said;
    } rows[] = {
        {-EPERM, "why=EPERM"}, {-EACCES, "why=EACCES"}, {-EINVAL, "why=EINVAL"}, {-ENOSYS, "why=ENOSYS"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig.probe_result = rows[i].error;
        assert_int_equal(rig_run(), 0);
        assert_false(rig.seen->reactor.state.protect);
        assert_int_equal(rig_count_in_log("event=unprotected"), 1);
        rig_expect_in_log(rows[i].said);
        rig_finish(state);
        assert_int_equal(rig_begin(state), 0);
    }
}

static void protect__want_that_passes__on(void **state)
{
    static const int errors[] = {-EAGAIN, -ENOMEM};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        rig.probe_result = errors[i];
        assert_int_equal(rig_run(), 0);
        assert_true(rig.seen->reactor.state.protect);
        assert_string_equal(rig.log_text, "");
        rig_finish(state);
        assert_int_equal(rig_begin(state), 0);
    }
}

static void fail_if_probed(struct reactor *r)
{
    if (rig.probed)
        _exit(97);
    r->gives_way = true;
}

static void protect__not_wanted__off_and_nothing_is_tried(void **state)
{
    (void)state;
    rig.options.protect = false;
    rig.script[0] = fail_if_probed;
    assert_int_equal(rig_run(), 0);
    assert_false(rig.seen->reactor.state.protect);
    assert_string_equal(rig.log_text, "");
}

/* ---- after another supervisor ---- */

/* It goes round its loop once before it says what it is. */
static int run_resumed(void)
{
    rig.remembers = true;
    rig.script[0] = rig_go_on;
    return rig_run();
}

/* Symptom: the announcement that the service serves was lost, since the image was told before. */
static void resume__memory__said_resumed_then_the_image(void **state)
{
    (void)state;
    rig.memory.wanted_count = 5;
    rig.script[1] = fail_if_probed; /* what holds was found out long ago */
    assert_int_equal(run_resumed(), 0);
    assert_int_equal(rig.seen->event_count, 2);
    rig_expect_event(0, SUPERVISOR_RESUME);
    rig_expect_event(1, SUPERVISOR_IMAGE);
    assert_int_equal(rig.seen->events[1].generation, RIG_IMAGE);
    assert_int_equal(rig.seen->reactor.state.wanted_count, 5);
    char words[64];
    snprintf(words, sizeof words, "event=supervisor_started generation=%d pid=%d", RIG_GENERATION,
             rig.seen->pid);
    rig_expect_in_log(words);
}

/* An upgrade is done when its supervisor has gone round once, not when it was born. */
static void resume__has_not_gone_round__image_is_not_told_yet(void **state)
{
    (void)state;
    rig.remembers = true;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->event_count, 1);
    rig_expect_event(0, SUPERVISOR_RESUME);
}

static void resume__goes_round_again__image_was_told_once(void **state)
{
    (void)state;
    rig.script[1] = rig.script[2] = rig_go_on;
    assert_int_equal(run_resumed(), 0);
    assert_int_equal(rig.seen->event_count, 2);
}

static void resume__as_the_image_of_an_upgrade__says_that_instead(void **state)
{
    (void)state;
    rig.memory.upgrade =
        (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = RIG_IMAGE - 1, .target = RIG_IMAGE};
    assert_int_equal(run_resumed(), 0);
    rig_expect_in_log("event=upgraded image=6 version=" PREFORK_UPPER_VERSION "\n");
    assert_int_equal(rig_count_in_log("event=supervisor_started"), 0);
    assert_string_equal(rig.seen->events[1].why, "");
}

static void resume__upgraded_long_ago_or_not_yet__an_ordinary_start(void **state)
{
    static const struct upgrade_memory rows[] = {
        {.stage = UPGRADE_NONE, .image = RIG_IMAGE, .target = RIG_IMAGE},
        {.stage = UPGRADE_SLOTS, .image = RIG_IMAGE - 1, .target = RIG_IMAGE},
        {.stage = UPGRADE_MASTER, .image = RIG_IMAGE, .target = RIG_IMAGE + 1}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig.memory.upgrade = rows[i];
        assert_int_equal(run_resumed(), 0);
        rig_expect_in_log("event=supervisor_started");
        assert_int_equal(rig_count_in_log("event=upgraded"), 0);
        rig_finish(state);
        assert_int_equal(rig_begin(state), 0);
    }
}

/* The master has tried to become the image that the policy wants, and is what it was. */
static void image__master_could_not_become_it__why(void **state)
{
    (void)state;
    rig.memory.upgrade =
        (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = RIG_IMAGE, .target = RIG_IMAGE + 1};
    atomic_store(&rig.pages->orders.exec_failed_image, RIG_IMAGE + 1);
    atomic_store(&rig.pages->orders.exec_failed_error, ENOEXEC);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(rig.seen->events[1].why, "Exec format error");
    assert_int_equal(rig.seen->events[1].generation, RIG_IMAGE);
}

static void image__master_came_back_from_it__why(void **state)
{
    (void)state;
    rig.memory.upgrade =
        (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = RIG_IMAGE, .target = RIG_IMAGE + 1};
    atomic_store(&rig.pages->orders.exec_failed_image, RIG_IMAGE + 1);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(rig.seen->events[1].why, "its supervisors died or hung at their start");
}

static void image__an_earlier_one_had_failed__nothing_is_wrong_with_this(void **state)
{
    (void)state;
    rig.memory.upgrade =
        (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = RIG_IMAGE, .target = RIG_IMAGE + 2};
    atomic_store(&rig.pages->orders.exec_failed_image, RIG_IMAGE + 1);
    atomic_store(&rig.pages->orders.exec_failed_error, ENOEXEC);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(rig.seen->events[1].why, "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, rig_begin, rig_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begin__no_memory__image_then_start_on_a_fresh_policy),
        TEST(begin__its_own_group_title_and_time),
        TEST(begin__no_random_numbers__seed_from_the_clock),
        TEST(protect__what_does_not_pass__off_and_said),
        TEST(protect__want_that_passes__on),
        TEST(protect__not_wanted__off_and_nothing_is_tried),
        TEST(resume__memory__said_resumed_then_the_image),
        TEST(resume__has_not_gone_round__image_is_not_told_yet),
        TEST(resume__goes_round_again__image_was_told_once),
        TEST(resume__as_the_image_of_an_upgrade__says_that_instead),
        TEST(resume__upgraded_long_ago_or_not_yet__an_ordinary_start),
        TEST(image__master_could_not_become_it__why),
        TEST(image__master_came_back_from_it__why),
        TEST(image__an_earlier_one_had_failed__nothing_is_wrong_with_this),
    };

    return cmocka_run_group_tests_name("reactor_begin", tests, NULL, NULL);
}
