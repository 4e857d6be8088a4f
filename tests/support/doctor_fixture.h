/*
 * A machine that the doctor examines: files below a folder of its own, with which nothing is wrong until a
 * test changes them.
 *
 * A test that uses this replaces what tells the version of Landlock, so it says so:
 * wrap: syscall
 *
 * Errors: whatever cannot be made fails the test at once. Owner: doctor_drop_machine() removes the folder.
 */
#ifndef TESTS_SUPPORT_DOCTOR_FIXTURE_H
#define TESTS_SUPPORT_DOCTOR_FIXTURE_H

#include "master/doctor.h"

extern char doctor_root[];
extern long doctor_landlock_version; /* or a negative errno */
extern struct doctor_case doctor_facts;
extern struct doctor_finding doctor_findings[DOCTOR_COUNT];

/* Setup and teardown of a test. */
int doctor_make_machine(void **state);
int doctor_drop_machine(void **state);

/* A file of the machine, by its path there; its limits, of "self" or a process's number. */
void doctor_put(const char *path, const char *text);
void doctor_put_limits(const char *process, const char *soft, const char *hard);
void doctor_drop(const char *path);

/* Reads and judges; the gravest verdict. */
enum doctor_verdict doctor_examine(void);

#endif
