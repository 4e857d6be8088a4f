/*
 * The command line: one table of options (name, unit, range, default, sentence), from which argp makes
 * --help.
 *
 * A wrong value is one line on stderr: option, value, what is accepted.
 */
#ifndef LOADTOOL_OPTIONS_H
#define LOADTOOL_OPTIONS_H

#include <stdio.h>

#include "loadtool/settings.h"

/*
 * Parse the arguments into `settings`, with every default filled in. 0, or -EINVAL after a line on stderr. As
 * argp does, --help and --version print and exit with 0, an unknown option exits with 2. The settings point
 * into argv.
 */
int options_parse(int argc, char **argv, struct settings *settings);

/* Write the command that repeats the run: the arguments, quoted for a shell, and the seed. */
void options_write_command(FILE *out, int argc, char **argv, uint64_t seed);

#endif
