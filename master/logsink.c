#include "master/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

/* Finds a way to write to stderr that cannot block. */
static void open_output(struct logsink *sink)
{
    struct stat status;

    sink->out_fd = STDERR_FILENO;
    sink->is_socket = fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
    if (sink->is_socket)
        return;

    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) /* no /proc, or a terminal of another user: poll() before each line */
        return;
    sink->out_fd = fd;
    sink->is_reopened = true;
}

int logsink_init(struct logsink *sink, int pipe_read_fd)
{
    int result = set_nonblocking(pipe_read_fd);

    if (result < 0)
        return result;
    memset(sink, 0, sizeof *sink);
    sink->pipe_fd = pipe_read_fd;
    open_output(sink);
    return 0;
}

void logsink_close(struct logsink *sink)
{
    if (sink->is_reopened)
        close(sink->out_fd);
    sink->is_reopened = false;
    sink->out_fd = STDERR_FILENO;
}

void logsink_add_lost(struct logsink *sink, uint64_t count)
{
    sink->lost_count += count;
}

/* Bytes taken by stderr, 0 when it takes none now, for whatever reason. */
static size_t write_some(struct logsink *sink, const char *bytes, size_t byte_count)
{
    struct pollfd poll_fd = {.fd = sink->out_fd, .events = POLLOUT};
    ssize_t written;

    if (sink->is_socket)
        written = send(sink->out_fd, bytes, byte_count, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (sink->is_reopened || (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT)))
        written = write(sink->out_fd, bytes, byte_count);
    else
        written = 0;
    return written > 0 ? (size_t)written : 0;
}

/* Writes what is left of the line begun last. False: some of it still waits. */
static bool finish_line(struct logsink *sink)
{
    if (sink->line_bytes == 0)
        return true;

    size_t written = write_some(sink, sink->line, sink->line_bytes);

    sink->line_bytes -= written;
    memmove(sink->line, sink->line + written, sink->line_bytes);
    return sink->line_bytes == 0;
}

/* Writes sink->line; false when nothing of it was taken. */
static bool start_line(struct logsink *sink, size_t byte_count)
{
    size_t written = write_some(sink, sink->line, byte_count);

    if (written == 0)
        return false;
    sink->line_bytes = byte_count - written;
    memmove(sink->line, sink->line + written, sink->line_bytes);
    return true;
}

/* "TIME LEVEL " in front of a line's text; returns its length. */
static size_t format_prefix(char *out, size_t size, enum log_level level, int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    int ms = (int)(time_ns / 1000000 % 1000);
    struct tm parts = {0};

    gmtime_r(&seconds, &parts);
    int length = snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %-5s ", parts.tm_year + 1900,
                          parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms,
                          log_level_name(level));

    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* Makes and writes one line; false: lost. Nothing may be left of the line before. */
static bool write_line(struct logsink *sink, enum log_level level, int64_t time_ns, const char *text,
                       size_t text_length)
{
    size_t used = format_prefix(sink->line, sizeof sink->line - LOG_TEXT_LENGTH_MAX - 1, level, time_ns);

    memcpy(sink->line + used, text, text_length);
    used += text_length;
    sink->line[used++] = '\n';
    return start_line(sink, used);
}

/* Tells of the lost lines first, if there are any. False: stderr is still stuck. */
static bool tell_lost(struct logsink *sink)
{
    struct timespec now = {0};
    char text[64];

    if (sink->lost_count == 0)
        return true;
    clock_gettime(CLOCK_REALTIME, &now);
    int length =
        snprintf(text, sizeof text, "event=log_lost count=%llu", (unsigned long long)sink->lost_count);
    if (!write_line(sink, LOG_LEVEL_WARN, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, text,
                    (size_t)length))
        return false;
    sink->lost_count = 0;
    return finish_line(sink);
}

/* A line is a line whatever is in the text, and nothing in it commands a terminal. */
static void make_printable(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] >= 0x7f)
            text[i] = '?';
}

static void handle_record(struct logsink *sink, const struct log_record_header *header, char *text)
{
    make_printable(text, header->text_length);
    bool is_written =
        finish_line(sink) && tell_lost(sink) &&
        write_line(sink, (enum log_level)header->level, header->time_ns, text, header->text_length);

    if (!is_written)
        sink->lost_count++;
    if (sink->on_line)
        sink->on_line(sink->on_line_context, (enum log_level)header->level, text, header->text_length);
}

static bool is_sound(const struct log_record_header *header)
{
    return header->magic == LOG_RECORD_MAGIC && header->level <= LOG_LEVEL_DEBUG &&
           header->text_length <= LOG_TEXT_LENGTH_MAX && header->time_ns >= 0;
}

/* How many bytes to skip over garbage: up to the next thing that could be a record's beginning. */
static size_t skip_garbage(const char *bytes, size_t byte_count)
{
    const uint32_t magic = LOG_RECORD_MAGIC;
    const char *next = memmem(bytes + 1, byte_count - 1, &magic, sizeof magic);

    if (next)
        return (size_t)(next - bytes);
    /* Its first bytes may be the last ones here. */
    return byte_count > sizeof magic ? byte_count - sizeof magic + 1 : 1;
}

/* Handles all whole records of the buffer and keeps the beginning of the next one. Returns their number. */
static int handle_buffer(struct logsink *sink)
{
    size_t done = 0;
    bool was_garbage = false;
    int count = 0;

    while (sink->buffered_bytes - done >= sizeof(struct log_record_header)) {
        struct log_record_header header;
        char *bytes = sink->buffer + done;
        size_t left = sink->buffered_bytes - done;

        memcpy(&header, bytes, sizeof header);
        if (!is_sound(&header)) {
            sink->lost_count += was_garbage ? 0 : 1;
            was_garbage = true;
            done += skip_garbage(bytes, left);
            continue;
        }
        if (left < sizeof header + header.text_length)
            break;
        handle_record(sink, &header, bytes + sizeof header);
        was_garbage = false;
        done += sizeof header + header.text_length;
        count++;
    }
    sink->buffered_bytes -= done;
    memmove(sink->buffer, sink->buffer + done, sink->buffered_bytes);
    return count;
}

int logsink_drain(struct logsink *sink)
{
    int count = 0;

    if (finish_line(sink))
        tell_lost(sink);
    /* The second bound is for a pipe full of garbage, which counts for nothing above. */
    for (int reads = 0; count < LOGSINK_RECORDS_PER_TURN && reads < LOGSINK_RECORDS_PER_TURN; reads++) {
        ssize_t length = read(sink->pipe_fd, sink->buffer + sink->buffered_bytes,
                              sizeof sink->buffer - sink->buffered_bytes);

        if (length <= 0)
            break;
        sink->buffered_bytes += (size_t)length;
        count += handle_buffer(sink);
    }
    return count;
}
