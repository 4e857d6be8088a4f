#include "loadtool/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* strtod and strtoull accept blanks, signs, "inf" and hexadecimal: none of it is wanted. */
int units_parse_number(const char *word, double *number, const char **rest)
{
    size_t length = strspn(word, "0123456789.");
    char digits[32];
    char *end = NULL;

    if (length == 0 || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, word, length);
    digits[length] = '\0';
    *number = strtod(digits, &end);
    if (*end != '\0')
        return -EINVAL;
    *rest = word + length;
    return 0;
}

int units_parse_duration_ms(const char *word, uint64_t *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
    const double longest_ms = 1000 * 3600e3;
    double number = 0;
    const char *unit = NULL;

    if (units_parse_number(word, &number, &unit) < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) != 0)
            continue;
        if (number * units[i].ms > longest_ms)
            return -ERANGE;
        *ms = (uint64_t)llround(number * units[i].ms);
        return 0;
    }
    return -EINVAL;
}

int units_parse_count(const char *word, uint64_t min, uint64_t max, uint64_t *count)
{
    char *end = NULL;

    if (!isdigit((unsigned char)word[0]))
        return -EINVAL;
    errno = 0;
    unsigned long long value = strtoull(word, &end, 10);
    if (*end != '\0')
        return -EINVAL;
    if (errno == ERANGE || value < min || value > max)
        return -ERANGE;
    *count = value;
    return 0;
}

int units_parse_size_bytes(const char *word, uint64_t min, uint64_t max, uint64_t *bytes)
{
    size_t length = strlen(word);
    char digits[32];
    uint64_t factor = 1;
    uint64_t number = 0;

    if (length == 0 || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, word, length + 1);
    if (digits[length - 1] == 'K' || digits[length - 1] == 'M') {
        factor = digits[length - 1] == 'K' ? 1024 : 1024 * 1024;
        digits[length - 1] = '\0';
    }
    int rc = units_parse_count(digits, 0, max / factor, &number);
    if (rc < 0)
        return rc;
    if (number * factor < min)
        return -ERANGE;
    *bytes = number * factor;
    return 0;
}

int units_parse_share(const char *word, uint32_t *per_10000)
{
    double number = 0;
    const char *unit = NULL;

    if (units_parse_number(word, &number, &unit) < 0 || strcmp(unit, "%") != 0)
        return -EINVAL;
    if (number > 100 || (number > 0 && lround(number * 100) == 0))
        return -ERANGE;
    *per_10000 = (uint32_t)lround(number * 100);
    return 0;
}

const char *units_format_count(struct text *out, uint64_t count)
{
    char digits[24];
    size_t used = 0;

    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out->s[used++] = ',';
        out->s[used++] = digits[i];
    }
    out->s[used] = '\0';
    return out->s;
}

/* Three digits: 1.24, 12.4, 124. */
static const char *format_scaled(struct text *out, double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    snprintf(out->s, sizeof(out->s), "%.*f %s", decimals, value, unit);
    return out->s;
}

const char *units_format_ns(struct text *out, uint64_t ns)
{
    double value = (double)ns;

    if (value < 1e6)
        return format_scaled(out, value / 1e3, "us");
    if (value < 1e9)
        return format_scaled(out, value / 1e6, "ms");
    return format_scaled(out, value / 1e9, "s");
}

const char *units_format_bytes(struct text *out, double bytes)
{
    if (bytes < 1e3) {
        snprintf(out->s, sizeof(out->s), "%.0f B", bytes);
        return out->s;
    }
    if (bytes < 1e6)
        return format_scaled(out, bytes / 1e3, "kB");
    if (bytes < 1e9)
        return format_scaled(out, bytes / 1e6, "MB");
    return format_scaled(out, bytes / 1e9, "GB");
}
