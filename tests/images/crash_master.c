/* Good in every process but the master, which crashes when it has become this image. */
/* wrap: facts_read */
#include "master/facts.h"
#include <stdlib.h>

void __wrap_facts_read(struct shared_pages *pages, struct service_facts *facts);

void __wrap_facts_read(struct shared_pages *pages, struct service_facts *facts)
{
    (void)pages;
    (void)facts;
    abort();
}
