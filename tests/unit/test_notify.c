/* What a service manager is told, and when: datagrams as text. */
#include "tests/support/cmocka_all.h"

#include "master/notify.h"

#include <string.h>

enum { BEGIN_MS = 5000, INTERVAL_MS = 4000, FEED_MS = INTERVAL_MS / NOTIFY_FEEDS_INTERVAL };

static struct notify notify;
static struct notify_view view;
static int64_t now_ms;

static int begin(void **state)
{
    (void)state;
    notify = (struct notify){0};
    view = (struct notify_view){.all_answer = true, .status = "starts"};
    now_ms = BEGIN_MS;
    return 0;
}

/* What is told now, and that it was. */
static const char *told(void)
{
    static char text[NOTIFY_TEXT_SIZE];
    size_t length = notify_next(&notify, &view, now_ms, text);

    assert_true(length < sizeof text);
    if (length == 0)
        return "";
    assert_int_equal(length, strlen(text));
    notify_told(&notify, &view, now_ms);
    return text;
}

static void serve(void)
{
    view.serves = true;
    view.status = "serves";
    assert_string_equal(told(), "READY=1\nSTATUS=serves\n");
}

/* ---- phases ---- */

static void phase__not_every_slot_has_served__is_not_ready(void **state)
{
    (void)state;
    assert_string_equal(told(), "STATUS=starts\n");
    assert_string_equal(told(), "");
}

static void phase__serves__is_ready_once(void **state)
{
    (void)state;
    serve();
    assert_string_equal(told(), "");
}

static void phase__reload__is_told_with_its_time_and_ready_again_after_it(void **state)
{
    (void)state;
    serve();
    notify.reload_asked = view.reloads = true;
    now_ms = 7001;
    assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=7001000\n");
    assert_string_equal(told(), "");
    view.reloads = false;
    assert_string_equal(told(), "READY=1\n");
}

static void phase__reload_that_is_over_at_once__is_told_too(void **state)
{
    (void)state;
    serve();
    notify.reload_asked = true;
    assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=5000000\n");
    assert_string_equal(told(), "READY=1\n");
    assert_string_equal(told(), "");
}

/* Each wish waits for a time that is later than its own. */
static void phase__another_reload_during_one__is_told_anew(void **state)
{
    (void)state;
    serve();
    notify.reload_asked = view.reloads = true;
    assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=5000000\n");
    now_ms++;
    notify.reload_asked = true;
    assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=5001000\n");
}

static void phase__stops__is_the_last_word(void **state)
{
    (void)state;
    serve();
    view.stops = view.reloads = true;
    assert_string_equal(told(), "STOPPING=1\n");
    assert_string_equal(told(), "");
}

static void phase__stops_before_it_served__is_told(void **state)
{
    (void)state;
    view.stops = true;
    assert_string_equal(told(), "STOPPING=1\nSTATUS=starts\n");
}

/* The next supervisor knows nothing of what the last one has told. */
static void phase__supervisor_follows_another__says_what_holds(void **state)
{
    (void)state;
    view.serves = view.reloads = true;
    view.status = "reloads";
    assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=5000000\nSTATUS=reloads\n");
    view.reloads = false;
    assert_string_equal(told(), "READY=1\n");
}

static void phase__was_not_sent__comes_again(void **state)
{
    char text[NOTIFY_TEXT_SIZE];

    (void)state;
    view.serves = true;
    assert_true(notify_next(&notify, &view, now_ms, text) > 0);
    assert_string_equal(told(), "READY=1\nSTATUS=starts\n");
}

/* ---- watchdog ---- */

static void watchdog__all_answer__is_fed_several_times_an_interval(void **state)
{
    (void)state;
    notify.watchdog_ms = INTERVAL_MS;
    view.serves = true;
    assert_string_equal(told(), "READY=1\nWATCHDOG=1\nSTATUS=starts\n");
    now_ms += FEED_MS - 1;
    assert_string_equal(told(), "");
    now_ms++;
    assert_string_equal(told(), "WATCHDOG=1\n");
    assert_string_equal(told(), "");
}

static void watchdog__one_does_not_answer__starves_until_it_does(void **state)
{
    (void)state;
    notify.watchdog_ms = INTERVAL_MS;
    view.serves = true;
    told();
    view.all_answer = false;
    view.status = "one is silent";
    assert_string_equal(told(), "STATUS=one is silent\n");
    now_ms += 10 * INTERVAL_MS;
    assert_string_equal(told(), "");
    view.all_answer = true;
    view.status = "serves";
    assert_string_equal(told(), "WATCHDOG=1\nSTATUS=serves\n");
}

static void watchdog__before_it_serves__is_not_fed(void **state)
{
    (void)state;
    notify.watchdog_ms = INTERVAL_MS;
    assert_string_equal(told(), "STATUS=starts\n");
}

static void watchdog__while_it_stops__is_fed_on(void **state)
{
    (void)state;
    notify.watchdog_ms = INTERVAL_MS;
    view.stops = true;
    assert_string_equal(told(), "STOPPING=1\nWATCHDOG=1\nSTATUS=starts\n");
}

/* ---- status ---- */

static void status__changes_often__is_told_once_a_second(void **state)
{
    (void)state;
    serve();
    view.status = "serves two";
    now_ms += NOTIFY_STATUS_MS - 1;
    assert_string_equal(told(), "");
    now_ms++;
    assert_string_equal(told(), "STATUS=serves two\n");
    now_ms += 10 * NOTIFY_STATUS_MS;
    assert_string_equal(told(), "");
}

static void status__has_a_newline__cannot_say_another_thing(void **state)
{
    (void)state;
    view.status = "at unix:/a\nMAINPID=1\x7f";
    assert_string_equal(told(), "STATUS=at unix:/a?MAINPID=1?\n");
}

static void status__is_too_long__is_cut(void **state)
{
    char longest[2 * NOTIFY_STATUS_SIZE];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    view.status = longest;
    view.stops = true;
    notify.watchdog_ms = INTERVAL_MS;
    assert_int_equal(strlen(told()), strlen("STOPPING=1\nWATCHDOG=1\nSTATUS=\n") + NOTIFY_STATUS_SIZE - 1);
    assert_string_equal(told(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(phase__not_every_slot_has_served__is_not_ready, begin),
        cmocka_unit_test_setup(phase__serves__is_ready_once, begin),
        cmocka_unit_test_setup(phase__reload__is_told_with_its_time_and_ready_again_after_it, begin),
        cmocka_unit_test_setup(phase__reload_that_is_over_at_once__is_told_too, begin),
        cmocka_unit_test_setup(phase__another_reload_during_one__is_told_anew, begin),
        cmocka_unit_test_setup(phase__stops__is_the_last_word, begin),
        cmocka_unit_test_setup(phase__stops_before_it_served__is_told, begin),
        cmocka_unit_test_setup(phase__supervisor_follows_another__says_what_holds, begin),
        cmocka_unit_test_setup(phase__was_not_sent__comes_again, begin),
        cmocka_unit_test_setup(watchdog__all_answer__is_fed_several_times_an_interval, begin),
        cmocka_unit_test_setup(watchdog__one_does_not_answer__starves_until_it_does, begin),
        cmocka_unit_test_setup(watchdog__before_it_serves__is_not_fed, begin),
        cmocka_unit_test_setup(watchdog__while_it_stops__is_fed_on, begin),
        cmocka_unit_test_setup(status__changes_often__is_told_once_a_second, begin),
        cmocka_unit_test_setup(status__has_a_newline__cannot_say_another_thing, begin),
        cmocka_unit_test_setup(status__is_too_long__is_cut, begin),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
