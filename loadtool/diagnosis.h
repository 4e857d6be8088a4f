/*
 * Why a reply differs: which of the ways to be wrong explains the bytes that came. Pure.
 *
 * From the first byte that differs on, what came is compared with the stream further on (bytes are missing),
 * further back (bytes came twice), with itself further on (bytes that belong nowhere are among them), and
 * with the replies of other connections (cross-talk); if nothing explains it, a byte was changed. An
 * explanation needs as much evidence as it is far fetched: a shift by d bytes takes 1 + d bytes that fit, at
 * most DIAGNOSIS_EVIDENCE_BYTES.
 */
#ifndef LOADTOOL_DIAGNOSIS_H
#define LOADTOOL_DIAGNOSIS_H

#include <stddef.h>
#include <stdint.h>

#include "loadtool/oracle.h"
#include "loadtool/tally.h"

enum { DIAGNOSIS_REACH_BYTES = 4096, DIAGNOSIS_EVIDENCE_BYTES = 8 };

struct diagnosis {
    enum finding kind;
    /* missing: bytes of the stream that did not come; extra, duplicated: bytes that came and belong nowhere;
     * cross-talk: bytes that came instead of ours; wrong: 1 */
    uint64_t bytes;
};

/* One stream of replies: whose, and the part of it that can have been sent yet. */
struct diagnosis_stream {
    uint64_t key;
    uint64_t end; /* the last byte that anybody has asked for, plus 1 */
};

/* `got` came at `offset` of the stream, and its first byte is not the expected one. `length` >= 1. */
struct diagnosis diagnosis_make(const struct oracle *oracle, const struct diagnosis_stream *stream,
                                uint64_t offset, const uint8_t *got, size_t length);

/* Do the bytes stand in this other stream within DIAGNOSIS_REACH_BYTES around `near`? How many do, with their
 * offset; 0: too few to say so. For generated payload alone: scripts say the same to everybody. */
size_t diagnosis_find_in(const struct oracle *oracle, const struct diagnosis_stream *stream, uint64_t near,
                         const uint8_t *got, size_t length, uint64_t *offset);

/* Bytes beyond everything that was asked for: do they repeat the end of the stream? */
struct diagnosis diagnosis_of_surplus(const struct oracle *oracle, const struct diagnosis_stream *stream,
                                      const uint8_t *got, size_t length);

#endif
