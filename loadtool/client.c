#include "loadtool/client.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/payload.h"
#include "loadtool/prng.h"

struct client_block {
    struct client_block *next;
    uint8_t bytes[LIMIT_BLOCK_BYTES];
};

static void pump(struct client *client);

/* -- the world
 * ----------------------------------------------------------------------------------------------- */

int client_world_init(struct client_world *world, enum oracle_check check)
{
    oracle_init(&world->oracle, check);
    world->free_blocks = NULL;
    world->in = malloc(LIMIT_PIECE_BYTES);
    world->out = malloc(LIMIT_PIECE_BYTES);
    if (world->in != NULL && world->out != NULL)
        return 0;
    client_world_free(world);
    return -ENOMEM;
}

void client_world_free(struct client_world *world)
{
    while (world->free_blocks != NULL) {
        struct client_block *block = world->free_blocks;
        world->free_blocks = block->next;
        free(block);
    }
    free(world->in);
    free(world->out);
    world->in = world->out = NULL;
}

static struct client_block *take_block(struct client_world *world)
{
    struct client_block *block = world->free_blocks;

    if (block == NULL)
        return malloc(sizeof(*block));
    world->free_blocks = block->next;
    return block;
}

static void give_block_back(struct client *client)
{
    if (client->block == NULL)
        return;
    client->block->next = client->world->free_blocks;
    client->world->free_blocks = client->block;
    client->block = NULL;
}

/* -- the end
 * --------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    give_block_back(client);
    client->state = CLIENT_FREE;
    client->world->tally->ended += client->was_opened;
    client->events->closed(client);
}

void client_close(struct client *client)
{
    if (client->state != CLIENT_CONNECTING && client->state != CLIENT_OPEN)
        return;
    client->silence_ns = client_silence_ns(client, uv_hrtime());
    client->since_ns = 0;
    client->state = CLIENT_CLOSING;
    uv_close(&client->handle.any, on_closed);
}

void client_reset(struct client *client)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = -1;

    /* Not uv_tcp_close_reset: it refuses after uv_shutdown. */
    if (uv_fileno(&client->handle.any, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client_close(client);
}

void client_note(struct client *client, enum fault fault, enum where where, const char *what)
{
    double after_s = (double)(uv_hrtime() - client->world->begin_ns) / 1e9;

    tally_note(client->world->tally, fault, where,
               "connection %" PRIu64 " (%s), %.3f s after the start, %" PRIu64 " of %" PRIu64
               " bytes answered: %s",
               client->serial, client->group, after_s, client->answered, client->sent, what);
}

void client_fail(struct client *client, enum fault fault, enum where where, const char *what)
{
    if (client->state != CLIENT_CONNECTING && client->state != CLIENT_OPEN)
        return;
    client_note(client, fault, where, what);
    client->world->tally->failed += !client->was_opened;
    client_close(client);
    client->events->ended(client, fault, where);
}

/* A failure that libuv reports: a negative errno. */
static void fail_with(struct client *client, enum where where, int error)
{
    if (client->is_shut)
        where = WHERE_HALFCLOSE;
    client_fail(client, tally_classify(-error), where, uv_strerror(error));
}

/* -- receiving
 * --------------------------------------------------------------------------------------------------- */

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)client->world->in, LIMIT_PIECE_BYTES);
}

static void note_wrong(struct client *client, const uint8_t *got, size_t length, size_t first_wrong)
{
    struct tally_wrong *first = &client->world->tally->first_wrong;

    client_note(client, FAULT_WRONG, WHERE_REPLY, "a reply byte is not what it must be");
    if (first->is_set)
        return;
    first->is_set = true;
    first->connection = client->serial;
    first->offset = client->answered + first_wrong;
    first->count = length - first_wrong < TALLY_SHOWN_BYTES ? length - first_wrong : TALLY_SHOWN_BYTES;
    oracle_expect(&client->world->oracle, client->key, first->offset, first->expected, first->count);
    memcpy(first->got, got + first_wrong, first->count);
}

