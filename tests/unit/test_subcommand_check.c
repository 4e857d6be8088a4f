/* `prefork-upper check`: what is looked at, in which order, and with which code it ends. */
/* wrap: listener_probe descriptors_fit settings_from_options options_parse access */
#include "tests/support/cmocka_all.h"
#include "tests/support/run_subcommand.h"

#include "master/address.h"
#include "master/listener.h"
#include "master/options.h"
#include "master/settings.h"
#include "master/subcommand.h"
#include "worker/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GRANTED = 777 };

static char directory[] = "/tmp/test_subcommand_check.XXXXXX";

/* ---- in place of what is looked at ---- */

static struct {
    char address[ADDRESS_TEXT_SIZE];
    struct listener_settings settings;
} probed[4];
static unsigned probed_count;
static struct {
    unsigned probe; /* of the probes, counted from 1; 0: none */
    int result;
} bad;
static int descriptors_result, settings_result;
static uint32_t wanted, reserved, connections;
static bool asked_for, may_parse;
static const char *forbidden; /* path that may not be written */

int __wrap_listener_probe(const struct address *address, const struct listener_settings *settings,
                          char error[], size_t error_size);
int __wrap_listener_probe(const struct address *address, const struct listener_settings *settings,
                          char error[], size_t error_size)
{
    assert_true(probed_count < sizeof probed / sizeof probed[0]);
    snprintf(probed[probed_count].address, sizeof probed[0].address, "%s", address->text);
    probed[probed_count++].settings = *settings;
    if (probed_count != bad.probe)
        return 0;
    snprintf(error, error_size, "probe %u is bad", bad.probe);
    return bad.result;
}

int __wrap_descriptors_fit(uint32_t given_wanted, bool given_asked_for, uint32_t given_reserved,
                           uint32_t *granted, char error[], size_t error_size);
int __wrap_descriptors_fit(uint32_t given_wanted, bool given_asked_for, uint32_t given_reserved,
                           uint32_t *granted, char error[], size_t error_size)
{
    wanted = given_wanted;
    asked_for = given_asked_for;
    reserved = given_reserved;
    *granted = GRANTED;
    snprintf(error, error_size, "too many");
    return descriptors_result;
}

int __real_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size);
int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size);
int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size)
{
    connections = connection_count_max;
    snprintf(error, error_size, "no such settings");
    return settings_result
               ? settings_result
               : __real_settings_from_options(settings, options, connection_count_max, error, error_size);
}

/* Asked for help it would end the process. */
int __real_options_parse(struct options *options, int argc, char **argv);
int __wrap_options_parse(struct options *options, int argc, char **argv);
int __wrap_options_parse(struct options *options, int argc, char **argv)
{
    assert_true(may_parse);
    return __real_options_parse(options, argc, argv);
}

/* The tests may be root's, to whom nothing is forbidden. */
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
    if (!forbidden || strcmp(path, forbidden) != 0)
        return __real_access(path, mode);
    assert_int_equal(mode, W_OK | X_OK);
    errno = EACCES;
    return -1;
}

/* ---- setup ---- */

