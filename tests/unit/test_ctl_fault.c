/* The subcommand `fault`: what it asks the server for, and what it lists. */
/* wrap: ctl_find ctl_session_ask_json ctl_session_close ctl_ask */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "worker/fault_plan.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char asked[FAULT_SPEC_SIZE + 16], said[8192];
static int find_code, ask_code;
static const char *status; /* the server's */
static unsigned open_count;

int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options);
int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options)
{
    (void)options;
    session->fd = -1;
    open_count += find_code == EXIT_DONE;
    return find_code;
}

void __wrap_ctl_session_close(struct ctl_session *session);
void __wrap_ctl_session_close(struct ctl_session *session)
{
    (void)session;
    open_count--;
}

int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json);
int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json)
{
    (void)session;
    snprintf(asked, sizeof asked, "json %s", request);
    if (ask_code == EXIT_DONE)
        *json = json_loads(status, 0, NULL);
    return ask_code;
}

int __wrap_ctl_ask(const struct ctl_options *options, const char *request);
int __wrap_ctl_ask(const struct ctl_options *options, const char *request)
{
    (void)options;
    snprintf(asked, sizeof asked, "%s", request);
    return ask_code;
}

static int begin(void **state)
{
    (void)state;
    asked[0] = '\0';
    find_code = ask_code = EXIT_DONE;
    status = "{\"faults\":null}";
    open_count = 0;
    return 0;
}

/* What it prints is in `said`. */
static int fault(const char *operand)
{
    char name[] = "fault", copy[64], *argv[] = {name, copy, NULL};
    int kept = dup(STDOUT_FILENO), captured = memfd_create("said", MFD_CLOEXEC);

    snprintf(copy, sizeof copy, "%s", operand);
    fflush(stdout);
    dup2(captured, STDOUT_FILENO);
    int code = subcommand_fault(2, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    ssize_t length = pread(captured, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    close(kept);
    close(captured);
    assert_int_equal(open_count, 0);
    return code;
}

static void fault__spec_or_off__asked_for(void **state)
{
    (void)state;
    assert_int_equal(fault("send:EINTR:1/2@0"), EXIT_DONE);
    assert_string_equal(asked, "fault send:EINTR:1/2@0");
    ask_code = EXIT_USAGE;
    assert_int_equal(fault("off"), EXIT_USAGE);
    assert_string_equal(asked, "fault off");
}

static void fault__wrong_usage__nobody_is_asked(void **state)
{
    (void)state;
    assert_int_equal(fault(""), EXIT_USAGE);
    assert_string_equal(asked, "");
}

static void list__every_call_by_whom_and_what_was_struck(void **state)
{
    (void)state;
    status = "{\"faults\":{\"spec\":\"send:EINTR:1/2\",\"shots\":[{\"call\":\"send\",\"process\":\"worker\","
             "\"count\":9}]}}";
    assert_int_equal(fault("list"), EXIT_DONE);
    assert_string_equal(asked, "json status");
    assert_non_null(strstr(said, "trial        send:EINTR:1/2\n"));
    assert_non_null(strstr(said, "9 at send of a worker\n"));
    for (int i = 0; i < FAULT_CALL_COUNT; i++)
        assert_non_null(strstr(said, fault_descriptions[i].sentence));
    assert_non_null(strstr(said, "by keeper supervisor\n"));
    assert_non_null(strstr(said, "may be short\n"));
}

static void list__no_trial_yet__says_off(void **state)
{
    (void)state;
    status = "{\"faults\":{\"spec\":\"\",\"shots\":[]}}";
    assert_int_equal(fault("list"), EXIT_DONE);
    assert_non_null(strstr(said, "trial        off\n"));
}

static void list__server_without_faults__said(void **state)
{
    (void)state;
    assert_int_equal(fault("list"), EXIT_DONE);
    assert_non_null(strstr(said, "built without faults"));
    status = "{}"; /* an older one */
    assert_int_equal(fault("list"), EXIT_DONE);
    assert_non_null(strstr(said, "built without faults"));
}

static void list__no_server_or_no_answer__its_code(void **state)
{
    (void)state;
    find_code = EXIT_UNAVAILABLE;
    assert_int_equal(fault("list"), EXIT_UNAVAILABLE);
    find_code = EXIT_DONE;
    ask_code = EXIT_NOT_IN_TIME;
    assert_int_equal(fault("list"), EXIT_NOT_IN_TIME);
    assert_string_equal(said, "");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(fault__spec_or_off__asked_for),
        TEST(fault__wrong_usage__nobody_is_asked),
        TEST(list__every_call_by_whom_and_what_was_struck),
        TEST(list__no_trial_yet__says_off),
        TEST(list__server_without_faults__said),
        TEST(list__no_server_or_no_answer__its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
