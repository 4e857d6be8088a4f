/* Passes its check, and never says as a keeper that it is ready. */
/* wrap: keeper_resume_main */
#include "worker/keeper.h"
#include <unistd.h>
_Noreturn void __wrap_keeper_resume_main(struct shared_pages *pages, unsigned slot, enum keeper_letter letter,
                                         uint32_t generation, uint32_t image, uint32_t descriptor_count);

_Noreturn void __wrap_keeper_resume_main(struct shared_pages *pages, unsigned slot, enum keeper_letter letter,
                                         uint32_t generation, uint32_t image, uint32_t descriptor_count)
{
    (void)pages;
    (void)slot;
    (void)letter;
    (void)generation;
    (void)image;
    (void)descriptor_count;
    for (;;)
        pause();
}
