/*
 * CHECK(condition): an assertion about our own code that stays on in release builds.
 *
 * Never for input, peers or the kernel: those have error paths. A failed CHECK leaves file, line and
 * expression on the board before it aborts, so that the report of the death has them. Any process may call;
 * one without a board (the master, a test) writes the note to stderr.
 */
#ifndef WORKER_CHECK_H
#define WORKER_CHECK_H

struct board;

/* Names the board that takes the note, and the generation that it belongs to. NULL: stderr. */
void check_init(struct board *board, unsigned generation);

/* Writes the note and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *expression);

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (__builtin_expect(!(condition), 0))                                                               \
            check_failed(__FILE__, __LINE__, #condition);                                                    \
    } while (0)

#endif
