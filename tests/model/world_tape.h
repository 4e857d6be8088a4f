/*
 * What goes wrong in the world, one disturbance after the other, as a list that can be told again.
 *
 * The world asks at every place where something may go wrong. By chance it does so with the odds of this seed
 * and is written down; told again, exactly what stands on the list happens, so that entries can be taken out
 * one by one until only those are left that it takes (world_shrink.c). A place is named by the turn of the
 * world, the kind, and how many times that kind was asked about earlier in this turn. All else that chance
 * decides (who runs first, how long a turn is) follows from seed and turn alone, and so stays as it was when
 * an entry is taken out.
 *
 * As text: TURN[.PLACE]:WORD[=VALUE], joined by commas. What VALUE means is the kind's own business.
 */
#ifndef TESTS_MODEL_WORLD_TAPE_H
#define TESTS_MODEL_WORLD_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(word, odds, most): of 1000 seeds so many know it at all; there it strikes up to so often in 1000 places. */
#define DISTURBANCES(X)                                                                                      \
    X(more_slots, 1000, 666)   /* before the first turn: two or three */                                     \
    X(no_keepers, 1000, 240)   /* before the first turn */                                                   \
    X(kill_worker, 500, 60)    /* SIGKILL; VALUE: slot */                                                    \
    X(crash_worker, 500, 20)   /* VALUE: slot */                                                             \
    X(kill_keeper, 500, 40)    /* VALUE: 2 * slot + letter */                                                \
    X(end_supervisor, 500, 20) /* between any two of its steps */                                            \
    X(sleeping_supervisor, 500, 4)                                                                           \
    X(failed_clone, 500, 400)                                                                                \
    X(late_birth, 500, 60) /* it does not run for a while */                                                 \
    X(deaf_worker, 500, 5) /* VALUE: slot and more */                                                        \
    X(deaf_keeper, 500, 10)                                                                                  \
    X(stopped_worker, 500, 5) /* until somebody lets it go on */                                             \
    X(stopped_keeper, 500, 10)                                                                               \
    X(time_jump, 500, 3)   /* the whole machine sleeps */                                                    \
    X(long_freeze, 300, 2) /* ... for up to two days */                                                      \
    X(clock_jump, 300, 4)  /* the clock alone, between any two steps; VALUE: odd: back */                    \
    X(busy_claim, 500, 10) /* a hang is told of somebody healthy; VALUE: slot */                             \
    X(silent_claim, 500, 10)                                                                                 \
    X(poison, 500, 8)            /* a client whose bytes end the worker; VALUE: slot */                      \
    X(broken_service, 500, 14)   /* every worker ends at once, whoever its clients are */                    \
    X(lying_board, 500, 30)      /* a worker has written rubbish over what it says of itself */              \
    X(repeated_event, 500, 300)  /* a death and others, once more */                                         \
    X(late_death, 500, 950)      /* the master tells it late */                                              \
    X(lost_notice, 500, 600)     /* the supervisor is not woken for a death */                               \
    X(twice_told, 500, 300)      /* the master tells a death, and finds it once more */                      \
    X(refusing_worker, 500, 300) /* never leaves by itself, not even when all is calm */                     \
    X(request, 500, 100)         /* of an operator */                                                        \
    X(bad_image, 1000, 900)      /* VALUE: what is wrong with it */                                          \
    X(failed_exec, 1000, 200)    /* of the master */                                                         \
    X(stop, 300, 2)

enum disturbance_kind {
#define X(word, odds, most) DISTURBANCE_##word,
    DISTURBANCES(X)
#undef X
        DISTURBANCE_COUNT
};

struct disturbance {
    uint32_t turn;
    uint16_t place;
    uint16_t kind; /* enum disturbance_kind */
    uint32_t value;
};

enum { TAPE_COUNT_MAX = 4096 };

struct tape {
    uint32_t count; /* of items, sorted by turn */
    bool overflown; /* more happened than there is room for */
    struct disturbance items[TAPE_COUNT_MAX];
};

/* What the next world goes by. NULL: by chance, from the seed. The list stays the caller's. */
void tape_play(const struct tape *played);

/* What happened so far. */
const struct tape *tape_recorded(void);

/* The world begins; a turn begins. */
void tape_begin(uint64_t seed);
void tape_turn(uint32_t turn);

/* The odds are off: only what lasts is still asked about. */
void tape_calm(void);

/* Does it happen here? */
bool disturbed(enum disturbance_kind kind, uint32_t *value);

const char *disturbance_word(enum disturbance_kind kind);

/* Appends to `tape`. False: that is no such list. */
bool tape_read(struct tape *tape, const char *text);

/* Returns the length that it takes, as snprintf does. */
size_t tape_write(const struct tape *tape, char *text, size_t size);

#endif
