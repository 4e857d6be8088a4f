#include "loadtool/victims_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/kills.h"
#include "loadtool/limits.h"
#include "loadtool/think.h"
#include "loadtool/units.h"

/* -- the end of a life -- */

void victims_settle(struct victim *victim, bool is_done, uint32_t count)
{
    struct victims *all = victim->all;

    if (victim->was_settled)
        return;
    victim->was_settled = true;
    if (victim->stage == VICTIM_DYING && all->felt != NULL)
        felt_end(all->felt, victim->mode_id, uv_hrtime());
    victim->stage = VICTIM_LEAVING;
    if (!is_done) {
        all->not_done[victim->mode_id] += count;
        return;
    }
    all->done[victim->mode_id] += count;
    all->took[victim->mode_id][victim->took] += count;
    all->done_count += count;
    all->last_done_ns = uv_hrtime();
    if (all->tap != NULL && !victim->mode->in_child) /* that one was told of when its process was killed */
        tap_death(all->tap, all->last_done_ns, (int)victim->mode_id, count);
    if (all->disturbed != NULL)
        all->disturbed(all->owner);
}

void victims_leave(struct victim *victim)
{
    if (!victim->is_serving)
        victim->not_before_ns = uv_hrtime() + LIMIT_RETRY_MS * NS_PER_MS;
    victim->stage = VICTIM_AWAY;
    victim->all->away_count++;
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct victim *victim = client->owner;

    (void)fault;
    (void)where;
    if (client->is_lenient && client->was_opened) {
        victim->took = TOOK_NOTICED;
        victims_settle(victim, true, 1);
        return;
    }
    victim->all->unexpected_ends++;
    victims_settle(victim, false, 1);
}

static void on_closed(struct client *client)
{
    victims_leave(client->owner);
}

/* -- serving -- */

static void send_next(struct victim *victim)
{
    struct load *load = victim->all->load;
    uint64_t due_ns = 0;

    while (victim->client.state == CLIENT_OPEN &&
           schedule_next(load, &victim->pace, client_outstanding_count(&victim->client),
                         victim->client.world->now_ns, &due_ns))
        client_send(&victim->client, 1);
    if (load->think != NULL && !client_is_waiting(&victim->client))
        think_rest(load->think, victim->pace.place, victim->client.world->now_ns);
}

void victims_send(struct victim *victim, uint64_t count)
{
    schedule_spend(victim->all->load->budget, count);
    client_send(&victim->client, count);
}

static void begin_to_die(struct victim *victim)
{
    victim->stage = VICTIM_DYING;
    victim->client.is_lenient = victim->mode->may_be_ended;
    if (victim->all->felt != NULL)
        felt_begin(victim->all->felt, victim->mode_id, uv_hrtime());
    victim->moved_ns = uv_hrtime();
    victim->reads = 0;
    victim->sent_before = 0;
    victim->mode->begin(victim);
}

static void on_opened(struct client *client)
{
    struct victim *victim = client->owner;

    if (victim->mode->born != NULL)
        victim->mode->born(victim);
    if (victim->mode->is_mute) {
        victim->is_serving = true; /* as far as such a client is served */
        client->is_lenient = true;
        return;
    }
    /* The first message is not paced: a victim that never had a reply would prove nothing by its death. */
    victims_send(victim, 1);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    struct victim *victim = client->owner;

    (void)count;
    (void)right;
    victim->is_serving = true;
    if (victim->stage == VICTIM_DYING) {
        if (victim->mode->answered != NULL)
            victim->mode->answered(victim);
    } else if (victim->stage == VICTIM_LIVING) {
        if (victim->is_over)
            begin_to_die(victim);
        else if (victim->mode->live != NULL)
            victim->mode->live(victim);
        else
            send_next(victim);
    }
}

static void on_finished(struct client *client)
{
    struct victim *victim = client->owner;

    if (victim->mode->finished != NULL)
        victim->mode->finished(victim);
}

static void on_shut(struct client *client)
{
    struct victim *victim = client->owner;

    if (victim->mode->shut != NULL)
        victim->mode->shut(victim);
}

static int on_prepare(struct client *client, int fd)
{
    const struct victim *victim = client->owner;

    return victim->mode->prepare == NULL ? 0 : victim->mode->prepare(client, fd);
}

static const struct client_events events = {
    .prepare = on_prepare,
    .opened = on_opened,
    .answered = on_answered,
    .shut = on_shut,
    .finished = on_finished,
    .ended = on_ended,
    .closed = on_closed,
};

/* -- living -- */

/* A death of a mode that has a rate, or that dies in unison, has its time on the run's clock: the next one
 * that leaves time for a life. */
static uint64_t next_turn_ns(struct victim *victim, uint64_t now_ns)
{
    const struct victims *all = victim->all;
    uint64_t rate = all->settings.plan->rate_per_s[victim->mode_id];
    uint64_t begin_ns = all->load->begin_ns;
    uint64_t soon_ns = now_ns + LIMIT_LIFE_MS_MIN * NS_PER_MS;
    uint64_t step_ns = LIMIT_STORM_MS * NS_PER_MS;
    uint64_t first_ns = begin_ns + step_ns;

    if (rate > 0 && !victim->mode->in_unison) {
        step_ns = schedule_due_ns(rate, all->by_mode[victim->mode_id]);
        first_ns = begin_ns + schedule_due_ns(rate, victim->in_mode + victim->width);
    }
    if (first_ns + victim->turn * step_ns < soon_ns)
        victim->turn = (soon_ns - first_ns + step_ns - 1) / step_ns;
    return first_ns + victim->turn++ * step_ns;
}

