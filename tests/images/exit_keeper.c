/* Passes its check, and exits as a keeper. */
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
    _exit(3);
}
