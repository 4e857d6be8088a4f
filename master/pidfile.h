/*
 * pidfile: the file with the master's process number, for those who signal it by file.
 *
 * Holds the number and a newline. It appears whole (written beside, then renamed), is refused where another
 * server of this kind is alive, and at the end is removed only while it still holds the own number. A path
 * that is no regular file (a device, a FIFO, a link), or one that holds something else than a number, is refused and
 * left alone. The master alone calls.
 */
#ifndef MASTER_PIDFILE_H
#define MASTER_PIDFILE_H

#include <stddef.h>

/* Writes the caller's number. -EEXIST: the file names another living prefork-upper; otherwise the negative
 * errno of what failed. On failure `error` holds a sentence and nothing is left behind. */
int pidfile_write(const char *path, char error[], size_t error_size);

/* Would what is there let pidfile_write() put a number in its place? Returns and `error` as above; nothing is
 * written. */
int pidfile_inspect(const char *path, char error[], size_t error_size);

/* Removes the file when it holds the caller's number; silent in all other cases. NULL: nothing. */
void pidfile_remove(const char *path);

#endif
