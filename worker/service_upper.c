/*
 * The service proper: ASCII upper case, at the speed of memory.
 *
 * One plain loop, compiled twice: for any x86-64 or other processor, and for AVX2 where there is one (a
 * branch on a flag per call, nothing beside a chunk). gcc vectorizes such a loop at -O3 only, hence the
 * attribute; clang does so at -O2 already and knows no such attribute.
 */
#include "worker/service.h"

#if defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((optimize("O3")))
#else
#define VECTORIZED
#endif

/* Written without a branch and with every step narrowed to a byte, so that a vector register holds as many
 * characters as it has bytes. */
static inline __attribute__((always_inline)) void
upper_bytes(unsigned char *restrict out, const unsigned char *restrict in, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++) {
        unsigned char byte = in[i];
        unsigned char distance = (unsigned char)(byte - 'a');

        out[i] = (unsigned char)(byte - (distance < 26 ? 'a' - 'A' : 0));
    }
}

VECTORIZED static void upper_plain(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    upper_bytes(out, in, byte_count);
}

#if defined(__x86_64__)
VECTORIZED __attribute__((target("avx2"))) static void upper_avx2(unsigned char *out, const unsigned char *in,
                                                                  size_t byte_count)
{
    upper_bytes(out, in, byte_count);
}

static void upper_transform(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    if (__builtin_cpu_supports("avx2"))
        upper_avx2(out, in, byte_count);
    else
        upper_plain(out, in, byte_count);
}
#else
static void upper_transform(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    upper_plain(out, in, byte_count);
}
#endif

const struct service service_upper = {
    .name = "upper",
    .summary = "answers a-z as A-Z and every other byte as it came (Python's bytes.upper())",
    .transform = upper_transform,
};
