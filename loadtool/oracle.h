/*
 * What must come back: the reply byte for every request byte, or the text of a script, and the comparison of
 * what came with it.
 *
 * This is the load tool's own idea of the service. It shares no code with any server, so that an error in one
 * cannot hide an error in the other.
 */
#ifndef LOADTOOL_ORACLE_H
#define LOADTOOL_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/dialogue.h"

/* NONE: as many bytes as expected, of any value. */
enum oracle_check { ORACLE_UPPER, ORACLE_ECHO, ORACLE_NONE };

enum { ORACLE_PIECE_BYTES = 4096 };

struct oracle {
    enum oracle_check check;
    const struct script *script;          /* NULL = generated payload */
    uint8_t reply_of[256];                /* the reply byte for a request byte */
    uint8_t expected[ORACLE_PIECE_BYTES]; /* scratch: what must have come */
};

/* What a comparison found. */
struct oracle_finding {
    size_t wrong_count; /* bytes that differ */
    size_t first_wrong; /* index of the first of them; only with wrong_count > 0 */
    bool is_echo;       /* every byte equals its request byte */
};

/* The dialogue, which may be NULL for generated payload, must outlive the oracle. */
void oracle_init(struct oracle *oracle, enum oracle_check check, const struct dialogue *dialogue);

/* Compare `length` received bytes with what must have come at `offset` of the replies on the stream with this
 * key. */
struct oracle_finding oracle_compare(struct oracle *oracle, uint64_t key, uint64_t offset, const uint8_t *got,
                                     size_t length);

/* Write the expected bytes at offset .. offset + length - 1. */
void oracle_expect(const struct oracle *oracle, uint64_t key, uint64_t offset, uint8_t *out, size_t length);

/* The name of a check ("upper"), and the check of a name: -EINVAL if there is none. */
const char *oracle_check_name(enum oracle_check check);
int oracle_find_check(const char *name, enum oracle_check *check);

#endif
