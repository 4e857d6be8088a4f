/*
 * One connection of a worker (worker_fixture.h) whose recv and send are bent where the kernel would hardly do so by itself,
 * and which a dead worker may leave with bytes in the journal.
 *
 * A test that uses this replaces both calls, so it says so: wrap: recv send. The calls of the test itself on that
 * descriptor are bent, too; those of the functions here are not.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: bent_close() closes everything.
 */
#ifndef TESTS_SUPPORT_BENT_CONNECTION_H
#define TESTS_SUPPORT_BENT_CONNECTION_H

#include "tests/support/worker_fixture.h"

/* How one kind of call is bent: so often it fails with `error`, then it moves at most `limit` bytes. */
struct bend {
    int error, failure_count;
    size_t limit; /* 0: as asked */
};

/* What stood on the board when a call was made: whose bytes are in the journal, and how many. */
struct journal_view {
    int owner;
    uint32_t byte_count;
};

struct bent_connection {
    struct worker_fixture fixture;
    int server, client;
    struct bend look, fetch, take, give;
    struct journal_view at_fetch, at_give; /* the last one's */
    char calls[128];                       /* one letter a call of the worker: L, F, T, G */
};

extern struct bent_connection bent;

/* A connection that is accepted and not yet given to the worker, whose clock stands still. */
int bent_open(struct fixture_options options);
int bent_open_tcp(void **state);
int bent_open_unix(void **state);
int bent_close(void **state);

/* From now on nothing is bent, and no call was made. */
void bent_straighten(void);

/* Waits until the worker can read the text. */
void bent_send(const char *text);

/* So much is left in the worker's receive queue. */
void bent_expect_queued(size_t count);

/* The client reads exactly as many bytes as the text has, and they are that. */
void bent_expect_answer(const char *text);

/* Chunks answered, and bytes: as many in as out. */
void bent_expect_counters(uint64_t answered, uint64_t bytes);

/* Who owns the journal by now; 0: nobody. */
int bent_owner(void);

/* As bent_send(), and a worker takes it into the journal and dies when it has given that much of an answer; `count_known`: after
 * it has noted how many bytes it took. */
void bent_hold(const char *text, const char *given, bool count_known);

/* So many bytes a fetch and a send may move, by a fault of a trial (fault.h), until fault_disarm(). */
void bent_shorten(enum fault_call call, uint32_t bytes);

#endif
