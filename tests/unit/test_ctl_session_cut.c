/* The connection is cut while a server is asked, as by a supervisor that dies: the next supervisor is asked. */
/* wrap: clock_gettime socket */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "tests/support/asking_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int socket_errno; /* of the next one; 0: it works */

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    errno = socket_errno;
    socket_errno = 0;
    return errno ? -1 : __real_socket(family, type, protocol);
}

static void cut__after_the_attempt_began__waited_for_with_the_next_one(void **state)
{
    (void)state;
    ASKING_SERVE({"upgrade /b", "attempt 4\nlog info event=a\nlog inf", false},
                 {"wait 4", "attempt 4\n", false}, {"wait 4", "attempt 4\nlog info event=b\nend 0\n", false});
    assert_int_equal(asking_run("upgrade /b", ASKING_DEADLINE_MS), 0);
    assert_int_equal(asking.answer.code, 0);
    assert_string_equal(asking.heard, "info=event=a;info=event=b;");
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__before_anything_was_said__asked_again(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "", false}, {"status", "json {}\nend 0\n", false});
    assert_int_equal(asking_run("status", ASKING_DEADLINE_MS), 0);
    assert_non_null(asking.answer.json);
    json_decref(asking.answer.json);
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__server_is_gone__said(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "attempt 4\n", false});
    assert_int_equal(asking_run("drain", ASKING_DEADLINE_MS), -ECONNREFUSED);
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__path_is_gone_too__said(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "attempt 4\n", false});
    asking_open_session(ASKING_DEADLINE_MS);
    assert_int_equal(unlink(asking.path), 0);
    assert_int_equal(ctl_session_ask(&asking.session, "drain", &asking.answer), -ECONNREFUSED);
    ctl_session_close(&asking.session);
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__another_server_is_in_its_place__not_asked(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "attempt 4\n", false}, {"never", "", true});
    asking_open_session(ASKING_DEADLINE_MS);
    asking.session.pid = 1; /* so it is not who answers now */
    assert_int_equal(ctl_session_ask(&asking.session, "drain", &asking.answer), -ECONNREFUSED);
    ctl_session_close(&asking.session);
    asking_end_server(true);
}

static void cut__no_descriptor_to_come_back_with__its_error(void **state)
{
    (void)state;
    ASKING_SERVE({"drain", "attempt 4\n", false});
    asking_open_session(ASKING_DEADLINE_MS);
    socket_errno = EMFILE;
    assert_int_equal(ctl_session_ask(&asking.session, "drain", &asking.answer), -EMFILE);
    ctl_session_close(&asking.session);
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__again_when_time_is_over__deadline(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "", false}, {"status", "log info event=a\n", false});
    asking_open_session(ASKING_DEADLINE_MS);
    asking.left_ms = 0;
    assert_int_equal(ctl_session_ask(&asking.session, "status", &asking.answer), -ETIMEDOUT);
    assert_string_equal(asking.heard, "info=event=a;");
    ctl_session_close(&asking.session);
    assert_int_equal(asking_end_server(false), 0);
}

static void cut__then_silence__until_the_deadline(void **state)
{
    (void)state;
    ASKING_SERVE({"status", "", false}, {"status", "", true});
    assert_int_equal(asking_run("status", ASKING_SHORT_MS), -ETIMEDOUT);
    assert_int_equal(asking_end_server(true), 128 + SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut__after_the_attempt_began__waited_for_with_the_next_one),
        cmocka_unit_test(cut__before_anything_was_said__asked_again),
        cmocka_unit_test(cut__server_is_gone__said),
        cmocka_unit_test(cut__path_is_gone_too__said),
        cmocka_unit_test(cut__another_server_is_in_its_place__not_asked),
        cmocka_unit_test(cut__no_descriptor_to_come_back_with__its_error),
        cmocka_unit_test(cut__again_when_time_is_over__deadline),
        cmocka_unit_test(cut__then_silence__until_the_deadline),
    };

    return cmocka_run_group_tests(tests, asking_make_directory, asking_remove_directory);
}
