#include "master/config.h"

#include "master/options_table.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADING         "[prefork-upper]"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* that some editors put at the beginning */
#define BLANKS          " \t\r"
#define LINE_SHOWN_MAX  80 /* of a line that is not understood */

struct reading {
    struct options *options;
    const char *path;
    const char *rest, *end; /* of the file's content */
    unsigned line;          /* the last one that was taken */
    size_t texts_used;
    bool failed; /* at that line; `error` says why */
    char *error;
    size_t error_size;
};

/* Only the first failure counts: behind it next_line() has nothing more to read. */
__attribute__((format(printf, 2, 3))) static void fail(struct reading *reading, const char *format, ...)
{
    va_list values;

    reading->failed = true;

    int used = snprintf(reading->error, reading->error_size, "%s:%u: ", reading->path, reading->line);

    if (used < 0 || (size_t)used >= reading->error_size)
        return;
    va_start(values, format);
    vsnprintf(reading->error + used, reading->error_size - (size_t)used, format, values);
    va_end(values);
}

/* ---- lines ---- */

/* inih itself would take any heading, and not even tell of one with nothing below it. */
static void check_heading(struct reading *reading, const char *line, size_t length)
{
    size_t name = strlen(HEADING);
    size_t next = name;

    if (length >= name && strncmp(line, HEADING, name) == 0) {
        while (next < length && strchr(BLANKS, line[next]))
            next++;
        if (next == length || line[next] == ';' || line[next] == '#')
            return;
    }
    fail(reading, "\"%.*s\": " HEADING " is the only heading that is accepted",
         (int)(length < LINE_SHOWN_MAX ? length : LINE_SHOWN_MAX), line);
}

/* The next line for inih, without its indent: that would make it a part of the value above. */
static char *next_line(char *room, int size, void *context)
{
    struct reading *reading = context;
    const char *line = reading->rest;

    if (reading->failed || line == reading->end)
        return NULL;

    const char *line_end = memchr(line, '\n', (size_t)(reading->end - line));

    reading->rest = line_end ? line_end + 1 : reading->end;
    reading->line++;
    if (!line_end)
        line_end = reading->end;
    while (line < line_end && strchr(BLANKS, *line) && *line)
        line++;

    size_t length = (size_t)(line_end - line);

    if (memchr(line, '\0', length))
        fail(reading, "a NUL byte is not accepted");
    else if (length + 2 > (size_t)size)
        fail(reading, "a line of at most %d bytes is accepted", size - 2);
    else if (length > 0 && *line == '[')
        check_heading(reading, line, length);
    if (reading->failed)
        return NULL;
    memcpy(room, line, length);
    memcpy(room + length, "\n", 2);
    return room;
}

/* ---- values ---- */

/* The value where it may stay: what inih hands over is gone with the next line. There is room, since every
 * value stands in the file behind a "=", where its NUL goes here. */
static const char *keep(struct reading *reading, const char *value)
{
    char *kept = reading->options->texts + reading->texts_used;
    size_t size = strlen(value) + 1;

    memcpy(kept, value, size);
    reading->texts_used += size;
    return kept;
}

#define LINE_FORM "a line of the form \"name = value\" is accepted"

static void tell_unknown(struct reading *reading, const char *name)
{
    const struct option_spec *similar = option_similar(name, strlen(name));

    if (similar && similar->scope != SCOPE_COMMAND_LINE)
        fail(reading, "\"%s\": no such option; did you mean %s?", name, similar->name);
    else if (strchr(name, ' ') || strchr(name, '\t')) /* "bind :80", whose colon separates for inih */
        fail(reading, "\"%s\": " LINE_FORM, name);
    else
        fail(reading, "\"%s\": no such option; --help lists them", name);
}

static void store(struct reading *reading, const struct option_spec *spec, const char *value)
{
    struct options *options = reading->options;
    char accepted[OPTION_ACCEPTED_SIZE];

    if (option_store(spec, keep(reading, value), options) < 0) {
        option_describe(spec, accepted);
        fail(reading, "%s \"%s\": %s is accepted", spec->name, value, accepted);
        return;
    }
    options->file_lines[option_index(spec)] = (uint16_t)reading->line;
    if (spec->offset == offsetof(struct options, max_connections))
        options->max_connections_asked = true;
    if (spec->offset == offsetof(struct options, bind))
        options->bind_asked = true;
}

