/*
 * Seeded numbers by counting: the n-th number of a stream is a function of (seed, domain, stream, n).
 *
 * Nothing is drawn from a state, so the order in which clients happen to ask changes nothing: one seed gives
 * one run. The mixing function is the finaliser of splitmix64 (Steele, Lea, Flood: "Fast Splittable
 * Pseudorandom Number Generators", 2014). Not for secrets.
 */
#ifndef LOADTOOL_PRNG_H
#define LOADTOOL_PRNG_H

#include <stdint.h>

/* What a stream is for; two domains never share numbers. */
enum prng_domain { PRNG_PAYLOAD, PRNG_LIFE, PRNG_DEATH, PRNG_URGENT, PRNG_ARRIVAL, PRNG_THINK };

static inline uint64_t prng_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The n-th number of the stream that has this key. */
static inline uint64_t prng_at(uint64_t key, uint64_t n)
{
    return prng_mix(key + (n + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* The key of a stream. */
uint64_t prng_key(uint64_t seed, enum prng_domain domain, uint64_t stream);

/* The n-th number of the stream, brought into min..max (both included). The bias is below 2^-32 for spans
 * below 2^32. */
uint64_t prng_range(uint64_t key, uint64_t n, uint64_t min, uint64_t max);

/* A seed for a run that was given none, from the kernel's pool; 32 bits, so that it is easy to type again. */
uint64_t prng_fresh_seed(void);

#endif