static int begin(void **state)
{
    (void)state;
    probed_count = 0;
    bad.probe = 0;
    descriptors_result = settings_result = 0;
    connections = wanted = 0;
    forbidden = NULL;
    may_parse = true;
    strcpy(directory, "/tmp/test_subcommand_check.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

/* Fails when a check has left something. */
static int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const char *in_directory(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

#define CHECK_WITH(...) run_subcommand(subcommand_check, "check", (const char *const[]){__VA_ARGS__, NULL})

static void expect_complaint(const char *words)
{
    if (!strstr(complained, words))
        fail_msg("no \"%s\" in: %s", words, complained);
    assert_int_equal(strncmp(complained, "prefork-upper: ", 15), 0);
    assert_ptr_equal(strchr(complained, '\n'), complained + strlen(complained) - 1); /* one line */
    assert_string_equal(said, "");
}

/* ---- all is good ---- */

static void check__everything_good__says_what_could_be_served(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--bind", "127.0.0.1:4242", "--workers", "3"), 0);
    assert_string_equal(said, "ok: 127.0.0.1:4242 can be served by 3 workers\n");
    assert_string_equal(complained, "");
    assert_int_equal(CHECK_WITH("--bind", "127.0.0.1:4242", "--workers", "1"), 0);
    assert_string_equal(said, "ok: 127.0.0.1:4242 can be served by 1 worker\n");
}

static void check__listener__probed_with_its_options(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--bind", "127.0.0.1:4242", "--backlog", "17", "--unix-mode", "0611",
                                "--write-timeout", "7s"),
                     0);
    assert_int_equal(probed_count,
                     1); /* without a place that was named, no socket for commands is looked at */
    assert_string_equal(probed[0].address, "127.0.0.1:4242");
    assert_int_equal(probed[0].settings.backlog, 17);
    assert_int_equal(probed[0].settings.unix_mode, 0611);
    assert_int_equal(probed[0].settings.write_timeout_ms, 7000);
}

static void check__control_socket__probed_where_it_was_said(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--control", in_directory("c.sock")), 0);
    assert_int_equal(probed_count, 2);
    assert_int_equal(strncmp(probed[1].address, "unix:", 5), 0);
    assert_string_equal(probed[1].address + 5, in_directory("c.sock"));
    probed_count = 0;
    assert_int_equal(CHECK_WITH("--control", "off"), 0);
    assert_int_equal(probed_count, 1);
}

static void check__metrics__probed_and_must_be_tcp(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--metrics", "127.0.0.1:9100"), 0);
    assert_int_equal(probed_count, 2);
    assert_string_equal(probed[1].address, "127.0.0.1:9100");
    assert_int_equal(CHECK_WITH("--metrics", "unix:/x"), EXIT_USAGE);
    expect_complaint("prefork-upper: --metrics: ");
}

static void check__limits__those_of_a_start(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--max-connections", "1234"), 0);
    assert_int_equal(wanted, 1234);
    assert_true(asked_for);
    assert_int_equal(reserved, FIRST_CONNECTION + DESCRIPTOR_RESERVE);
    assert_int_equal(connections, GRANTED); /* what was granted, not what was wanted */
    assert_int_equal(CHECK_WITH(NULL), 0);
    assert_false(asked_for);
}

/* ---- something is wrong ---- */

static void check__wrong_usage__64_and_nothing_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--workers", "many"), EXIT_USAGE);
    expect_complaint("--workers");
    assert_int_equal(wanted, 0);
}

static void check__limits_too_low__64_before_any_probe(void **state)
{
    (void)state;
    descriptors_result = -EMFILE;
    assert_int_equal(CHECK_WITH(NULL), EXIT_USAGE);
    expect_complaint("prefork-upper: --max-connections: too many\n");
    assert_int_equal(connections, 0);
    assert_int_equal(probed_count, 0);
}

static void check__settings_refused__64_before_any_probe(void **state)
{
    (void)state;
    settings_result = -ENAMETOOLONG;
    assert_int_equal(CHECK_WITH(NULL), EXIT_USAGE);
    expect_complaint("prefork-upper: no such settings\n");
    assert_int_equal(probed_count, 0);
}

static void check__no_such_user__64_and_the_option(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--user", "nobody-has-this-name"), EXIT_USAGE);
    expect_complaint("prefork-upper: --user: ");
    assert_int_equal(probed_count, 0);
}

static void check__bad_fault__64_before_any_probe(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--fault", "acept:EMFILE:1/3"), EXIT_USAGE);
    expect_complaint("prefork-upper: --fault: ");
    assert_int_equal(probed_count, 0);
}

static void check__good_fault__goes_on(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--fault", "accept:EMFILE:1/3"), 0);
}

static void check__bad_address__64_and_the_option(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--bind", "127.0.0.1:99999"), EXIT_USAGE);
    expect_complaint("prefork-upper: --bind: ");
    assert_int_equal(probed_count, 0);
}

