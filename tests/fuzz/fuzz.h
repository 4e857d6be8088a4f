/*
 * fuzz: what the fuzz targets share.
 *
 * A target is a file fuzz_NAME.c with the one function below: it gives whatever bytes come to one parser, and
 * states what must be true of any answer (FUZZ_MUST), so that a wrong answer is found like a crash. It keeps
 * nothing from one input to the next, waits for nothing, and touches nothing outside of its process. Two programs are
 * made of it: libFuzzer's (`make fuzz`), and one that replays the corpus (replay.c), which is a unit test.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The name and the value 0 are libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(condition)                                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            dprintf(STDERR_FILENO, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A copy that ends with a NUL, in a piece of memory of its own: one byte too far is noticed. To be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    FUZZ_MUST(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* Sends what a parser says to nowhere; FUZZ_MUST is still heard. */
static inline void fuzz_hush(void)
{
    static FILE *nowhere;

    if (!nowhere)
        nowhere = stderr = fopen("/dev/null", "we");
    FUZZ_MUST(nowhere != NULL);
}

enum { FUZZ_WORDS_MAX = 24 };

/* Cuts a text at its newlines into words behind `name`, as a shell would hand them over; the last one is NULL.
 * Returns how many there are. */
static inline int fuzz_words(char *text, char *name, char *words[FUZZ_WORDS_MAX + 1])
{
    int count = 0;

    words[count++] = name;
    while (text && *text && count < FUZZ_WORDS_MAX)
        words[count++] = strsep(&text, "\n");
    words[count] = NULL;
    return count;
}

#endif
