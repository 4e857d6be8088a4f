#include "loadtool/kills_parts.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"

void kills_done(struct victim *victim, enum plan_took took)
{
    victim->took = took;
    victims_settle(victim, true, 1);
    client_close(&victim->client);
}

void kills_answered_all(struct victim *victim)
{
    kills_done(victim, TOOK_ANSWERED);
}

/* The proof could not be had: what was meant did not happen. */
void kills_not_done(struct victim *victim)
{
    victims_settle(victim, false, 1);
    client_close(&victim->client);
}

/* The server had ended the connection before: that is told apart from what we failed to do. */
static void forestalled(struct victim *victim)
{
    if (!victim->was_settled)
        victim->all->forestalled[victim->mode_id]++;
    kills_not_done(victim);
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
void kills_reset(struct victim *victim)
{
    if (victim->client.state != CLIENT_OPEN)
        return;
    if (!is_connected(victim)) {
        forestalled(victim);
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

void kills_close_if_idle(struct victim *victim)
{
    if (victim->client.state == CLIENT_OPEN && !client_is_waiting(&victim->client))
        kills_done(victim, TOOK_ANSWERED);
}

/* -- rst -- */

static void reset_while_asking(struct victim *victim)
{
    ask_if_idle(victim);
    kills_reset(victim);
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
        kills_done(victim, TOOK_UNSEEN);
}

/* -- halfclose -- */

static void ask_and_shut(struct victim *victim)
{
    const struct client_world *world = victim->client.world;
    uint64_t key = prng_key(world->seed, PRNG_DEATH, victim->client.serial);

    victims_send(victim, prng_range(key, 0, 1, LIMIT_HALFCLOSE_MESSAGES));
    client_shut(&victim->client);
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
    if (!is_connected(victim))
        forestalled(victim);
    else if (uv_fileno(&victim->client.handle.any, &fd) == 0 && connect(fd, &nobody, sizeof(nobody)) == 0 &&
             client_tcp_state(&victim->client) == TCP_CLOSE)
        kills_done(victim, TOOK_UNSEEN);
    else
        kills_not_done(victim);
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
        kills_reset(victim);
}

static void send_half(struct victim *victim)
{
    struct client *client = &victim->client;
    uint64_t bytes =
        dialogue_message(client->world->dialogue, client->key, client->begun_count).request_bytes;

    if (bytes < 2) {
        kills_not_done(victim); /* a byte has no middle */
        return;
    }
    client_limit(client, client->send_end - client->sent + bytes / 2);
    victims_send(victim, 1);
    cut_when_half_is_sent(victim);
}

/* -- mute -- */

static void leave_mute(struct victim *victim)
{
    if (is_connected(victim))
        kills_done(victim, TOOK_TIMED_OUT);
    else
        forestalled(victim);
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
        kills_done(victim, TOOK_UNSEEN);
    else
        kills_not_done(victim);
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
    [PLAN_FIN] = {.begin = kills_close_if_idle, .answered = kills_close_if_idle},
    [PLAN_RST] = {.begin = reset_while_asking},
    [PLAN_UNREAD] = {.begin = ask_and_look_away, .step = close_on_unread},
    [PLAN_HALFCLOSE] = {.begin = ask_and_shut, .finished = kills_answered_all},
    [PLAN_KILL9] = {.in_child = true},
    [PLAN_SLOWREAD] = {.live = kills_pile_up,
                       .begin = kills_pile_up_or_read,
                       .step = kills_read_when_piled,
                       .answered = kills_pause_after_reply},
    [PLAN_OOB] = {.tcp_only = true,
                  .born = send_urgently,
                  .begin = ask_and_shut,
                  .finished = kills_answered_all},
    [PLAN_RST_UNSPEC] = {.tcp_only = true, .begin = disconnect_while_asking},
    [PLAN_HALFCLOSE_RST] = {.tcp_only = true, .begin = ask_and_shut_unread, .shut = kills_reset},
    [PLAN_MIDCUT] = {.begin = send_half, .step = cut_when_half_is_sent},
    [PLAN_NOREAD] = {.may_be_ended = true, .begin = kills_send_much, .step = kills_reset_when_felt},
    [PLAN_TINYWIN] = {.tcp_only = true,
                      .prepare = kills_shrink_buffer,
                      .begin = kills_ask_much_and_shut,
                      .finished = kills_finish_if_tiny},
    [PLAN_DRIBBLE] = {.begin = kills_dribble_if_idle,
                      .step = kills_dribble_on,
                      .answered = kills_dribble_if_idle},
    [PLAN_MUTE] = {.is_mute = true, .may_be_ended = true, .begin = leave_mute},
    [PLAN_STORM] = {.in_unison = true, .begin = reset_while_asking},
    [PLAN_STOP] = {.in_child = true, .is_stopped = true},
    [PLAN_VANISH] = {.tcp_only = true, .begin = vanish_if_idle, .answered = vanish_if_idle},
};

const struct kill_mode *kills_find(enum plan_mode mode)
{
    return &modes[mode];
}
