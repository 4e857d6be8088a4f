#include "loadtool/sizes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"

enum { WORD_BYTES = 512 };

/* "MIN-MAX" or one size. */
static int parse_span(char *word, struct sizes_range *range)
{
    char *dash = strchr(word, '-');

    if (dash != NULL)
        *dash = '\0';
    int rc = units_parse_size_bytes(word, 1, LIMIT_SIZE_BYTES, &range->min_bytes);
    range->max_bytes = range->min_bytes;
    if (rc == 0 && dash != NULL)
        rc = units_parse_size_bytes(dash + 1, 1, LIMIT_SIZE_BYTES, &range->max_bytes);
    return rc < 0 ? rc : range->max_bytes < range->min_bytes ? -ERANGE : 0;
}

static int parse_range(char *word, bool is_alone, struct sizes_range *range)
{
    char *colon = strchr(word, ':');

    range->weight = 1;
    if (colon == NULL)
        return is_alone ? parse_span(word, range) : -EINVAL;
    *colon = '\0';
    int rc = units_parse_count(colon + 1, 1, SIZES_WEIGHT_MAX, &range->weight);
    return rc < 0 ? rc : parse_span(word, range);
}

int sizes_parse(const char *word, struct sizes *sizes)
{
    struct sizes parsed = {.count = 0, .weight_sum = 0};
    char copy[WORD_BYTES];
    bool is_alone = strchr(word, ',') == NULL;

    if (strlen(word) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, word);
    for (char *next = copy; next != NULL;) {
        if (parsed.count == SIZES_RANGES_MAX)
            return -ERANGE;
        struct sizes_range *range = &parsed.ranges[parsed.count++];
        int rc = parse_range(strsep(&next, ","), is_alone, range);
        if (rc < 0)
            return rc;
        parsed.weight_sum += range->weight;
    }
    *sizes = parsed;
    return 0;
}

uint64_t sizes_draw(const struct sizes *sizes, uint64_t key, uint64_t k)
{
    const struct sizes_range *range = sizes->ranges;
    uint64_t span_key = ~key; /* the payload's numbers are those of the key itself */

    if (sizes->count > 1) {
        uint64_t at = prng_at(prng_mix(span_key), k) % sizes->weight_sum;
        for (; at >= range->weight; range++)
            at -= range->weight;
    }
    return range->min_bytes == range->max_bytes ? range->min_bytes
                                                : prng_range(span_key, k, range->min_bytes, range->max_bytes);
}

uint64_t sizes_mean_bytes(const struct sizes *sizes)
{
    double sum = 0;

    for (uint32_t i = 0; i < sizes->count; i++)
        sum += (double)sizes->ranges[i].weight *
               ((double)sizes->ranges[i].min_bytes + (double)sizes->ranges[i].max_bytes) / 2;
    return sizes->weight_sum == 0 ? 1 : (uint64_t)(sum / (double)sizes->weight_sum);
}