static void check__control_path_too_long__64_and_the_option(void **state)
{
    char path[300] = "/";

    (void)state;
    memset(path + 1, 'x', sizeof path - 2);
    assert_int_equal(CHECK_WITH("--control", path), EXIT_USAGE);
    expect_complaint("prefork-upper: --control: ");
}

/* The rules are those of conflicts.h. */
static void check__two_options_at_one_place__64(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--log-file", in_directory("log"), "--pid-file", in_directory("log")),
                     EXIT_USAGE);
    expect_complaint("/log is that of --log-file already\n");
    assert_int_equal(probed_count, 0);
}

static void check__address_in_use__69(void **state)
{
    (void)state;
    bad.probe = 1;
    bad.result = -EADDRINUSE;
    assert_int_equal(CHECK_WITH("--control", in_directory("c.sock")), EXIT_UNAVAILABLE);
    expect_complaint("prefork-upper: probe 1 is bad\n");
    assert_int_equal(probed_count, 1);
    bad.probe = 4;
    assert_int_equal(CHECK_WITH(NULL), 0);
    assert_int_equal(CHECK_WITH("--control", in_directory("c.sock")), EXIT_UNAVAILABLE);
    expect_complaint("prefork-upper: --control: probe 4 is bad\n");
}

static void check__address_cannot_be_bound__1(void **state)
{
    (void)state;
    bad.probe = 1;
    bad.result = -EACCES;
    assert_int_equal(CHECK_WITH(NULL), EXIT_FAILED);
    expect_complaint("prefork-upper: probe 1 is bad\n");
}

/* ---- files ---- */

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "000\n", 4), 4);
    close(fd);
}

static off_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void check__files_that_can_be_made__are_not_made(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--log-file", in_directory("log"), "--pid-file", in_directory("pid"),
                                "--incident-dir", in_directory("incidents")),
                     0);
    assert_string_equal(complained, ""); /* and end() sees that the folder is empty */
}

static void check__files_that_are_there__are_left_as_they_are(void **state)
{
    (void)state;
    touch(in_directory("log"));
    touch(in_directory("pid"));
    assert_int_equal(mkdir(in_directory("incidents"), 0700), 0);
    assert_int_equal(CHECK_WITH("--log-file", in_directory("log"), "--pid-file", in_directory("pid"),
                                "--incident-dir", in_directory("incidents")),
                     0);
    assert_int_equal(size_of(in_directory("log")), 4);
    assert_int_equal(size_of(in_directory("pid")), 4);
    unlink(in_directory("log"));
    unlink(in_directory("pid"));
    assert_int_equal(rmdir(in_directory("incidents")), 0);
}

static void check__log_file_that_cannot_be__1_and_why(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--log-file", in_directory("no/log")), EXIT_FAILED);
    expect_complaint("prefork-upper: --log-file: cannot write to /tmp/");
    expect_complaint("/no/log: No such file or directory\n");
    assert_int_equal(CHECK_WITH("--log-file", directory), EXIT_FAILED);
    expect_complaint(": Is a directory\n");
    forbidden = directory;
    assert_int_equal(CHECK_WITH("--log-file", in_directory("log")), EXIT_FAILED);
    expect_complaint("/log: Permission denied\n");
}

/* A start would wait there for a reader; the check must not. */
static void check__log_file_is_a_fifo_without_a_reader__1_at_once(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_directory("log"), 0600), 0);
    assert_int_equal(CHECK_WITH("--log-file", in_directory("log")), EXIT_FAILED);
    expect_complaint("--log-file: cannot write to ");
    unlink(in_directory("log"));
}

static void check__pid_file_that_cannot_be__1_and_why(void **state)
{
    (void)state;
    assert_int_equal(CHECK_WITH("--pid-file", in_directory("no/pid")), EXIT_FAILED);
    expect_complaint("prefork-upper: the pid file /tmp/");
    expect_complaint("/no/pid cannot be written: No such file or directory\n");
    forbidden = directory;
    assert_int_equal(CHECK_WITH("--pid-file", in_directory("pid")), EXIT_FAILED);
    expect_complaint("/pid cannot be written: Permission denied\n");
}

