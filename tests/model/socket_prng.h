/* Seeded numbers for the models: splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
 * Generators", 2014). One seed gives one run. */
#ifndef TESTS_MODEL_SOCKET_PRNG_H
#define TESTS_MODEL_SOCKET_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline void prng_init(struct prng *prng, uint64_t seed)
{
    prng->state = seed;
}

static inline uint64_t prng_next(struct prng *prng)
{
    uint64_t x = prng->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 to end - 1; end is far below 2^32, so the bias does not matter. */
static inline uint32_t prng_below(struct prng *prng, uint32_t end)
{
    return (uint32_t)((prng_next(prng) >> 32) * end >> 32);
}

#endif
