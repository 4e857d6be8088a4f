/*
 * Makes a failure small: leaves out disturbances as long as the same check fails (delta debugging: Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), then makes what is left plainer.
 */
#ifndef TESTS_MODEL_WORLD_SHRINK_H
#define TESTS_MODEL_WORLD_SHRINK_H

#include "tests/model/world.h"

struct shrunk {
    struct world_plan plan; /* its tape is the one below */
    struct tape tape;
    char failure[WORLD_FAILURE_SIZE]; /* of the small one */
    uint32_t count_before, runs;
};

/* To be called when world_run(plan) has failed. False: it does not fail again. */
bool world_shrink(const struct world_plan *plan, struct shrunk *shrunk);

/* The command that repeats it. */
void shrunk_print(const struct shrunk *shrunk);

#endif
