#include "loadtool/kills.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"

static void done(struct victim *victim, enum plan_took took)
{
    victim->took = took;
    victims_settle(victim, true, 1);
    client_close(&victim->client);
}

static void answered_all(struct victim *victim)
{
    done(victim, TOOK_ANSWERED);
}

/* The proof could not be had: what was meant did not happen. */
static void not_done(struct victim *victim)
{
    victims_settle(victim, false, 1);
    client_close(&victim->client);
}

/* Does the kernel hold the connection for one that a RST can end? (A UNIX socket has no such state.) */
static bool is_connected(const struct victim *victim)
{
    int state = client_tcp_state(&victim->client);

    return victim->client.state == CLIENT_OPEN &&
           (victim->client.world->target->address.any.sa_family == AF_UNIX || state == TCP_ESTABLISHED ||
            state == TCP_CLOSE_WAIT || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2);
}

/* RST, if there is something to reset. */
static void reset(struct victim *victim)
{
    if (victim->client.state != CLIENT_OPEN)
        return;
    if (!is_connected(victim)) {
        not_done(victim);
        return;
    }
    victims_settle(victim, true, 1);
    client_reset(&victim->client);
}

/* A mode that needs a request on its way. */
static void ask_if_idle(struct victim *victim)
{
    if (!client_is_waiting(&victim->client))
        victims_send(victim, 1);
}

/* -- fin -- */

static void close_if_idle(struct victim *victim)
{
    if (victim->client.state == CLIENT_OPEN && !client_is_waiting(&victim->client))
        done(victim, TOOK_ANSWERED);
}

/* -- rst -- */

static void reset_while_asking(struct victim *victim)
{
    ask_if_idle(victim);
    reset(victim);
}

/* -- unread -- */

static void ask_and_look_away(struct victim *victim)
{
    client_pause(&victim->client);
    ask_if_idle(victim);
}

static void close_on_unread(struct victim *victim)
{
    if (client_unread_bytes(&victim->client) > 0)
        done(victim, TOOK_UNSEEN);
}

/* -- halfclose -- */

static void ask_and_shut(struct victim *victim)
{
    const struct client_world *world = victim->client.world;
    uint64_t key = prng_key(world->seed, PRNG_DEATH, victim->client.serial);

    victims_send(victim, prng_range(key, 0, 1, LIMIT_HALFCLOSE_MESSAGES));
    client_shut(&victim->client);
}

/* -- slowread -- */

/* After the first reply: ask for much, and read nothing till the end of this life. */
static void pile_up(struct victim *victim)
{
    uint64_t count = LIMIT_SLOWREAD_BYTES / dialogue_mean_bytes(victim->client.world->dialogue);

    if (victim->client.is_paused)
        return;
    count = count < 1 ? 1 : count > LIMIT_SLOWREAD_MESSAGES ? LIMIT_SLOWREAD_MESSAGES : count;
    client_pause(&victim->client);
    victims_send(victim, count);
}

/* Its time is over, but it goes on not reading till all is sent or the server takes no more. */
static void read_when_piled(struct victim *victim)
{
    const struct client *client = &victim->client;

    if (!client->is_paused)
        return;
    if (victim->reads == 0 && client->sent != victim->sent_before) {
        victim->sent_before = client->sent;
        victim->moved_ns = uv_hrtime();
    }
    bool is_still = uv_hrtime() - victim->moved_ns > LIMIT_SLOWREAD_STILL_MS * NS_PER_MS;
    if (victim->reads == 0 && client->sent < client->send_end && !is_still)
        return;
    client_resume(&victim->client);
}

/* Its time may be over before its first reply came: then the pile is yet to be made. */
static void pile_up_or_read(struct victim *victim)
{
    if (victim->client.is_paused)
        read_when_piled(victim);
    else
        pile_up(victim);
}

