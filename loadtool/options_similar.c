/* Which option was probably meant by a word that is none. */
#include <string.h>

#include "loadtool/options_parts.h"

enum { LETTERS_MAX = 32, WRONG_MAX = 2 }; /* two letters wrong are still taken for a typing error */

/* How many letters must be changed, added or left out to make one word of the other. */
static unsigned distance(const char *word, size_t length, const char *name)
{
    unsigned costs[LETTERS_MAX + 1]; /* of the letters so far against each beginning of the name */
    size_t columns = strlen(name);

    if (length > LETTERS_MAX || columns > LETTERS_MAX)
        return WRONG_MAX + 1;
    for (unsigned k = 0; k <= columns; k++)
        costs[k] = k;
    for (size_t i = 0; i < length; i++) {
        unsigned before = costs[0]++; /* of one letter and one column less */
        for (size_t k = 1; k <= columns; k++) {
            unsigned least = before + (word[i] != name[k - 1]);
            before = costs[k];
            least = costs[k] + 1 < least ? costs[k] + 1 : least;
            costs[k] = costs[k - 1] + 1 < least ? costs[k - 1] + 1 : least;
        }
    }
    return costs[columns];
}

/* What argp itself has comes behind the table. */
static const char *name_at(size_t i)
{
    static const char *const own[] = {"help", "usage", "version"};

    if (i < options_row_count)
        return options_rows[i].name;
    i -= options_row_count;
    return i < sizeof(own) / sizeof(own[0]) ? own[i] : NULL;
}

static const char *nearest(const char *word, size_t length)
{
    const char *best = NULL;
    unsigned best_distance = WRONG_MAX + 1;
    const char *name;

    for (size_t i = 0; (name = name_at(i)) != NULL; i++) {
        unsigned away = distance(word, length, name);
        if (away < best_distance) {
            best = name;
            best_distance = away;
        }
    }
    return best;
}

/* Is it an option, or the beginning of some? `takes_value`: of the last of those, which is the one if it is
 * one. */
static bool is_known(const char *word, size_t length, bool *takes_value)
{
    bool is_some = false;
    const char *name;

    for (size_t i = 0; (name = name_at(i)) != NULL; i++) {
        if (strncmp(name, word, length) != 0)
            continue;
        is_some = true;
        *takes_value = i < options_row_count && options_rows[i].argument != NULL;
        if (name[length] == '\0')
            break;
    }
    return is_some;
}

/* "-c 5": does the value stand in the next word? */
static bool wants_next(const char *letters)
{
    for (; *letters != '\0'; letters++)
        for (size_t i = 0; i < options_row_count; i++)
            if (options_rows[i].key == *letters && options_rows[i].argument != NULL)
                return letters[1] == '\0';
    return false;
}

const char *options_find_misspelt(int argc, char **argv, const char **meant)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool takes_value = false;
        if (argv[i][0] != '-')
            continue;
        if (argv[i][1] != '-') {
            i += wants_next(argv[i] + 1);
            continue;
        }
        const char *word = argv[i] + 2;
        size_t length = strcspn(word, "=");
        if (!is_known(word, length, &takes_value)) {
            *meant = nearest(word, length);
            return *meant == NULL ? NULL : argv[i];
        }
        i += takes_value && word[length] == '\0';
    }
    return NULL;
}
