/*
 * unix_path: sockets that lie in the file system, the listener's and the control socket's.
 *
 * A socket has its permissions from its first moment on; one that a dead server left behind makes room; and
 * at the end only our own inode is removed, since another server may have put its socket there. The umask is
 * changed for the length of a bind: before any fork, in the master alone.
 */
#ifndef MASTER_UNIX_PATH_H
#define MASTER_UNIX_PATH_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The path of a UNIX address, NULL for all else: other families and abstract names. */
const char *unix_path_of(const struct sockaddr_storage *address);

/*
 * bind() of any address; at a path with those permissions, and a socket that exists there is removed first if
 * nobody listens on it (connect says ECONNREFUSED). 0 or a negative errno, with a sentence in `error` where
 * more than the errno is known; else it is untouched.
 */
int unix_path_bind(int fd, const struct sockaddr_storage *address, socklen_t length, mode_t mode,
                   char error[], size_t error_size);

/* What unix_path_bind() would say to a path, without making or removing anything. */
int unix_path_inspect(const struct sockaddr_storage *address, socklen_t length, char error[],
                      size_t error_size);

/* Which inode is there now; *ino 0: none. */
void unix_path_identify(const char *path, dev_t *dev, ino_t *ino);

/* Removes the path while it still is that inode; ino 0: nothing. */
void unix_path_remove(const char *path, dev_t dev, ino_t ino);

#endif
