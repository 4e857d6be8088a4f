/*
 * landlock: the calling process gives up all files, TCP ports, and signals to others, for ever.
 *
 * By raw system calls: there is no wrapper in libc. The rules have versions (ABI), of which a kernel knows all up to its
 * own; what it does not know yet is not asked of it. Sources: landlock(7), include/uapi/linux/landlock.h.
 */
#ifndef WORKER_LANDLOCK_H
#define WORKER_LANDLOCK_H

enum { LANDLOCK_ABI_KNOWN = 6 }; /* the last one that brought something to give up */

/* The version of the rules that is used here, from 1 to LANDLOCK_ABI_KNOWN, or a negative errno: -ENOSYS, -EOPNOTSUPP
 * where there is no Landlock. */
int landlock_abi(void);

/* Rules by which nothing is allowed, as a descriptor, which the caller owns. `abi`: as above. Returns it, or a negative
 * errno. */
int landlock_make_rules(int abi);

/* Confines the calling process by them; what is open stays usable. It must have given up new privileges
 * (PR_SET_NO_NEW_PRIVS). Returns 0 or a negative errno: -EBADF, -EBADFD when it is no such descriptor. */
int landlock_obey(int rules);

#endif
