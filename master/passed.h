/*
 * passed: a listener that whoever started us has made already: socket activation.
 *
 * The protocol is sd_listen_fds(3)'s: LISTEN_PID is our process number, LISTEN_FDS how many descriptors from 3
 * on are passed, LISTEN_FDNAMES their names with colons between them. Others hold the socket too and serve it when we
 * do not: so it is never shut down, and its path is not ours to remove. Master only, at the start.
 */
#ifndef MASTER_PASSED_H
#define MASTER_PASSED_H

#include "master/listener.h"

#define PASSED_FD         3 /* SD_LISTEN_FDS_START */
#define PASSED_NAMES_SIZE 256

/* How many descriptors are passed to us; 0: none. -EINVAL: the environment makes no sense. */
int passed_count(void);

/* What they are called; "unknown" where that was not said. */
const char *passed_names(void);

/*
 * Takes the socket at PASSED_FD for the listener, after inherit_tidy() has spared it. `bind`: the address that was
 * asked for; NULL: none was. -EADDRNOTAVAIL: it listens at another one; -EINVAL: it is no listening TCP or UNIX
 * stream socket, or more than one is passed; other failures: the negative errno of what was refused. On failure
 * `error` holds a sentence.
 */
int passed_listener(struct listener *listener, const char *bind, const struct listener_settings *settings,
                    char error[], size_t error_size);

#endif
