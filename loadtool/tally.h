/*
 * What the clients of one process counted: messages, bytes, connections, and faults with the first example of
 * each.
 *
 * Plain memory without pointers: a child that is going to be killed keeps its tally in a page that its parent
 * reads afterwards, so that not even SIGKILL takes a count away. Tallies add up.
 */
#ifndef LOADTOOL_TALLY_H
#define LOADTOOL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can go wrong, and on whose side it happened. "network" is anything between the two. */
#define TALLY_FAULTS(X)                                                                                      \
    X(REFUSED, "refused", "server")                                                                          \
    X(RESET, "reset", "server")                                                                              \
    X(CLOSED, "closed", "server")                                                                            \
    X(UNANSWERED, "unanswered", "server")                                                                    \
    X(WRONG, "wrong", "server")                                                                              \
    X(MISSING, "missing", "server")                                                                          \
    X(EXTRA, "extra", "server")                                                                              \
    X(TIMEOUT, "timeout", "network")                                                                         \
    X(UNREACHABLE, "unreachable", "network")                                                                 \
    X(RESOURCES, "resources", "client")                                                                      \
    X(OTHER, "other", "client")

/* What the connection was doing. */
#define TALLY_PLACES(X)                                                                                      \
    X(CONNECT, "connect")                                                                                    \
    X(SEND, "send")                                                                                          \
    X(REPLY, "reply")                                                                                        \
    X(HALFCLOSE, "half-close")

#define X(id, name, side) FAULT_##id,
enum fault { TALLY_FAULTS(X) FAULT_COUNT };
#undef X
#define X(id, name) WHERE_##id,
enum where { TALLY_PLACES(X) WHERE_COUNT };
#undef X

enum { TALLY_EXAMPLE_BYTES = 160, TALLY_SHOWN_BYTES = 16 };

struct tally_fault {
    uint64_t count;
    char first[TALLY_EXAMPLE_BYTES];
};

/* The first wrong byte that was seen, and what stood around it. */
struct tally_wrong {
    bool is_set;
    uint64_t connection;
    uint64_t offset;
    size_t count; /* bytes shown */
    uint8_t expected[TALLY_SHOWN_BYTES];
    uint8_t got[TALLY_SHOWN_BYTES];
};

struct tally {
    uint64_t messages_sent, messages_right;
    uint64_t bytes_sent, bytes_right;
    uint64_t wrong_bytes, missing_bytes, extra_bytes;
    uint64_t opened, failed, ended; /* connections */
    bool differs_from_request;      /* some reply was not what an echo server would say */
    struct tally_wrong first_wrong;
    struct tally_fault faults[FAULT_COUNT][WHERE_COUNT];
};

const char *tally_fault_name(enum fault fault);
const char *tally_fault_side(enum fault fault);
const char *tally_where_name(enum where where);

/* Count a fault; the first one of its kind leaves the formatted sentence as the example. */
void tally_note(struct tally *tally, enum fault fault, enum where where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The fault that an errno (positive) of connect, send or receive stands for. */
enum fault tally_classify(int error);

/* Add `from` to `into`; the examples of `into` stay. */
void tally_add(struct tally *into, const struct tally *from);

#endif
