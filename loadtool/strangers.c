#include "loadtool/strangers.h"

#include <inttypes.h>
#include <string.h>

#include "loadtool/diagnosis.h"

/* They were counted as wrong bytes while nobody knew better. */
static void count_anew(struct tally *tally, const struct tally_stranger *stranger, uint64_t serial,
                       uint64_t offset, const struct oracle *oracle, uint64_t seed)
{
    struct tally_wrong *example = &tally->examples[FINDING_CROSSTALK];
    struct tally_fault *wrong = &tally->faults[FAULT_WRONG][WHERE_REPLY];

    tally->found_bytes[FINDING_WRONG] -= stranger->wrong_bytes;
    tally->found_bytes[FINDING_CROSSTALK] += stranger->wrong_bytes;
    if (wrong->count > 0)
        wrong->count--;
    tally_note(tally, FAULT_CROSSTALK, WHERE_REPLY,
               "connection %" PRIu64 ", offset %" PRIu64 ": bytes of connection %" PRIu64 ", offset %" PRIu64,
               stranger->serial, stranger->offset, serial, offset);
    if (tally->found_bytes[FINDING_WRONG] == 0)
        tally->examples[FINDING_WRONG].is_set = false;
    if (example->is_set)
        return;
    *example = (struct tally_wrong){.is_set = true,
                                    .connection = stranger->serial,
                                    .offset = stranger->offset,
                                    .shown_offset = stranger->offset,
                                    .count = TALLY_SHOWN_BYTES,
                                    .got_count = stranger->length,
                                    .other_connection = serial,
                                    .other_offset = offset};
    oracle_expect(oracle, payload_key(seed, stranger->serial), stranger->offset, example->expected,
                  example->count);
    memcpy(example->got, stranger->got, stranger->length);
}

bool strangers_find(struct tally *tally, const struct tally_stranger *stranger, const struct oracle *oracle,
                    uint64_t seed, const struct strangers_stretch *stretches, size_t count, uint64_t *budget)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < count; i++) {
        const struct strangers_stretch *stretch = &stretches[i];
        struct diagnosis_stream stream = {.key = payload_key(seed, stretch->serial), .end = stretch->end};
        if (stretch->serial == stranger->serial)
            continue;
        for (uint64_t at = stretch->from; at < stretch->end; at += 2 * DIAGNOSIS_REACH_BYTES) {
            if (*budget < 2 * DIAGNOSIS_REACH_BYTES)
                return false;
            *budget -= 2 * DIAGNOSIS_REACH_BYTES;
            if (diagnosis_find_in(oracle, &stream, at + DIAGNOSIS_REACH_BYTES, stranger->got,
                                  stranger->length, &offset) == 0)
                continue;
            count_anew(tally, stranger, stretch->serial, offset, oracle, seed);
            return true;
        }
    }
    return false;
}
