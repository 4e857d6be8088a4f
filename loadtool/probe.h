/*
 * After the last disturbance: does the server still take and answer a new client? Tried again and again for
 * LIMIT_RECOVERY_MS, each time with a new connection.
 */
#ifndef LOADTOOL_PROBE_H
#define LOADTOOL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/client.h"

struct probe {
    struct client client;
    struct client_world *world;
    bool is_out;       /* a connection is being tried */
    bool is_right;     /* one had a right reply */
    uint64_t begin_ns; /* the last disturbance was done */
    uint64_t until_ns; /* no new try after this */
    uint64_t tried_ns; /* the present try began */
    uint64_t next_ns;  /* the next try, no sooner */
    uint64_t tries;    /* connections that were begun */
    uint64_t took_ns;  /* from the last disturbance to the right reply */
};

/* Times count from `begin_ns`, the last disturbance. When it was long ago (a victim that could not die held
 * the run up), there is still the time for one try from now on: what nobody tried must not be called a
 * failure. */
void probe_init(struct probe *probe, struct client_world *world, uint64_t begin_ns, uint64_t now_ns);

/* Try. To be called every tick, till it says that there is nothing more to try. */
bool probe_step(struct probe *probe, uint64_t now_ns);

/* Close what is open; harmless otherwise, and on a probe of zeros. */
void probe_close(struct probe *probe);

#endif
