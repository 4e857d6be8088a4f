/*
 * rolling: what is wanted of the service as a whole becomes so, slot by slot: as many slots as wanted, each
 * serving by the newest settings. Pure, and private to supervisor.c.
 *
 * Nothing is remembered but what is wanted and what is; a step looks at both and orders what comes next. So a
 * supervisor that was made anew in the middle goes on like its predecessor, and wishes may change at any
 * time.
 *
 * One slot at a time is asked to make room for its next generation, and only while both its keepers are
 * there: between the two generations they alone hold its connections.
 */
#ifndef MASTER_ROLLING_H
#define MASTER_ROLLING_H

#include "master/slot.h"

/* One step towards what is wanted; after every event. */
void rolling_step(struct policy *p);

/* A slot that counts: neither unused, nor going out, nor without its keepers. */
bool rolling_counts(const struct slot_memory *memory);

/* Every slot that counts serves, by the newest settings and with nothing asked of it, or rests. */
bool rolling_is_settled(const struct supervisor *s);

#endif
