/*
 * STEP(name) marks a place between two system calls at which a worker may be killed and nothing may be lost.
 *
 * In a normal build it is nothing. A build with -DWITH_STEPS calls step_reached(), which the trial of that
 * build (steps.c) or a model in tests/ defines: it may end the process there.
 */
#ifndef WORKER_STEPS_H
#define WORKER_STEPS_H

#define STEP_LIST(X)                                                                                         \
    X(ACCEPT_BEGIN)                                                                                          \
    X(ACCEPTED)                                                                                              \
    X(ACCEPT_RECORDED)                                                                                       \
    X(ACCEPT_REGISTERED)                                                                                     \
    X(LISTENER_REMOVED)                                                                                      \
    X(LISTENER_ADDED)                                                                                        \
    X(JOURNAL_OPENED)                                                                                        \
    X(FETCHED)                                                                                               \
    X(JOURNAL_FILLED)                                                                                        \
    X(JOURNAL_GIVEN)                                                                                         \
    X(JOURNAL_CLOSED)                                                                                        \
    X(PEEK)                                                                                                  \
    X(PEEKED)                                                                                                \
    X(TRANSFORMED)                                                                                           \
    X(GIVEN)                                                                                                 \
    X(TAKEN)                                                                                                 \
    X(CLOSE_BEGIN)                                                                                           \
    X(CLOSED)                                                                                                \
    X(RECOVER_ONE)                                                                                           \
    X(RECOVER_RESET) X(RECOVERED) X(SETTLE_BEGIN) X(SETTLE_TAKE) X(SETTLED) X(REDO_BEGIN) X(REDONE)

enum step {
#define X(name) STEP_##name,
    STEP_LIST(X)
#undef X
        STEP_COUNT
};

#ifdef WITH_STEPS
void step_reached(enum step step);
#define STEP(name) step_reached(STEP_##name)
#else
#define STEP(name) ((void)0)
#endif

#endif
