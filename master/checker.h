/*
 * checker: is a program fit to take over? A child of the supervisor finds out, so that a slow disk or a
 * program that hangs delays nobody.
 *
 * It copies the file, runs the copy once in the role "check" (image.h) with the service's own arguments, and
 * compares what that prints with this image: what was checked is what will run. A good copy is sent to the
 * master, which keeps it under the number given; the outcome stands in the shared pages (struct check_cell).
 */
#ifndef MASTER_CHECKER_H
#define MASTER_CHECKER_H

#include "worker/board.h"

#include <sys/types.h>

enum { CHECK_RUN_MS_MAX = 5000 /* for one start of a program that prints a line */ };

/* Starts a check. Returns the child's pid, or a negative errno. The caller reaps it; it dies with the caller.
 */
pid_t checker_start(struct shared_pages *pages, const char *path, uint32_t number);

/* What a program in the role "check" prints, and what the checker expects. Returns its length. */
int checker_line(char out[], size_t size);

#endif
