/* What the two files of engine.h share: engine.c (what is done) and engine_phases.c (when). */
#ifndef LOADTOOL_ENGINE_PARTS_H
#define LOADTOOL_ENGINE_PARTS_H

#include "loadtool/engine.h"

/* The phase that the run is in from now on: the present one, or a later one. Sends what a proof needs. */
enum engine_phase engine_step(struct engine *engine, uint64_t now_ns);

/* MAIN begins; a tick has passed; MAIN is over. */
void engine_begin_measures(struct engine *engine);
void engine_look(struct engine *engine, uint64_t now_ns);
void engine_finish_main(struct engine *engine);

#endif
