/*
 * peer: a socket address as text, the same in logs, incident reports and --ready-fd.
 *
 * "127.0.0.1:4711" · "[::1]:4711", "[fe80::1%2]:4711" (interface by number) · IPv4 in IPv6 shown as IPv4 ·
 * "unix:/path" · "unix:@name" (NUL bytes of an abstract name as '@', as /proc/net/unix shows them) · "unix:"
 * for an unnamed socket, the usual case for clients · "unknown" for other families. Pure; always
 * NUL-terminated. Names may hold any bytes: quote before logging.
 */
#ifndef WORKER_PEER_H
#define WORKER_PEER_H

#include <sys/socket.h>

#define PEER_TEXT_SIZE 128 /* the longest is "unix:" and the 108 bytes of sun_path */

/* `length` as accept, getsockname or getpeername gave it. */
void peer_format(char out[PEER_TEXT_SIZE], const struct sockaddr_storage *address, socklen_t length);

#endif
