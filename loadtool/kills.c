#include "loadtool/kills.h"

#include <stddef.h>

#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"

static void done(struct victim *victim)
{
    victims_settle(victim, true, 1);
    client_close(&victim->client);
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
        done(victim);
}

/* -- rst -- */

static void reset_while_asking(struct victim *victim)
{
    ask_if_idle(victim);
    if (victim->client.state != CLIENT_OPEN)
        return;
    victims_settle(victim, true, 1);
    client_reset(&victim->client);
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
        done(victim);
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

static const struct kill_mode modes[PLAN_MODE_COUNT] = {
    [PLAN_FIN] = {.begin = close_if_idle, .answered = close_if_idle},
    [PLAN_RST] = {.begin = reset_while_asking},
    [PLAN_UNREAD] = {.begin = ask_and_look_away, .step = close_on_unread},
    [PLAN_HALFCLOSE] = {.begin = ask_and_shut, .finished = done},
    [PLAN_KILL9] = {.in_child = true},
    [PLAN_SLOWREAD] = {.live = pile_up,
                       .begin = pile_up_or_read,
                       .step = read_when_piled,
                       .answered = pause_after_reply},
    [PLAN_OOB] = {.tcp_only = true, .born = send_urgently, .begin = ask_and_shut, .finished = done},
};

const struct kill_mode *kills_find(enum plan_mode mode)
{
    return &modes[mode];
}
