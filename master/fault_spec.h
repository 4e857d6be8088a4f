/*
 * fault_spec: the text of a trial's faults, as people write it, becomes a plan (worker/fault_plan.h). Pure.
 *
 *     CALL:WHAT:1/N[,...][,seed=N][@WHO]
 *
 *     CALL   a name of worker/faults.def; recv: peek, take and discard
 *     WHAT   an errno (EMFILE), short (fewer bytes than asked), short=BYTES (so many at most), delay=MS, die (SIGKILL)
 *     1/N    one call of N, at random
 *     seed   of that chance; 1 where none is given
 *     WHO    a slot: its worker and its keepers; or worker, keeper, supervisor. Holds for the whole text.
 *
 * What could never strike (a call that nobody of WHO makes, short where no bytes move) is refused, and so is an EAGAIN
 * where the server then rightly waits for an event that only the kernel can keep.
 */
#ifndef MASTER_FAULT_SPEC_H
#define MASTER_FAULT_SPEC_H

#include "worker/fault_plan.h"

enum { FAULT_WHY_SIZE = 256 };

/* 0; or -EINVAL, *plan is undefined and `why` names the part that is not understood, and what is accepted. */
int fault_spec_parse(struct fault_plan *plan, const char *spec, char why[FAULT_WHY_SIZE]);

#endif
