#include "worker/log.h"

#include "worker/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_words[] = {
#define X(level, word) [LOG_LEVEL_##level] = word,
    LOG_LEVELS(X)
#undef X
};

#define LEVEL_COUNT (sizeof level_words / sizeof level_words[0])

/* One process, one thread: plain variables. */
static int log_fd = -1;
static enum log_level log_level_max = LOG_LEVEL_INFO;
static _Atomic(uint32_t) *shared_level; /* counts instead of the own one; NULL: not given yet */
static uint64_t lost_count;

struct record {
    struct log_record_header header;
    char text[LOG_TEXT_LENGTH_MAX + 1]; /* and the NUL of vsnprintf, which is not written */
};

void log_init(int pipe_fd, enum log_level level)
{
    log_fd = pipe_fd;
    log_level_max = level;
    shared_level = NULL;
    lost_count = 0;
    if (pipe_fd >= 0) {
        int flags = fcntl(pipe_fd, F_GETFL);

        if (flags >= 0)
            fcntl(pipe_fd, F_SETFL, flags | O_NONBLOCK);
    }
}

void log_share_level(_Atomic(uint32_t) *level)
{
    shared_level = level;
}

void log_set_level(enum log_level level)
{
    log_level_max = level;
    if (shared_level)
        atomic_store_explicit(shared_level, (uint32_t)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    if (!shared_level)
        return log_level_max;

    uint32_t level = atomic_load_explicit(shared_level, memory_order_relaxed);

    return level < LEVEL_COUNT ? (enum log_level)level : LOG_LEVEL_DEBUG;
}

bool log_enabled(enum log_level level)
{
    return log_fd >= 0 && level <= log_level();
}

/* Formats the text and returns its length. vsnprintf into an array uses no stream, no lock and, for integers
 * and strings, no memory: fit for a child of a raw clone. */
__attribute__((format(printf, 2, 0))) static size_t format_text(char text[LOG_TEXT_LENGTH_MAX + 1],
                                                                const char *format, va_list arguments)
{
    int length = vsnprintf(text, LOG_TEXT_LENGTH_MAX + 1, format, arguments);

    if (length < 0)
        return 0;
    if ((size_t)length <= LOG_TEXT_LENGTH_MAX)
        return (size_t)length;
    memcpy(text + LOG_TEXT_LENGTH_MAX - 3, "...", 3);
    return LOG_TEXT_LENGTH_MAX;
}

void log_event(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;

    int errno_before = errno;
    struct record record;
    struct timespec now = {0};
    va_list arguments;

    va_start(arguments, format);
    size_t text_length = format_text(record.text, format, arguments);
    va_end(arguments);
    clock_gettime(CLOCK_REALTIME, &now);
    record.header = (struct log_record_header){
        .magic = LOG_RECORD_MAGIC,
        .level = (uint16_t)level,
        .text_length = (uint16_t)text_length,
        .time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec,
    };
    /* Whole or not at all, since it is below PIPE_BUF. Whatever the reason, a line not written is a line
     * lost. */
    if (fault_fails(FAULT_log) || write(log_fd, &record, sizeof record.header + text_length) < 0)
        lost_count++;
    errno = errno_before;
}

uint64_t log_take_lost(void)
{
    uint64_t count = lost_count;

    lost_count = 0;
    return count;
}

static bool is_bare(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && strchr("_./:@+,%[]-", byte));
}

static bool is_bare_text(const char *text)
{
    const char *end = text;

    while (is_bare((unsigned char)*end))
        end++;
    return *end == '\0' && end != text;
}

/* Writes one byte as it stands between quotes, at most 4 characters; returns how many. */
static size_t quote_byte(char out[4], unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    if (byte == '"' || byte == '\\' || byte == '\n') {
        out[0] = '\\';
        out[1] = byte == '\n' ? 'n' : (char)byte;
        return 2;
    }
    if (byte >= ' ' && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

size_t log_quote(char *out, size_t size, const char *text)
{
    if (size > 0)
        out[0] = '\0';
    if (size < 3)
        return 0;
    if (is_bare_text(text)) {
        size_t length = strnlen(text, size - 1);

        memcpy(out, text, length);
        out[length] = '\0';
        return length;
    }

    size_t used = 0;

    out[used++] = '"';
    for (; *text; text++) {
        char piece[4];
        size_t length = quote_byte(piece, (unsigned char)*text);

        if (used + length + 2 > size)
            break;
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used++] = '"';
    out[used] = '\0';
    return used;
}

int log_level_parse(const char *word, enum log_level *level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++)
        if (strcmp(word, level_words[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
    return (size_t)level < LEVEL_COUNT ? level_words[level] : "?";
}
