#include "master/facts.h"
#include "master/pidfile.h"
#include "master/reactor_state.h"
#include "worker/image.h"
#include <string.h>

void facts_write(struct shared_pages *pages, const struct service_facts *facts)
{
    memcpy(pages->orders.facts, facts, sizeof *facts);
}

void facts_read(struct shared_pages *pages, struct service_facts *facts)
{
    memcpy(facts, pages->orders.facts, sizeof *facts);
}

void facts_tidy_up(const struct service_facts *facts)
{
    control_socket_remove(&facts->setup.control);
    listener_remove_path(&facts->listener);
    struct options options;
    options_unpack(&options, &facts->options);
    pidfile_remove(options.pid_file);
}

uint64_t facts_layout(void)
{
    return image_layout(sizeof(struct supervisor_memory) * 65536 + sizeof(struct service_facts));
}
