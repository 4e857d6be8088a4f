/*
 * Every named maximum of the server, in one place, with a sentence why.
 *
 * Shapes: counts are numbers of things, `_bytes` and `_ms` say their unit. The asserts at the end hold the
 * relations that the code relies on.
 */
#ifndef WORKER_LIMITS_H
#define WORKER_LIMITS_H

#include <assert.h>

enum limits {
    /* Slots. Far more than cores of one machine; boards and eventfds are made for all of them at start. */
    SLOT_COUNT_MAX = 128,

    /* Descriptor numbers below this one are the server's own (heritage.h), all above are connections:
     * accept takes the lowest free number, so a worker that fills the low ones knows whose a number is. */
    FIRST_CONNECTION = 160,

    /* Connections a worker may be asked to hold; the descriptor limit is usually far lower. */
    CONNECTION_COUNT_MAX = 1000000,
    CONNECTION_COUNT_DEFAULT = 10000,

    /* Numbers kept beyond the connections: one to accept and reset with when full, some for pidfds and /proc.
     */
    DESCRIPTOR_RESERVE = 32,

    /* What one look or fetch may bring, and a journal hold. 64 KiB fills a socket's usual window and still fits the
       second-level cache twice. */
    CHUNK_BYTES_MAX = 65536,

    /* Short chunks answered for one connection before the others have their turn. */
    TURN_CHUNK_COUNT_MAX = 16,

    /* Events taken from the kernel in one go; more only means that the next wait returns at once. */
    LOOP_EVENT_COUNT_MAX = 256,

    /* Connections of the ready list served between two looks at the kernel. */
    LOOP_READY_COUNT_MAX = 64,

    /* Numbers that a successor takes over between two looks at who has asked: less than a millisecond. In trials,
     * which have few connections, so many slices that deaths fall between them, too. */
#ifdef WITH_STEPS
    RECOVER_SLICE_COUNT = 2,
#else
    RECOVER_SLICE_COUNT = 256,
#endif

    /* Grain of all deadlines. A tick costs one wake-up, and only while some deadline is armed. */
    TICK_MS = 100,

    /* How long a connection that we end may still read our last answer before it is closed for good. */
    LINGER_MS = 1000,

    /* Connects that one poke may move to another worker, so that a burst is spread in few system calls. */
    SHARE_POKE_COUNT_MAX = 16,

    /* A worker hands connections on when it holds this many more than the least loaded one. */
    SHARE_SLACK = 2,

    /* How long a worker waits for the one to which it handed a connection before it accepts itself. */
    SHARE_WAIT_MS = 2,

    /* A worker that did not take so many connections handed to it in a row is not merely waiting for a
     * processor: it is left out of the sharing for a while. */
    SHARE_IGNORED_COUNT_MAX = 16,
    SHARE_DEAF_MS = 1000,

    /* How long accepting pauses when the kernel has no descriptor or no memory for one more. */
    ACCEPT_PAUSE_MS = 100,

    /* Connections that a worker takes from the queue before it shuts the listener: more than a queue can hold, so that
     * only clients who come faster than they are taken, or errors without end, are left out. */
    DRAIN_ACCEPT_COUNT_MAX = 131072,

    /* accept log lines a worker writes in one second; the rest is one line with a count. */
    ACCEPT_LOG_COUNT_MAX = 10,
    ACCEPT_LOG_WINDOW_MS = 1000,

    /* Bytes of an expression or a file name kept of a failed CHECK. */
    CHECK_NOTE_BYTES = 160,

    /* Bytes of a suspect's queue that an incident report may show. */
    INCIDENT_BYTES_MAX = 1024,

    /* Size of a page, the unit in which boards are laid out. */
    BOARD_BYTES = 4096,
};

static_assert(FIRST_CONNECTION > 17 + SLOT_COUNT_MAX,
              "below the connections is room for every slot's eventfd, for the listener of --metrics and for "
              "Landlock's rules");
static_assert(CHUNK_BYTES_MAX % 4096 == 0, "chunk buffers are whole pages");
static_assert(RECOVER_SLICE_COUNT <= LOOP_EVENT_COUNT_MAX,
              "a slice makes no more events than a look takes, so that who asks does not wait behind them");
static_assert(LINGER_MS >= 2 * TICK_MS, "a linger spans more than one tick");

#endif
