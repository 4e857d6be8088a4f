/*
 * How long messages are: one size, a range, or a weighted list of both, as data.
 *
 * "64" · "16-4K" (every size as likely as any other) · "64:90,4K-8K:9,1M:1" (weights, whole numbers). Plain
 * memory, so that a child process can have a copy. Pure.
 */
#ifndef LOADTOOL_SIZES_H
#define LOADTOOL_SIZES_H

#include <stdint.h>

enum { SIZES_RANGES_MAX = 16, SIZES_WEIGHT_MAX = 1000000 };

struct sizes {
    uint32_t count;
    uint64_t weight_sum;
    struct sizes_range {
        uint64_t min_bytes, max_bytes, weight;
    } ranges[SIZES_RANGES_MAX];
};

/* An initialiser: one size. */
#define SIZES_ONE(bytes)                                                                                     \
    {                                                                                                        \
        .count = 1, .weight_sum = 1, .ranges = { {bytes, bytes, 1} }                                         \
    }

/* -EINVAL for other words, -ERANGE for a size of 0 or above LIMIT_SIZE_BYTES, a weight of 0 or more ranges
 * than fit. */
int sizes_parse(const char *word, struct sizes *sizes);

/* The size of the k-th message of the stream with this key. */
uint64_t sizes_draw(const struct sizes *sizes, uint64_t key, uint64_t k);

/* The mean, at least 1. */
uint64_t sizes_mean_bytes(const struct sizes *sizes);

#endif
