/* What the three files of client.h share, and nobody else: client.c (life), client_send.c, client_receive.c.
 */
#ifndef LOADTOOL_CLIENT_PARTS_H
#define LOADTOOL_CLIENT_PARTS_H

#include "loadtool/client.h"
#include "loadtool/limits.h"

/* One refused piece of a stream on its way; kept in the world's pool between its uses. */
struct client_block {
    struct client_block *next;
    uint8_t bytes[LIMIT_BLOCK_BYTES];
};

/* Fail with what libuv reported: a negative errno. */
void client_fail_with(struct client *client, enum where where, int error);

/* Read from now on. */
void client_read(struct client *client);

/* Send what was begun, as far as the kernel takes it. */
void client_pump(struct client *client);

/* Give the block back to the pool, if the client has one. */
void client_return_block(struct client *client);

#endif
