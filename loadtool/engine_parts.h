/* What the two files of engine.h share: engine.c (what is done) and engine_phases.c (when). */
#ifndef LOADTOOL_ENGINE_PARTS_H
#define LOADTOOL_ENGINE_PARTS_H

#include "loadtool/engine.h"

/* What this loop sees in its phase. Opens connections of the ramp, and sends what a proof needs. */
struct team_report engine_report(struct engine *engine, uint64_t now_ns);

/* For the leader, with the sum of all reports in engine->sum: the phase that the run is in from now on, the
 * present one or a later one. */
enum engine_phase engine_decide(struct engine *engine, uint64_t now_ns);

/* When the loops have ended: what they found, in the leader's outcome. -ENOMEM. */
int engine_collect(struct engine *leader);

/* MAIN begins; a tick has passed; MAIN is over. */
void engine_begin_measures(struct engine *engine);
void engine_look(struct engine *engine, uint64_t now_ns);
void engine_finish_main(struct engine *engine);

/* The sums of this loop, for the seconds and the live line; for the leader: a second of all loops, when it is
 * over for all. */
struct seconds_sums engine_sums(const struct engine *engine);
void engine_write_second(struct engine *leader, uint64_t now_ns);

/* When the loops have ended: the second that had begun. */
void engine_end_seconds(struct engine *leader);

/* The loop with that number: 0 is the leader itself. */
struct engine *engine_loop(struct engine *leader, uint32_t number);

/* Make the other loops, and set all of them up. Negative errno; what was made is freed by engine_run all the
 * same. */
int engine_set_up(struct engine *leader, const struct target *target);

/* What a loop does, for those who set it up: start; an arrival is due at a place; a death has been done. */
int engine_start_loop(struct engine *engine);
void engine_on_due(void *owner, uint32_t place, uint64_t due_ns);
void engine_on_disturbed(void *owner);

#endif
