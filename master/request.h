/*
 * request: what an operator may ask of a running server, by control socket or signal, each as one call.
 *
 * A call begins an operation (operation.h), feeds the policy, and returns the operation's number; it never
 * blocks and never waits. What was refused is an operation that has failed already. The outcome is found by
 * number in r->state.operations. Supervisor only.
 */
#ifndef MASTER_REQUEST_H
#define MASTER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct reactor;

/* Reads command line and configuration file anew; every slot goes over to what changed. */
uint32_t request_reload(struct reactor *r);

/* So many slots, 1 to SLOT_COUNT_MAX; more is refused. */
uint32_t request_scale(struct reactor *r, uint32_t count);

/* The slot's worker makes room for its next generation; its connections stay. */
uint32_t request_restart(struct reactor *r, uint32_t slot);

/* Goes over to the program at `path`; NULL: the path that this server was started from. */
uint32_t request_upgrade(struct reactor *r, const char *path);

/* No new connections until `on` is false again; those that exist are served. */
uint32_t request_drain(struct reactor *r, bool on);

/* Graceful stop; the second one is at once. There is no operation: the end of the server is the outcome. */
void request_stop(struct reactor *r);

#endif
