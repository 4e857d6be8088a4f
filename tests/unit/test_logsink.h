/*
 * The reading end of the log pipe (master/logsink.h) in a test's hands: it puts records or bytes into the pipe, lets them be
 * drained, and reads what has come out of the stderr that it has put in place. One sink at a time.
 *
 * The test makes stderr_fds before attach(), or calls attach_pipe(); finish() closes both, and gives stderr back.
 */
#ifndef TESTS_UNIT_TEST_LOGSINK_H
#define TESTS_UNIT_TEST_LOGSINK_H

#include "tests/support/cmocka_all.h"

#include "master/logsink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct logsink sink;
static struct logsink_settings settings; /* stderr and text, unless the test says otherwise */
static int log_fds[2];                   /* the log pipe */
static int stderr_fds[2];                /* what stands behind stderr: [0] is read by the test */
static int saved_stderr;
static char output[65536];

static inline int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    settings = (struct logsink_settings){0};
    saved_stderr = dup(STDERR_FILENO);
    return saved_stderr >= 0 && pipe2(log_fds, O_CLOEXEC) == 0 ? 0 : -1;
}

static inline int finish(void **state)
{
    (void)state;
    logsink_close(&sink);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    for (int i = 0; i < 2; i++) {
        close(log_fds[i]);
        close(stderr_fds[i]);
    }
    log_init(-1, LOG_LEVEL_INFO);
    unsetenv("JOURNAL_STREAM");
    return 0;
}

static inline void attach(void)
{
    assert_true(dup2(stderr_fds[1], STDERR_FILENO) >= 0);
    assert_int_equal(logsink_init(&sink, log_fds[0], &settings), 0);
    log_init(log_fds[1], LOG_LEVEL_INFO);
}

static inline void attach_pipe(void)
{
    assert_int_equal(pipe2(stderr_fds, O_CLOEXEC), 0);
    attach();
    assert_int_equal(fcntl(stderr_fds[0], F_SETFL, O_NONBLOCK), 0);
}

/* What has come out of stderr so far. */
static inline const char *read_output(void)
{
    ssize_t length = read(stderr_fds[0], output, sizeof output - 1);

    output[length > 0 ? length : 0] = '\0';
    return output;
}

static inline void put(const void *bytes, size_t byte_count)
{
    assert_int_equal(write(log_fds[1], bytes, byte_count), byte_count);
}

static inline void put_record(uint16_t level, int64_t time_ns, const char *text)
{
    char record[LOG_RECORD_SIZE_MAX];
    struct log_record_header header = {
        .magic = LOG_RECORD_MAGIC,
        .level = level,
        .text_length = (uint16_t)strlen(text),
        .time_ns = time_ns,
    };

    memcpy(record, &header, sizeof header);
    memcpy(record + sizeof header, text, strlen(text));
    put(record, sizeof header + strlen(text));
}

#endif