static int take(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    const struct option_spec *spec = option_named(name);

    (void)section; /* next_line() has seen to it */
    if (!spec)
        tell_unknown(reading, name);
    else if (spec->scope == SCOPE_COMMAND_LINE)
        fail(reading, "%s: accepted on the command line alone", name);
    else if (reading->options->file_lines[option_index(spec)])
        fail(reading, "%s: stands in line %u already", name,
             reading->options->file_lines[option_index(spec)]);
    else
        store(reading, spec, value);
    return !reading->failed;
}

/* ---- the file ---- */

static int parse(struct reading *reading, const char *content, size_t length)
{
    reading->rest = content;
    reading->end = content + length;
    if (length >= strlen(BYTE_ORDER_MARK) && memcmp(content, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        reading->rest += strlen(BYTE_ORDER_MARK);

    int bad_line = ini_parse_stream(next_line, reading, take, reading);

    if (bad_line < 0) { /* no memory, in builds of inih that use any */
        snprintf(reading->error, reading->error_size, "%s: cannot be read: %s", reading->path,
                 strerror(ENOMEM));
        return -EINVAL;
    }
    /* inih goes on behind a line without "=": the first fault may be before the one that we found. */
    if (bad_line > 0 && (!reading->failed || (unsigned)bad_line < reading->line)) {
        reading->failed = false;
        reading->line = (unsigned)bad_line;
        fail(reading, LINE_FORM);
    }
    return reading->failed ? -EINVAL : 0;
}

/* The whole content into `content`, of CONFIG_BYTES_MAX + 1 bytes; its length or a negative errno. */
static ssize_t read_whole(int fd, char *content)
{
    size_t length = 0;
    ssize_t n = 1;

    while (n > 0 && length <= CONFIG_BYTES_MAX) {
        n = read(fd, content + length, CONFIG_BYTES_MAX + 1 - length);
        if (n < 0)
            return -errno;
        length += (size_t)n;
    }
    return length > CONFIG_BYTES_MAX ? -EFBIG : (ssize_t)length;
}

/* A descriptor, or a negative errno; -ENOTSUP: no regular file. Without O_NONBLOCK the open alone may wait
 * for ever, as for a FIFO. */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;

    if (fd < 0)
        return -errno;

    int result = fstat(fd, &status) < 0 ? -errno : 0;

    if (result == 0 && !S_ISREG(status.st_mode))
        result = -ENOTSUP;
    if (result < 0)
        close(fd);
    return result < 0 ? result : fd;
}

/* The content in fresh memory; NULL after a line in `error`. */
static char *load(const char *path, size_t *length, char error[], size_t error_size)
{
    int fd = open_regular(path);
    char *content = fd < 0 ? NULL : malloc(CONFIG_BYTES_MAX + 1);
    ssize_t result = fd < 0 ? fd : -ENOMEM;

    if (content)
        result = read_whole(fd, content);
    if (fd >= 0)
        close(fd);
    if (content && result >= 0) {
        *length = (size_t)result;
        return content;
    }
    if (result == -ENOTSUP)
        snprintf(error, error_size, "%s: a regular file is accepted", path);
    else
        snprintf(error, error_size, "%s: cannot be read: %s", path, strerror((int)-result));
    free(content);
    return NULL;
}

int config_read(struct options *options, const char *path, char error[], size_t error_size)
{
    struct reading reading = {.options = options, .path = path, .error = error, .error_size = error_size};
    size_t length = 0;
    char *content = load(path, &length, error, error_size);

    if (!content)
        return -EINVAL;
    options->config = path;
    options->texts = malloc(length + 1);

    int result = options->texts ? parse(&reading, content, length) : -ENOMEM;

    if (result == -ENOMEM)
        snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(ENOMEM));
    free(content);
    if (result == 0)
        return 0;
    free(options->texts);
    options->texts = NULL;
    return -EINVAL;
}
