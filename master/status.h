/*
 * status: all that a running server tells about itself, as JSON; the schema is in README.md of this folder.
 *
 * Made from the supervisor's memory, the shared pages and a few looks at the kernel (the accept queue, a line
 * of /proc for each worker), in one go without waiting. Whoever reads it must skip keys that it does not
 * know: more may come within a schema. STATUS_SCHEMA grows when one goes or changes its meaning.
 */
#ifndef MASTER_STATUS_H
#define MASTER_STATUS_H

#include "master/incident_ring.h"
#include <jansson.h>

enum {
    STATUS_SCHEMA = 1,
    STATUS_INCIDENT_COUNT_MAX = 8, /* the last ones, within the status; all that are kept have a command */
};

struct reactor;

/* The caller's; NULL: no memory for it. */
json_t *status_json(struct reactor *r);

/* {"schema", "incidents": [...]}, oldest first; the same. */
json_t *status_incidents_json(const struct incident_ring *ring);

#endif
