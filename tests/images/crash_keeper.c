/* Passes its check, and crashes as a keeper. */
/* wrap: keeper_resume_main */
#include "worker/keeper.h"
#include <stdlib.h>
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
    abort();
}