static uint64_t death_ns(struct victim *victim, uint64_t now_ns)
{
    const struct victims *all = victim->all;

    if (!all->takes_turns && (victim->mode->in_unison || all->settings.plan->rate_per_s[victim->mode_id] > 0))
        return next_turn_ns(victim, now_ns);
    return now_ns + schedule_life_ns(all->world->seed, victim->pace.place, victim->lives);
}

static void start_life(struct victim *victim, uint64_t now_ns)
{
    struct victims *all = victim->all;

    if (all->takes_turns)
        victim->mode_id = plan_mode_in_turn(all->settings.plan, victim->number + victim->lives * all->total);
    victim->mode = kills_find(victim->mode_id);
    victim->stage = VICTIM_LIVING;
    victim->is_serving = victim->is_over = victim->was_settled = false;
    victim->born_ns = now_ns;
    victim->took = TOOK_UNSEEN;
    victim->stopped_ns = 0;
    victim->goes_on = false;
    victim->die_at_ns = death_ns(victim, now_ns);
    victim->lives++;
    schedule_forget(all->load, &victim->pace);
    all->away_count--;
    if (victim->mode->in_child)
        victims_start_child(victim);
    else
        client_open(&victim->client, all->world, &events,
                    schedule_serial(all->load->places, victim->pace.place, victim->lives - 1));
}

static void look_for_timeout(struct victim *victim, uint64_t now_ns)
{
    const struct victims_settings *settings = &victim->all->settings;
    struct client *client = &victim->client;
    uint64_t waited_ns = client_waited_ns(client, now_ns);

    if (client->state == CLIENT_CONNECTING && waited_ns > settings->connect_timeout_ns)
        client_fail(client, FAULT_TIMEOUT, WHERE_CONNECT, "no connection within the connect time-out");
    else if (client->state == CLIENT_OPEN && waited_ns > settings->timeout_ns)
        client_fail(client, FAULT_UNANSWERED, client->is_shut ? WHERE_HALFCLOSE : WHERE_REPLY,
                    client_is_waiting(client) ? "no reply within the time-out"
                                              : "no FIN within the time-out");
}

/* A mode that looks away (unread) waits for nothing that the client knows of: it has a time-out of its own.
 */
static void give_up_kill(struct victim *victim, uint64_t now_ns)
{
    uint64_t still_ns = now_ns > victim->moved_ns ? now_ns - victim->moved_ns : 0;

    if (victim->client.state == CLIENT_OPEN && victim->client.is_paused &&
        still_ns > victim->all->settings.timeout_ns)
        client_fail(&victim->client, FAULT_UNANSWERED, WHERE_REPLY, "no reply within the time-out");
}

static void step_client(struct victim *victim, uint64_t now_ns)
{
    if (victim->stage == VICTIM_LIVING && now_ns >= victim->die_at_ns) {
        victim->is_over = true;
        if (victim->is_serving)
            begin_to_die(victim);
    } else if (victim->stage == VICTIM_DYING) {
        if (victim->mode->step != NULL)
            victim->mode->step(victim);
        give_up_kill(victim, now_ns);
    }
    look_for_timeout(victim, now_ns);
}

void victims_tick(struct victims *victims, uint64_t now_ns)
{
    for (uint32_t i = 0; i < victims->count; i++) {
        struct victim *victim = &victims->list[i];
        if (victim->stage == VICTIM_AWAY) {
            if (victims->is_replacing && now_ns >= victim->not_before_ns)
                start_life(victim, now_ns);
        } else if (victim->mode->in_child) {
            victims_step_child(victim, now_ns);
        } else {
            step_client(victim, now_ns);
        }
    }
}

bool victims_are_serving(const struct victims *victims)
{
    for (uint32_t i = 0; i < victims->count; i++) {
        const struct victim *victim = &victims->list[i];
        bool has_child = victim->stage != VICTIM_AWAY && victim->mode->in_child && victim->child != NULL;
        if (victim->is_serving || (has_child && atomic_load(&victim->child->page->serving) > 0))
            return true;
    }
    return false;
}

void victims_end_all(struct victims *victims)
{
    victims->is_replacing = false;
    for (uint32_t i = 0; i < victims->count; i++)
        victims->list[i].die_at_ns = 0;
}

void victims_drop_all(struct victims *victims, bool counts)
{
    victims->is_replacing = false;
    for (uint32_t i = 0; i < victims->count; i++) {
        struct victim *victim = &victims->list[i];
        if (victim->stage == VICTIM_AWAY)
            continue;
        if (counts)
            victims_settle(victim, false, victim->width);
        victim->was_settled = true;
        if (victim->mode->in_child)
            child_kill(victim->child);
        else
            client_close(&victim->client);
    }
}

void victims_arrival(struct victims *victims, uint32_t n, uint64_t due_ns)
{
    if (n >= victims->places || victims->of_place[n] == VICTIMS_NOT_OURS)
        return;
    struct victim *victim = &victims->list[victims->of_place[n]];
    if (victim->stage != VICTIM_AWAY && victim->mode->in_child) {
        victims->load->arrivals.in_children++; /* a child keeps its own time */
        return;
    }
    if (!schedule_arrive(victims->load, &victim->pace, due_ns))
        return;
    if (victim->stage == VICTIM_LIVING && victim->is_serving && victim->mode->live == NULL)
        send_next(victim);
}

uint64_t victims_pending_count(const struct victims *victims)
{
    uint64_t pending = 0;

    for (uint32_t i = 0; i < victims->count; i++)
        pending += victims->list[i].pace.due_count - victims->list[i].pace.begun_count;
    return pending;
}
