#include "loadtool/hdr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const uint32_t cookie_plain = 0x1c849313, cookie_packed = 0x1c849314;

enum {
    DIGITS = 3,
    PACKED_HEAD_BYTES = 8, /* cookie, length */
    HEAD_BYTES =
        40, /* cookie, payload length, normalizing offset, digits, lowest, highest, ratio of a double */
    COUNT_BYTES_MAX = 9,
    PLAIN_BYTES_MAX = HEAD_BYTES + COUNT_BYTES_MAX * HISTOGRAM_BUCKETS,
};

/* 1.0, as the bits of a double. */
static const uint64_t ratio_one = UINT64_C(0x3ff0000000000000);

/* -- numbers -- */

static uint8_t *put_number(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t get_number(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Seven bits a byte, the lowest first; a ninth byte has eight. */
static uint8_t *put_count(uint8_t *at, int64_t count)
{
    uint64_t left = (uint64_t)count << 1 ^ (count < 0 ? UINT64_MAX : 0);

    for (int i = 0; i < COUNT_BYTES_MAX - 1; i++) {
        if (left < 0x80) {
            *at++ = (uint8_t)left;
            return at;
        }
        *at++ = (uint8_t)(left | 0x80);
        left >>= 7;
    }
    *at++ = (uint8_t)left;
    return at;
}

/* NULL when the bytes end within it. */
static const uint8_t *get_count(const uint8_t *at, const uint8_t *end, int64_t *count)
{
    uint64_t value = 0;

    for (int i = 0; i < COUNT_BYTES_MAX; i++) {
        if (at == end)
            return NULL;
        uint8_t byte = *at++;
        bool is_last = byte < 0x80 || i == COUNT_BYTES_MAX - 1;
        value |= (uint64_t)(i == COUNT_BYTES_MAX - 1 ? byte : byte & 0x7f) << (7 * i);
        if (is_last)
            break;
    }
    *count = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    return at;
}

/* -- base64 -- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(FILE *out, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        fputc(alphabet[three >> 18], out);
        fputc(alphabet[three >> 12 & 63], out);
        fputc(left > 1 ? alphabet[three >> 6 & 63] : '=', out);
        fputc(left > 2 ? alphabet[three & 63] : '=', out);
    }
}

/* Returns the number of bytes, which is less than that of the characters; -EINVAL. */
static ssize_t read_base64(const char *text, uint8_t *bytes)
{
    size_t length = strlen(text);
    size_t count = 0;
    uint32_t bits = 0;

    if (length % 4 != 0)
        return -EINVAL;
    while (length > 0 && text[length - 1] == '=' && count < 2) {
        length--;
        count++;
    }
    count = 0;
    for (size_t i = 0; i < length; i++) {
        const char *found = strchr(alphabet, text[i]);
        if (found == NULL)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(found - alphabet);
        if (i % 4 > 0)
            bytes[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return (ssize_t)count;
}

/* -- writing -- */

static size_t used_buckets(const struct histogram *histogram)
{
    size_t used = HISTOGRAM_BUCKETS;

    while (used > 0 && histogram->buckets[used - 1] == 0)
        used--;
    return used;
}

static uint8_t *put_counts(uint8_t *at, const struct histogram *histogram)
{
    size_t used = used_buckets(histogram);

    for (size_t i = 0; i < used;) {
        size_t from = i;
        while (i < used && histogram->buckets[i] == 0)
            i++;
        if (i - from > 1)
            at = put_count(at, -(int64_t)(i - from));
        else
            at = put_count(at, (int64_t)histogram->buckets[i = from]), i++;
    }
    return at;
}

/* Returns its length. */
static size_t encode(const struct histogram *histogram, uint8_t *plain)
{
    uint8_t *end = put_counts(plain + HEAD_BYTES, histogram);
    uint8_t *at = put_number(plain, cookie_plain, 4);

    at = put_number(at, (uint64_t)(end - plain) - HEAD_BYTES, 4);
    at = put_number(at, 0, 4);
    at = put_number(at, DIGITS, 4);
    at = put_number(at, 1, 8);
    at = put_number(at, HISTOGRAM_NS_MAX, 8);
    put_number(at, ratio_one, 8);
    return (size_t)(end - plain);
}

int hdr_write(FILE *out, const struct histogram *histogram)
{
    uLongf packed_bytes = compressBound(PLAIN_BYTES_MAX);
    uint8_t *plain = malloc(PLAIN_BYTES_MAX);
    uint8_t *packed = malloc(PACKED_HEAD_BYTES + packed_bytes);
    int rc = -ENOMEM;

    if (plain == NULL || packed == NULL)
        goto out;
    size_t length = encode(histogram, plain);
    if (compress(packed + PACKED_HEAD_BYTES, &packed_bytes, plain, length) != Z_OK)
        goto out;
    put_number(put_number(packed, cookie_packed, 4), packed_bytes, 4);
    write_base64(out, packed, PACKED_HEAD_BYTES + packed_bytes);
    rc = 0;
out:
    free(plain);
    free(packed);
    return rc;
}

char *hdr_format(const struct histogram *histogram)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    int rc = hdr_write(out, histogram);
    if (fclose(out) == 0 && rc == 0)
        return text;
    free(text);
    return NULL;
}

/* -- reading -- */

static int take_counts(const uint8_t *at, const uint8_t *end, struct histogram *histogram)
{
    size_t bucket = 0;

    while (at != end) {
        int64_t count = 0;
        at = get_count(at, end, &count);
        if (at == NULL || count < -(int64_t)(HISTOGRAM_BUCKETS - bucket) ||
            (count >= 0 && bucket == HISTOGRAM_BUCKETS))
            return -EINVAL;
        if (count < 0) {
            bucket += (size_t)-count;
            continue;
        }
        histogram->buckets[bucket++] = (uint64_t)count;
        histogram->count += (uint64_t)count;
        if (count == 0)
            continue;
        histogram->max_ns = histogram_bucket_top_ns(bucket - 1);
        histogram->sum_ns += (double)count * (double)histogram->max_ns;
    }
    return 0;
}

static int decode(const uint8_t *plain, size_t length, struct histogram *histogram)
{
    if (length < HEAD_BYTES || get_number(plain, 4) != cookie_plain ||
        get_number(plain + 4, 4) != length - HEAD_BYTES || get_number(plain + 8, 4) != 0 ||
        get_number(plain + 12, 4) != DIGITS || get_number(plain + 16, 8) != 1 ||
        get_number(plain + 24, 8) != HISTOGRAM_NS_MAX || get_number(plain + 32, 8) != ratio_one)
        return -EINVAL;
    return take_counts(plain + HEAD_BYTES, plain + length, histogram);
}

static int unpack(const uint8_t *packed, size_t length, struct histogram *histogram)
{
    uLongf plain_bytes = PLAIN_BYTES_MAX;

    if (length < PACKED_HEAD_BYTES || get_number(packed, 4) != cookie_packed ||
        get_number(packed + 4, 4) != length - PACKED_HEAD_BYTES)
        return -EINVAL;
    uint8_t *plain = malloc(plain_bytes);
    if (plain == NULL)
        return -ENOMEM;
    int rc = uncompress(plain, &plain_bytes, packed + PACKED_HEAD_BYTES, length - PACKED_HEAD_BYTES);
    rc = rc == Z_OK ? decode(plain, plain_bytes, histogram) : rc == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
    free(plain);
    return rc;
}

int hdr_read(const char *text, struct histogram *histogram)
{
    uint8_t *packed = malloc(strlen(text) + 1);
    struct histogram *made = calloc(1, sizeof(*made));
    int rc = -ENOMEM;

    if (packed == NULL || made == NULL)
        goto out;
    ssize_t length = read_base64(text, packed);
    rc = length < 0 ? (int)length : unpack(packed, (size_t)length, made);
    if (rc == 0)
        *histogram = *made;
out:
    free(packed);
    free(made);
    return rc;
}
