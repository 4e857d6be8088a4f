/*
 * metrics_socket: where --metrics listens. Opened at the start, so that a taken address ends the start and not the
 * service, and kept by the master: processes that answer there come and go.
 */
#ifndef MASTER_METRICS_SOCKET_H
#define MASTER_METRICS_SOCKET_H

#include "master/address.h"
#include "worker/peer.h"

#include <stddef.h>

/* The address of --metrics: HOST:PORT, :PORT or [V6]:PORT. -EINVAL: `error` holds a sentence. */
int metrics_socket_parse(struct address *address, const char *text, char error[], size_t error_size);

/* Listens there at FD_METRICS; `bound` is the address as it came out. -EINVAL as above, -EADDRINUSE: somebody has the
 * address; other failures: a negative errno. On failure `error` holds a sentence and nothing is open. Master
 * only. */
int metrics_socket_open(const char *text, char bound[PEER_TEXT_SIZE], char error[], size_t error_size);

#endif
