#include "master/wrap.h"

#include <string.h>

void wrap_pad(FILE *out, size_t *column, size_t target)
{
    for (; *column < target; ++*column)
        putc(' ', out);
}

void wrap_words(FILE *out, const char *text, size_t *column, size_t indent)
{
    while (*text) {
        size_t length = strcspn(text, " ");

        if (*column > indent && *column + 1 + length > WRAP_LINE_WIDTH) {
            putc('\n', out);
            *column = 0;
        }
        if (*column > indent) {
            putc(' ', out);
            ++*column;
        }
        wrap_pad(out, column, indent);
        fwrite(text, 1, length, out);
        *column += length;
        text += length;
        text += strspn(text, " ");
    }
}
