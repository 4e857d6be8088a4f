/* The server's main(): who is played, and what a start that goes well does in which order. */
/* wrap: title_init title_drop_argument title_arguments title_set roles_is_one roles_play subcommand_run */
/* wrap: options_parse descriptors_fit settings_from_options inherit_tidy inherit_make listener_open */
/* wrap: listener_remove_path incident_prepare logoutput_open logoutput_close pidfile_write pidfile_remove */
/* wrap: control_socket_open control_socket_remove shared_pages_create facts_write imagepost_keep_own */
/* wrap: master_block_signals master_run program_path passed_count passed_listener metrics_socket_open */
#include "tests/support/cmocka_all.h"

#include "master/descriptors.h"
#include "master/options_pack.h"
#include "master/subcommand.h"
#include "tests/support/main_fixture.h"
#include "worker/heritage.h"

/* ---- who is played ---- */

static void main__role__played_with_the_services_own_command_line(void **state)
{
    (void)state;
    assert_int_equal(startup_run(startup.role), STARTUP_ROLE_CODE);
    assert_string_equal(startup.calls, "title drop play");
    assert_int_equal(startup.played_argc, 2);
    assert_ptr_equal(startup.played_argv, startup.title);
}

static void main__word__subcommand(void **state)
{
    (void)state;
    assert_int_equal(startup_run(startup.check), STARTUP_SUBCOMMAND_CODE);
    assert_string_equal(startup.calls, "title subcommand");
    assert_int_equal(startup.subcommand_argc, 2);
}

static void main__option_or_nothing__serves(void **state)
{
    (void)state;
    assert_int_equal(startup_run(startup.option), STARTUP_SERVICE_CODE);
    assert_int_equal(startup.run_setup.argc, 3);
    startup.calls[0] = '\0';
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    assert_string_equal(startup.calls, STARTUP_BEGUN "log_open log_close control " STARTUP_SERVED);
    assert_string_equal(startup.said, "");
}

static void main__wrong_usage__its_code_and_nothing_is_started(void **state)
{
    (void)state;
    startup.parse_code = EXIT_USAGE;
    assert_int_equal(startup_run(NULL), EXIT_USAGE);
    assert_string_equal(startup.calls, "title options");
}

/* ---- a start that goes well ---- */

static void start__everything_named__prepared_in_this_order(void **state)
{
    (void)state;
    startup.given.incident_dir = "/i";
    startup.given.log_file = "/l";
    startup.given.pid_file = "/p";
    assert_int_equal(startup_run(NULL), STARTUP_SERVICE_CODE);
    assert_string_equal(startup.calls,
                        STARTUP_BEGUN "incident log_open log_close pidfile control " STARTUP_SERVED);
    startup_expect_nothing_in_log();
}

static void start__listener__with_its_options(void **state)
{
    (void)state;
    startup_run(NULL);
    assert_int_equal(startup.opened.backlog, STARTUP_BACKLOG);
    assert_int_equal(startup.opened.unix_mode, 0611);
    assert_int_equal(startup.opened.write_timeout_ms, 7000);
    assert_int_equal(startup.made_with[0], STARTUP_LISTENER_FD);
    assert_int_equal(startup.made_with[1], STARTUP_CONTROL_FD);
    assert_int_equal(startup.removed.ino, 8);
}

static void start__limits__a_reserve_beside_the_connections(void **state)
{
    (void)state;
    startup.given.max_connections = 1234;
    startup.given.max_connections_asked = true;
    startup_run(NULL);
    assert_int_equal(startup.asked_connections, 1234);
    assert_true(startup.asked_for);
    assert_int_equal(startup.reserved, FIRST_CONNECTION + DESCRIPTOR_RESERVE);
    assert_int_equal(startup.settings_connections, STARTUP_GRANTED);
}

static void start__what_the_service_knows__as_it_was_found(void **state)
{
    (void)state;
    startup.bound.is_unix = true;
    startup_run(NULL);
    assert_ptr_equal(startup.run_setup.pages, startup.worker.pages);
    assert_int_equal(startup.run_setup.argc, 1);
    assert_int_equal(startup.run_setup.ready_fd, STARTUP_TIDY_READY_FD);
    assert_int_equal(startup.run_setup.connection_count_max, STARTUP_GRANTED);
    assert_int_equal(startup.run_setup.backlog_granted, STARTUP_BACKLOG);
    assert_true(startup.run_setup.listener_is_unix);
    assert_string_equal(startup.run_setup.bound, "127.0.0.1:4242");
    assert_string_equal(startup.run_setup.control.path, "/run/c.sock");
    assert_string_equal(startup.run_setup.program, "/opt/prefork-upper");
    assert_int_equal(startup.run_setup.settings.worker_count, 2);
    assert_true(startup.worker.pages->orders.start_ns > 0);
    assert_true(startup.worker.pages->orders.layout == facts_layout());
}

static void start__facts__for_the_master_of_another_image(void **state)
{
    (void)state;
    struct options options;

    startup.given.pid_file = "/some/pid";
    startup_run(NULL);
    options_unpack(&options, &startup.written.options);
    assert_string_equal(options.pid_file, "/some/pid");
    assert_string_equal(options.bind, startup.given.bind);
    assert_int_equal(startup.written.listener.ino, 8);
    assert_string_equal(startup.written.setup.bound, "127.0.0.1:4242");
}

static void start__log_level__that_of_all_processes(void **state)
{
    (void)state;
    startup.given.log_level = LOG_LEVEL_DEBUG;
    startup_run(NULL);
    assert_int_equal(atomic_load(&startup.worker.pages->orders.log_level), LOG_LEVEL_DEBUG);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, startup_open, startup_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(main__role__played_with_the_services_own_command_line),
        TEST(main__word__subcommand),
        TEST(main__option_or_nothing__serves),
        TEST(main__wrong_usage__its_code_and_nothing_is_started),
        TEST(start__everything_named__prepared_in_this_order),
        TEST(start__listener__with_its_options),
        TEST(start__limits__a_reserve_beside_the_connections),
        TEST(start__what_the_service_knows__as_it_was_found),
        TEST(start__facts__for_the_master_of_another_image),
        TEST(start__log_level__that_of_all_processes),
    };

    return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
