/* Asking a server to end: over when its process is, whatever becomes of the connection. */
/* wrap: clock_gettime */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "tests/support/asking_fixture.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

static int ask_end(const char *request, int64_t timeout_ms)
{
    asking_open_session(timeout_ms);
    asking.session.pid = asking.server; /* whose end is waited for; else it would be our own */
    int error = ctl_session_ask_end(&asking.session, request, &asking.answer);
    ctl_session_close(&asking.session);
    return error;
}

static void end__server_ends__heard_to_the_last_word(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "log info event=draining\nlog info event=stopped\n", false});
    assert_int_equal(ask_end("stop", ASKING_DEADLINE_MS), 0);
    assert_string_equal(asking.heard, "info=event=draining;info=event=stopped;");
    assert_int_equal(kill(asking.server, 0), 0); /* a zombie: dead before we were told so */
    assert_int_equal(asking_end_server(false), 0);
}

static void end__supervisor_dies_before_it_heard__asked_again(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "", false}, {"stop", "log info event=stopped\n", false});
    assert_int_equal(ask_end("stop", ASKING_DEADLINE_MS), 0);
    assert_string_equal(asking.heard, "info=event=stopped;");
    assert_int_equal(asking_end_server(false), 0);
}

static void end__server_goes_on__deadline(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "log info event=draining\n", true});
    assert_int_equal(ask_end("stop", ASKING_SHORT_MS), -ETIMEDOUT);
    assert_int_equal(asking_end_server(true), 128 + SIGKILL);
}

static void end__refused__why(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "end 1 not yours\n", false});
    assert_int_equal(ask_end("stop", ASKING_DEADLINE_MS), 0);
    assert_int_equal(asking.answer.code, 1);
    assert_string_equal(asking.answer.text, "not yours");
    assert_int_equal(asking_end_server(false), 0);
}

static void end__no_deadline__waited_for(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "log info event=stopped\n", false});
    assert_int_equal(ask_end("stop", 0), 0);
    assert_int_equal(asking_end_server(false), 0);
}

/* Cut by a supervisor that died, while the server, which is the test here, goes on. */
static int ask_end_and_be_cut(int64_t left_then_ms, bool path_goes)
{
    ASKING_SERVE({"stop", "log info event=a\n", false});
    asking_open_session(ASKING_DEADLINE_MS);
    asking.left_ms = left_then_ms;
    if (path_goes)
        assert_int_equal(unlink(asking.path), 0);
    int error = ctl_session_ask_end(&asking.session, "stop", &asking.answer);
    ctl_session_close(&asking.session);
    assert_int_equal(asking_end_server(false), 0);
    return error;
}

static void end__cut_when_time_is_almost_over__deadline(void **state)
{
    (void)state;
    assert_int_equal(ask_end_and_be_cut(5, false), -ETIMEDOUT);
}

/* Its last moment: nobody hears any more, or the path is gone, and it has not ended yet. */
static void end__nobody_hears_or_no_path__waited_for(void **state)
{
    (void)state;
    assert_int_equal(ask_end_and_be_cut(ASKING_SHORT_MS, false), -ETIMEDOUT);
    assert_int_equal(ask_end_and_be_cut(ASKING_SHORT_MS, true), -ETIMEDOUT);
}

static void end__no_such_process__its_error(void **state)
{
    (void)state;
    ASKING_SERVE({"stop", "", true});
    asking_open_session(ASKING_DEADLINE_MS);
    asking.session.pid = INT_MAX;
    assert_int_equal(ctl_session_ask_end(&asking.session, "stop", &asking.answer), -ESRCH);
    ctl_session_close(&asking.session);
    asking_end_server(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end__server_ends__heard_to_the_last_word),
        cmocka_unit_test(end__supervisor_dies_before_it_heard__asked_again),
        cmocka_unit_test(end__server_goes_on__deadline),
        cmocka_unit_test(end__refused__why),
        cmocka_unit_test(end__no_deadline__waited_for),
        cmocka_unit_test(end__cut_when_time_is_almost_over__deadline),
        cmocka_unit_test(end__nobody_hears_or_no_path__waited_for),
        cmocka_unit_test(end__no_such_process__its_error),
    };

    return cmocka_run_group_tests(tests, asking_make_directory, asking_remove_directory);
}
