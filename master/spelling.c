#include "master/spelling.h"

#include <stdbool.h>
#include <string.h>

enum { SHORT_WORD = 4 }; /* letters */

unsigned spelling_distance(const char *a, size_t a_length, const char *b)
{
    unsigned row[SPELLING_WORD_SIZE];
    size_t b_length = strlen(b);

    if (a_length >= SPELLING_WORD_SIZE || b_length >= SPELLING_WORD_SIZE)
        return SPELLING_WORD_SIZE;
    for (unsigned j = 0; j <= b_length; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[b_length];
}

unsigned spelling_slip(const char *word, size_t word_length, const char *meant)
{
    unsigned distance = spelling_distance(word, word_length, meant);
    bool is_likely = word_length > SHORT_WORD || distance < SPELLING_DISTANCE_MAX || word[0] == meant[0];

    return is_likely ? distance : SPELLING_DISTANCE_MAX + 1;
}
