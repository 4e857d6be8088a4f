/*
 * config: the configuration file, read into options.
 *
 * INI as inih reads it: "name = value" a line, # and ; begin a comment line, " ;" one behind a value. The
 * names are those of the long options. They stand at the top or below a heading [prefork-upper]; any other
 * heading is an error, and so is whatever else a program could misunderstand in silence: a name twice, a
 * line that is too long for inih, a NUL byte. A value is as on the command line; a flag takes on or off.
 *
 * Never blocks: only a regular file is read. Called by the master before the start, and by the supervisor.
 */
#ifndef MASTER_CONFIG_H
#define MASTER_CONFIG_H

#include "master/options.h"

#include <stddef.h>

#define CONFIG_BYTES_MAX 65536 /* a larger file is none of ours */

/* Sets the options that the file holds; options->texts must be NULL and owns their texts afterwards. 0, or
 * -EINVAL and one line in `error` that names file, line, option, value and what is accepted; *options is
 * undefined then, but for options->texts, which is NULL. */
int config_read(struct options *options, const char *path, char error[], size_t error_size);

#endif
