/*
 * What follows a worker's death: whom to blame, and when to stop trying. Pure; one struct a slot.
 *
 * A crash loop is a number of deaths in a row without one answered chunk, never a rate: a worker that
 * answered something was healthy, and its successor starts at once, however often. The ladder for a loop:
 *
 *     deaths in a row   1 .. RESET_ALL - 1   go on (without the suspect, once it is blamed often enough)
 *                       RESET_ALL .. REST-1  go on with all of the slot's connections reset
 *                       REST and more        rest: no worker until a back-off is over, doubled each time, with
 *                                            jitter
 *
 * A SIGKILL from elsewhere says nothing about the service, so it is not part of that count and costs no
 * connection, however often and whenever it comes: after many in a row without an answer the successor is
 * only made later and later, and the connections wait. The same holds for the kernel's own when memory is
 * short, with one difference: a chunk in whose service that happens again and again is to blame.
 *
 * A crash whose culprit was found and reset is not part of that count either: a poisonous connection costs
 * itself alone, however many of them come one after the other. Many in a row delay the successor in the same
 * way.
 *
 * Blame falls on the connection that was being worked on, and only for a death inside the service or for a
 * hang that we ended ourselves; elsewhere it is not the connection's fault.
 */
#ifndef MASTER_RESTART_H
#define MASTER_RESTART_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RESTART_RESET_ALL_COUNT = 5,   /* deaths in a row: every connection of the slot may be the cause */
    RESTART_REST_COUNT = 8,        /* deaths in a row: no connection is the cause */
    RESTART_REST_MS_MIN = 250,     /* first back-off */
    RESTART_REST_MS_MAX = 30000,   /* cap of the back-off, before jitter */
    RESTART_KILLS_FREE_COUNT = 16, /* SIGKILLs, or culprits, in a row that delay nothing */
    RESTART_DELAY_MS_MIN = 20,     /* after one more; then doubled */
    RESTART_DELAY_MS_MAX = 1000,
    BLAME_CRASH_COUNT = 2, /* crashes of one suspect without an answered byte between */
    BLAME_LOOP_COUNT = 3, /* deaths in a row from which on a crash inside the service is proof enough: several
                            poisonous connections would else take turns, and none of them come to its second */
    BLAME_OOM_COUNT = 5,  /* ends for want of memory, likewise: somebody else may have used the memory up */
};

/* How a worker ended, as far as blame goes. */
enum death_kind {
    DEATH_LEFT,  /* told to leave, exit code 0 */
    DEATH_CRASH, /* a fatal signal or an exit of its own */
    DEATH_KILL,  /* SIGKILL from elsewhere */
    DEATH_OOM,   /* SIGKILL by the kernel for want of memory */
    DEATH_HANG,  /* we ended it for a hang */
    DEATH_ORDER, /* we ended it for another reason */
};

struct death_facts {
    enum death_kind kind;
    bool in_service;      /* it died inside the service call */
    bool answered;        /* its generation had answered something */
    int32_t suspect;      /* descriptor being worked on; 0: none */
    bool suspect_cleared; /* the suspect of earlier deaths was answered or closed since */
};

/* What a slot remembers. All zero: nothing ever happened. */
struct restart {
    uint32_t deaths_in_a_row;   /* without an answered chunk */
    uint32_t kills_in_a_row;    /* SIGKILLs from elsewhere, likewise */
    uint32_t rest_count;        /* back-offs in a row */
    uint32_t culprits_in_a_row; /* connections reset for blame, likewise */
    int32_t suspect;
    uint32_t crash_blames, oom_blames;
};

enum restart_verdict { RESTART_GO_ON, RESTART_RESET_ALL, RESTART_REST };

struct restart_decision {
    enum restart_verdict verdict;
    int32_t suspect;    /* the successor touches it last; 0: none */
    bool reset_suspect; /* or rather resets it */
    int64_t rest_ms;    /* RESTART_REST */
    int64_t delay_ms;   /* otherwise: the successor is made so much later */
};

/* Takes in one death. `random` is any number, for the jitter of a back-off. */
struct restart_decision restart_on_death(struct restart *restart, const struct death_facts *facts,
                                         uint32_t random);

#endif
