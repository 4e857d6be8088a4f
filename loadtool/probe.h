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
    uint64_t begin_ns; /* the last disturbance is over */
    uint64_t tried_ns; /* the present try began */
    uint64_t next_ns;  /* the next try, no sooner */
    uint64_t took_ns;  /* from the beginning to the right reply */
};

void probe_init(struct probe *probe, struct client_world *world, uint64_t begin_ns);

/* Try. To be called every tick, till it says that there is nothing more to try. */
bool probe_step(struct probe *probe, uint64_t now_ns);

/* Close what is open; harmless otherwise, and on a probe of zeros. */
void probe_close(struct probe *probe);

#endif
