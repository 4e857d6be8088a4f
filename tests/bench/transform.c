/*
 * The transform beside memcpy, in the same run.
 *
 *     transform ROUNDS
 *
 * Prints "avx2 0|1" first: may the program choose AVX2 here? Then a line for each round and size:
 *
 *     BYTES PAIRS MEMCPY UPPER PLAIN
 *
 * nanoseconds of processor time for one call of each, alternating in turns of about a millisecond: memcpy (called as
 * service echo does), the transform as the program chooses it, and the same loop compiled without AVX2. PAIRS is how
 * many pairs of buffers take turns: 1 as in a worker, whose one pair stays in its cache, or so many that each call
 * finds its bytes in memory.
 */
/* Included, not linked: the loop has no name outside. */
#include "worker/service_upper.c"

#include "worker/limits.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    PAIRS_MAX = 512,           /* 64 MB of them: more than caches hold */
    TURN_BYTES = 16 << 20,     /* a turn moves so many, but */
    TURN_CALLS_MAX = 64 << 10, /* does no more calls than that, for small chunks */
    KIND_COUNT = 3,
};

typedef void transform_function(unsigned char *out, const unsigned char *in, size_t byte_count);

struct row {
    size_t byte_count, pair_count;
};

static const struct row rows[] = {
    {64, 1}, {1024, 1}, {4096, 1}, {CHUNK_BYTES_MAX, 1}, {CHUNK_BYTES_MAX, PAIRS_MAX},
};

/* What upper_transform is on a processor without AVX2. */
VECTORIZED static void upper_plain(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    upper_bytes(out, in, byte_count);
}

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* A pair lies as in a worker: one mapping, the output right behind the input. */
static double turn_ns(transform_function *transform, const struct row *row, unsigned char *pairs)
{
    size_t call_count = TURN_BYTES / row->byte_count, pair = 0;
    int64_t begin = now_ns();

    if (call_count > TURN_CALLS_MAX)
        call_count = TURN_CALLS_MAX;
    for (size_t i = 0; i < call_count; i++) {
        unsigned char *in = pairs + pair * 2 * CHUNK_BYTES_MAX;

        transform(in + CHUNK_BYTES_MAX, in, row->byte_count);
        pair = pair + 1 < row->pair_count ? pair + 1 : 0;
    }
    return (double)(now_ns() - begin) / (double)call_count;
}

/* Who comes first changes from round to round. */
static void measure_round(const struct row *row, size_t round, unsigned char *pairs)
{
    transform_function *const kinds[KIND_COUNT] = {service_echo.transform, service_upper.transform,
                                                   upper_plain};
    double ns[KIND_COUNT];

    for (size_t i = 0; i < KIND_COUNT; i++) {
        size_t kind = (round + i) % KIND_COUNT;

        ns[kind] = turn_ns(kinds[kind], row, pairs);
    }
    printf("%zu %zu %.3f %.3f %.3f\n", row->byte_count, row->pair_count, ns[0], ns[1], ns[2]);
}

static unsigned char *make_pairs(void)
{
    size_t byte_count = (size_t)PAIRS_MAX * 2 * CHUNK_BYTES_MAX;
    void *pairs =
        mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (pairs == MAP_FAILED)
        return NULL;
    memset(pairs, 'a', byte_count);
    return pairs;
}

int main(int argc, char **argv)
{
    int round_count = argc == 2 ? atoi(argv[1]) : 0;
    unsigned char *pairs = round_count > 0 ? make_pairs() : NULL;

    if (!pairs) {
        fprintf(stderr, "usage: %s ROUNDS (and 64 MB of memory)\n", argv[0]);
        return 64;
    }
    printf("avx2 %d\n", has_avx2());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int round = 0; round < round_count; round++)
            measure_round(&rows[i], (size_t)round, pairs);
    return 0;
}
