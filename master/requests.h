/*
 * requests: what an operator asks for, as far as the policy is concerned. Pure, and private to supervisor.c.
 *
 * A request changes what is wanted (the number of slots, the settings, one slot's next generation, the
 * listener) and becomes an operation; whether that is done is seen by comparing what is wanted with what is.
 * So requests may overlap, and one that overtakes another ends it.
 */
#ifndef MASTER_REQUESTS_H
#define MASTER_REQUESTS_H

#include "master/slot.h"

/* SUPERVISOR_REQUEST. */
void requests_take(struct policy *p, const struct supervisor_event *event);

/* Held, and no connection is left. */
void requests_empty(struct policy *p);

/* The outcome of ACTION_LISTEN; `why` NULL: it listens. */
void requests_listening(struct policy *p, const char *why);

/* Ends a running operation and says so; `failure` NULL: it is done. */
void requests_end(struct policy *p, struct operation *operation, const char *failure);

/* Ends what is done or cannot be done any more; after every event. */
void requests_look(struct policy *p);

/* Orders of which nobody knows whether they were carried out. */
void requests_resume(struct policy *p);

#endif