static void compare(struct client *client, const uint8_t *got, size_t length)
{
    struct tally *tally = client->world->tally;
    struct oracle_finding finding =
        oracle_compare(&client->world->oracle, client->key, client->answered, got, length);

    tally->bytes_right += length - finding.wrong_count;
    tally->differs_from_request = tally->differs_from_request || !finding.is_echo;
    if (finding.wrong_count == 0)
        return;
    tally->wrong_bytes += finding.wrong_count;
    note_wrong(client, got, length, finding.first_wrong);
}

/* Compare what came up to the end of the oldest unanswered message; true if that message is whole now. */
static bool take_part(struct client *client, const uint8_t **got, size_t *length)
{
    uint64_t rest = client->message_end - client->answered;
    size_t part = rest < *length ? (size_t)rest : *length;
    uint64_t wrong_before = client->world->tally->wrong_bytes;

    compare(client, *got, part);
    client->is_spoilt = client->is_spoilt || client->world->tally->wrong_bytes != wrong_before;
    client->answered += part;
    *got += part;
    *length -= part;
    return client->answered == client->message_end;
}

static void take(struct client *client, const uint8_t *got, size_t length)
{
    uint64_t count = 0;
    uint64_t right = 0;

    while (length > 0 && client->answered < client->sent) {
        uint64_t sent = client->sent - client->answered;
        size_t known = sent < length ? (size_t)sent : length;
        size_t left = known;
        if (take_part(client, &got, &left)) {
            count++;
            right += !client->is_spoilt;
            client->is_spoilt = false;
            client->message_end += client->world->size_bytes;
        }
        length -= known - left;
    }
    if (length > 0) {
        client->world->tally->extra_bytes += length;
        client_note(client, FAULT_EXTRA, WHERE_REPLY, "bytes came that nobody asked for");
    }
    client->world->tally->messages_right += right;
    if (count > 0)
        client->events->answered(client, count, right);
}

static void take_end(struct client *client)
{
    uint64_t missing = client->send_end - client->answered;

    if (!client->is_shut) {
        client_fail(client, FAULT_CLOSED, WHERE_REPLY, "the server closed the connection");
    } else if (missing > 0) {
        client->world->tally->missing_bytes += missing;
        client_fail(client, FAULT_MISSING, WHERE_HALFCLOSE, "FIN came before the last reply bytes");
    } else {
        client->silence_ns = client_silence_ns(client, uv_hrtime());
        client->since_ns = 0;
        client->events->finished(client);
    }
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = stream->data;

    if (length == 0 || client->state != CLIENT_OPEN)
        return;
    if (length == UV_EOF) {
        take_end(client);
        return;
    }
    if (length < 0) {
        fail_with(client, WHERE_REPLY, (int)length);
        return;
    }
    uint64_t now_ns = uv_hrtime();
    client->silence_ns = client_silence_ns(client, now_ns);
    /* A half-closed client waits for the FIN too. */
    client->since_ns = client->answered + (uint64_t)length < client->send_end || client->is_shut ? now_ns : 0;
    client->world->now_ns = now_ns;
    take(client, (const uint8_t *)buffer->base, (size_t)length);
}

/* -- sending
 * ------------------------------------------------------------------------------------------------------ */

static void on_written(uv_write_t *request, int status)
{
    struct client *client = request->data;

    give_block_back(client);
    if (client->state != CLIENT_OPEN)
        return;
    if (status < 0)
        fail_with(client, WHERE_SEND, status);
    else
        pump(client);
}

