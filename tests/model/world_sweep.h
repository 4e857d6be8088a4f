/*
 * Every short sequence of disturbances, in a few quiet worlds of one slot: the first one at any early turn,
 * each further one a few turns after the one before, everything else even. What strikes nobody is not counted.
 */
#ifndef TESTS_MODEL_WORLD_SWEEP_H
#define TESTS_MODEL_WORLD_SWEEP_H

#include "tests/model/world.h"

enum {
    SWEEP_DEPTH_MAX = 3,
    SWEEP_TURNS = 60, /* the first one falls in these: the start, and what an operator asked for at turn 30 */
    SWEEP_GAP_TURNS = 8, /* between one and the next, at most */
    SWEEP_WORLD_COUNT = 4,
    SWEEP_KIND_COUNT = 23,
};

struct sweep {
    unsigned depth; /* up to so many disturbances */
    enum world_mutant mutant;
    uint64_t sequences;       /* that were tried */
    struct world_plan failed; /* its tape holds until the next sweep */
};

/* False: one failed. */
bool world_sweep(struct sweep *sweep);

#endif
