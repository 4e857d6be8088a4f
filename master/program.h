/*
 * program: where this program was started from, as an operator would say it: the place where the next version
 * of it will lie.
 *
 * Not what it was found to be (/proc/self/exe follows links): `current/prefork-upper` may be another file
 * tomorrow.
 */
#ifndef MASTER_PROGRAM_H
#define MASTER_PROGRAM_H

#include <stddef.h>

/* The absolute path of the program called as `name` (argv[0]): below the current folder, or found in PATH as
 * execvp(3) does; what /proc says where that fails. Empty: it cannot be told, or does not fit. */
void program_path(const char *name, char out[], size_t size);

#endif
