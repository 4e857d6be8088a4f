/*
 * holder: who holds an address that bind() refused, so that "address already in use" can name the culprit.
 *
 * Reads /proc/net/tcp, tcp6 and unix for the socket, then /proc/PID/fd of all processes for who has it open
 * (proc(5)). Sees its own network namespace; processes of other users only with the privilege for it. A
 * snapshot that may be out of date when it is read. For the start, in the master: it may take some
 * milliseconds.
 */
#ifndef MASTER_HOLDER_H
#define MASTER_HOLDER_H

#include <stddef.h>
#include <sys/socket.h>

#define HOLDER_TEXT_SIZE 128

/*
 * Describes the holder in `out`, always: "pid 123 (nginx: master process nginx)", or what can honestly be
 * said when it is not visible. `out` can stand after "held by". Of several processes with the same socket,
 * the one with the lowest number, as a rule their parent. A path of a UNIX address, and an abstract name
 * behind its first NUL, end at the next NUL. 0: found; -ENOENT: no such socket is to be seen; -EACCES: a
 * socket, but no process that is visible has it.
 */
int holder_find(const struct sockaddr_storage *address, char *out, size_t size);

#endif
