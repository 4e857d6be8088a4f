/*
 * A child process that owns connections, so that it can be killed with them.
 *
 * SIGKILL closes a process's sockets without any of its code running. To show that to a server the
 * connections must belong to another process alone: the load tool starts itself again (exec, so that no
 * socket of the parent is shared; libuv's sockets are close-on-exec) with one page of memory that both see.
 * The parent writes the orders to it, the child its tally. The child connects, sends and compares as every
 * client does, until it is killed.
 *
 * Descriptor CHILD_PAGE_DESCRIPTOR of the child is the page, the next one the budget of messages if the run
 * has one, out of which parent and children take alike; its one argument is CHILD_ARGUMENT. It ends by itself
 * when its parent dies.
 */
#ifndef LOADTOOL_CHILD_H
#define LOADTOOL_CHILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtool/client.h"
#include "loadtool/schedule.h"
#include "loadtool/shared.h"
#include "loadtool/tally.h"
#include "loadtool/target.h"

#define CHILD_ARGUMENT "--own-connections-until-killed"

enum { CHILD_PAGE_DESCRIPTOR = 3, CHILD_BUDGET_DESCRIPTOR = 4 };

/* What the owner asks for. */
struct child_orders {
    uint32_t clients;
    uint64_t first_serial; /* the connections have this number and those after it */
    enum oracle_check check;
    uint64_t timeout_ns, connect_timeout_ns;
    uint32_t depth;       /* messages outstanding; 0 counts as 1 */
    uint64_t interval_ns; /* between two messages of a client; 0 = closed loop */
    int budget_fd;        /* the parent's descriptor of the budget's memory; -1 = no limit */
};

/* What both processes see. Orders are written before the start; the rest is the child's, read after its
 * death, except for the atomic counters, which the parent may read at any time. */
struct child_page {
    /* orders */
    struct child_orders orders;
    struct target target;
    struct dialogue dialogue;
    struct source source;
    uint64_t seed, begin_ns;
    int64_t parent_pid;
    /* what came of it */
    _Atomic uint32_t serving;         /* connections open now that have had a reply */
    _Atomic uint32_t epoch;           /* the parent's: counts how often it let the child go on after a stop */
    _Atomic uint32_t fresh;           /* serving connections that have had a reply in this epoch */
    _Atomic uint32_t unexpected_ends; /* connections that ended while the child lived, or could not be made */
    struct tally tally;
};

/* The parent's side. */
struct child {
    uv_process_t process;
    struct shared memory; /* of the page */
    struct child_page *page;
    bool is_running;
    bool is_closing; /* its start failed, and libuv still holds the handle */
    bool was_killed; /* it died of SIGKILL */
    void *owner;
    void (*gone)(struct child *child); /* dead, and its tally counted */
    struct client_world *world;
};

/* Make the page. Negative errno. child_free accepts what child_init left, also after a failure. */
int child_init(struct child *child);
void child_free(struct child *child);

/* Start the child for orders->clients connections. Negative
 * errno, and then `gone` does not follow; -EBUSY while the loop has not yet closed what a failed start left.
 */
int child_start(struct child *child, struct client_world *world, const struct child_orders *orders);

/* SIGKILL. `gone` follows. */
void child_kill(struct child *child);

/* SIGSTOP; was the process seen stopped since? SIGCONT, and a new epoch. */
void child_stop(struct child *child);
bool child_is_stopped(const struct child *child);
void child_go_on(struct child *child);

/* Is this process such a child? Then run it: returns its exit code, if it is not killed before. */
bool child_is_wanted(int argc, char **argv);
int child_run(void);

#endif