static void check__pid_file_is_no_regular_file__1_and_why(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_directory("pid"), 0600), 0);
    assert_int_equal(CHECK_WITH("--pid-file", in_directory("pid")), EXIT_FAILED);
    expect_complaint("prefork-upper: the pid file /tmp/");
    unlink(in_directory("pid"));
}

static void check__incident_folder_that_cannot_be__1_and_why(void **state)
{
    (void)state;
    touch(in_directory("incidents"));
    assert_int_equal(CHECK_WITH("--incident-dir", in_directory("incidents")), EXIT_FAILED);
    expect_complaint("prefork-upper: --incident-dir: cannot write to /tmp/");
    expect_complaint("/incidents: Not a directory\n");
    unlink(in_directory("incidents"));
    assert_int_equal(CHECK_WITH("--incident-dir", in_directory("nowhere/incidents")), EXIT_FAILED);
    expect_complaint("/nowhere/incidents: No such file or directory\n");
}

/* Whose value was bad is named by its place in the file. */
static void check__value_from_a_configuration_file__its_line_is_named(void **state)
{
    const char *path = in_directory("conf");
    FILE *file = fopen(path, "we");

    (void)state;
    assert_non_null(file);
    fputs("workers = 2\nbind = nowhere\n", file);
    fclose(file);
    assert_int_equal(CHECK_WITH("--config", path), EXIT_USAGE);
    expect_complaint("/conf:2: bind: ");
    unlink(path);
}

/* ---- help ---- */

static void help__both_spellings__sentence_and_exit_codes(void **state)
{
    (void)state;
    may_parse = false;
    assert_int_equal(CHECK_WITH("--help"), 0);
    assert_non_null(strstr(said, "Usage: prefork-upper check [OPTION]...\n"));
    assert_non_null(strstr(said, "69 the address is in use"));
    assert_int_equal(CHECK_WITH("-h"), 0);
    assert_non_null(strstr(said, "Usage: prefork-upper check [OPTION]...\n"));
    assert_int_equal(wanted, 0);
}

static void help__nowhere_to_write__1(void **state)
{
    FILE *full = fopen("/dev/full", "we");

    (void)state;
    assert_non_null(full);
    assert_int_equal(
        run_subcommand_to(full, subcommand_check, "check", (const char *const[]){"--help", NULL}),
        EXIT_FAILED);
    fclose(full);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(check__everything_good__says_what_could_be_served),
        TEST(check__listener__probed_with_its_options),
        TEST(check__control_socket__probed_where_it_was_said),
        TEST(check__metrics__probed_and_must_be_tcp),
        TEST(check__limits__those_of_a_start),
        TEST(check__wrong_usage__64_and_nothing_is_looked_at),
        TEST(check__limits_too_low__64_before_any_probe),
        TEST(check__settings_refused__64_before_any_probe),
        TEST(check__bad_fault__64_before_any_probe),
        TEST(check__bad_address__64_and_the_option),
        TEST(check__control_path_too_long__64_and_the_option),
        TEST(check__two_options_at_one_place__64),
        TEST(check__address_in_use__69),
        TEST(check__address_cannot_be_bound__1),
        TEST(check__files_that_can_be_made__are_not_made),
        TEST(check__files_that_are_there__are_left_as_they_are),
        TEST(check__log_file_that_cannot_be__1_and_why),
        TEST(check__log_file_is_a_fifo_without_a_reader__1_at_once),
        TEST(check__pid_file_that_cannot_be__1_and_why),
        TEST(check__pid_file_is_no_regular_file__1_and_why),
        TEST(check__incident_folder_that_cannot_be__1_and_why),
        TEST(check__value_from_a_configuration_file__its_line_is_named),
        TEST(help__both_spellings__sentence_and_exit_codes),
        TEST(help__nowhere_to_write__1),
        TEST(check__good_fault__goes_on),
        TEST(check__no_such_user__64_and_the_option),
    };

    return cmocka_run_group_tests_name("subcommand_check", tests, NULL, NULL);
}
