#include "master/duration.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define FRACTION_ONE 1000000000 /* fractions are kept in billionths; what is finer is dropped */

struct number {
    int64_t whole;    /* stops growing above DURATION_MS_MAX */
    int64_t fraction; /* of FRACTION_ONE */
    const char *end;
};

static int is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads "12", "12.5" or ".5"; strtod would also take hexadecimal, "inf" and the decimal comma of the locale.
 */
static int parse_number(const char *text, struct number *number)
{
    int64_t weight = FRACTION_ONE;
    size_t digit_count = 0;

    *number = (struct number){.end = text};
    for (; is_digit(*number->end); number->end++, digit_count++)
        if (number->whole <= DURATION_MS_MAX)
            number->whole = number->whole * 10 + (*number->end - '0');
    if (*number->end == '.') {
        number->end++;
        for (; is_digit(*number->end); number->end++, digit_count++) {
            weight /= 10;
            number->fraction += weight * (*number->end - '0');
        }
    }
    return digit_count > 0 ? 0 : -EINVAL;
}

/* Milliseconds of a unit, 0 when it is none. */
static int64_t unit_to_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    return 0;
}

int duration_parse(const char *text, int64_t *ms)
{
    int is_negative = text[0] == '-';
    struct number number;
    int error = parse_number(text + is_negative, &number);

    if (error < 0)
        return error;

    int64_t unit_ms = unit_to_ms(number.end);

    if (unit_ms == 0)
        return -EINVAL;
    if (is_negative || number.whole > DURATION_MS_MAX / unit_ms)
        return -ERANGE;

    int64_t total = number.whole * unit_ms + (number.fraction * unit_ms + FRACTION_ONE - 1) / FRACTION_ONE;

    if (total > DURATION_MS_MAX)
        return -ERANGE;
    *ms = total;
    return 0;
}
