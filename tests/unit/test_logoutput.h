/*
 * The sink of the log (master/logsink.h) that writes to a file in a folder of the test's own: the test says words, and looks
 * at what stands in which file. One sink at a time; the log pipe is real, and the test drains it.
 *
 * end() removes the files log and log.1 and the folder, and fails if anything else lies there.
 */
#ifndef TESTS_UNIT_TEST_LOGOUTPUT_H
#define TESTS_UNIT_TEST_LOGOUTPUT_H

#include "tests/support/cmocka_all.h"

#include "master/logsink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct logsink sink;
static struct logsink_settings settings;
static int log_fds[2]; /* the log pipe */
static char folder[64], subfolder[80], path[96], moved[96];
static _Atomic(uint64_t) lost_kept;
static char content[65536]; /* of the file that was read last */

static inline int begin(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    lost_kept = 0;
    strcpy(folder, "/tmp/test_logoutput.XXXXXX");
    if (!mkdtemp(folder) || pipe2(log_fds, O_CLOEXEC) < 0)
        return -1;
    snprintf(subfolder, sizeof subfolder, "%s/sub", folder);
    snprintf(path, sizeof path, "%s/log", subfolder);
    snprintf(moved, sizeof moved, "%s/log.1", subfolder);
    settings = (struct logsink_settings){.path = path, .lost_kept = &lost_kept};
    log_init(log_fds[1], LOG_LEVEL_INFO);
    return mkdir(subfolder, 0700);
}

static inline int end(void **state)
{
    (void)state;
    logsink_close(&sink);
    log_init(-1, LOG_LEVEL_INFO);
    close(log_fds[0]);
    close(log_fds[1]);
    unlink(path);
    unlink(moved);
    rmdir(subfolder);
    return rmdir(folder);
}

static inline void open_sink(void)
{
    assert_int_equal(logsink_init(&sink, log_fds[0], &settings), 0);
}

/* A second has passed since the last look at the file. */
static inline void let_it_look(void)
{
    sink.output.looked_at_ms -= LOGOUTPUT_LOOK_MS;
}

static inline const char *read_file(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, content, sizeof content - 1);

    if (fd >= 0)
        close(fd);
    content[length > 0 ? length : 0] = '\0';
    return content;
}

static inline void say(const char *word)
{
    log_event(LOG_LEVEL_INFO, "event=%s", word);
    logsink_drain(&sink);
}

static inline void check_in(const char *name, const char *what)
{
    if (!strstr(read_file(name), what))
        fail_msg("\"%s\" lacks \"%s\"", content, what);
}

static inline void check_not_in(const char *name, const char *what)
{
    if (strstr(read_file(name), what))
        fail_msg("\"%s\" has \"%s\"", content, what);
}

/* Every line begins with the year and ends; none is mixed with another. */
static inline void check_whole_lines(const char *name)
{
    const char *line = read_file(name);

    while (*line) {
        const char *newline = strchr(line, '\n');

        assert_int_equal(strncmp(line, "20", 2), 0);
        assert_non_null(newline);
        assert_non_null(memmem(line, (size_t)(newline - line), " event=", 7));
        line = newline + 1;
    }
}

#endif
