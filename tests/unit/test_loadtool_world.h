/*
 * What tests of clients begin with: a world of clients whose target is the server of the test
 * (test_loadtool_server.h). The caller owns every part, and initialises loop and world.
 */
#ifndef TEST_LOADTOOL_WORLD_H
#define TEST_LOADTOOL_WORLD_H

#include "loadtool/client.h"
#include "tests/unit/test_loadtool_server.h"

/* Messages are of 100 bytes. */
static inline void world_make(struct client_world *world, const struct server *server, uv_loop_t *loop,
                              struct target *target, struct dialogue *dialogue, struct tally *tally)
{
    target->length = sizeof(target->address.v4);
    target->address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(server->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    dialogue_set_size(dialogue, 100);
    *world = (struct client_world){
        .loop = loop, .target = target, .seed = 5, .dialogue = dialogue, .tally = tally};
}

#endif
