#include "loadtool/tally.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define X(id, name, side) [FAULT_##id] = name,
static const char *const fault_names[] = {TALLY_FAULTS(X)};
#undef X
#define X(id, name, side) [FAULT_##id] = side,
static const char *const fault_sides[] = {TALLY_FAULTS(X)};
#undef X
#define X(id, name) [WHERE_##id] = name,
static const char *const where_names[] = {TALLY_PLACES(X)};
#undef X

const char *tally_fault_name(enum fault fault)
{
    return fault_names[fault];
}

const char *tally_fault_side(enum fault fault)
{
    return fault_sides[fault];
}

const char *tally_where_name(enum where where)
{
    return where_names[where];
}

enum fault tally_finding_fault(enum finding finding)
{
    static const enum fault faults[] = {[FINDING_WRONG] = FAULT_WRONG,
                                        [FINDING_MISSING] = FAULT_MISSING,
                                        [FINDING_EXTRA] = FAULT_EXTRA,
                                        [FINDING_DUPLICATED] = FAULT_DUPLICATED,
                                        [FINDING_CROSSTALK] = FAULT_CROSSTALK};

    return faults[finding];
}

const char *tally_finding_name(enum finding finding)
{
    return tally_fault_name(tally_finding_fault(finding));
}

uint64_t tally_found_bytes(const struct tally *tally)
{
    uint64_t sum = 0;

    for (int finding = 0; finding < FINDING_COUNT; finding++)
        sum += tally->found_bytes[finding];
    return sum;
}

const struct tally_wrong *tally_first_example(const struct tally *tally)
{
    const struct tally_wrong *first = NULL;

    for (int finding = 0; finding < FINDING_COUNT; finding++) {
        const struct tally_wrong *example = &tally->examples[finding];
        if (example->is_set && (first == NULL || example->offset < first->offset))
            first = example;
    }
    return first;
}

void tally_note(struct tally *tally, enum fault fault, enum where where, const char *format, ...)
{
    struct tally_fault *at = &tally->faults[fault][where];
    va_list arguments;

    if (at->count++ > 0)
        return;
    va_start(arguments, format);
    vsnprintf(at->first, sizeof(at->first), format, arguments);
    va_end(arguments);
}

enum fault tally_classify(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: /* a UNIX path that is not there */
    case EAGAIN: /* a UNIX listener whose accept queue is full */
        return FAULT_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return FAULT_RESET;
    case ETIMEDOUT:
        return FAULT_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
        return FAULT_UNREACHABLE;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL: /* no local port is left */
        return FAULT_RESOURCES;
    default:
        return FAULT_OTHER;
    }
}

static void add_faults(struct tally *into, const struct tally *from)
{
    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            struct tally_fault *to = &into->faults[fault][where];
            const struct tally_fault *add = &from->faults[fault][where];
            if (to->count == 0)
                memcpy(to->first, add->first, sizeof(to->first));
            to->count += add->count;
        }
    }
}

void tally_add(struct tally *into, const struct tally *from)
{
    into->messages_sent += from->messages_sent;
    into->messages_right += from->messages_right;
    into->bytes_sent += from->bytes_sent;
    into->bytes_right += from->bytes_right;
    into->opened += from->opened;
    into->failed += from->failed;
    into->ended += from->ended;
    into->differs_from_request = into->differs_from_request || from->differs_from_request;
    for (int finding = 0; finding < FINDING_COUNT; finding++) {
        into->found_bytes[finding] += from->found_bytes[finding];
        if (!into->examples[finding].is_set)
            into->examples[finding] = from->examples[finding];
    }
    for (size_t i = 0; i < from->stranger_count && into->stranger_count < TALLY_STRANGERS_MAX; i++)
        into->strangers[into->stranger_count++] = from->strangers[i];
    add_faults(into, from);
}
