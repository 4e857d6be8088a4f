/* Lays out what processes share in another way. */
/* wrap: facts_layout */
#include "master/facts.h"

uint64_t __real_facts_layout(void);
uint64_t __wrap_facts_layout(void);

uint64_t __wrap_facts_layout(void)
{
    return __real_facts_layout() + 1;
}