/* The kernel takes no more: leave one block to libuv, which sends it when there is room. */
static int queue_block(struct client *client)
{
    uint64_t rest = client->send_end - client->sent;
    size_t length = rest < LIMIT_BLOCK_BYTES ? (size_t)rest : LIMIT_BLOCK_BYTES;

    client->block = take_block(client->world);
    if (client->block == NULL)
        return -ENOMEM;
    payload_fill(client->key, client->sent, client->block->bytes, length);
    uv_buf_t buffer = uv_buf_init((char *)client->block->bytes, (unsigned)length);
    client->writing.data = client;
    int rc = uv_write(&client->writing, &client->handle.stream, &buffer, 1, on_written);
    if (rc < 0) {
        give_block_back(client);
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
    size_t piece = (size_t)prng_range(key, client->sent, 1, 4 + client->world->size_bytes / 2);
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
    uint64_t rest = client->send_end - client->sent;
    size_t length = rest < LIMIT_PIECE_BYTES ? (size_t)rest : LIMIT_PIECE_BYTES;

    payload_fill(client->key, client->sent, client->world->out, length);
    if (client->is_urgent)
        return send_urgent(client, length);
    uv_buf_t buffer = uv_buf_init((char *)client->world->out, (unsigned)length);
    return uv_try_write(&client->handle.stream, &buffer, 1);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct client *client = request->data;

    if (status < 0 && client->state == CLIENT_OPEN)
        fail_with(client, WHERE_HALFCLOSE, status);
}

static void shut_now(struct client *client)
{
    client->fin_begun = true;
    client->shutting.data = client;
    int rc = uv_shutdown(&client->shutting, &client->handle.stream, on_shut);
    if (rc < 0)
        fail_with(client, WHERE_HALFCLOSE, rc);
}

static void pump(struct client *client)
{
    while (client->block == NULL && client->sent < client->send_end) {
        ssize_t sent = send_piece(client);
        if (sent > 0) {
            client->sent += (uint64_t)sent;
            client->world->tally->bytes_sent += (uint64_t)sent;
            continue;
        }
        if (sent == -EAGAIN)
            sent = queue_block(client);
        if (sent < 0) {
            fail_with(client, WHERE_SEND, (int)sent);
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
    client->send_end += count * client->world->size_bytes;
    client->world->tally->messages_sent += count;
    pump(client);
}

void client_shut(struct client *client)
{
    if (client->state != CLIENT_OPEN || client->is_shut)
        return;
    client->is_shut = true;
    if (client->since_ns == 0)
        client->since_ns = uv_hrtime();
    pump(client);
}

void client_pause(struct client *client)
{
    if (client->state != CLIENT_OPEN)
        return;
    uv_read_stop(&client->handle.stream);
    client->is_paused = true;
    client->since_ns = 0;
}

void client_resume(struct client *client)
{
    if (client->state != CLIENT_OPEN || !client->is_paused)
        return;
    client->is_paused = false;
    if (client_is_waiting(client) || client->is_shut)
        client->since_ns = uv_hrtime();
    uv_read_start(&client->handle.stream, on_buffer, on_read);
}

/* -- the beginning
 * ------------------------------------------------------------------------------------------------ */

/*
 * The port of a dead server may lie in the range that the kernel takes local ports from: then a connect can
 * meet itself and would be answered by itself.
 */
static bool is_connected_to_itself(struct client *client)
{
    struct target own = {.length = sizeof(own.address)};
    const struct target *peer = client->world->target;
    int length = (int)sizeof(own.address);

    if (peer->address.any.sa_family == AF_UNIX)
        return false;
    if (uv_tcp_getsockname(&client->handle.tcp, &own.address.any, &length) < 0)
        return false;
    return (socklen_t)length == peer->length && memcmp(&own.address, &peer->address, peer->length) == 0;
}

static void begin(struct client *client)
{
    client->state = CLIENT_OPEN;
    client->was_opened = true;
    client->since_ns = 0;
    client->world->tally->opened++;
    uv_read_start(&client->handle.stream, on_buffer, on_read);
    if (client->events->opened != NULL)
        client->events->opened(client);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct client *client = request->data;

    if (client->state != CLIENT_CONNECTING)
        return;
    if (status == 0 && is_connected_to_itself(client))
        status = UV_ECONNREFUSED;
    if (status < 0)
        fail_with(client, WHERE_CONNECT, status);
    else
        begin(client);
}

/* No handle was made: there is nothing to close. */
static void fail_unborn(struct client *client, int error)
{
    client_note(client, tally_classify(-error), WHERE_CONNECT, uv_strerror(error));
    client->world->tally->failed++;
    client->state = CLIENT_FREE;
    client->since_ns = 0;
    client->events->ended(client, tally_classify(-error), WHERE_CONNECT);
    client->events->closed(client);
}

static int prepare(struct client *client, int fd)
{
    return client->events->prepare == NULL ? 0 : client->events->prepare(client, fd);
}

static void open_tcp(struct client *client)
{
    const struct target *target = client->world->target;
    int fd = -1;

    /* The socket is made now, not at connect, so that options can be set before the handshake. */
    int rc = uv_tcp_init_ex(client->world->loop, &client->handle.tcp, target->address.any.sa_family);
    if (rc < 0) {
        fail_unborn(client, rc);
        return;
    }
    client->handle.any.data = client;
    rc = uv_fileno(&client->handle.any, &fd);
    if (rc == 0)
        rc = uv_tcp_nodelay(&client->handle.tcp, 1);
    if (rc == 0)
        rc = prepare(client, fd);
    if (rc == 0)
        rc = uv_tcp_connect(&client->connecting, &client->handle.tcp, &target->address.any, on_connected);
    if (rc < 0)
        fail_with(client, WHERE_CONNECT, rc);
}

/* libuv knows no abstract names, and takes EAGAIN (the accept queue is full) for good: so connect here, then
 * hand it over. A UNIX connect is done at once or not at all. */
static void open_unix(struct client *client)
{
    const struct target *target = client->world->target;

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail_unborn(client, -errno);
        return;
    }
    int rc = prepare(client, fd);
    if (rc == 0 && connect(fd, &target->address.any, target->length) < 0)
        rc = -errno;
    if (rc == 0)
        rc = uv_pipe_init(client->world->loop, &client->handle.pipe, 0);
    if (rc < 0) {
        close(fd);
        fail_unborn(client, rc);
        return;
    }
    client->handle.any.data = client;
    rc = uv_pipe_open(&client->handle.pipe, fd);
    if (rc < 0) {
        close(fd);
        fail_with(client, WHERE_CONNECT, rc);
        return;
    }
    begin(client);
}

void client_open(struct client *client, struct client_world *world, const struct client_events *events)
{
    void *owner = client->owner;
    const char *group = client->group;

    memset(client, 0, sizeof(*client));
    client->owner = owner;
    client->group = group;
    client->world = world;
    client->events = events;
    client->state = CLIENT_CONNECTING;
    client->serial = world->next_serial++;
    client->key = payload_key(world->seed, client->serial);
    client->message_end = world->size_bytes;
    client->since_ns = uv_hrtime();
    client->connecting.data = client;
    if (world->target->address.any.sa_family == AF_UNIX)
        open_unix(client);
    else
        open_tcp(client);
}

/* -- looking at it
 * -------------------------------------------------------------------------------------------- */

bool client_is_waiting(const struct client *client)
{
    return client->state == CLIENT_OPEN && client->answered < client->send_end;
}

int client_unread_bytes(struct client *client)
{
    int bytes = 0;
    int fd = -1;

    if (uv_fileno(&client->handle.any, &fd) < 0 || ioctl(fd, FIONREAD, &bytes) < 0)
        return 0;
    return bytes;
}

uint64_t client_waited_ns(const struct client *client, uint64_t now_ns)
{
    return client->since_ns == 0 || now_ns < client->since_ns ? 0 : now_ns - client->since_ns;
}

uint64_t client_silence_ns(const struct client *client, uint64_t now_ns)
{
    uint64_t waited = client->state == CLIENT_OPEN ? client_waited_ns(client, now_ns) : 0;

    return waited > client->silence_ns ? waited : client->silence_ns;
}
