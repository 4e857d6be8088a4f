/* The configuration file: what it may hold, that flags win, and one line for whatever is wrong. */
/* wrap: malloc fstat */
#include "tests/support/cmocka_all.h"

#include "master/config.h"
#include "master/options_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/test_config.XXXXXX";
static struct options options;
static char error[OPTIONS_ERROR_SIZE];
static int mallocs_before_failure; /* -1: none fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    if (mallocs_before_failure == 0)
        return NULL;
    if (mallocs_before_failure > 0)
        mallocs_before_failure--;
    return __real_malloc(size);
}

static bool no_status; /* of an open file */

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);

int __wrap_fstat(int fd, struct stat *status)
{
    errno = EIO;
    return no_status ? -1 : __real_fstat(fd, status);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int begin(void **state)
{
    (void)state;
    mallocs_before_failure = -1;
    error[0] = '\0';
    return 0;
}

static void write_bytes(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int read_now(void)
{
    options_set_defaults(&options);
    return config_read(&options, path, error, sizeof error);
}

static void check_read(const char *content)
{
    write_bytes(content, strlen(content));
    if (read_now() != 0)
        fail_msg("\"%s\": %s", content, error);
}

/* Refused, and the message is "PATH:" and `expected`. */
static void check_refused_bytes(const char *content, size_t size, const char *expected)
{
    write_bytes(content, size);
    assert_int_equal(read_now(), -EINVAL);
    assert_null(options.texts);
    assert_int_equal(strncmp(error, path, strlen(path)), 0);
    assert_string_equal(error + strlen(path), expected);
}

static void check_refused(const char *content, const char *expected)
{
    check_refused_bytes(content, strlen(content), expected);
}

/* ---- what is understood ---- */

static void read__every_kind__its_field(void **state)
{
    (void)state;
    check_read(
        "workers = 3\nbind=:80\nunix-mode = 600\nidle-timeout = 1.5s\nservice = echo\n"
        "log-level: debug\nprotect = off\ncore = on\nincident-dir = /var/a b\nmax-connections = 10000\n");
    assert_int_equal(options.worker_count, 3);
    assert_string_equal(options.bind, ":80");
    assert_int_equal(options.unix_mode, 0600);
    assert_int_equal(options.idle_timeout_ms, 1500);
    assert_ptr_equal(options.service, &service_echo);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
    assert_false(options.protect);
    assert_true(options.core);
    assert_string_equal(options.incident_dir, "/var/a b");
    assert_true(options.max_connections_asked);
    assert_int_equal(options.drain_timeout_ms, 8000); /* not named: the default */
    options_free(&options);
    check_read("core = off\n");
    assert_false(options.core);
    assert_false(options.max_connections_asked);
    options_free(&options);
    assert_null(options.texts);
}

static void read__comments_blanks_heading_and_indents__understood(void **state)
{
    (void)state;
    check_read("# one\n; two\n\n   \n\t# three\n[prefork-upper] ; the only one\n  workers = 2 ; four\r\n"
               "\tbacklog = 7\n    idle-timeout = 3s");
    assert_int_equal(options.worker_count, 2);
    assert_int_equal(options.backlog, 7);
    assert_int_equal(options.idle_timeout_ms, 3000);
    options_free(&options);
    check_read("[prefork-upper]# the only one\nworkers = 4\n");
    assert_int_equal(options.worker_count, 4);
    options_free(&options);
    check_read("\xef\xbb\xbf[prefork-upper]\nworkers = 5\n");
    assert_int_equal(options.worker_count, 5);
    options_free(&options);
    check_read("");
    options_free(&options);
}

static void read__texts__live_until_they_are_given_back(void **state)
{
    (void)state;
    check_read("bind = :1\npid-file = /a\nincident-dir = /b\n");
    write_bytes("", 0);
    assert_string_equal(options.bind, ":1");
    assert_string_equal(options.pid_file, "/a");
    assert_string_equal(options.incident_dir, "/b");
    options_free(&options);
}

static void read__every_option_of_the_table__accepted_or_refused_by_its_scope(void **state)
{
    char line[256], expected[256];

    (void)state;
    for (size_t i = 0; option_at(i); i++) {
        const struct option_spec *spec = option_at(i);
        const char *value = spec->default_text ? spec->default_text : spec->kind == OPTION_TEXT ? "x" : "1";

        if (spec->kind == OPTION_FLAG)
            value = "on";
        snprintf(line, sizeof line, "%s = %s\n", spec->name, value);
        snprintf(expected, sizeof expected, ":1: %s: accepted on the command line alone", spec->name);
        if (spec->scope == SCOPE_COMMAND_LINE) {
            check_refused(line, expected);
            continue;
        }
        check_read(line);
        assert_int_equal(options.file_lines[i], 1);
        options_free(&options);
    }
}

/* ---- what is refused ---- */

static void read__bad_value__names_line_option_value_and_what_is_accepted(void **state)
{
    (void)state;
    check_refused("\nworkers = 0\n", ":2: workers \"0\": a whole number from 1 to 128 is accepted");
    check_refused("workers =\n", ":1: workers \"\": a whole number from 1 to 128 is accepted");
    check_refused("core = yes\n", ":1: core \"yes\": on or off is accepted");
    check_refused("core =\n", ":1: core \"\": on or off is accepted");
    check_refused("service = lower\n", ":1: service \"lower\": one of upper, echo, faulty is accepted");
    check_refused("pid-file =\n", ":1: pid-file \"\": a path is accepted");
    check_refused("#\n#\nlog-level = loud\n",
                  ":3: log-level \"loud\": one of error, warn, info, debug is accepted");
}

static void read__unknown_name__names_what_was_meant(void **state)
{
    (void)state;
    check_refused("idle-timout = 3\n", ":1: \"idle-timout\": no such option; did you mean idle-timeout?");
    check_refused("bind 0.0.0.0:80\n",
                  ":1: \"bind 0.0.0.0\": a line of the form \"name = value\" is accepted");
    check_refused("--workers = 3\n", ":1: \"--workers\": no such option; did you mean workers?");
    check_refused("frobnicate = 3\n", ":1: \"frobnicate\": no such option; --help lists them");
    check_refused("idle = 3\n", ":1: \"idle\": no such option; --help lists them"); /* nothing is completed */
    check_refused("ready-fb = 3\n", ":1: \"ready-fb\": no such option; --help lists them");
    check_refused("= 3\n", ":1: \"\": no such option; --help lists them");
}

static void read__twice__names_both_lines(void **state)
{
    (void)state;
    check_refused("workers = 1\n\nworkers = 1\n", ":3: workers: stands in line 1 already");
}

static void read__other_heading__refused_even_when_empty(void **state)
{
    static const char only[] = "[prefork-upper] is the only heading that is accepted";
    char expected[160];

    (void)state;
    snprintf(expected, sizeof expected, ":1: \"[other]\": %s", only);
    check_refused("[other]\n", expected);
    check_refused("[other]\nworkers = 1\n", expected);
    snprintf(expected, sizeof expected, ":2: \"[prefork-upper] workers = 1\": %s", only);
    check_refused("\n[prefork-upper] workers = 1\n", expected);
    snprintf(expected, sizeof expected, ":1: \"[prefork-upper\": %s", only);
    check_refused("[prefork-upper", expected);
}

static void read__line_without_a_value__the_first_fault_is_told(void **state)
{
    (void)state;
    check_refused("workers\n", ":1: a line of the form \"name = value\" is accepted");
    check_refused("bad\nworkers = 0\n", ":1: a line of the form \"name = value\" is accepted");
    check_refused("workers = 0\nbad\n", ":1: workers \"0\": a whole number from 1 to 128 is accepted");
    check_refused("\nbad\n[other]\n", ":2: a line of the form \"name = value\" is accepted");
}

static void read__line_too_long__refused_and_never_cut(void **state)
{
    char content[1024];

    (void)state;
    memset(content, 'x', sizeof content);
    memcpy(content, "pid-file = ", strlen("pid-file = "));
    content[198] = '\0';
    check_read(content); /* the longest that inih's 200 bytes hold */
    assert_int_equal(strlen(options.pid_file), 198 - strlen("pid-file = "));
    options_free(&options);
    content[198] = 'x';
    check_refused_bytes(content, 199, ":1: a line of at most 198 bytes is accepted");
    check_refused_bytes(content, sizeof content, ":1: a line of at most 198 bytes is accepted");
    memset(content, ' ', 100); /* an indent does not count */
    check_refused_bytes(content, 250, ":1: a line of the form \"name = value\" is accepted");
}

static void read__nul_byte__refused(void **state)
{
    (void)state;
    check_refused_bytes("\nworkers = 1\0 2\n", 15, ":2: a NUL byte is not accepted");
    check_refused_bytes("\0", 1, ":1: a NUL byte is not accepted");
}

/* ---- the file itself ---- */

static void expect_error(const char *file, const char *expected)
{
    char whole[512];

    options_set_defaults(&options);
    assert_int_equal(config_read(&options, file, error, sizeof error), -EINVAL);
    assert_null(options.texts);
    snprintf(whole, sizeof whole, "%s: %s", file, expected);
    assert_string_equal(error, whole);
}

static void read__no_file_or_no_regular_one__says_so_at_once(void **state)
{
    char fifo[64];

    (void)state;
    expect_error("/nonexistent/x.ini", "cannot be read: No such file or directory");
    expect_error("/tmp", "a regular file is accepted");
    expect_error("/dev/zero", "a regular file is accepted");
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_error(fifo, "a regular file is accepted");
    assert_int_equal(unlink(fifo), 0);
}

static void read__too_large__refused(void **state)
{
    char *content = malloc(CONFIG_BYTES_MAX + 1);

    (void)state;
    assert_non_null(content);
    memset(content, '\n', CONFIG_BYTES_MAX + 1);
    write_bytes(content, CONFIG_BYTES_MAX + 1);
    expect_error(path, "cannot be read: File too large");
    memcpy(content + CONFIG_BYTES_MAX - 11, "workers = 2", 11);
    write_bytes(content, CONFIG_BYTES_MAX);
    assert_int_equal(read_now(), 0);
    assert_int_equal(options.worker_count, 2);
    assert_int_equal(options.file_lines[option_index(option_named("workers"))], CONFIG_BYTES_MAX - 10);
    options_free(&options);
    free(content);
}

static void read__disk_fails_or_no_memory__says_so(void **state)
{
    (void)state;
    write_bytes("workers = 2\n", 12);
    expect_error("/proc/self/mem", "cannot be read: Input/output error");
    no_status = true;
    expect_error(path, "cannot be read: Input/output error");
    no_status = false;
    mallocs_before_failure = 0;
    expect_error(path, "cannot be read: Cannot allocate memory");
    mallocs_before_failure = 1;
    expect_error(path, "cannot be read: Cannot allocate memory");
    mallocs_before_failure = -1; /* what is done at the end of the process may need memory */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(read__every_kind__its_field, begin),
        cmocka_unit_test_setup(read__comments_blanks_heading_and_indents__understood, begin),
        cmocka_unit_test_setup(read__texts__live_until_they_are_given_back, begin),
        cmocka_unit_test_setup(read__every_option_of_the_table__accepted_or_refused_by_its_scope, begin),
        cmocka_unit_test_setup(read__bad_value__names_line_option_value_and_what_is_accepted, begin),
        cmocka_unit_test_setup(read__unknown_name__names_what_was_meant, begin),
        cmocka_unit_test_setup(read__twice__names_both_lines, begin),
        cmocka_unit_test_setup(read__other_heading__refused_even_when_empty, begin),
        cmocka_unit_test_setup(read__line_without_a_value__the_first_fault_is_told, begin),
        cmocka_unit_test_setup(read__line_too_long__refused_and_never_cut, begin),
        cmocka_unit_test_setup(read__nul_byte__refused, begin),
        cmocka_unit_test_setup(read__no_file_or_no_regular_one__says_so_at_once, begin),
        cmocka_unit_test_setup(read__too_large__refused, begin),
        cmocka_unit_test_setup(read__disk_fails_or_no_memory__says_so, begin),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