/* One reply a tick for a while, then as fast as they come. */
static void pause_after_reply(struct victim *victim)
{
    victim->moved_ns = uv_hrtime();
    if (client_is_waiting(&victim->client) && victim->reads++ < LIMIT_SLOWREAD_REPLIES)
        client_pause(&victim->client);
    else
        close_if_idle(victim);
}

/* -- oob -- */

static void send_urgently(struct victim *victim)
{
    victim->client.is_urgent = true;
}

/* -- rst-unspec -- */

static void disconnect_while_asking(struct victim *victim)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int fd = -1;

    ask_if_idle(victim);
    if (victim->client.state != CLIENT_OPEN)
        return;
    bool was_connected = is_connected(victim);
    if (was_connected && uv_fileno(&victim->client.handle.any, &fd) == 0 &&
        connect(fd, &nobody, sizeof(nobody)) == 0 && client_tcp_state(&victim->client) == TCP_CLOSE)
        done(victim, TOOK_UNSEEN);
    else
        not_done(victim);
}

/* -- halfclose-rst -- */

static void ask_and_shut_unread(struct victim *victim)
{
    client_pause(&victim->client);
    ask_if_idle(victim);
    client_shut(&victim->client);
}

/* -- midcut -- */

static void cut_when_half_is_sent(struct victim *victim)
{
    if (victim->client.state == CLIENT_OPEN && victim->client.sent == victim->client.send_limit)
        reset(victim);
}

static void send_half(struct victim *victim)
{
    struct client *client = &victim->client;
    uint64_t bytes =
        dialogue_message(client->world->dialogue, client->key, client->begun_count).request_bytes;

    if (bytes < 2) {
        not_done(victim); /* a byte has no middle */
        return;
    }
    client_limit(client, client->send_end - client->sent + bytes / 2);
    victims_send(victim, 1);
    cut_when_half_is_sent(victim);
}

/* -- noread -- */

static void send_much(struct victim *victim)
{
    uint64_t count = LIMIT_NOREAD_BYTES / dialogue_mean_bytes(victim->client.world->dialogue);

    client_pause(&victim->client);
    victim->sent_begin = victim->sent_before = victim->client.sent;
    victims_send(victim, count + 1);
}

/* Enough was taken, or nothing more is: the server feels it. */
static void reset_when_felt(struct victim *victim)
{
    const struct client *client = &victim->client;
    uint64_t now_ns = uv_hrtime();

    if (client->state != CLIENT_OPEN)
        return;
    if (client->sent != victim->sent_before) {
        victim->sent_before = client->sent;
        victim->moved_ns = now_ns;
    }
    bool is_still = now_ns - victim->moved_ns > LIMIT_SLOWREAD_STILL_MS * NS_PER_MS;
    bool is_blocked = client->sent < client->send_end && is_still;
    victim->took = is_blocked ? TOOK_TIMED_OUT : TOOK_UNSEEN;
    if (client->sent - victim->sent_begin > LIMIT_NOREAD_ENOUGH_BYTES || is_blocked)
        reset(victim);
    else if (is_still)
        not_done(victim);
}

/* -- tinywin -- */

static int shrink_buffer(struct client *client, int fd)
{
    int least = 1; /* the kernel gives its minimum */

    (void)client;
    return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0 ? -errno : 0;
}

static void ask_much_and_shut(struct victim *victim)
{
    uint64_t count = LIMIT_TINYWIN_BYTES / dialogue_mean_bytes(victim->client.world->dialogue) + 1;

    victims_send(victim, count > LIMIT_TINYWIN_MESSAGES ? LIMIT_TINYWIN_MESSAGES : count);
    client_shut(&victim->client);
}

static void finish_if_tiny(struct victim *victim)
{
    int bytes = 0;
    socklen_t length = sizeof(bytes);
    int fd = -1;

    if (uv_fileno(&victim->client.handle.any, &fd) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0 && bytes <= LIMIT_TINYWIN_BUFFER_BYTES)
        answered_all(victim);
    else
        not_done(victim);
}

/* -- dribble -- */

