/*
 * One death and its incident report (master/incident.h), in a folder of the test's own: the test says what the
 * dead worker left and what became of its connections, and reads what was written.
 *
 * The death is a crash of slot DEATH_SLOT that suspects the connection DEATH_SUSPECT; a test changes `report` and
 * `after` before it happens. The log is caught (log_capture.h).
 *
 * Errors: whatever cannot be set up, and a line that is missing, fails the test. Owner: death_close() removes the
 * folder and all that lies in it.
 */
#ifndef TESTS_SUPPORT_INCIDENT_FIXTURE_H
#define TESTS_SUPPORT_INCIDENT_FIXTURE_H

#include "master/incident.h"
#include "worker/limits.h"

#include <stdint.h>

enum {
    DEATH_GENERATION = 4,
    DEATH_SLOT = 2,
    DEATH_SUSPECT = FIRST_CONNECTION + 9,
};

struct incident_fixture {
    char dir[64];
    struct board board; /* of the slot */
    struct incident incident;
    struct incident_ring ring;
    struct death_report report; /* what the dead worker left */
    struct slot_memory after;   /* what the policy made of it */
};

extern struct incident_fixture death;

int death_open(void **state);
int death_close(void **state);

/* That generation dies. */
void death_happen(uint32_t generation);

/* Its successor serves, 1.723 ms after the death, and has met connections of every kind. */
void death_replace(void);

/* The report is finished now. */
void death_settle_and_flush(void);

/* Of a file in the folder; valid until the next call. */
const char *death_path_of(const char *name);

/* How many files are there, but for hidden ones, and the names of the first so many. -1: no such folder. */
int death_list(char names[][256], int count_max);

/* The one report in the folder has that whole line; has those words nowhere. */
void death_expect_line(const char *line);
void death_expect_no(const char *words);

#endif
