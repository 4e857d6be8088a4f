/*
 * Bytes that nobody of a loop knew: whose are they? Looked for when the run is over, among all connections
 * that it had.
 *
 * While the run lasts, a loop looks for the owner of wrong bytes among its own connections
 * (client_receive.c). A connection of another loop, of a child process, or of long ago is not among them; so
 * the first such pieces are kept (tally.h), and searched for here in the replies of every connection, each as
 * far as it can have come by then. Pure.
 */
#ifndef LOADTOOL_STRANGERS_H
#define LOADTOOL_STRANGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/oracle.h"
#include "loadtool/tally.h"

/* A stretch of one connection's replies: what may have come between two times. */
struct strangers_stretch {
    uint64_t serial;
    uint64_t from, end; /* places in its replies */
};

/* What searches may read in all, in bytes: half a second's work. */
#define STRANGERS_SEARCH_BYTES (UINT64_C(256) * 1024 * 1024)

/*
 * Look for one piece in the stretches. Found: its wrong bytes become cross-talk, with an example that names
 * both. `budget` is what may still be read, and is lowered. Returns whether it was found.
 */
bool strangers_find(struct tally *tally, const struct tally_stranger *stranger, const struct oracle *oracle,
                    uint64_t seed, const struct strangers_stretch *stretches, size_t count, uint64_t *budget);

#endif
