#include "loadtool/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

static const struct {
    const char *name;
    bool by_default;
    enum plan_manner manner;
    const char *definition;
} modes[] = {
#define X(id, name, by_default, manner, definition) [PLAN_##id] = {name, by_default, manner, definition},
    PLAN_MODES(X)
#undef X
};

enum { SPEC_BYTES_MAX = 512 };

const char *plan_mode_name(enum plan_mode mode)
{
    return modes[mode].name;
}

enum plan_mode plan_find_mode(const char *name, size_t length)
{
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        if (strlen(modes[mode].name) == length && strncmp(modes[mode].name, name, length) == 0)
            return (enum plan_mode)mode;
    return PLAN_MODE_COUNT;
}

const char *plan_format_modes(char *words, size_t size, uint32_t set)
{
    size_t used = 0;

    words[0] = '\0';
    for (int mode = 0; mode < PLAN_MODE_COUNT && used < size; mode++)
        if (set >> mode & 1)
            used += (size_t)snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     plan_mode_name((enum plan_mode)mode));
    return words;
}

const char *plan_mode_definition(enum plan_mode mode)
{
    return modes[mode].definition;
}

bool plan_mode_by_default(enum plan_mode mode)
{
    return modes[mode].by_default;
}

enum plan_manner plan_mode_manner(enum plan_mode mode)
{
    return modes[mode].manner;
}

bool plan_has(const struct plan *plan, enum plan_mode mode)
{
    return plan->share_per_10000[mode] > 0 || plan->rate_per_s[mode] > 0;
}

const char *plan_took_name(enum plan_took took)
{
    static const char *const names[] = {[TOOK_UNSEEN] = "unseen",
                                        [TOOK_NOTICED] = "noticed",
                                        [TOOK_ANSWERED] = "answered",
                                        [TOOK_TIMED_OUT] = "timed_out"};

    return names[took];
}

static void share_evenly(struct plan *plan, uint32_t share)
{
    uint32_t left = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        left += modes[i].by_default;
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        if (!modes[i].by_default)
            continue;
        plan->share_per_10000[i] = share / left;
        share -= share / left;
        left--;
    }
}

/* "20/s". */
static int parse_rate(char *word, uint32_t *rate_per_s)
{
    uint64_t rate = 0;

    word[strlen(word) - strlen("/s")] = '\0';
    int rc = units_parse_count(word, 1, LIMIT_KILL_RATE, &rate);
    *rate_per_s = (uint32_t)rate;
    return rc;
}

static bool is_rate(const char *word)
{
    size_t length = strlen(word);

    return length > 2 && strcmp(word + length - 2, "/s") == 0;
}

/* One "MODE:SHARE" or "MODE:RATE/s". */
static int parse_part(char *part, struct plan *plan)
{
    char *colon = strchr(part, ':');
    uint32_t share = 0;
    uint32_t rate = 0;

    if (colon == NULL)
        return -EINVAL;
    *colon = '\0';
    int rc = is_rate(colon + 1) ? parse_rate(colon + 1, &rate) : units_parse_share(colon + 1, &share);
    if (rc < 0)
        return rc;
    enum plan_mode mode = plan_find_mode(part, strlen(part));
    if (mode == PLAN_MODE_COUNT || plan_has(plan, mode) || share + rate == 0)
        return -EINVAL;
    plan->share_per_10000[mode] = share;
    plan->rate_per_s[mode] = rate;
    return 0;
}

static int parse_parts(char *parts, struct plan *plan)
{
    for (char *next = parts; next != NULL;) {
        char *part = strsep(&next, ",");
        int rc = parse_part(part, plan);
        if (rc < 0)
            return rc;
    }
    plan->is_chosen = true;
    return plan_share_per_10000(plan) > 10000 ? -ERANGE : 0;
}

int plan_parse(const char *word, struct plan *plan)
{
    struct plan parsed = {.is_chosen = false};
    char parts[SPEC_BYTES_MAX];
    uint32_t share = 0;
    int rc = 0;

    if (strcmp(word, "none") != 0) {
        rc = units_parse_share(word, &share);
        if (rc == 0) {
            share_evenly(&parsed, share);
        } else if (strchr(word, ':') != NULL && strlen(word) < sizeof(parts)) {
            strcpy(parts, word);
            rc = parse_parts(parts, &parsed);
        }
    }
    if (rc == 0)
        *plan = parsed;
    return rc;
}

uint32_t plan_share_per_10000(const struct plan *plan)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        sum += plan->share_per_10000[i];
    return sum;
}

uint32_t plan_mode_count(const struct plan *plan)
{
    uint32_t count = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        count += plan_has(plan, (enum plan_mode)i);
    return count;
}

enum plan_mode plan_mode_in_turn(const struct plan *plan, uint64_t n)
{
    uint64_t skip = n % plan_mode_count(plan);
    size_t i = 0;

    for (;; i++) {
        if (!plan_has(plan, (enum plan_mode)i))
            continue;
        if (skip-- == 0)
            return (enum plan_mode)i;
    }
}

static uint32_t count_victims(uint32_t share, uint32_t clients)
{
    uint32_t victims = (uint32_t)(((uint64_t)clients * share + 5000) / 10000);

    if (victims == 0 && share > 0 && clients > 1)
        return 1;
    if (victims == clients && share < 10000 && clients > 1)
        return clients - 1;
    return victims;
}

uint32_t plan_deal(const struct plan *plan, uint32_t clients, uint32_t by_mode[PLAN_MODE_COUNT])
{
    uint32_t share = plan_share_per_10000(plan);
    uint32_t victims = count_victims(share, clients);
    uint64_t rest[PLAN_MODE_COUNT] = {0};
    uint32_t dealt = 0;

    memset(by_mode, 0, sizeof(uint32_t) * PLAN_MODE_COUNT);
    for (size_t i = 0; share > 0 && i < PLAN_MODE_COUNT; i++) {
        uint64_t part = (uint64_t)victims * plan->share_per_10000[i];
        by_mode[i] = (uint32_t)(part / share);
        rest[i] = part % share;
        dealt += by_mode[i];
    }
    for (; dealt < victims; dealt++) {
        size_t largest = 0;
        for (size_t i = 1; i < PLAN_MODE_COUNT; i++)
            largest = rest[i] > rest[largest] ? i : largest;
        by_mode[largest]++;
        rest[largest] = 0;
    }
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        by_mode[i] += plan->rate_per_s[i];
        victims += plan->rate_per_s[i];
    }
    return victims;
}
