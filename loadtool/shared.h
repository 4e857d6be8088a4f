/*
 * Memory that this process and its children both see: one memfd, mapped, full of zeros.
 *
 * The descriptor is close-on-exec; a child has the memory when its spawn hands the descriptor on, and maps it
 * there. Source: memfd_create(2).
 */
#ifndef LOADTOOL_SHARED_H
#define LOADTOOL_SHARED_H

#include <stddef.h>

struct shared {
    void *at; /* owned; NULL = none */
    size_t bytes;
    int fd; /* owned, if there is memory */
};

/* Make the memory. Negative errno, and then there is none. */
int shared_make(struct shared *shared, const char *name, size_t bytes);

/* Harmless without memory. */
void shared_free(struct shared *shared);

/* In a child: the memory behind a descriptor that it was given. NULL on failure. Never unmapped. */
void *shared_map(int fd, size_t bytes);

#endif
