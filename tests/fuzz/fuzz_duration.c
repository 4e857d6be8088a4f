/* Lengths of time, beside a second way to read them: by floating point, which is as good for short ones. */
#include "tests/fuzz/fuzz.h"

#include "master/duration.h"

#include <errno.h>
#include <math.h>

enum { UNTOUCHED = -77 };

static double unit_ms(const char *unit)
{
    if (strcmp(unit, "ms") == 0)
        return 1;
    if (strcmp(unit, "m") == 0)
        return 60000;
    return strcmp(unit, "h") == 0 ? 3600000 : 1000;
}

/* Up to a millisecond: the last digits may be rounded either way. */
static void check_value(const char *text, int64_t ms)
{
    char *unit = NULL;
    double number = strtod(text, &unit);

    FUZZ_MUST(ms >= 0 && ms <= DURATION_MS_MAX);
    FUZZ_MUST(fabs(number * unit_ms(unit) - (double)ms) <= 1.001);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    int64_t ms = UNTOUCHED;
    int result = duration_parse(text, &ms);

    FUZZ_MUST(result == 0 || result == -EINVAL || result == -ERANGE);
    if (result == 0)
        check_value(text, ms);
    else
        FUZZ_MUST(ms == UNTOUCHED);
    free(text);
    return 0;
}
