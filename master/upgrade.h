/*
 * upgrade: another image of the program for the whole service, or none of it. Pure, and private to
 * supervisor.c and requests.c.
 *
 *     CHECKING   the program is copied, and the copy checked: what was checked is what will run
 *     SLOTS      slot after slot goes over (slot_swap.h), the first one as the canary: the next begins only
 *                when the one before has proven itself
 *     MASTER     last the master becomes the new image in place, and makes a supervisor of it
 *     BACK       what went wrong in any slot calls the upgrade off: every slot goes back, in the same way
 *
 * The walk itself is rolling.h's: a slot whose image is not the target is outdated, like one of yesterday's
 * settings.
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include "master/slot.h"

/* OPERATION_UPGRADE. NULL, or why not. */
const char *upgrade_begin(struct policy *p, struct operation *operation);

/* SUPERVISOR_CHECKED and SUPERVISOR_IMAGE. */
void upgrade_checked(struct policy *p, const struct supervisor_event *event);
void upgrade_image(struct policy *p, const struct supervisor_event *event);

/* Something is wrong with the new image: back to the old one. Nothing, when none is under way. */
void upgrade_call_off(struct policy *p, const char *why);

/* On to the next stage when this one is over; after every event. */
void upgrade_look(struct policy *p);

/* Orders of which nobody knows whether they were carried out. */
void upgrade_resume(struct policy *p);

#endif
