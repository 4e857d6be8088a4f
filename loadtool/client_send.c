/* client.h: what goes, and our FIN. */
#include "loadtool/client_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "loadtool/prng.h"

static struct client_block *take_block(struct client_world *world)
{
    struct client_block *block = world->free_blocks;

    if (block == NULL)
        return malloc(sizeof(*block));
    world->free_blocks = block->next;
    return block;
}

void client_return_block(struct client *client)
{
    if (client->block == NULL)
        return;
    client->block->next = client->world->free_blocks;
    client->world->free_blocks = client->block;
    client->block = NULL;
}

static void on_written(uv_write_t *request, int status)
{
    struct client *client = request->data;

    client_return_block(client);
    if (client->state != CLIENT_OPEN)
        return;
    if (status < 0)
        client_fail_with(client, WHERE_SEND, status);
    else
        client_pump(client);
}

/* Where sending stops for now. */
static uint64_t end_of_sending(const struct client *client)
{
    return client->send_end < client->send_limit ? client->send_end : client->send_limit;
}

/* The kernel takes no more: leave one block to libuv, which sends it when there is room. */
static int queue_block(struct client *client)
{
    uint64_t rest = end_of_sending(client) - client->sent;
    size_t length = rest < LIMIT_BLOCK_BYTES ? (size_t)rest : LIMIT_BLOCK_BYTES;

    client->block = take_block(client->world);
    if (client->block == NULL)
        return -ENOMEM;
    dialogue_fill(client->world->dialogue, client->key, client->sent, client->block->bytes, length);
    uv_buf_t buffer = uv_buf_init((char *)client->block->bytes, (unsigned)length);
    client->writing.data = client;
    int rc = uv_write(&client->writing, &client->handle.stream, &buffer, 1, on_written);
    if (rc < 0) {
        client_return_block(client);
        return rc;
    }
    client->sent += length;
    client->world->tally->bytes_sent += length;
    return 0;
}

/* Send short pieces, every second one as urgent data, whose last byte the kernel marks. libuv cannot do it.
 */
static ssize_t send_urgent(struct client *client, size_t length)
{
    uint64_t key = prng_key(client->world->seed, PRNG_URGENT, client->serial);
    size_t piece =
        (size_t)prng_range(key, client->sent, 1, 4 + dialogue_mean_bytes(client->world->dialogue) / 2);
    int fd = -1;

    int rc = uv_fileno(&client->handle.any, &fd);
    if (rc < 0)
        return rc;
    piece = piece < length ? piece : length;
    int flags = MSG_NOSIGNAL | (prng_at(key, client->sent) >> 63 ? MSG_OOB : 0);
    ssize_t sent = send(fd, client->world->out, piece, flags);
    return sent < 0 ? -errno : sent;
}

/* Give the kernel one piece. Bytes taken, or a negative errno. */
static ssize_t send_piece(struct client *client)
{
    uint64_t rest = end_of_sending(client) - client->sent;
    size_t length = rest < LIMIT_PIECE_BYTES ? (size_t)rest : LIMIT_PIECE_BYTES;

    dialogue_fill(client->world->dialogue, client->key, client->sent, client->world->out, length);
    if (client->is_urgent)
        return send_urgent(client, length);
    uv_buf_t buffer = uv_buf_init((char *)client->world->out, (unsigned)length);
    return uv_try_write(&client->handle.stream, &buffer, 1);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct client *client = request->data;

    if (client->state != CLIENT_OPEN)
        return;
    if (status < 0)
        client_fail_with(client, WHERE_HALFCLOSE, status);
    else if (client->events->shut != NULL)
        client->events->shut(client);
}

static void shut_now(struct client *client)
{
    client->fin_begun = true;
    client->shutting.data = client;
    int rc = uv_shutdown(&client->shutting, &client->handle.stream, on_shut);
    if (rc < 0)
        client_fail_with(client, WHERE_HALFCLOSE, rc);
}

void client_pump(struct client *client)
{
    while (client->block == NULL && client->sent < end_of_sending(client)) {
        ssize_t sent = send_piece(client);
        if (sent > 0) {
            client->sent += (uint64_t)sent;
            client->world->tally->bytes_sent += (uint64_t)sent;
            continue;
        }
        if (sent == -EAGAIN)
            sent = queue_block(client);
        if (sent < 0) {
            client_fail_with(client, WHERE_SEND, (int)sent);
            return;
        }
    }
    if (client->is_shut && !client->fin_begun && client->sent == client->send_end)
        shut_now(client);
}

void client_send(struct client *client, uint64_t count)
{
    if (client->state != CLIENT_OPEN || client->is_shut)
        return;
    if (client->since_ns == 0 && !client->is_paused)
        client->since_ns = uv_hrtime();
    for (uint64_t i = 0; i < count; i++) {
        struct dialogue_message message =
            dialogue_message(client->world->dialogue, client->key, client->begun_count++);
        client->send_end += message.request_bytes;
        client->reply_end += message.reply_bytes;
    }
    client->world->tally->messages_sent += count;
    client_pump(client);
}

void client_limit(struct client *client, uint64_t count)
{
    client->send_limit = count == CLIENT_NO_LIMIT ? count : client->sent + count;
    if (client->state == CLIENT_OPEN)
        client_pump(client);
}

void client_shut(struct client *client)
{
    if (client->state != CLIENT_OPEN || client->is_shut)
        return;
    client->is_shut = true;
    if (client->since_ns == 0)
        client->since_ns = uv_hrtime();
    client_pump(client);
}
