/* main() and a start that fails: its exit code, its one line, and what is removed again. */
/* wrap: title_init title_drop_argument title_arguments title_set roles_is_one roles_play subcommand_run */
/* wrap: options_parse descriptors_fit settings_from_options inherit_tidy inherit_make listener_open */
/* wrap: listener_remove_path incident_prepare logoutput_open logoutput_close pidfile_write pidfile_remove */
/* wrap: control_socket_open control_socket_remove shared_pages_create facts_write imagepost_keep_own */
/* wrap: master_block_signals master_run program_path passed_count passed_listener metrics_socket_open */
#include "tests/support/cmocka_all.h"

#include "master/options_pack.h"
#include "master/subcommand.h"
#include "tests/support/main_fixture.h"

#include <errno.h>
#include <string.h>

static void fails__before_there_is_a_listener__nothing_to_remove(void **state)
{
    (void)state;
    startup_expect_failure("descriptors", -EMFILE, EXIT_USAGE,
                           "prefork-upper: --max-connections: too many\n");
    assert_string_equal(startup.calls, "title options descriptors");
    startup_expect_failure("settings", -ENAMETOOLONG, EXIT_USAGE, "prefork-upper: no such settings\n");
    assert_string_equal(startup.calls, "title options descriptors settings");
    startup_expect_failure(
        "tidy", -EMFILE, EXIT_FAILED,
        "prefork-upper: cannot arrange descriptors (/dev/null, --ready-fd): Too many open files\n");
    assert_string_equal(startup.calls, "title options descriptors settings tidy");
}

static void fails__no_address__64_and_the_option(void **state)
{
    (void)state;
    startup.given.bind = "127.0.0.1:99999";
    assert_int_equal(startup_run(NULL), EXIT_USAGE);
    assert_int_equal(strncmp(startup.said, "prefork-upper: --bind: ", 23), 0);
    assert_string_equal(startup.calls, "title options descriptors settings tidy");
}

static void fails__listener__69_in_use_else_1(void **state)
{
    (void)state;
    startup_expect_failure("listener", -EADDRINUSE, EXIT_UNAVAILABLE, "prefork-upper: cannot bind\n");
    startup_expect_failure("listener", -EACCES, EXIT_FAILED, "prefork-upper: cannot bind\n");
    assert_string_equal(startup.calls, "title options descriptors settings tidy block listener");
}

static void fails__path_that_cannot_be_written__1_and_what_was_made_is_removed(void **state)
{
    (void)state;
    startup.given.incident_dir = "/i";
    startup.given.log_file = "/l";
    startup.given.pid_file = "/p";
    startup_expect_failure("incident", -EACCES, EXIT_FAILED,
                           "prefork-upper: --incident-dir: cannot write to /i: Permission denied\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "incident " STARTUP_CLEARED);
    startup_expect_failure("log_open", -EISDIR, EXIT_FAILED,
                           "prefork-upper: --log-file: cannot write to /l: Is a directory\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "incident log_open log_close " STARTUP_CLEARED);
    startup_expect_failure("pidfile", -EEXIST, EXIT_FAILED, "prefork-upper: no pid file\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "incident log_open log_close pidfile " STARTUP_CLEARED);
}

static void fails__control_socket__69_in_use_else_1(void **state)
{
    (void)state;
    startup_expect_failure("control", -EADDRINUSE, EXIT_UNAVAILABLE,
                           "prefork-upper: --control: somebody is there\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "log_open log_close control " STARTUP_CLEARED);
    startup_expect_failure("control", -EACCES, EXIT_FAILED, "prefork-upper: --control: somebody is there\n");
}

static void fails__machine_has_no_more__1_and_what_was_made_is_removed(void **state)
{
    (void)state;
    startup_expect_failure("inherit", -EMFILE, EXIT_FAILED,
                           "prefork-upper: cannot set up: Too many open files\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "log_open log_close control inherit " STARTUP_CLEARED);
    startup_expect_failure("pages", -ENOMEM, EXIT_FAILED,
                           "prefork-upper: cannot set up: Cannot allocate memory\n");
    assert_string_equal(startup.calls,
                        STARTUP_BEGUN "log_open log_close control inherit pages " STARTUP_CLEARED);
}

/* Another image could not be told them. */
static void fails__paths_too_long_together__64_and_what_was_made_is_removed(void **state)
{
    static char path[OPTIONS_TEXT_BYTES + 1];

    (void)state;
    memset(path, 'x', sizeof path - 1);
    startup.given.log_file = path;
    assert_int_equal(startup_run(NULL), EXIT_USAGE);
    assert_string_equal(startup.said, "prefork-upper: the paths of the options are too long together\n");
    assert_string_equal(startup.calls,
                        STARTUP_BEGUN "log_open log_close control inherit pages " STARTUP_CLEARED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, startup_open, startup_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fails__before_there_is_a_listener__nothing_to_remove),
        TEST(fails__no_address__64_and_the_option),
        TEST(fails__listener__69_in_use_else_1),
        TEST(fails__path_that_cannot_be_written__1_and_what_was_made_is_removed),
        TEST(fails__control_socket__69_in_use_else_1),
        TEST(fails__paths_too_long_together__64_and_what_was_made_is_removed),
        TEST(fails__machine_has_no_more__1_and_what_was_made_is_removed),
    };

    return cmocka_run_group_tests_name("main_failures", tests, NULL, NULL);
}