/* Its time is over: when nothing is outstanding, one message, the first byte of it. */
static void dribble_if_idle(struct victim *victim)
{
    struct client *client = &victim->client;

    if (client_is_waiting(client))
        return;
    if (victim->reads > 0) {
        answered_all(victim);
        return;
    }
    victim->reads = 1;
    client_limit(client, 1);
    victims_send(victim, 1);
}

static void dribble_on(struct victim *victim)
{
    struct client *client = &victim->client;

    if (victim->reads == 0 || client->state != CLIENT_OPEN || client->sent == client->send_end)
        return;
    client->since_ns = uv_hrtime(); /* we are the slow one */
    client_limit(client, victim->reads++ < LIMIT_DRIBBLE_BYTES ? 1 : CLIENT_NO_LIMIT);
}

/* -- mute -- */

static void leave_mute(struct victim *victim)
{
    if (is_connected(victim))
        done(victim, TOOK_TIMED_OUT);
    else
        not_done(victim);
}

/* -- vanish -- */

static int enter_repair(int fd)
{
    int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* What came is acknowledged now: a reply without its acknowledgement would be sent again, and met by a RST.
 */
static int acknowledge(int fd)
{
    int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* A socket that is closed in repair mode says nothing. With a request outstanding its answer would be met by
 * a RST. */
static void vanish_if_idle(struct victim *victim)
{
    int fd = -1;

    if (victim->client.state != CLIENT_OPEN || client_is_waiting(&victim->client))
        return;
    if (is_connected(victim) && uv_fileno(&victim->client.handle.any, &fd) == 0 && acknowledge(fd) == 0 &&
        enter_repair(fd) == 0)
        done(victim, TOOK_UNSEEN);
    else
        not_done(victim);
}

int kills_try(enum plan_mode mode)
{
    if (mode != PLAN_VANISH)
        return 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = enter_repair(fd);
    close(fd);
    return rc;
}

static const struct kill_mode modes[PLAN_MODE_COUNT] = {
    [PLAN_FIN] = {.begin = close_if_idle, .answered = close_if_idle},
    [PLAN_RST] = {.begin = reset_while_asking},
    [PLAN_UNREAD] = {.begin = ask_and_look_away, .step = close_on_unread},
    [PLAN_HALFCLOSE] = {.begin = ask_and_shut, .finished = answered_all},
    [PLAN_KILL9] = {.in_child = true},
    [PLAN_SLOWREAD] = {.live = pile_up,
                       .begin = pile_up_or_read,
                       .step = read_when_piled,
                       .answered = pause_after_reply},
    [PLAN_OOB] = {.tcp_only = true, .born = send_urgently, .begin = ask_and_shut, .finished = answered_all},
    [PLAN_RST_UNSPEC] = {.tcp_only = true, .begin = disconnect_while_asking},
    [PLAN_HALFCLOSE_RST] = {.tcp_only = true, .begin = ask_and_shut_unread, .shut = reset},
    [PLAN_MIDCUT] = {.begin = send_half, .step = cut_when_half_is_sent},
    [PLAN_NOREAD] = {.may_be_ended = true, .begin = send_much, .step = reset_when_felt},
    [PLAN_TINYWIN] = {.tcp_only = true,
                      .prepare = shrink_buffer,
                      .begin = ask_much_and_shut,
                      .finished = finish_if_tiny},
    [PLAN_DRIBBLE] = {.begin = dribble_if_idle, .step = dribble_on, .answered = dribble_if_idle},
    [PLAN_MUTE] = {.is_mute = true, .may_be_ended = true, .begin = leave_mute},
    [PLAN_STORM] = {.in_unison = true, .begin = reset_while_asking},
    [PLAN_STOP] = {.in_child = true, .is_stopped = true},
    [PLAN_VANISH] = {.tcp_only = true, .begin = vanish_if_idle, .answered = vanish_if_idle},
};

const struct kill_mode *kills_find(enum plan_mode mode)
{
    return &modes[mode];
}
