#include "master/fault_spec.h"
#include "master/spelling.h"
#include "worker/limits.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_MAX     133 /* EHWPOISON is the last one of Linux (asm-generic/errno.h) */
#define SHOWN_LENGTH  40
#define RECV_CALLS    (1u << FAULT_fetch | 1u << FAULT_peek | 1u << FAULT_take | 1u << FAULT_discard)
#define ALL_PROCESSES ((1u << FAULT_PROCESS_COUNT) - 1)
#define SLOT_OWNERS   (1u << FAULT_WORKER | 1u << FAULT_KEEPER)

/* A piece of the text; not ended by a NUL. */
struct piece {
    const char *text;
    int length;
};

static struct piece piece_of(const char *text, size_t length)
{
    return (struct piece){text, (int)length};
}

static bool is_word(struct piece piece, const char *word)
{
    return strlen(word) == (size_t)piece.length && strncmp(piece.text, word, (size_t)piece.length) == 0;
}

__attribute__((format(printf, 2, 3))) static int refuse(char why[FAULT_WHY_SIZE], const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(why, FAULT_WHY_SIZE, format, values);
    va_end(values);
    return -EINVAL;
}

/* How much of it an error shows: long ones are cut, so that the reason behind has room. */
static int shown(struct piece piece)
{
    return piece.length < SHOWN_LENGTH ? piece.length : SHOWN_LENGTH;
}

/* Digits alone; `max` has two of them at least. */
static int parse_number(struct piece piece, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (int i = 0; i < piece.length; i++) {
        unsigned digit = (unsigned)(piece.text[i] - '0');
        if (digit > 9 || sum > (max - digit) / 10)
            return -EINVAL;
        sum = sum * 10 + digit;
    }
    if (piece.length == 0)
        return -EINVAL;
    *value = sum;
    return 0;
}

/* ---- CALL ---- */

static const char *similar_call(struct piece name)
{
    const char *best = NULL;
    unsigned best_distance = SPELLING_DISTANCE_MAX + 1;
    for (int i = 0; i < FAULT_CALL_COUNT; i++) {
        unsigned distance = spelling_slip(name.text, (size_t)name.length, fault_descriptions[i].name);
        if (distance < best_distance) {
            best_distance = distance;
            best = fault_descriptions[i].name;
        }
    }
    return best;
}

static int parse_calls(struct piece name, uint32_t *calls, char why[FAULT_WHY_SIZE])
{
    *calls = is_word(name, "recv") ? RECV_CALLS : 0;
    for (int i = 0; i < FAULT_CALL_COUNT; i++)
        if (is_word(name, fault_descriptions[i].name))
            *calls = 1u << i;
    if (*calls)
        return 0;
    const char *similar = similar_call(name);
    return similar ? refuse(why, "\"%.*s\" is no call; did you mean %s?", shown(name), name.text, similar)
                   : refuse(why, "\"%.*s\" is no call; \"fault list\" names them", shown(name), name.text);
}

/* ---- WHAT ---- */

static int errno_named(struct piece name)
{
    for (int error = 1; error <= ERRNO_MAX; error++)
        if (strerrorname_np(error) && is_word(name, strerrorname_np(error)))
            return error;
    return 0;
}

/* Behind "KEY="; text NULL: it does not begin so. */
static struct piece value_of(struct piece what, const char *key)
{
    size_t length = strlen(key);
    bool begins = (size_t)what.length >= length && strncmp(what.text, key, length) == 0;
    return begins ? piece_of(what.text + length, (size_t)what.length - length) : piece_of(NULL, 0);
}

static int parse_sized(struct fault_rule *rule, enum fault_kind kind, struct piece value, uint64_t max,
                       char why[FAULT_WHY_SIZE])
{
    uint64_t number = 0;
    if (parse_number(value, max, &number) < 0 || number == 0)
        return refuse(why, "\"%.*s\": a whole number from 1 to %llu is accepted", shown(value), value.text,
                      (unsigned long long)max);
    rule->kind = kind;
    rule->value = (uint32_t)number;
    return 0;
}

static int parse_what(struct fault_rule *rule, struct piece what, char why[FAULT_WHY_SIZE])
{
    struct piece bytes = value_of(what, "short="), ms = value_of(what, "delay=");
    if (bytes.text)
        return parse_sized(rule, FAULT_SHORT, bytes, CHUNK_BYTES_MAX, why);
    if (ms.text)
        return parse_sized(rule, FAULT_DELAY, ms, FAULT_DELAY_MS_MAX, why);
    rule->value = (uint32_t)errno_named(what);
    rule->kind = rule->value ? FAULT_ERROR : is_word(what, "short") ? FAULT_SHORT : FAULT_DIE;
    if (rule->value || rule->kind == FAULT_SHORT || is_word(what, "die"))
        return 0;
    return refuse(why, "\"%.*s\": an errno such as EMFILE, short, short=BYTES, delay=MS or die is accepted",
                  shown(what), what.text);
}

/* Every call of the rule must be able to do that. */
static int check_traits(const struct fault_rule *rule, char why[FAULT_WHY_SIZE])
{
    for (int i = 0; i < FAULT_CALL_COUNT; i++) {
        const struct fault_description *call = &fault_descriptions[i];
        if (!(rule->calls & 1u << i))
            continue;
        if (rule->kind == FAULT_SHORT && !(call->traits & FAULT_SIZED))
            return refuse(why, "%s moves no bytes that could be fewer", call->name);
        if (rule->kind == FAULT_ERROR && rule->value == EAGAIN && (call->traits & FAULT_EDGE))
            return refuse(why, "EAGAIN of %s promises an event that would never come", call->name);
    }
    return 0;
}

