#include "loadtool/diagnosis.h"

#include <string.h>

enum { SHOWN = 32, WINDOW_BYTES = 2 * DIAGNOSIS_REACH_BYTES + SHOWN };

/* How many bytes must fit before a shift by d is believed. */
static size_t evidence_for(uint64_t shift)
{
    return shift + 1 < DIAGNOSIS_EVIDENCE_BYTES ? (size_t)shift + 1 : DIAGNOSIS_EVIDENCE_BYTES;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The smallest shift > 0 by which the stream fits what came; 0: none. */
static uint64_t find_missing(const struct oracle *oracle, const struct diagnosis_stream *stream,
                             uint64_t offset, const uint8_t *got, size_t length)
{
    uint8_t window[DIAGNOSIS_REACH_BYTES + SHOWN];
    size_t ahead = least(sizeof(window), stream->end > offset ? (size_t)(stream->end - offset) : 0);

    oracle_expect(oracle, stream->key, offset, window, ahead);
    for (size_t shift = 1; shift < DIAGNOSIS_REACH_BYTES && shift < ahead; shift++) {
        size_t fits = least(least(length, SHOWN), ahead - shift);
        if (fits >= evidence_for(shift) && memcmp(window + shift, got, fits) == 0)
            return shift;
    }
    return 0;
}

static uint64_t find_duplicated(const struct oracle *oracle, const struct diagnosis_stream *stream,
                                uint64_t offset, const uint8_t *got, size_t length)
{
    uint8_t window[DIAGNOSIS_REACH_BYTES + SHOWN];
    size_t back = least(DIAGNOSIS_REACH_BYTES, (size_t)offset);
    size_t fits = least(length, SHOWN);

    oracle_expect(oracle, stream->key, offset - back, window, back + SHOWN);
    for (size_t shift = 1; shift <= back; shift++)
        if (fits >= evidence_for(shift) && memcmp(window + back - shift, got, fits) == 0)
            return shift;
    return 0;
}

static uint64_t find_extra(const struct oracle *oracle, const struct diagnosis_stream *stream,
                           uint64_t offset, const uint8_t *got, size_t length)
{
    uint8_t expected[SHOWN];
    size_t ahead = least(sizeof(expected), stream->end > offset ? (size_t)(stream->end - offset) : 0);

    oracle_expect(oracle, stream->key, offset, expected, ahead);
    for (size_t shift = 1; shift < DIAGNOSIS_REACH_BYTES && shift < length; shift++) {
        size_t fits = least(ahead, length - shift);
        if (fits >= evidence_for(shift) && memcmp(got + shift, expected, fits) == 0)
            return shift;
    }
    return 0;
}

struct diagnosis diagnosis_make(const struct oracle *oracle, const struct diagnosis_stream *stream,
                                uint64_t offset, const uint8_t *got, size_t length)
{
    uint64_t shift = find_duplicated(oracle, stream, offset, got, length);

    if (shift > 0)
        return (struct diagnosis){FINDING_DUPLICATED, least((size_t)shift, length)};
    shift = find_missing(oracle, stream, offset, got, length);
    if (shift > 0)
        return (struct diagnosis){FINDING_MISSING, shift};
    shift = find_extra(oracle, stream, offset, got, length);
    if (shift > 0)
        return (struct diagnosis){FINDING_EXTRA, shift};
    return (struct diagnosis){FINDING_WRONG, 1};
}

size_t diagnosis_find_in(const struct oracle *oracle, const struct diagnosis_stream *stream, uint64_t near,
                         const uint8_t *got, size_t length, uint64_t *offset)
{
    uint8_t window[WINDOW_BYTES];
    uint64_t from = near > DIAGNOSIS_REACH_BYTES ? near - DIAGNOSIS_REACH_BYTES : 0;

    if (oracle->script != NULL || length < DIAGNOSIS_EVIDENCE_BYTES || stream->end <= from)
        return 0;
    size_t filled = least(sizeof(window), (size_t)(stream->end - from));
    oracle_expect(oracle, stream->key, from, window, filled);
    const uint8_t *found = memmem(window, filled, got, DIAGNOSIS_EVIDENCE_BYTES);
    if (found == NULL)
        return 0;
    size_t at = (size_t)(found - window);
    size_t count = DIAGNOSIS_EVIDENCE_BYTES;
    while (count < length && at + count < filled && window[at + count] == got[count])
        count++;
    *offset = from + at;
    return count;
}

struct diagnosis diagnosis_of_surplus(const struct oracle *oracle, const struct diagnosis_stream *stream,
                                      const uint8_t *got, size_t length)
{
    uint8_t window[DIAGNOSIS_REACH_BYTES];
    size_t back = least(sizeof(window), (size_t)stream->end);
    struct diagnosis diagnosis = {FINDING_EXTRA, length};

    oracle_expect(oracle, stream->key, stream->end - back, window, back);
    if (length <= back && memcmp(window + back - length, got, length) == 0)
        diagnosis.kind = FINDING_DUPLICATED;
    return diagnosis;
}
