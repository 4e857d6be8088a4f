/*
 * control_socket: the listening socket for commands, made by the master before any fork.
 *
 * Mode 0600, non-blocking, not close-on-exec: it is part of the heritage (FD_CONTROL), kept by the master and
 * used by the supervisor, so that commands asked while there is no supervisor wait for the next one.
 */
#ifndef MASTER_CONTROL_SOCKET_H
#define MASTER_CONTROL_SOCKET_H

#include "master/control_path.h"

enum { CONTROL_WHY_SIZE = 320 }; /* a sentence with a path and a holder */

struct control_socket {
    int fd;                       /* the caller's; -1: none */
    char path[CONTROL_PATH_SIZE]; /* empty: none */
    dev_t dev;                    /* of the path's inode */
    ino_t ino;
};

/*
 * Opens it at `wanted`; NULL: at the first place of control_path.h that can be used, "off": nowhere. `bound`
 * is the address that the server is bound to. A left-over socket is removed.
 *
 * 0: open, or none; `why` then says in a sentence why there is none although none was forbidden, else it is
 * empty. At a path that was asked for failures count: -EADDRINUSE: somebody listens there; other negative
 * errno. `why` is a sentence then too.
 */
int control_socket_open(struct control_socket *control, const char *wanted, const char *bound,
                        char why[CONTROL_WHY_SIZE]);

/* Removes the path while it still is our own inode. The descriptor is left alone. */
void control_socket_remove(const struct control_socket *control);

#endif
