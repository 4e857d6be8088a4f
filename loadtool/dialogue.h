/*
 * What a connection says and how long each message and its reply are: generated payload, or a script.
 *
 * Two endless streams a connection, of requests and of replies, cut into messages. With generated payload
 * both are equally long, and the reply byte follows from the request byte at the same place (oracle.h); a
 * script names both. Plain memory, so that a child process can have a copy. Pure.
 */
#ifndef LOADTOOL_DIALOGUE_H
#define LOADTOOL_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/payload.h"
#include "loadtool/script.h"
#include "loadtool/sizes.h"

struct dialogue {
    struct sizes sizes;
    struct script script;
};

struct dialogue_message {
    uint64_t request_bytes, reply_bytes;
};

static inline bool dialogue_has_script(const struct dialogue *dialogue)
{
    return dialogue->script.count > 0;
}

/* The k-th message of the connection whose payload has this key. */
static inline struct dialogue_message dialogue_message(const struct dialogue *dialogue, uint64_t key,
                                                       uint64_t k)
{
    const struct script *script = &dialogue->script;

    if (dialogue_has_script(dialogue))
        return (struct dialogue_message){script_part_bytes(script, &script->requests, k),
                                         script_part_bytes(script, &script->replies, k)};
    uint64_t bytes = sizes_draw(&dialogue->sizes, key, k);
    return (struct dialogue_message){bytes, bytes};
}

/* The bytes offset .. offset + length - 1 of the requests. */
static inline void dialogue_fill(const struct dialogue *dialogue, uint64_t key, uint64_t offset, uint8_t *out,
                                 size_t length)
{
    if (dialogue_has_script(dialogue))
        script_fill(&dialogue->script.requests, offset, out, length);
    else
        payload_fill(key, offset, out, length);
}

/* The mean size of a request, at least 1. */
static inline uint64_t dialogue_mean_bytes(const struct dialogue *dialogue)
{
    return dialogue_has_script(dialogue) ? dialogue->script.requests.bytes / dialogue->script.count
                                         : sizes_mean_bytes(&dialogue->sizes);
}

/* Messages of one size, without a script. */
static inline void dialogue_set_size(struct dialogue *dialogue, uint64_t bytes)
{
    *dialogue = (struct dialogue){.sizes = SIZES_ONE(bytes)};
}

#endif
