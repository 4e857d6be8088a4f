#include "loadtool/markup.h"

#include <stdint.h>
#include <string.h>

static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Bytes of the UTF-8 character at `at`, 0 when there is none: overlong forms, surrogates and what XML forbids count as
 * none. */
static size_t length_of(const char *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)at;
    size_t length = bytes[0] < 0x80       ? 1
                    : bytes[0] >> 5 == 6  ? 2
                    : bytes[0] >> 4 == 14 ? 3
                    : bytes[0] >> 3 == 30 ? 4
                                          : 0;
    uint32_t character = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);

    if (length == 0)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        character = character << 6 | (bytes[i] & 0x3f);
    }
    if (character < least[length] || (character >= 0xd800 && character < 0xe000) || character > 0x10ffff ||
        (character & 0xfffe) == 0xfffe)
        return 0;
    return length;
}

/* The next character as it stands, or U+FFFD; `words` moves behind it. Returns its bytes. */
static size_t take(const char **words, const char **character)
{
    size_t length = length_of(*words);
    unsigned char first = (unsigned char)**words;

    *character =
        length == 0 || (first < ' ' && strchr("\t\n\r", first) == NULL) || first == 0x7f ? unknown : *words;
    *words += length == 0 ? 1 : length;
    return *character == unknown ? sizeof(unknown) - 1 : length;
}

/* A character that stands for itself, or its replacement. */
struct replacement {
    char character;
    const char *with;
};

static void write_replaced(FILE *out, const char *words, const struct replacement *table)
{
    while (*words != '\0') {
        const char *character = NULL;
        size_t length = take(&words, &character);
        const struct replacement *row = table;
        while (row->with != NULL && row->character != *character)
            row++;
        if (length == 1 && row->with != NULL)
            fputs(row->with, out);
        else
            fwrite(character, 1, length, out);
    }
}

void markup_write_xml(FILE *out, const char *words)
{
    static const struct replacement table[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                               {'"', "&quot;"}, {'\'', "&#39;"}, {'\0', NULL}};

    write_replaced(out, words, table);
}

void markup_write_cell(FILE *out, const char *words)
{
    static const struct replacement table[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'|', "\\|"},
                                               {'\\', "\\\\"}, {'`', "\\`"},  {'*', "\\*"},  {'_', "\\_"},
                                               {'[', "\\["},   {'~', "\\~"},  {'\n', " "},   {'\r', " "},
                                               {'\t', " "},    {'\0', NULL}};

    write_replaced(out, words, table);
}

void markup_write_label(FILE *out, const char *words)
{
    static const struct replacement table[] = {{'\\', "\\\\"}, {'"', "\\\""}, {'\n', "\\n"}, {'\0', NULL}};

    write_replaced(out, words, table);
}

const char *markup_clean(char *made, size_t size, const char *words)
{
    size_t used = 0;

    while (*words != '\0') {
        const char *character = NULL;
        size_t length = take(&words, &character);
        if (used + length >= size)
            break;
        memcpy(made + used, character, length);
        if (length == 1 && (unsigned char)*character < ' ')
            made[used] = ' ';
        used += length;
    }
    made[used] = '\0';
    return made;
}
