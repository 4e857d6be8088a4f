/* Modes that take their time: they ask for much and read nothing, or little, or send byte by byte. */
#include "loadtool/kills_parts.h"

#include <errno.h>
#include <sys/socket.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- slowread -- */

/* After the first reply: ask for much, and read nothing till the end of this life. */
void kills_pile_up(struct victim *victim)
{
    uint64_t count = LIMIT_SLOWREAD_BYTES / dialogue_mean_bytes(victim->client.world->dialogue);

    if (victim->client.is_paused)
        return;
    count = count < 1 ? 1 : count > LIMIT_SLOWREAD_MESSAGES ? LIMIT_SLOWREAD_MESSAGES : count;
    client_pause(&victim->client);
    victims_send(victim, count);
}

/* Its time is over, but it goes on not reading till all is sent or the server takes no more. */
void kills_read_when_piled(struct victim *victim)
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
void kills_pile_up_or_read(struct victim *victim)
{
    if (victim->client.is_paused)
        kills_read_when_piled(victim);
    else
        kills_pile_up(victim);
}

/* One reply a tick for a while, then as fast as they come. */
void kills_pause_after_reply(struct victim *victim)
{
    victim->moved_ns = uv_hrtime();
    if (client_is_waiting(&victim->client) && victim->reads++ < LIMIT_SLOWREAD_REPLIES)
        client_pause(&victim->client);
    else
        kills_close_if_idle(victim);
}

/* -- noread -- */

void kills_send_much(struct victim *victim)
{
    uint64_t count = LIMIT_NOREAD_BYTES / dialogue_mean_bytes(victim->client.world->dialogue);

    client_pause(&victim->client);
    victim->sent_begin = victim->sent_before = victim->client.sent;
    victims_send(victim, count + 1);
}

/* Enough was taken, or nothing more is: the server feels it. */
void kills_reset_when_felt(struct victim *victim)
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
        kills_reset(victim);
    else if (is_still)
        kills_not_done(victim);
}

/* -- tinywin -- */

int kills_shrink_buffer(struct client *client, int fd)
{
    int least = 1; /* the kernel gives its minimum */

    (void)client;
    return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0 ? -errno : 0;
}

void kills_ask_much_and_shut(struct victim *victim)
{
    uint64_t count = LIMIT_TINYWIN_BYTES / dialogue_mean_bytes(victim->client.world->dialogue) + 1;

    victims_send(victim, count > LIMIT_TINYWIN_MESSAGES ? LIMIT_TINYWIN_MESSAGES : count);
    client_shut(&victim->client);
}

void kills_finish_if_tiny(struct victim *victim)
{
    int bytes = 0;
    socklen_t length = sizeof(bytes);
    int fd = -1;

    if (uv_fileno(&victim->client.handle.any, &fd) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0 && bytes <= LIMIT_TINYWIN_BUFFER_BYTES)
        kills_answered_all(victim);
    else
        kills_not_done(victim);
}

/* -- dribble -- */

/* Its time is over: when nothing is outstanding, one message, the first byte of it. */
void kills_dribble_if_idle(struct victim *victim)
{
    struct client *client = &victim->client;

    if (client_is_waiting(client))
        return;
    if (victim->reads > 0) {
        kills_answered_all(victim);
        return;
    }
    victim->reads = 1;
    client_limit(client, 1);
    victims_send(victim, 1);
}

void kills_dribble_on(struct victim *victim)
{
    struct client *client = &victim->client;

    if (victim->reads == 0 || client->state != CLIENT_OPEN || client->sent == client->send_end)
        return;
    client->since_ns = uv_hrtime(); /* we are the slow one */
    client_limit(client, victim->reads++ < LIMIT_DRIBBLE_BYTES ? 1 : CLIENT_NO_LIMIT);
}
