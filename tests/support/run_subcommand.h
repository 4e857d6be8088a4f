/*
 * A subcommand in this process, as if it had been called: its words, its exit code, what it said.
 *
 * One at a time. Whatever fails, fails the test.
 */
#ifndef TESTS_SUPPORT_RUN_SUBCOMMAND_H
#define TESTS_SUPPORT_RUN_SUBCOMMAND_H

#include <stdio.h>

/* What the last one said: on stdout, unless that was a file of the test's own; on stderr. */
extern char said[65536], complained[8192];

typedef int subcommand(int argc, char **argv);

/* Its exit code with these words behind its name; NULL ends them. Standard output goes to `out`. */
int run_subcommand_to(FILE *out, subcommand *run, const char *name, const char *const words[]);

/* The same; standard output is `said`. */
int run_subcommand(subcommand *run, const char *name, const char *const words[]);

#endif
