/*
 * ctl_status: the status of a server as a page of text, 80 columns wide.
 *
 * Pure but for printing; the parts are shared with the unit tests.
 */
#ifndef MASTER_CTL_STATUS_H
#define MASTER_CTL_STATUS_H

#include <jansson.h>
#include <stdio.h>

void ctl_status_print(FILE *out, const json_t *status);

/* The line of one incident, with the time of day in UTC. */
void ctl_incident_print(FILE *out, const json_t *incident);

/* The trial that is ordered, and its shots so far. */
void ctl_faults_print(FILE *out, const json_t *faults);

#endif
