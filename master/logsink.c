#include "master/logsink.h"

#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

/* ---- the output ---- */

/* Whoever drains the pipe after us finds there what is still to be told: a line begun and not finished may be
 * lost with us. */
static void keep_lost(const struct logsink *sink)
{
    if (sink->lost_kept)
        atomic_store_explicit(sink->lost_kept, sink->lost_count + sink->line_weight, memory_order_relaxed);
}

/* What was left of a line for the output before this one is no use here. */
static void begin_output(struct logsink *sink)
{
    sink->lost_count += sink->line_weight;
    sink->line_weight = 0;
    sink->line_bytes = 0;
    if (sink->output.is_mid_line)
        sink->line[sink->line_bytes++] = '\n';
}

int logsink_init(struct logsink *sink, int pipe_read_fd, const struct logsink_settings *settings)
{
    int result = set_nonblocking(pipe_read_fd);

    if (result < 0)
        return result;
    memset(sink, 0, sizeof *sink);
    sink->pipe_fd = pipe_read_fd;
    sink->format = settings->format;
    sink->lost_kept = settings->lost_kept;
    if (sink->lost_kept)
        sink->lost_count = atomic_load_explicit(sink->lost_kept, memory_order_relaxed);
    result = logoutput_open(&sink->output, settings->path);
    if (result < 0)
        log_event(LOG_LEVEL_ERROR, "event=failed what=log_file why=%s", strerrorname_np(-result));
    begin_output(sink);
    return 0;
}

void logsink_close(struct logsink *sink)
{
    logoutput_close(&sink->output);
}

void logsink_add_lost(struct logsink *sink, uint64_t count)
{
    sink->lost_count += count;
}

/* Writes what is left of the line begun last. False: some of it still waits. */
static bool finish_line(struct logsink *sink)
{
    if (sink->line_bytes == 0)
        return true;

    size_t written = logoutput_write(&sink->output, sink->line, sink->line_bytes);

    sink->line_bytes -= written;
    memmove(sink->line, sink->line + written, sink->line_bytes);
    if (sink->line_bytes > 0)
        return false;
    sink->line_weight = 0;
    return true;
}

/* Writes sink->line; false when nothing of it was taken. With its rest `weight` lines would be lost. */
static bool start_line(struct logsink *sink, size_t byte_count, uint64_t weight)
{
    size_t written = logoutput_write(&sink->output, sink->line, byte_count);

    if (written == 0)
        return false;
    sink->line_bytes = byte_count - written;
    sink->line_weight = sink->line_bytes > 0 ? weight : 0;
    memmove(sink->line, sink->line + written, sink->line_bytes);
    return true;
}

/* Makes and writes one line; false: lost. Nothing may be left of the line before. */
static bool write_line(struct logsink *sink, const struct log_line *line, uint64_t weight)
{
    size_t length = logformat_line(sink->line, sink->format, sink->output.is_journal, line);

    return start_line(sink, length, weight);
}

/* Tells of the lost lines first, if there are any. False: the output is still stuck. */
static bool tell_lost(struct logsink *sink)
{
    struct timespec now = {0};
    char text[64];

    if (sink->lost_count == 0)
        return true;
    clock_gettime(CLOCK_REALTIME, &now);
    int length =
        snprintf(text, sizeof text, "event=log_lost count=%llu", (unsigned long long)sink->lost_count);
    const struct log_line line = {.level = LOG_LEVEL_WARN,
                                  .time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
                                  .text = text,
                                  .text_length = (size_t)length};

    if (!write_line(sink, &line, sink->lost_count))
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
    const struct log_line line = {.level = (enum log_level)header->level,
                                  .time_ns = header->time_ns,
                                  .text = text,
                                  .text_length = header->text_length};
    bool is_written = finish_line(sink) && tell_lost(sink) && write_line(sink, &line, 1);

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

/* ---- opening anew ---- */

static void tell_reopened(const struct logsink *sink, const char *why)
{
    char file[512];

    log_quote(file, sizeof file, sink->output.path);
    log_event(LOG_LEVEL_INFO, "event=log_reopened why=%s file=%s", why, file);
}

void logsink_reopen(struct logsink *sink)
{
    finish_line(sink);
    int result = logoutput_reopen(&sink->output);

    if (result == -ENOTSUP) {
        log_event(LOG_LEVEL_WARN, "event=failed what=log_reopen why=\"the log goes to stderr\"");
    } else if (result < 0) {
        log_event(LOG_LEVEL_ERROR, "event=failed what=log_reopen why=%s", strerrorname_np(-result));
    } else {
        begin_output(sink);
        tell_reopened(sink, "asked");
    }
}

static void look_for_file(struct logsink *sink)
{
    int error = 0;

    switch (logoutput_look(&sink->output, clock_now_ms(), &error)) {
    case LOGOUTPUT_SAME:
        return;
    case LOGOUTPUT_REOPENED:
        begin_output(sink);
        tell_reopened(sink, "removed");
        return;
    case LOGOUTPUT_GONE:
        log_event(LOG_LEVEL_ERROR, "event=failed what=log_file why=%s", strerrorname_np(-error));
        return;
    }
}

int logsink_drain(struct logsink *sink)
{
    int count = 0;

    look_for_file(sink);
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
    keep_lost(sink);
    return count;
}
