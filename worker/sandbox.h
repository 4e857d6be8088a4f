/*
 * sandbox: what a worker may do no more once it deals with what clients have sent.
 *
 * Steps, in the order in which they are taken; each says what became of it:
 *
 *     pages         the shared pages are read only to the worker, but for its own half of its board, its own journal
 *                   and the loads; the other journals it cannot read
 *     rlimits       RLIMIT_NPROC 0: no process; RLIMIT_FSIZE 0: no byte into a file (not with core dumps allowed)
 *     user          --user, --group: other ids, no other groups
 *     no_new_privs  no program that it could execute would gain a privilege; the next two ask for it
 *     landlock      no file, no TCP port to bind or connect to, no signal beyond the worker (as far as the kernel knows)
 *     seccomp       an allow-list of system calls; any other one raises SIGSYS, which is a crash like any other
 *
 * seccomp comes last, since its list has none of the calls that the others are made by. All of it comes before recovery:
 * a worker's predecessor may have been somebody else's for its last moments, and what it left in the table and on its
 * half of the board is the first thing that recovery reads.
 *
 * The list is compiled once by libseccomp, in the process that makes keepers or is about to (sandbox_prepare()); a
 * worker, which inherits it, only hands it to the kernel. Keepers, supervisor and master are never confined: none of it
 * could be widened again, and it outlives execve(2).
 *
 * Sources: seccomp(2), landlock(7), prctl(2) on PR_SET_NO_NEW_PRIVS, setrlimit(2).
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include "worker/board.h"
#include <stddef.h>

enum sandbox_step {
    SANDBOX_PAGES,
    SANDBOX_RLIMITS,
    SANDBOX_USER,
    SANDBOX_NO_NEW_PRIVS,
    SANDBOX_LANDLOCK,
    SANDBOX_SECCOMP,
    SANDBOX_STEP_COUNT
};

enum sandbox_result {
    SANDBOX_LEFT_OUT,    /* nobody asked for it */
    SANDBOX_APPLIED,     /* and cannot be undone */
    SANDBOX_UNSUPPORTED, /* this kernel, or what surrounds us, has no such thing */
    SANDBOX_FAILED,
};

/* What became of all steps, in one word, so that it can be compared and told from a board. 0: no worker has said. */
#define SANDBOX_TOLD ((uint32_t)1 << 31)

static inline enum sandbox_result sandbox_result_of(uint32_t outcome, enum sandbox_step step)
{
    return (enum sandbox_result)(outcome >> (2 * step) & 3);
}

/* The highest version of Landlock's rules that is used; 0: none. */
static inline unsigned sandbox_landlock_abi(uint32_t outcome)
{
    return outcome >> 16 & 0xff;
}

static inline enum sandbox_mode sandbox_mode_of(uint32_t outcome)
{
    return (enum sandbox_mode)(outcome >> 24 & 3);
}

const char *sandbox_step_name(enum sandbox_step step);
const char *sandbox_result_name(enum sandbox_result result);
const char *sandbox_mode_name(enum sandbox_mode mode);

/* "off", "log" or "on". -EINVAL: none of them, and *mode is untouched. */
int sandbox_mode_parse(const char *word, enum sandbox_mode *mode);

/* Why no worker of this program, as it was built and started, can be confined; NULL: it can. Sanitizers, valgrind and
 * libraries that were put before ours make system calls of their own. */
const char *sandbox_unfit(void);

/* Compiles the list for that mode, for the workers that come of this process. For processes that may open a descriptor.
 * What goes wrong is what the workers will say of their step. */
void sandbox_prepare(enum sandbox_mode mode);

/* Puts the rules of Landlock into the table of a slot, whose workers take none of its free numbers then. */
void sandbox_prepare_table(void);

/* Confines the calling process, a slot's worker, by the plan. Returns the outcome with SANDBOX_TOLD; 0: ids could not be
 * changed as asked for, so that nothing may be served. */
uint32_t sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan, bool core);

/* The name of a system call, or its number if it has none that is known. */
void sandbox_call_name(int number, char out[], size_t size);

#endif
