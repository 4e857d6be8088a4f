/* What loadtool does beside loading: one table of words that may stand first. */
#ifndef LOADTOOL_SUBCOMMAND_H
#define LOADTOOL_SUBCOMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is the first argument a subcommand? Then `exit_code` is what came of it. */
bool subcommand_run(int argc, char **argv, int *exit_code);

/* The name of the one at that place of the table, NULL past the end; and its sentence. */
const char *subcommand_name(size_t index);
const char *subcommand_sentence(size_t index);

/* A line each, for --help. */
void subcommand_write_names(FILE *out);

#endif
