#include "loadtool/payload.h"

#include <endian.h>
#include <string.h>

#include "loadtool/prng.h"

enum { WORD_BYTES = 8 };

uint64_t payload_key(uint64_t seed, uint64_t serial)
{
    return prng_key(seed, PRNG_PAYLOAD, serial);
}

/* Part of one word: the ragged first or last bytes of a range. */
static size_t fill_part(uint64_t key, uint64_t offset, uint8_t *out, size_t length)
{
    uint64_t word = htole64(prng_at(key, offset / WORD_BYTES));
    size_t skip = (size_t)(offset % WORD_BYTES);
    size_t count = WORD_BYTES - skip < length ? WORD_BYTES - skip : length;

    memcpy(out, (const uint8_t *)&word + skip, count);
    return count;
}

void payload_fill(uint64_t key, uint64_t offset, uint8_t *out, size_t length)
{
    size_t done = 0;

    if (offset % WORD_BYTES != 0)
        done = fill_part(key, offset, out, length);
    uint64_t n = (offset + done) / WORD_BYTES;
    for (; length - done >= WORD_BYTES; done += WORD_BYTES, n++) {
        uint64_t word = htole64(prng_at(key, n));
        memcpy(out + done, &word, WORD_BYTES);
    }
    if (done < length)
        fill_part(key, offset + done, out + done, length - done);
}
