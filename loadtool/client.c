#include "loadtool/client_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/payload.h"

/* -- the world -- */

int client_world_init(struct client_world *world, enum oracle_check check)
{
    oracle_init(&world->oracle, check, world->dialogue);
    world->free_blocks = NULL;
    world->first = NULL;
    world->departed_count = world->diagnoses = 0;
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

static void join(struct client *client)
{
    struct client_world *world = client->world;

    client->next = world->first;
    if (world->first != NULL)
        world->first->previous = client;
    world->first = client;
}

static void depart(struct client *client)
{
    struct client_world *world = client->world;

    if (client->previous != NULL)
        client->previous->next = client->next;
    else if (world->first == client)
        world->first = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    client->next = client->previous = NULL;
    world->departed[world->departed_count++ % LIMIT_DEPARTED_CLIENTS] =
        (struct client_departed){.serial = client->serial,
                                 .key = client->key,
                                 .answered = client->answered,
                                 .reply_end = client->reply_end};
}

/* -- the beginning -- */

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
    if (client->world->connects != NULL)
        histogram_record(client->world->connects, client_waited_ns(client, uv_hrtime()));
    client->since_ns = 0;
    client->world->tally->opened++;
    client_read(client);
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
        client_fail_with(client, WHERE_CONNECT, status);
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
    depart(client);
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
    if (rc == 0 && client->world->source != NULL)
        rc = source_bind(client->world->source, fd, client->serial);
    if (rc == 0)
        rc = prepare(client, fd);
    if (rc == 0)
        rc = uv_tcp_connect(&client->connecting, &client->handle.tcp, &target->address.any, on_connected);
    if (rc < 0)
        client_fail_with(client, WHERE_CONNECT, rc);
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
        client_fail_with(client, WHERE_CONNECT, rc);
        return;
    }
    begin(client);
}

void client_open(struct client *client, struct client_world *world, const struct client_events *events,
                 uint64_t serial)
{
    void *owner = client->owner;
    const char *group = client->group;

    memset(client, 0, sizeof(*client));
    client->owner = owner;
    client->group = group;
    client->world = world;
    client->events = events;
    client->state = CLIENT_CONNECTING;
    client->serial = serial;
    client->key = payload_key(world->seed, client->serial);
    client->message_end = dialogue_message(world->dialogue, client->key, 0).reply_bytes;
    client->send_limit = CLIENT_NO_LIMIT;
    client->since_ns = uv_hrtime();
    client->connecting.data = client;
    join(client);
    if (world->target->address.any.sa_family == AF_UNIX)
        open_unix(client);
    else
        open_tcp(client);
}

/* -- the end -- */

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    client_return_block(client);
    depart(client);
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
    if (!client->is_lenient)
        client_note(client, fault, where, what);
    client->world->tally->failed += !client->was_opened;
    client_close(client);
    client->events->ended(client, fault, where);
}

/* A failure that libuv reports: a negative errno. */
void client_fail_with(struct client *client, enum where where, int error)
{
    if (client->is_shut)
        where = WHERE_HALFCLOSE;
    client_fail(client, tally_classify(-error), where, uv_strerror(error));
}

/* -- looking at it -- */

bool client_is_waiting(const struct client *client)
{
    return client->state == CLIENT_OPEN && client->answered < client->reply_end;
}

uint64_t client_outstanding_count(const struct client *client)
{
    return client->begun_count - client->answered_count;
}

int client_tcp_state(const struct client *client)
{
    struct tcp_info info;
    socklen_t length = sizeof(info);
    int fd = -1;

    if (uv_fileno(&client->handle.any, &fd) < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return 0;
    return info.tcpi_state;
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
