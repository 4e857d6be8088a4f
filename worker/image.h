/*
 * image: the program that a process runs, and how a process becomes another image of it without giving up
 * what it holds.
 *
 * The master keeps copies of programs as sealed memfds: the one that runs, and while an upgrade is tried the
 * next one. Each has a number (board.h, struct image_cell). A process becomes one by execve of
 * /proc/MASTER/fd/N: so it needs no descriptor of its own, and what was checked is what runs, whatever has
 * become of the file meanwhile. Descriptors stay open (none of ours is close-on-exec), the table becomes a
 * private copy (execve(2)), and the process number, the parent and the signal mask stay as they were.
 *
 * What a process is to be stands in its first argument: IMAGE_ROLE "keeper:SLOT:LETTER:GENERATION:IMAGE",
 * "worker:SLOT:GENERATION", "master:IMAGE" or "check"; the arguments of the service follow.
 */
#ifndef WORKER_IMAGE_H
#define WORKER_IMAGE_H

#include "worker/board.h"

#include <stddef.h>
#include <stdint.h>

#define IMAGE_ROLE      "--image-role="
#define IMAGE_ROLE_SIZE 64

/* Who this program is: the first bytes of the build id that the linker gave it; 0: it has none. */
uint64_t image_build(void);

/* What must be the same in two images that work on the same pages: a sum over version and sizes of everything
 * that is shared. (Who gives a field another meaning raises BOARD_VERSION.) `memory_bytes`: size of what the
 * supervisor stores, which this layer does not know. */
uint64_t image_layout(size_t memory_bytes);

/* The place (0 or 1) of the image with that number, or -ENOENT. */
int image_find(struct shared_pages *pages, uint32_t number);

/* Becomes that image, with this role and the service's own arguments. Returns only on failure: a negative
 * errno, and nothing has changed. */
int image_exec(struct shared_pages *pages, uint32_t number, const char *role);

/* The same, with path and role as they are to be: `argv` is the service's command line, whose first word
 * gives way to `name` and `role`. Returns only on failure: a negative errno. */
int image_exec_path(const char *path, char *name, char *role, char **argv);

#endif
