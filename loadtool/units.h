/*
 * Numbers as people write and read them: durations, counts, shares.
 *
 * Parsing takes the whole text or nothing: -EINVAL for what is no number or has an unknown unit, -ERANGE for
 * a number outside the limits. Formatting writes into a `struct text` that the caller owns, and returns its
 * string, so that it can stand as an argument of printf.
 */
#ifndef LOADTOOL_UNITS_H
#define LOADTOOL_UNITS_H

#include <stdint.h>

#define NS_PER_MS UINT64_C(1000000)

struct text {
    char s[48];
};

/* A number that begins the text: digits and a point alone, no sign, exponent or hexadecimal, which could be beyond every
 * measure. *rest is what follows it. */
int units_parse_number(const char *word, double *number, const char **rest);

/* A number with ms, s, m or h; a bare number is seconds; a fraction is allowed ("1.5s"). Result in
 * milliseconds. */
int units_parse_duration_ms(const char *word, uint64_t *ms);

/* A whole number between min and max. */
int units_parse_count(const char *word, uint64_t min, uint64_t max, uint64_t *count);

/* A whole number of bytes, or one with K or M (1024), between min and max. */
int units_parse_size_bytes(const char *word, uint64_t min, uint64_t max, uint64_t *bytes);

/* "10%", "2.5%": result in parts per 10,000. The sign is required, so that a share is never taken for a
 * count. -ERANGE too for one that is not 0 and would be rounded to it. */
int units_parse_share(const char *word, uint32_t *per_10000);

/* 1234567 as "1,234,567". */
const char *units_format_count(struct text *out, uint64_t count);
/* A time as "312 us", "1.24 ms", "3.10 s": three digits, the unit that fits. */
const char *units_format_ns(struct text *out, uint64_t ns);
/* Bytes as "77.0 MB" (1,000,000), "312 B". */
const char *units_format_bytes(struct text *out, double bytes);

#endif
