#include "loadtool/prng.h"

#include <sys/random.h>
#include <time.h>

uint64_t prng_key(uint64_t seed, enum prng_domain domain, uint64_t stream)
{
    uint64_t key = prng_mix(seed + UINT64_C(0x632be59bd9b4e019));

    key = prng_mix(key ^ ((uint64_t)domain + 1));
    return prng_mix(key ^ (stream * UINT64_C(0xd6e8feb86659fd93)));
}

uint64_t prng_range(uint64_t key, uint64_t n, uint64_t min, uint64_t max)
{
    return min + prng_at(key, n) % (max - min + 1);
}

uint64_t prng_fresh_seed(void)
{
    uint32_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = (uint32_t)time(NULL);
    return seed;
}
