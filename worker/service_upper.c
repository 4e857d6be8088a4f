/*
 * The service proper: ASCII upper case, at the speed of memory.
 *
 * One plain loop, compiled twice: for any x86-64 or other processor, and for AVX2 where there is one. Which of the
 * two a call means is decided once, when the program is loaded (target_clones: an ifunc, which gcc 12 and clang 14
 * both make), so there is no branch and no second function to keep equal. gcc vectorizes such a loop at -O3 only,
 * hence the attribute; clang does so at -O2 already and knows no such attribute.
 *
 * Written for vectors, since nothing else makes it fast (`make bench-transform` puts it beside memcpy): a byte's
 * meaning is found without a branch and in few steps, each narrowed to a byte, so that a register holds as many
 * characters as it has bytes; and a block of 64 is spelled out, so that there is more work than counting in a turn.
 */
#include "worker/service.h"

#include <limits.h>

#if defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((optimize("O3")))
#else
#define VECTORIZED
#endif

/* Without optimization nothing is vectorized: one form is enough there. */
#if defined(__x86_64__) && defined(__OPTIMIZE__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define INLINE static inline __attribute__((always_inline))

enum { BLOCK_BYTES = 64 }; /* the smallest message that is measured; two registers of AVX2 */

/* The letters are moved to the lower end of the signed range: then one comparison finds them. Case is one bit. */
INLINE unsigned char upper_byte(unsigned char byte)
{
    signed char place = (signed char)(byte - 'a' + SCHAR_MIN);

    return (unsigned char)(byte ^ (place < SCHAR_MIN + 26 ? 'a' ^ 'A' : 0));
}

INLINE void upper_bytes(unsigned char *restrict out, const unsigned char *restrict in, size_t byte_count)
{
    size_t done = 0;

    for (; byte_count - done >= BLOCK_BYTES; done += BLOCK_BYTES)
        for (size_t i = 0; i < BLOCK_BYTES; i++)
            out[done + i] = upper_byte(in[done + i]);
    for (; done < byte_count; done++)
        out[done] = upper_byte(in[done]);
}

VECTORIZED FOR_EACH_PROCESSOR static void upper_transform(unsigned char *out, const unsigned char *in,
                                                          size_t byte_count)
{
    upper_bytes(out, in, byte_count);
}

const struct service service_upper = {
    .name = "upper",
    .summary = "answers a-z as A-Z and every other byte as it came (Python's bytes.upper())",
    .transform = upper_transform,
};
