/*
 * imagefile: copies of programs, as sealed memfds that nobody can change any more.
 *
 * A file on disk may be replaced, or lie on a disk that goes away, between the check of a program and the
 * moment when the last process becomes it. Errors are negative errno.
 */
#ifndef MASTER_IMAGEFILE_H
#define MASTER_IMAGEFILE_H

#include <stddef.h>

enum {
    IMAGEFILE_BYTES_MAX = 256 * 1024 * 1024
}; /* no program of ours; a device without end would fill memory */

/* A copy of the regular, executable file at `path`. Returns its descriptor (the caller's, not close-on-exec),
 * or a negative errno after a sentence in `why`. */
int imagefile_copy(const char *path, char why[], size_t why_size);

#endif
