#include "loadtool/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- text -- */

static int hex_digit(char digit)
{
    return isdigit((unsigned char)digit)    ? digit - '0'
           : isxdigit((unsigned char)digit) ? (digit | 0x20) - 'a' + 10
                                            : -1;
}

/* The byte of an escape, after the backslash; `at` is left behind it. -EINVAL for an unknown one. */
static int take_escape(const char **at)
{
    static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
    const char *found = **at == '\0' ? NULL : strchr(names, **at);

    if (found != NULL) {
        (*at)++;
        return values[found - names];
    }
    if (**at != 'x' || hex_digit((*at)[1]) < 0 || hex_digit((*at)[2]) < 0)
        return -EINVAL;
    int byte = hex_digit((*at)[1]) * 16 + hex_digit((*at)[2]);
    *at += 3;
    return byte;
}

static int append(struct script_side *side, const char *text)
{
    if (*text == '\0')
        return -EINVAL;
    while (*text != '\0') {
        int byte = (unsigned char)*text++;
        if (byte == '\\')
            byte = take_escape(&text);
        if (byte < 0)
            return byte;
        if (side->bytes == SCRIPT_BYTES_MAX)
            return -ERANGE;
        side->text[side->bytes++] = (uint8_t)byte;
    }
    return 0;
}

static void end_exchange(struct script *script)
{
    script->requests.end_of[script->count] = script->requests.bytes;
    script->replies.end_of[script->count] = script->replies.bytes;
    script->count++;
}

int script_make(struct script *script, const char *send, const char *expect)
{
    memset(script, 0, sizeof(*script));
    int rc = append(&script->requests, send);
    if (rc == 0)
        rc = append(&script->replies, expect);
    if (rc == 0)
        end_exchange(script);
    return rc;
}

/* -- a file -- */

enum speaker { NOBODY, CLIENT, SERVER };

static int take_line(struct script *script, char *line, enum speaker *last)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    char *text = line + strcspn(line, " ");
    if (*text == '\0')
        return -EINVAL;
    *text++ = '\0';
    enum speaker speaker = strcmp(line, "send") == 0 ? CLIENT : strcmp(line, "expect") == 0 ? SERVER : NOBODY;
    if (speaker == NOBODY || (speaker == SERVER && *last == NOBODY))
        return -EINVAL;
    if (speaker == CLIENT && *last == SERVER) {
        if (script->count == SCRIPT_EXCHANGES_MAX - 1)
            return -ERANGE;
        end_exchange(script);
    }
    *last = speaker;
    return append(speaker == CLIENT ? &script->requests : &script->replies, text);
}

int script_read(struct script *script, FILE *in, unsigned *line)
{
    enum speaker last = NOBODY;
    char *words = NULL;
    size_t size = 0;
    int rc = 0;

    memset(script, 0, sizeof(*script));
    for (*line = 0; rc == 0 && getline(&words, &size, in) >= 0; ++*line)
        rc = take_line(script, words, &last);
    free(words);
    if (rc == 0 && ferror(in))
        rc = -EIO;
    if (rc == 0 && last != SERVER)
        rc = -EINVAL;
    if (rc == 0)
        end_exchange(script);
    return rc;
}

/* -- its streams -- */

uint64_t script_part_bytes(const struct script *script, const struct script_side *side, uint64_t k)
{
    uint64_t at = k % script->count;

    return side->end_of[at] - (at == 0 ? 0 : side->end_of[at - 1]);
}

void script_fill(const struct script_side *side, uint64_t offset, uint8_t *out, size_t length)
{
    while (length > 0) {
        size_t at = (size_t)(offset % side->bytes);
        size_t part = side->bytes - at < length ? side->bytes - at : length;
        memcpy(out, side->text + at, part);
        out += part;
        offset += part;
        length -= part;
    }
}
