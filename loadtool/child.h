/*
 * A child process that owns connections, so that it can be killed with them.
 *
 * SIGKILL closes a process's sockets without any of its code running. To show that to a server the
 * connections must belong to another process alone: the load tool starts itself again (exec, so that no
 * socket of the parent is shared; libuv's sockets are close-on-exec) with one page of memory that both see.
 * The parent writes the orders to it, the child its tally. The child connects, sends and compares as every
 * client does, until it is killed.
 *
 * Descriptor 3 of the child is the page; its one argument is CHILD_ARGUMENT. It ends by itself when its
 * parent dies.
 */
#ifndef LOADTOOL_CHILD_H
#define LOADTOOL_CHILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtool/client.h"
#include "loadtool/tally.h"
#include "loadtool/target.h"

#define CHILD_ARGUMENT "--own-connections-until-killed"

/* What both processes see. Orders are written before the start; the rest is the child's, read after its
 * death, except for the atomic counters, which the parent may read at any time. */
struct child_page {
    /* orders */
    struct target target;
    enum oracle_check check;
    uint64_t seed, size_bytes, begin_ns, first_serial, timeout_ns, connect_timeout_ns;
    uint64_t interval_ns; /* between two messages of a client; 0 = closed loop */
    uint32_t clients;
    int64_t parent_pid;
    /* what came of it */
    _Atomic uint32_t serving;         /* connections open now that have had a reply */
    _Atomic uint32_t unexpected_ends; /* connections that ended while the child lived, or could not be made */
    struct tally tally;
};

/* The parent's side. */
struct child {
    uv_process_t process;
    struct child_page *page;
    int page_fd; /* owned */
    bool is_running;
    bool was_killed; /* it died of SIGKILL */
    void *owner;
    void (*gone)(struct child *child); /* dead, and its tally counted */
    struct client_world *world;
};

/* Make the page. Negative errno. child_free accepts what child_init left, also after a failure. */
int child_init(struct child *child);
void child_free(struct child *child);

/* Start the child for `clients` connections, which take as many serial numbers of the world. Negative errno.
 */
int child_start(struct child *child, struct client_world *world, uint32_t clients, enum oracle_check check,
                uint64_t timeout_ns, uint64_t connect_timeout_ns, uint64_t interval_ns);

/* SIGKILL. `gone` follows. */
void child_kill(struct child *child);

/* Is this process such a child? Then run it: returns its exit code, if it is not killed before. */
bool child_is_wanted(int argc, char **argv);
int child_run(void);

#endif
