/* Lines of the log on stderr, whatever that is: a pipe, a socket, a file, a terminal; full, closed, or shared with others. */
/* wrap: open */
#include "tests/unit/test_logsink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

static bool refuse_open;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;

    if (refuse_open) {
        errno = EACCES;
        return -1;
    }
    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return __real_open(path, flags, mode);
}

static int start_unbent(void **state)
{
    refuse_open = false;
    return start(state);
}

/* Fills the pipe behind stderr; returns how much it took. */
static size_t stuff_stderr(void)
{
    char block[512];
    size_t total = 0;
    int flags = fcntl(stderr_fds[1], F_GETFL);

    memset(block, '.', sizeof block);
    fcntl(stderr_fds[1], F_SETFL, flags | O_NONBLOCK);
    for (ssize_t length; (length = write(stderr_fds[1], block, sizeof block)) > 0;)
        total += (size_t)length;
    fcntl(stderr_fds[1], F_SETFL, flags);
    return total;
}

static void check_stuck_then_free(void)
{
    stuff_stderr();
    put_record(LOG_LEVEL_INFO, 0, "one");
    put_record(LOG_LEVEL_INFO, 0, "two");
    assert_int_equal(logsink_drain(&sink), 2);
    logsink_add_lost(&sink, 5);
    while (read(stderr_fds[0], output, sizeof output) > 0)
        ;
    assert_int_equal(logsink_drain(&sink), 0);
    assert_non_null(strstr(read_output(), "warn  event=log_lost count=7\n"));
    put_record(LOG_LEVEL_INFO, 0, "three");
    assert_int_equal(logsink_drain(&sink), 1);
    assert_non_null(strstr(read_output(), "three\n"));
    assert_null(strstr(output, "log_lost"));
}

static void stderr_pipe__full__lost_and_told_later(void **state)
{
    (void)state;
    attach_pipe();
    check_stuck_then_free();
}

static void stderr_pipe__cannot_be_opened_anew__asked_before_each_line(void **state)
{
    (void)state;
    refuse_open = true;
    attach_pipe();
    assert_false(sink.output.is_owned);
    check_stuck_then_free();
}

/* The descriptor that the shell and others share keeps its own mode. */
static void stderr_pipe__given_descriptor__stays_blocking(void **state)
{
    (void)state;
    attach_pipe();
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    assert_true(fcntl(sink.output.fd, F_GETFL) & O_NONBLOCK);
}

static void stderr_pipe__reader_gone__lines_are_lost(void **state)
{
    (void)state;
    attach_pipe();
    close(stderr_fds[0]);
    put_record(LOG_LEVEL_INFO, 0, "one");
    assert_int_equal(logsink_drain(&sink), 1);
    assert_int_equal(sink.lost_count, 1);
    stderr_fds[0] = dup(log_fds[0]); /* something for the end to close */
}

static void stderr_socket__full__lost_and_told_later(void **state)
{
    char block[4096] = "";

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stderr_fds), 0);
    attach();
    assert_int_equal(fcntl(stderr_fds[0], F_SETFL, O_NONBLOCK), 0);
    while (send(stderr_fds[1], block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    put_record(LOG_LEVEL_INFO, 0, "one");
    assert_int_equal(logsink_drain(&sink), 1);
    while (read(stderr_fds[0], output, sizeof output) > 0)
        ;
    put_record(LOG_LEVEL_INFO, 0, "two");
    logsink_drain(&sink);
    assert_non_null(strstr(read_output(), "event=log_lost count=1\n"));
    assert_non_null(strstr(output, "two\n"));
}

static void check_appended(void)
{
    char path[] = "/tmp/test_logsink.XXXXXX";

    stderr_fds[1] = mkstemp(path);
    stderr_fds[0] = dup(log_fds[0]);
    assert_true(stderr_fds[1] >= 0);
    attach();
    /* Somebody else writes to the same file; neither may overwrite the other. */
    put_record(LOG_LEVEL_INFO, 0, "one");
    logsink_drain(&sink);
    FILE *other = fopen(path, "a");
    fputs("other\n", other);
    fclose(other);
    put_record(LOG_LEVEL_INFO, 0, "two");
    logsink_drain(&sink);

    int fd = __real_open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, output, sizeof output - 1);
    close(fd);
    unlink(path);
    assert_true(length > 0);
    output[length] = '\0';
    assert_non_null(strstr(output, "one\nother\n"));
    assert_non_null(strstr(output, "two\n"));
}

static void stderr_file__appended(void **state)
{
    (void)state;
    check_appended();
}

/* A supervisor without a descriptor to spare wrote over the lines of the one before it. */
static void stderr_file__cannot_be_opened_anew__appended_all_the_same(void **state)
{
    (void)state;
    refuse_open = true;
    check_appended();
    assert_false(sink.output.is_owned);
}

static void stderr_full_disk__lines_are_lost(void **state)
{
    (void)state;
    stderr_fds[1] = __real_open("/dev/full", O_WRONLY | O_CLOEXEC);
    stderr_fds[0] = dup(log_fds[0]);
    attach();
    put_record(LOG_LEVEL_INFO, 0, "one");
    put_record(LOG_LEVEL_INFO, 0, "two");
    assert_int_equal(logsink_drain(&sink), 2);
    assert_int_equal(sink.lost_count, 2);
}

/* A terminal that is held (Ctrl-S) takes nothing, and later part of a line is never mixed with another. */
static void stderr_terminal__line_taken_in_part__finished_before_the_next(void **state)
{
    (void)state;
    attach_pipe();
    /* The state after a short write, as a terminal leaves it. */
    memcpy(sink.line, "rest of a line\n", 15);
    sink.line_bytes = 15;
    put_record(LOG_LEVEL_INFO, 0, "next");
    logsink_drain(&sink);
    assert_int_equal(strncmp(read_output(), "rest of a line\n1970", 19), 0);
    assert_int_equal(sink.line_bytes, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_unbent, finish)
    const struct CMUnitTest tests[] = {
        TEST(stderr_pipe__full__lost_and_told_later),
        TEST(stderr_pipe__cannot_be_opened_anew__asked_before_each_line),
        TEST(stderr_pipe__given_descriptor__stays_blocking),
        TEST(stderr_pipe__reader_gone__lines_are_lost),
        TEST(stderr_socket__full__lost_and_told_later),
        TEST(stderr_file__appended),
        TEST(stderr_file__cannot_be_opened_anew__appended_all_the_same),
        TEST(stderr_full_disk__lines_are_lost),
        TEST(stderr_terminal__line_taken_in_part__finished_before_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
