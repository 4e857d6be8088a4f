/*
 * ctl_connections: every connection of a server, as the kernel shows them to whoever may look.
 *
 * The client reads the descriptors of each worker (/proc/PID/fd) and the lists of sockets (/proc/PID/net);
 * the server does nothing and is not slowed down. It is no snapshot: connections come and go meanwhile.
 */
#ifndef MASTER_CTL_CONNECTIONS_H
#define MASTER_CTL_CONNECTIONS_H

#include <jansson.h>
#include <stdio.h>

/* [{"slot", "pid", "fd", "peer", "state", "unread", "unsent"}] of the workers that the status names: what the
 * worker has not read and what the client has not acknowledged, in bytes. A worker whose descriptors may not
 * be read has one entry with "error". Of UNIX connections the kernel tells state alone. NULL: no memory. */
json_t *ctl_connections_json(const json_t *status);

void ctl_connections_print(FILE *out, const json_t *connections);

#endif
