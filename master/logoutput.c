#include "master/logoutput.h"

#include "worker/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE    0640
#define OUTPUT_FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* systemd.exec(5): device and inode of the stream that a service got for its output. */
static bool is_journal_stream(const struct stat *status)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[48];

    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status->st_dev,
             (unsigned long long)status->st_ino);
    return stream && strcmp(stream, own) == 0;
}

/* Finds a way to write to stderr that cannot block. */
static void open_stderr(struct logoutput *output)
{
    struct stat status;
    bool is_known = fstat(STDERR_FILENO, &status) == 0;

    output->fd = STDERR_FILENO;
    output->is_socket = is_known && S_ISSOCK(status.st_mode);
    output->is_journal = is_known && is_journal_stream(&status);
    if (output->is_socket)
        return;

    int fd = open("/proc/self/fd/2", OUTPUT_FLAGS);

    if (fd < 0) /* no /proc, a terminal of another user, no descriptor left: see write_stderr() */
        return;
    output->fd = fd;
    output->is_owned = true;
}

/* A writer that died while the disk was full leaves half a line. */
static bool ends_within_a_line(int fd)
{
    struct stat status;
    char path[32], last = '\n';

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = open(path, O_RDONLY | O_CLOEXEC);

    if (reading < 0)
        return false;
    bool is_open_line = pread(reading, &last, 1, status.st_size - 1) == 1 && last != '\n';

    close(reading);
    return is_open_line;
}

static int open_file(const char *path)
{
    int fd = open(path, OUTPUT_FLAGS | O_CREAT, FILE_MODE);

    return fd < 0 ? -errno : fd;
}

/* Goes over to that descriptor. */
static void take(struct logoutput *output, int fd)
{
    logoutput_close(output);
    output->fd = fd;
    output->is_owned = true;
    output->is_mid_line = ends_within_a_line(fd);
}

int logoutput_open(struct logoutput *output, const char *path)
{
    *output = (struct logoutput){.path = path, .fd = -1};
    if (!path) {
        open_stderr(output);
        output->is_mid_line = ends_within_a_line(output->fd);
        return 0;
    }
    return logoutput_reopen(output);
}

int logoutput_reopen(struct logoutput *output)
{
    if (!output->path)
        return -ENOTSUP;
    int fd = open_file(output->path);

    if (fd < 0)
        return fd;
    take(output, fd);
    return 0;
}

/* Has it still a name? A file that was moved has one, and is waited with until somebody asks. */
static bool is_there(const struct logoutput *output)
{
    struct stat status;

    return output->fd >= 0 && (fstat(output->fd, &status) < 0 || status.st_nlink > 0);
}

enum logoutput_look logoutput_look(struct logoutput *output, int64_t now_ms, int *error)
{
    if (!output->path || now_ms - output->looked_at_ms < LOGOUTPUT_LOOK_MS)
        return LOGOUTPUT_SAME;
    output->looked_at_ms = now_ms;
    if (is_there(output))
        return LOGOUTPUT_SAME;
    bool was_known = output->fd < 0;
    int result = logoutput_reopen(output);

    if (result == 0)
        return LOGOUTPUT_REOPENED;
    logoutput_close(output);
    if (was_known)
        return LOGOUTPUT_SAME;
    *error = result;
    return LOGOUTPUT_GONE;
}

/* The descriptor that others have too, as it is. Never waits; and in a file it writes at the end, whereto those
 * before us who could open it have come. */
static ssize_t write_stderr(const struct logoutput *output, const char *bytes, size_t byte_count)
{
    struct pollfd poll_fd = {.fd = output->fd, .events = POLLOUT};

    if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLOUT))
        return 0;
    (void)lseek(output->fd, 0, SEEK_END); /* ESPIPE: it is no file */
    return write(output->fd, bytes, byte_count);
}

size_t logoutput_write(const struct logoutput *output, const char *bytes, size_t byte_count)
{
    ssize_t written;

    if (fault_fails_sized(FAULT_output, &byte_count))
        written = -1;
    else if (output->is_socket)
        written = send(output->fd, bytes, byte_count, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (output->is_owned)
        written = write(output->fd, bytes, byte_count);
    else
        written = write_stderr(output, bytes, byte_count);
    return written > 0 ? (size_t)written : 0;
}

void logoutput_close(struct logoutput *output)
{
    if (output->is_owned)
        close(output->fd);
    output->is_owned = false;
    output->fd = -1;
}
