#include "master/logformat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const format_words[] = {
#define X(format, word) [LOG_FORMAT_##format] = word,
    LOG_FORMATS(X)
#undef X
};

/* Where a line grows. What does not fit is not written; `full` says so. */
struct buffer {
    char *bytes;
    size_t used, size;
    bool full;
};

static void put(struct buffer *out, const char *bytes, size_t length)
{
    if (out->full || length > out->size - out->used) {
        out->full = true;
        return;
    }
    memcpy(out->bytes + out->used, bytes, length);
    out->used += length;
}

static void put_text(struct buffer *out, const char *text)
{
    put(out, text, strlen(text));
}

#define TIME_TEXT_SIZE 32

static void format_time(char out[TIME_TEXT_SIZE], int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    int ms = (int)(time_ns / 1000000 % 1000);
    struct tm parts = {0};

    gmtime_r(&seconds, &parts);
    /* The years of 63 bits of nanoseconds end with 2262. */
    snprintf(out, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03dZ",
             (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
             (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100, (unsigned)parts.tm_min % 100,
             (unsigned)parts.tm_sec % 100, ms);
}

/* ---- JSON ---- */

/* What is left of an event's text. */
struct cursor {
    const char *at, *end;
};

static bool is_key_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* A number as JSON writes it, without an exponent: no sign but minus, no leading zero, digits around the
 * point. */
static bool is_number(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    const char *whole = at;

    at = skip_digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return false;
    if (at == end)
        return true;
    if (*at != '.')
        return false;
    return at + 1 < end && skip_digits(at + 1, end) == end;
}

/* How many bytes a whole UTF-8 character at that place has; 0: there is none (RFC 3629). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : 4;

    if ((length == 4 && (lead < 0xf0 || lead > 0xf4)) || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] >= 0xa0) || (lead == 0xf0 && at[1] < 0x90) ||
        (lead == 0xf4 && at[1] >= 0x90))
        return 0;
    return length;
}

static void put_json_character(struct buffer *out, const unsigned char *at, size_t length)
{
    char escaped[8];

    if (length > 1) {
        put(out, (const char *)at, length);
    } else if (*at == '"' || *at == '\\') {
        put(out, "\\", 1);
        put(out, (const char *)at, 1);
    } else if (*at == '\n') {
        put_text(out, "\\n");
    } else if (*at < ' ' || *at == 0x7f) {
        snprintf(escaped, sizeof escaped, "\\u%04x", *at);
        put_text(out, escaped);
    } else {
        put(out, (const char *)at, 1);
    }
}

static void put_json_string(struct buffer *out, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    put(out, "\"", 1);
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(bytes + i, length - i);

        if (step == 0)
            put_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            put_json_character(out, bytes + i, step);
        i += step ? step : 1;
    }
    put(out, "\"", 1);
}

static int hex_digit(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* One byte of a quoted value: as it stands, or an escape of log_quote(). An escape that is cut off stands for
 * itself. */
static char take_byte(struct cursor *in)
{
    size_t left = (size_t)(in->end - in->at);

    if (in->at[0] == '\\' && left >= 4 && in->at[1] == 'x' && hex_digit(in->at[2]) >= 0 &&
        hex_digit(in->at[3]) >= 0) {
        int byte = hex_digit(in->at[2]) * 16 + hex_digit(in->at[3]);

        in->at += 4;
        return (char)byte;
    }
    if (in->at[0] == '\\' && left >= 2 && strchr("\"\\n", in->at[1])) {
        in->at += 2;
        return in->at[-1] == 'n' ? '\n' : in->at[-1];
    }
    return *in->at++;
}

/* A value in quotes; the cursor stands behind the first one, and is left behind the last, or at the end where
 * a cut has taken it away. */
static void put_quoted_value(struct buffer *out, struct cursor *in)
{
    char plain[LOG_TEXT_LENGTH_MAX];
    size_t length = 0;

    while (in->at < in->end && *in->at != '"' && length < sizeof plain)
        plain[length++] = take_byte(in);
    if (in->at < in->end)
        in->at++;
    put_json_string(out, plain, length);
}

static void put_bare_value(struct buffer *out, struct cursor *in)
{
    const char *begin = in->at;

    while (in->at < in->end && *in->at != ' ')
        in->at++;
    if (is_number(begin, in->at))
        put(out, begin, (size_t)(in->at - begin));
    else
        put_json_string(out, begin, (size_t)(in->at - begin));
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* `,"key":value` for one `key=value`. False: there is no such thing at the cursor, nothing was written. */
static bool put_pair(struct buffer *out, struct cursor *in)
{
    const char *key = in->at, *end = key;

    while (end < in->end && is_key_byte(*end))
        end++;
    if (end == key || end == in->end || *end != '=')
        return false;
    size_t length = (size_t)(end - key);
    bool taken = is_word(key, length, "time") || is_word(key, length, "level");

    put_text(out, ",\"");
    put(out, key, length);
    put_text(out, taken ? "_\":" : "\":");
    in->at = end + 1;
    if (in->at < in->end && *in->at == '"') {
        in->at++;
        put_quoted_value(out, in);
    } else {
        put_bare_value(out, in);
    }
    return true;
}

/* All pairs; from the first thing that is none the rest is text. */
static void put_pairs(struct buffer *out, struct cursor in)
{
    while (in.at < in.end) {
        if (*in.at == ' ') {
            in.at++;
            continue;
        }
        size_t used_before = out->used;

        if (!put_pair(out, &in)) {
            put_text(out, ",\"text\":");
            put_json_string(out, in.at, (size_t)(in.end - in.at));
            in.at = in.end;
        }
        if (out->full) { /* not by the sizes above; rather a pair less than half of one */
            out->used = used_before;
            return;
        }
    }
}

static void put_json(struct buffer *out, const struct log_line *line, const char *time_text)
{
    put_text(out, "{\"time\":\"");
    put_text(out, time_text);
    put_text(out, "\",\"level\":\"");
    put_text(out, log_level_name(line->level));
    put_text(out, "\"");
    put_pairs(out, (struct cursor){.at = line->text, .end = line->text + line->text_length});
    out->full = false;
}

/* ---- lines ---- */

/* sd-daemon(3), syslog(3). */
static const char *priority_prefix(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "<3>";
    case LOG_LEVEL_WARN:
        return "<4>";
    case LOG_LEVEL_INFO:
        return "<6>";
    case LOG_LEVEL_DEBUG:
        return "<7>";
    }
    return "<6>";
}

size_t logformat_line(char out[LOGFORMAT_LINE_SIZE], enum log_format format, bool for_journal,
                      const struct log_line *line)
{
    const char *end = format == LOG_FORMAT_JSON ? "}\n" : "\n";
    struct buffer buffer = {.bytes = out, .size = LOGFORMAT_LINE_SIZE - strlen(end)};
    char time_text[TIME_TEXT_SIZE];

    format_time(time_text, line->time_ns);
    if (for_journal)
        put_text(&buffer, priority_prefix(line->level));
    if (format == LOG_FORMAT_JSON) {
        put_json(&buffer, line, time_text);
    } else {
        char level_text[16];

        snprintf(level_text, sizeof level_text, " %-5s ", log_level_name(line->level));
        put_text(&buffer, for_journal ? "" : time_text);
        put_text(&buffer, for_journal ? "" : level_text);
        put(&buffer, line->text, line->text_length);
    }
    memcpy(out + buffer.used, end, strlen(end));
    return buffer.used + strlen(end);
}

int log_format_parse(const char *word, enum log_format *format)
{
    for (size_t i = 0; i < sizeof format_words / sizeof format_words[0]; i++)
        if (strcmp(word, format_words[i]) == 0) {
            *format = (enum log_format)i;
            return 0;
        }
    return -EINVAL;
}
