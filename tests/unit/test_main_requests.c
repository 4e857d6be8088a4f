/* main() and a start that is asked for more: a passed socket, metrics, a trial of faults; and one that gets less. */
/* wrap: title_init title_drop_argument title_arguments title_set roles_is_one roles_play subcommand_run */
/* wrap: options_parse descriptors_fit settings_from_options inherit_tidy inherit_make listener_open */
/* wrap: listener_remove_path incident_prepare logoutput_open logoutput_close pidfile_write pidfile_remove */
/* wrap: control_socket_open control_socket_remove shared_pages_create facts_write imagepost_keep_own */
/* wrap: master_block_signals master_run program_path passed_count passed_listener metrics_socket_open */
#include "tests/support/cmocka_all.h"

#include "master/faults.h"
#include "master/subcommand.h"
#include "tests/support/main_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- socket activation ---- */

static void passed__no_address_asked_for__taken_and_said(void **state)
{
    (void)state;
    startup.passed = 1;
    startup.given.bind_asked = false;
    startup.bound.backlog_granted = 7; /* is not ours to lower */
    setenv("LISTEN_FDNAMES", "upper", 1);
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    unsetenv("LISTEN_FDNAMES");
    assert_string_equal(
        startup.calls,
        "title options descriptors settings tidy block passed log_open log_close control " STARTUP_SERVED);
    assert_null(startup.asked_bind);
    assert_int_equal(startup.opened.write_timeout_ms, 7000);
    assert_true(startup.run_setup.listener_is_passed);
    assert_true(startup.removed.is_passed);
    startup_expect_in_log("event=listener_passed address=127.0.0.1:4242 name=upper");
    startup_expect_nothing_in_log();
}

static void passed__address_asked_for__compared(void **state)
{
    (void)state;
    startup.passed = 1;
    startup.given.bind_asked = true;
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    assert_string_equal(startup.asked_bind, startup.given.bind);
    startup_expect_failure("passed", -EADDRNOTAVAIL, EXIT_USAGE, "prefork-upper: --bind: not that one\n");
    assert_string_equal(startup.calls, "title options descriptors settings tidy block passed");
}

static void passed__no_good__64_or_1(void **state)
{
    (void)state;
    startup.passed = -EINVAL;
    startup_expect_failure("passed", -EINVAL, EXIT_USAGE, "prefork-upper: socket activation: not that one\n");
    startup_expect_failure("passed", -EPERM, EXIT_FAILED, "prefork-upper: socket activation: not that one\n");
}

/* ---- metrics ---- */

static void metrics__asked_for__opened_before_anything_is_shared(void **state)
{
    (void)state;
    startup.given.metrics = ":9100";
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    assert_string_equal(startup.calls, STARTUP_BEGUN "log_open log_close control metrics " STARTUP_SERVED);
    assert_string_equal(startup.run_setup.metrics_bound, "127.0.0.1:9100");
    assert_string_equal(startup.written.setup.metrics_bound, "127.0.0.1:9100");
}

static void metrics__cannot_be_opened__64_or_69_or_1(void **state)
{
    (void)state;
    startup.given.metrics = ":9100";
    startup_expect_failure("metrics", -EINVAL, EXIT_USAGE, "prefork-upper: --metrics: not there\n");
    assert_string_equal(startup.calls, STARTUP_BEGUN "log_open log_close control metrics " STARTUP_CLEARED);
    startup_expect_failure("metrics", -EADDRINUSE, EXIT_UNAVAILABLE, "prefork-upper: --metrics: not there\n");
    startup_expect_failure("metrics", -EACCES, EXIT_FAILED, "prefork-upper: --metrics: not there\n");
}

/* ---- a trial of faults ---- */

static void fault__good__ordered_before_anybody_is_forked(void **state)
{
    char why[FAULT_WHY_SIZE];

    (void)state;
    startup.given.fault = "accept:EMFILE:1/3";
    if (faults_check(startup.given.fault, why) != 0)
        skip(); /* FAULTS=0 */
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    assert_int_equal(startup.worker.pages->orders.faults.armed, 1u << FAULT_accept);
    startup_expect_in_log("event=faults spec=accept:EMFILE:1/3");
}

static void fault__bad__64_and_nothing_is_started(void **state)
{
    (void)state;
    startup.given.fault = "acept:EMFILE:1/3";
    assert_int_equal(startup_run(NULL), EXIT_USAGE);
    assert_int_equal(strncmp(startup.said, "prefork-upper: --fault: ", 24), 0);
    assert_string_equal(startup.calls, "title options descriptors settings");
}

/* ---- not quite as it was asked for ---- */

static void adjusted__connections(void **state)
{
    (void)state;
    startup.given.max_connections = 1000;
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    startup_expect_in_log("event=adjusted option=--max-connections asked=1000 got=500 why=");
    startup_expect_nothing_in_log();
}

static void adjusted__backlog(void **state)
{
    (void)state;
    startup.bound.backlog_granted = 32;
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    startup_expect_in_log("event=adjusted option=--backlog asked=64 got=32 why=net.core.somaxconn");
    startup_expect_nothing_in_log();
}

static void adjusted__no_control_socket__serves_all_the_same(void **state)
{
    (void)state;
    startup.opened_control_fd = -1;
    startup.control_missing = "the folder is not ours";
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    startup_expect_in_log(
        "event=adjusted option=--control asked=default got=off why=\"the folder is not ours\"");
    startup_expect_nothing_in_log();
    assert_int_equal(startup.made_with[1], -1);
}

static void own_image__cannot_be_kept__said_and_served(void **state)
{
    (void)state;
    startup.failing = "own_image";
    startup.error_number = -ENOSPC;
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    startup_expect_in_log("event=failed what=own_image why=\"no room\"");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, startup_open, startup_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passed__no_address_asked_for__taken_and_said),
        TEST(passed__address_asked_for__compared),
        TEST(passed__no_good__64_or_1),
        TEST(metrics__asked_for__opened_before_anything_is_shared),
        TEST(metrics__cannot_be_opened__64_or_69_or_1),
        TEST(fault__good__ordered_before_anybody_is_forked),
        TEST(fault__bad__64_and_nothing_is_started),
        TEST(adjusted__connections),
        TEST(adjusted__backlog),
        TEST(adjusted__no_control_socket__serves_all_the_same),
        TEST(own_image__cannot_be_kept__said_and_served),
    };

    return cmocka_run_group_tests_name("main_requests", tests, NULL, NULL);
}
