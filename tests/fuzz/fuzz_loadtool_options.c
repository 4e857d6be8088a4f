/*
 * The load tool's command line: each line of the input is NAME=VALUE of an option, or the target.
 *
 * Only options that exist are given, since argp itself ends the process for others; and none that touches the
 * machine: a script is a file, and one mode of --kill is tried out.
 */
/* wrap: kills_try */
#include "tests/fuzz/fuzz.h"

#include "loadtool/kills.h"
#include "loadtool/limits.h"
#include "loadtool/options_parts.h"

#include <errno.h>
#include <stdbool.h>

enum { DRAWS = 20 };

int __wrap_kills_try(enum plan_mode mode);
int __wrap_kills_try(enum plan_mode mode)
{
    FUZZ_MUST((unsigned)mode < PLAN_MODE_COUNT);
    return mode == PLAN_VANISH ? -EPERM : 0;
}

static void check_sizes(const struct sizes *sizes)
{
    FUZZ_MUST(sizes_mean_bytes(sizes) >= 1 && sizes_mean_bytes(sizes) <= LIMIT_SIZE_BYTES);
    for (uint64_t k = 0; k < DRAWS; k++) {
        uint64_t size = sizes_draw(sizes, 7, k);
        FUZZ_MUST(size >= 1 && size <= LIMIT_SIZE_BYTES && size == sizes_draw(sizes, 7, k));
    }
}

static void check_plan(const struct settings *settings)
{
    uint32_t by_mode[PLAN_MODE_COUNT], sum = 0;
    uint32_t count = plan_deal(&settings->plan, settings->clients, by_mode);

    FUZZ_MUST(plan_share_per_10000(&settings->plan) <= 10000);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        sum += by_mode[i];
        FUZZ_MUST(by_mode[i] == 0 || plan_has(&settings->plan, (enum plan_mode)i));
    }
    FUZZ_MUST(count <= settings->clients && sum == count);
}

static void check_accepted(const struct settings *settings)
{
    FUZZ_MUST(settings->clients >= 1 && settings->clients <= LIMIT_CLIENTS);
    FUZZ_MUST(settings->timeout_ms >= 1 && settings->connect_timeout_ms >= 1);
    FUZZ_MUST(settings->think_ms_min <= settings->think_ms_max);
    FUZZ_MUST(settings->duration_ms > 0 || settings->messages > 0);
    FUZZ_MUST(settings->source.family == 0 || settings->source.count >= 1);
    check_sizes(&settings->dialogue.sizes);
    check_plan(settings);
}

static bool is_option(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncmp(line, name, length) == 0 && line[length] == '=';
}

/* "--name=value", or the target; NULL: left out. In memory of its own. */
static char *make_word(const char *line)
{
    bool exists = false;
    char *word = NULL;

    for (size_t i = 0; i < options_row_count && !exists; i++)
        exists = is_option(line, options_rows[i].name);
    if (line[0] == '-' || is_option(line, "script"))
        return NULL;
    FUZZ_MUST(asprintf(&word, "%s%s", exists ? "--" : "", line) >= 0);
    return word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "loadtool";
    static struct settings settings;
    char *lines[FUZZ_WORDS_MAX + 1], *words[FUZZ_WORDS_MAX + 1] = {name};
    char *text = fuzz_text(data, size);
    int line_count = fuzz_words(text, name, lines), count = 1;

    fuzz_hush();
    for (int i = 1; i < line_count; i++)
        if ((words[count] = make_word(lines[i])) != NULL)
            count++;

    int result = options_parse(count, words, &settings);

    FUZZ_MUST(result == 0 || result == -EINVAL);
    if (result == 0)
        check_accepted(&settings);
    while (count > 1)
        free(words[--count]);
    free(text);
    return 0;
}
