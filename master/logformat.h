/*
 * logformat: one event of the log as one line, in the form that its reader wants.
 *
 *     text     2026-11-22T09:26:51.123Z info  event=worker_died slot=0 cause=SIGKILL
 *     json     {"time":"2026-11-22T09:26:51.123Z","level":"info","event":"worker_died","slot":0,"cause":"SIGKILL"}
 *     journal  <6>event=worker_died slot=0 cause=SIGKILL     (sd-daemon(3): priority; the journal has its own time)
 *
 * The text of an event is `key=value ...` by worker/log.h. In JSON the keys keep their order; a bare value
 * that is a plain decimal number is a number, everything else a string, without the quotes and escapes of the
 * text. Bytes of a value that are no UTF-8 become U+FFFD. A key `time` or `level` of the event gets a "_"
 * behind its name. What is not of that form (a record may be cut off anywhere, or be garbage) goes whole into
 * a last key "text". Whatever the text, the line is one line and one valid JSON object.
 *
 * Pure: no memory, no clock, no system call.
 */
#ifndef MASTER_LOGFORMAT_H
#define MASTER_LOGFORMAT_H

#include "worker/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be asked for on the command line. */
#define LOG_FORMATS(X)                                                                                       \
    X(TEXT, "text")                                                                                          \
    X(JSON, "json")

enum log_format {
#define X(format, word) LOG_FORMAT_##format,
    LOG_FORMATS(X)
#undef X
};

/* No line is longer, its newline counted: two bytes can become five (`= ` is `"":"",` with its key's quotes),
 * and the beginning of a line needs less than 128. */
#define LOGFORMAT_LINE_SIZE (LOG_TEXT_LENGTH_MAX * 5 / 2 + 128)

struct log_line {
    enum log_level level;
    int64_t time_ns;  /* since 1970 UTC, not negative */
    const char *text; /* printable ASCII */
    size_t text_length;
};

/* Writes the line and its newline, without a NUL, and returns its length. for_journal: the priority goes in
 * front, and in a text line time and level are left out. */
size_t logformat_line(char out[LOGFORMAT_LINE_SIZE], enum log_format format, bool for_journal,
                      const struct log_line *line);

/* Format of that word into *format; -EINVAL when there is none. */
int log_format_parse(const char *word, enum log_format *format);

#endif
