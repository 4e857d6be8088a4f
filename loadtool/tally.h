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
    X(DUPLICATED, "duplicated", "server")                                                                    \
    X(CROSSTALK, "cross-talk", "server")                                                                     \
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

enum { TALLY_EXAMPLE_BYTES = 160, TALLY_SHOWN_BYTES = 32, TALLY_BEFORE_BYTES = 16, TALLY_STRANGERS_MAX = 16 };

struct tally_fault {
    uint64_t count;
    char first[TALLY_EXAMPLE_BYTES];
};

/* What can be wrong with the bytes of a reply. */
enum finding {
    FINDING_WRONG,
    FINDING_MISSING,
    FINDING_EXTRA,
    FINDING_DUPLICATED,
    FINDING_CROSSTALK,
    FINDING_COUNT
};

/* The first finding of a kind, and what stood around it. */
struct tally_wrong {
    bool is_set;
    uint64_t connection;
    uint64_t offset;       /* of the reply stream, where it begins */
    uint64_t shown_offset; /* of the first byte that is shown: up to TALLY_BEFORE_BYTES before */
    size_t count;          /* bytes shown */
    uint8_t expected[TALLY_SHOWN_BYTES]; /* from shown_offset on */
    uint8_t got[TALLY_SHOWN_BYTES];
    size_t got_count;                        /* fewer when no more came */
    uint64_t other_connection, other_offset; /* cross-talk: whose bytes these are */
};

/* A piece that is wrong throughout, and that nobody of this loop knows: see strangers.h. */
struct tally_stranger {
    uint64_t serial, offset; /* where it came */
    uint64_t at_ns;          /* when */
    uint64_t wrong_bytes;    /* of the reply that it stands in */
    size_t length;           /* of what is kept */
    uint8_t got[TALLY_SHOWN_BYTES];
};

struct tally {
    uint64_t messages_sent, messages_right;
    uint64_t bytes_sent, bytes_right;
    uint64_t found_bytes[FINDING_COUNT]; /* wrong, missing, ... */
    uint64_t opened, failed, ended;      /* connections */
    bool differs_from_request;           /* some reply was not what an echo server would say */
    struct tally_wrong examples[FINDING_COUNT];
    size_t stranger_count;
    struct tally_stranger strangers[TALLY_STRANGERS_MAX]; /* the first ones */
    struct tally_fault faults[FAULT_COUNT][WHERE_COUNT];
};

const char *tally_fault_name(enum fault fault);
const char *tally_fault_side(enum fault fault);
const char *tally_where_name(enum where where);

/* "wrong", "missing", "extra", "duplicated", "cross-talk", and the fault that it is counted as. */
const char *tally_finding_name(enum finding finding);
enum fault tally_finding_fault(enum finding finding);

/* Bytes that were not as they must be, of all kinds. */
uint64_t tally_found_bytes(const struct tally *tally);

/* The example with the lowest offset, or NULL. */
const struct tally_wrong *tally_first_example(const struct tally *tally);

/* Count a fault; the first one of its kind leaves the formatted sentence as the example. */
void tally_note(struct tally *tally, enum fault fault, enum where where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The fault that an errno (positive) of connect, send or receive stands for. */
enum fault tally_classify(int error);

/* Add `from` to `into`; the examples of `into` stay. */
void tally_add(struct tally *into, const struct tally *from);

#endif
