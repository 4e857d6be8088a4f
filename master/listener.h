/*
 * listener: the one socket on which the server accepts, with every option that accepted sockets inherit from
 * it.
 *
 * All options are set here and nowhere else: a worker sets none on the connections it accepts, and a
 * connection that a successor takes over has them all. The listener is non-blocking and not close-on-exec:
 * nothing foreign is ever executed. Only the master calls, before any fork; the descriptor is the caller's.
 */
#ifndef MASTER_LISTENER_H
#define MASTER_LISTENER_H

#include "master/address.h"
#include "worker/peer.h"

#include <stdint.h>
#include <sys/types.h>

struct listener_settings {
    int backlog;              /* wanted length of the accept queue */
    mode_t unix_mode;         /* permissions of a UNIX path */
    int64_t write_timeout_ms; /* 0: off */
    bool probes;              /* binds and goes no further; a UNIX path is only looked at */
};

struct listener {
    int fd;
    char bound[PEER_TEXT_SIZE]; /* as --ready-fd prints it: the real port, "unix:/path", "unix:@name" */
    dev_t dev;                  /* of the path's inode; ino 0 where there is none */
    ino_t ino;
    bool is_unix;
    bool is_passed;      /* by socket activation (passed.h): others hold it too */
    int backlog_granted; /* what the kernel makes of the wish: net.core.somaxconn is its limit */
};

/*
 * Opens the listener on the first candidate that binds. (":PORT" goes on to plain IPv4 only where the kernel
 * has no IPv6; otherwise it would quietly serve less than was asked for.)
 *
 * A UNIX path that exists is removed first if it is a socket on which nobody listens (connect says
 * ECONNREFUSED).
 *
 * -EADDRINUSE: a candidate is held by somebody, whom `error` names as far as can be seen; other failures: the
 * negative errno of the first candidate. On failure `error` holds a sentence and *listener is untouched,
 * nothing stays open or on disk.
 */
int listener_open(struct listener *listener, const struct address *address,
                  const struct listener_settings *settings, char error[], size_t error_size);

/* Could it be opened now? Nothing is made, removed or listened on. Returns and `error` as above. */
int listener_probe(const struct address *address, const struct listener_settings *settings, char error[],
                   size_t error_size);

/* Sets everything that accepted sockets inherit on a TCP listener that somebody else has made. What waits in its
 * queue already has been made without. Returns 0, or a negative errno and a sentence in `error`. */
int listener_set_options(int fd, const struct listener_settings *settings, char error[], size_t error_size);

/* Descriptors that clients of a UNIX listener send along are refused to them from now on: one whose closing takes long
 * (SO_LINGER) would let the worker sleep that drops it. Kernels before 6.16 know no such thing. */
void listener_refuse_descriptors(int fd);

/* Says anew how long the kernel waits for a client that acknowledges nothing; for connections accepted from
 * now on. Also for the supervisor, after a reload; TCP alone. Returns 0 or a negative errno. */
int listener_set_write_timeout(int fd, int64_t write_timeout_ms);

/* Removes the path of a UNIX listener while it is still our own inode; nothing for all others. */
void listener_remove_path(const struct listener *listener);

/* Listens again on a TCP listener that was shut down: its address and its options are still there. Supervisor.
 * Returns 0 or a negative errno: -EADDRINUSE, when somebody has taken the address meanwhile. */
int listener_open_again(int fd, int backlog);

#endif
