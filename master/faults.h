/*
 * faults: a trial is ordered, ended and told: the fault page (board.h) from the supervisor's side.
 *
 * Everything that fires reads the page at its next call, so an order takes effect at once, in all processes. It outlives
 * the supervisor, and a new program of an upgrade. Orders are given by the supervisor, the first one by the master before
 * any fork.
 */
#ifndef MASTER_FAULTS_H
#define MASTER_FAULTS_H

#include "master/fault_spec.h"
#include "worker/board.h"
#include <jansson.h>

#define FAULTS_OFF "off"

/* Is the text good, and has this build the means? 0, -EINVAL or -ENOTSUP; `why` says what is wrong. */
int faults_check(const char *spec, char why[FAULT_WHY_SIZE]);

/* Orders a trial, or with FAULTS_OFF none, and logs that. Errors as above; nothing has changed then. Shots go on being
 * counted up. */
int faults_order(struct shared_pages *pages, const char *spec, char why[FAULT_WHY_SIZE]);

/* "built with faults", or "built without faults (FAULTS=0)". */
const char *faults_build(void);

/* For status: what is ordered, and the shots so far by call and process, of the slots below `slot_limit`. null in a
 * build without faults. */
json_t *faults_json(struct shared_pages *pages, uint32_t slot_limit);

#endif