/* ---- 1/N ---- */

static int parse_rate(struct fault_rule *rule, struct piece rate, char why[FAULT_WHY_SIZE])
{
    struct piece of = value_of(rate, "1/");
    uint64_t number = 0;
    if (!of.text || parse_number(of, FAULT_ONE_IN_MAX, &number) < 0 || number == 0)
        return refuse(why, "\"%.*s\": a rate from 1/1 to 1/%d is accepted", shown(rate), rate.text,
                      FAULT_ONE_IN_MAX);
    rule->one_in = (uint32_t)number;
    return 0;
}

/* ---- the parts ---- */

/* Cuts what stands before `separator` off the beginning; the whole where there is none. */
static struct piece cut(struct piece *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->text, separator, (size_t)rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->text) : (size_t)rest->length;
    struct piece first = piece_of(rest->text, length);
    size_t skipped = end ? length + 1 : length;
    *rest = piece_of(rest->text + skipped, (size_t)rest->length - skipped);
    return first;
}

static int parse_rule(struct fault_rule *rule, struct piece part, char why[FAULT_WHY_SIZE])
{
    struct piece rest = part;
    struct piece call = cut(&rest, ':'), what = cut(&rest, ':');
    int result = parse_calls(call, &rule->calls, why);
    if (result == 0)
        result = parse_what(rule, what, why);
    if (result == 0)
        result = check_traits(rule, why);
    return result == 0 ? parse_rate(rule, rest, why) : result;
}

/* Says too which part it was, unless that is all there is. */
static int parse_part(struct fault_plan *plan, struct piece part, char why[FAULT_WHY_SIZE])
{
    struct piece seed = value_of(part, "seed=");
    char inner[FAULT_WHY_SIZE];
    if (seed.text && parse_number(seed, UINT64_MAX, &plan->seed) == 0)
        return 0;
    if (seed.text || part.length == 0)
        return refuse(why, "\"%.*s\": CALL:WHAT:1/N or seed=N is accepted between commas", shown(part),
                      part.text);
    if (plan->rule_count == FAULT_RULE_COUNT_MAX)
        return refuse(why, "\"%.*s\": at most %d faults are accepted", shown(part), part.text,
                      FAULT_RULE_COUNT_MAX);
    if (parse_rule(&plan->rules[plan->rule_count], part, inner) == 0) {
        plan->rule_count++;
        return 0;
    }
    return refuse(why, "\"%.*s\": %.180s", shown(part), part.text, inner);
}

/* ---- @WHO ---- */

static int parse_who(struct fault_plan *plan, struct piece who, char why[FAULT_WHY_SIZE])
{
    uint64_t slot = 0;
    for (int i = 0; i < FAULT_PROCESS_COUNT; i++)
        if (is_word(who, fault_process_names[i])) {
            plan->processes = 1u << i;
            return 0;
        }
    if (parse_number(who, SLOT_COUNT_MAX - 1, &slot) < 0)
        return refuse(why,
                      "\"@%.*s\": a slot from 0 to %d, worker, keeper or supervisor is accepted behind the "
                      "@, which stands at the end",
                      shown(who), who.text, SLOT_COUNT_MAX - 1);
    plan->processes = SLOT_OWNERS;
    plan->slot = (int32_t)slot;
    return 0;
}

static const char *who_has_it(uint32_t makers)
{
    if (makers == 1u << FAULT_SUPERVISOR)
        return "the supervisor alone, which has no slot";
    return makers & 1u << FAULT_KEEPER       ? "keepers and the supervisor"
           : makers & 1u << FAULT_SUPERVISOR ? "workers and the supervisor"
                                             : "workers alone";
}

/* What can never strike is a mistake, and a trial that proves nothing. */
static int check_makers(const struct fault_plan *plan, char why[FAULT_WHY_SIZE])
{
    for (uint32_t rule = 0; rule < plan->rule_count; rule++)
        for (int i = 0; i < FAULT_CALL_COUNT; i++) {
            const struct fault_description *call = &fault_descriptions[i];
            if ((plan->rules[rule].calls & 1u << i) && !(call->makers & plan->processes))
                return refuse(why, "%s is called by %s: it never strikes behind that @", call->name,
                              who_has_it(call->makers));
        }
    return 0;
}

int fault_spec_parse(struct fault_plan *plan, const char *spec, char why[FAULT_WHY_SIZE])
{
    *plan = (struct fault_plan){.seed = 1, .processes = ALL_PROCESSES, .slot = -1};
    if (strlen(spec) >= FAULT_SPEC_SIZE)
        return refuse(why, "a text of at most %d bytes is accepted", FAULT_SPEC_SIZE - 1);
    const char *at = strchr(spec, '@');
    struct piece rest = piece_of(spec, at ? (size_t)(at - spec) : strlen(spec));
    int result = 0;
    for (bool more = true; result == 0 && more;) {
        more = memchr(rest.text, ',', (size_t)rest.length) != NULL;
        result = parse_part(plan, cut(&rest, ','), why);
    }
    if (result == 0 && at)
        result = parse_who(plan, piece_of(at + 1, strlen(at + 1)), why);
    if (result == 0 && plan->rule_count == 0)
        return refuse(why, "\"%.60s\": no fault stands there; CALL:WHAT:1/N is accepted", spec);
    return result == 0 ? check_makers(plan, why) : result;
}
