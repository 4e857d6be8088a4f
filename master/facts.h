/*
 * facts: what a master must know of its own past when it has become another image of the program.
 *
 * Written to the shared pages by the first master, before any fork, and never changed: what was bound and
 * made at the start, and must be removed at the end. Fixed in size, without pointers that would mean
 * anything to another image.
 */
#ifndef MASTER_FACTS_H
#define MASTER_FACTS_H

#include "master/listener.h"
#include "master/options_pack.h"
#include "master/reactor.h"
#include "worker/board.h"

struct service_facts {
    struct service_setup setup; /* its pointers are the writer's own */
    struct listener listener;
    struct options_packed options; /* of the start */
};

static_assert(sizeof(struct service_facts) <= FACTS_BYTES, "the facts fit their room in the shared pages");

/* Master only, once. */
void facts_write(struct shared_pages *pages, const struct service_facts *facts);

void facts_read(struct shared_pages *pages, struct service_facts *facts);

/* Removes what the start has put into the file system. */
void facts_tidy_up(const struct service_facts *facts);

/* image_layout() of this image: pages, memory and facts. */
uint64_t facts_layout(void);

#endif
