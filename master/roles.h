/*
 * roles: what a process does that has just become another image of the program (worker/image.h).
 *
 * The role is its first argument. It finds everything else in its descriptors and in the shared pages, which
 * it believes only when their layout is its own.
 */
#ifndef MASTER_ROLES_H
#define MASTER_ROLES_H

/* Is that first argument a role? */
int roles_is_one(const char *argument);

/* Plays it, with the service's own command line. Returns an exit code: of a check, of the service that a
 * master has gone on with, or EXIT_USAGE after one line. Keepers and workers do not return. */
int roles_play(const char *argument, int argc, char **argv);

#endif
