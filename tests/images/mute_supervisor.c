/* Good in every process but the supervisor, the last one to be made, which does nothing. */
/* wrap: reactor_main */
#include "master/reactor.h"
#include <unistd.h>

_Noreturn void __wrap_reactor_main(const struct service_setup *setup, uint32_t generation);

_Noreturn void __wrap_reactor_main(const struct service_setup *setup, uint32_t generation)
{
    (void)setup;
    (void)generation;
    for (;;)
        pause();
}
