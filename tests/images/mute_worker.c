/* Its keepers are good; its workers never serve. */
/* wrap: worker_main */
#include "worker/worker.h"
#include <unistd.h>
_Noreturn void __wrap_worker_main(struct shared_pages *pages, unsigned slot, uint32_t generation);

_Noreturn void __wrap_worker_main(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    (void)pages;
    (void)slot;
    (void)generation;
    for (;;)
        pause();
}
