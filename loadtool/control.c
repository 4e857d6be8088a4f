#include "loadtool/control.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/limits.h"
#include "loadtool/think.h"

static uint32_t depth_of(const struct control_group *group)
{
    return group->load->depth == 0 ? 1 : group->load->depth;
}

int control_init(struct control_group *group, uint32_t count)
{
    uint32_t capacity = schedule_capacity(group->load, group->timeout_ns);

    group->list = calloc(count == 0 ? 1 : count, sizeof(*group->list));
    group->messages = calloc((size_t)count * depth_of(group) + 1, sizeof(*group->messages));
    group->dues = calloc((size_t)count * capacity + 1, sizeof(*group->dues));
    if (group->list == NULL || group->messages == NULL || group->dues == NULL) {
        control_free(group);
        return -ENOMEM;
    }
    group->count = count;
    group->counts->clients = count;
    group->is_holding = true;
    for (uint32_t i = 0; i < count; i++) {
        struct control *control = &group->list[i];
        control->group = group;
        control->pace.place = group->share + i * (group->shares == 0 ? 1 : group->shares);
        control->pace.capacity = capacity;
        control->pace.due_ns = group->dues + (size_t)i * capacity;
        control->messages = group->messages + (size_t)i * depth_of(group);
        control->client.owner = control;
        control->client.group = "control";
    }
    return 0;
}

void control_free(struct control_group *group)
{
    free(group->list);
    free(group->messages);
    free(group->dues);
    group->list = NULL;
    group->messages = NULL;
    group->dues = NULL;
    group->count = 0;
}

/* -- sending -- */

static void begin_message(struct control *control, uint64_t due_ns, uint64_t now_ns)
{
    control->messages[control->begun_count++ % depth_of(control->group)] =
        (struct control_message){.part = control->group->part, .due_ns = due_ns, .sent_ns = now_ns};
    control->group->outstanding_count++;
    if (control->group->tap != NULL)
        tap_sent(control->group->tap, now_ns);
    client_send(&control->client, 1);
}

static uint64_t outstanding(const struct control *control)
{
    return control->begun_count - control->ended_count;
}

static void send_next(struct control *control)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t due_ns = 0;

    if (control->group->is_holding)
        return;
    /* As deep as the load allows; the connection may end amid it. */
    while (control->client.state == CLIENT_OPEN &&
           schedule_next(control->group->load, &control->pace, outstanding(control), now_ns, &due_ns))
        begin_message(control, due_ns, now_ns);
}

static void settle(struct control *control)
{
    if (control->is_settled)
        return;
    control->is_settled = true;
    control->group->unsettled_count--;
}

/* -- what happens to a client -- */

static void on_opened(struct client *client)
{
    struct control *control = client->owner;

    (void)schedule_take(control->group->load->budget, true);
    uint64_t now_ns = uv_hrtime();
    begin_message(control, now_ns, now_ns);
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void tell_tap(const struct control *control, const struct control_message *message, bool is_right,
                     uint64_t now_ns)
{
    struct tap *tap = control->group->tap;

    if (tap == NULL)
        return;
    if (control->ended_count > control->given_up_count)
        tap_settled(tap, message->sent_ns);
    if (is_right)
        tap_reply(tap, now_ns, since(message->sent_ns, now_ns));
}

/* What is outstanding has had no reply, and is not waited for any longer. */
static void give_up_messages(struct control *control, uint64_t now_ns)
{
    uint64_t first =
        control->given_up_count > control->ended_count ? control->given_up_count : control->ended_count;

    for (uint64_t i = first; i < control->begun_count && control->group->tap != NULL; i++)
        tap_lost(control->group->tap, control->messages[i % depth_of(control->group)].sent_ns, now_ns);
    control->given_up_count = control->begun_count;
}

static void end_message(struct control *control, bool is_right, uint64_t now_ns)
{
    struct control_group *group = control->group;
    const struct control_message *message = &control->messages[control->ended_count++ % depth_of(group)];

    tell_tap(control, message, is_right, now_ns);
    histogram_record(group->latency, since(message->due_ns, now_ns));
    if (group->latency_sent != NULL)
        histogram_record(group->latency_sent, since(message->sent_ns, now_ns));
    group->outstanding_count--;
    if (group->second != NULL)
        histogram_record(group->second, since(message->due_ns, now_ns));
    if (group->felt != NULL && !group->is_holding) /* the ramp is no measure of calm */
        felt_reply(group->felt, message->sent_ns, now_ns, is_right);
    if (message->part != group->part)
        return;
    control->heard[message->part] = true;
    control->proofs[message->part] = control->proofs[message->part] || is_right;
}

/* Everything is answered, and nothing is due: the client rests, or sends what it may. */
static void go_on(struct control *control)
{
    struct think *think = control->group->load->think;

    send_next(control);
    if (think != NULL && outstanding(control) == 0)
        think_rest(think, control->pace.place, control->client.world->now_ns);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    struct control *control = client->owner;
    struct control_group *group = control->group;
    uint64_t now_ns = client->world->now_ns;

    /* Which of several is wrong is not told: then none of them is a proof. */
    for (uint64_t i = 0; i < count && outstanding(control) > 0; i++)
        end_message(control, right == count, now_ns);
    group->answered_count += !control->was_answered;
    control->was_answered = true;
    control->is_waiting_too_long = false;
    settle(control);
    if (group->is_holding)
        (void)control_ramp(group);
    else
        go_on(control);
}

/* What is wrong belongs to the message that is being answered; or it came when none was outstanding. */
static void on_found(struct client *client, uint64_t bytes)
{
    const struct control *control = client->owner;
    uint64_t now_ns = client->world->now_ns;
    uint64_t sent_ns = now_ns;

    if (control->group->felt == NULL)
        return;
    if (client_is_waiting(client))
        sent_ns = control->messages[client->answered_count % depth_of(control->group)].sent_ns;
    felt_found(control->group->felt, sent_ns < now_ns ? sent_ns : now_ns, now_ns, bytes);
}

static void count_end(struct control_group *group, const struct client *client, enum fault fault)
{
    if (!client->was_opened) {
        group->counts->refused++;
        return;
    }
    group->counts->lost++;
    if (fault == FAULT_CLOSED)
        group->counts->closed++;
    else
        group->counts->reset++;
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct control *control = client->owner;

    (void)where;
    count_end(control->group, client, fault);
    control->group->outstanding_count -= outstanding(control);
    give_up_messages(control, uv_hrtime());
    control->ended_count = control->begun_count;
    if (control->group->tap != NULL)
        tap_ended(control->group->tap, uv_hrtime());
    control->is_gone = true;
    schedule_forget(control->group->load, &control->pace);
    control->group->gone_count++;
    if (!client->was_opened)
        schedule_release(control->group->load->budget);
    settle(control);
}

static void on_closed(struct client *client)
{
    (void)client; /* never opened again */
}

static const struct client_events events = {
    .opened = on_opened, .answered = on_answered, .found = on_found, .ended = on_ended, .closed = on_closed};

/* -- the group -- */

/* Its part of those that may be on their way. */
static uint32_t ramp_clients(const struct control_group *group)
{
    uint32_t clients = LIMIT_RAMP_CLIENTS / (group->shares == 0 ? 1 : group->shares);

    return clients == 0 ? 1 : clients;
}

bool control_ramp(struct control_group *group)
{
    uint64_t may_open = group->count;
    uint64_t age_ns = group->ramp_ns == 0 ? 0 : since(group->begin_ns, uv_hrtime());

    if (age_ns < group->ramp_ns)
        may_open = 1 + (uint64_t)((double)group->count * (double)age_ns / (double)group->ramp_ns);
    while (group->opened_count < group->count && group->opened_count < may_open &&
           group->unsettled_count < ramp_clients(group)) {
        struct control *control = &group->list[group->opened_count++];
        group->unsettled_count++;
        client_open(&control->client, group->world, &events,
                    schedule_serial(group->load->places, control->pace.place, 0));
    }
    return group->opened_count == group->count && group->unsettled_count == 0;
}

void control_start(struct control_group *group)
{
    group->is_holding = false;
    for (uint32_t i = 0; i < group->count; i++) {
        struct control *control = &group->list[i];
        if (control->client.state != CLIENT_OPEN)
            continue;
        if (group->load->think != NULL)
            think_rest(group->load->think, control->pace.place, uv_hrtime());
        send_next(control);
    }
}

void control_arrival(struct control_group *group, uint32_t n, uint64_t due_ns)
{
    struct control *control = &group->list[n];

    if (!schedule_arrive(group->load, &control->pace, due_ns))
        return;
    if (control->client.state == CLIENT_OPEN)
        send_next(control);
    else
        schedule_forget(group->load, &control->pace);
}

static void wait_too_long(struct control *control)
{
    control->is_waiting_too_long = true;
    give_up_messages(control, uv_hrtime());
    settle(control);
    if (control->was_waiting_too_long)
        return;
    control->was_waiting_too_long = true;
    control->group->counts->unanswered++;
    client_note(&control->client, FAULT_UNANSWERED, WHERE_REPLY, "no reply within the time-out");
}

/* An unanswered client is counted, not closed: what becomes of its connection is still of interest. */
void control_sweep(struct control_group *group, uint64_t now_ns)
{
    for (uint32_t i = 0; i < group->opened_count; i++) {
        struct control *control = &group->list[i];
        struct client *client = &control->client;
        uint64_t waited_ns = client_waited_ns(client, now_ns);
        if (client->state == CLIENT_CONNECTING && waited_ns > group->connect_timeout_ns)
            client_fail(client, FAULT_TIMEOUT, WHERE_CONNECT, "no connection within the connect time-out");
        else if (client->state == CLIENT_OPEN && waited_ns > group->timeout_ns &&
                 !control->is_waiting_too_long)
            wait_too_long(control);
    }
}

uint32_t control_prove(struct control_group *group)
{
    uint64_t now_ns = uv_hrtime();
    uint32_t lacking = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        struct control *control = &group->list[i];
        if (control->client.state != CLIENT_OPEN || control->heard[group->part])
            continue;
        if (!client_is_waiting(&control->client))
            begin_message(control, now_ns, now_ns);
        lacking += control->client.state == CLIENT_OPEN && !control->is_waiting_too_long;
    }
    return lacking;
}

void control_close_all(struct control_group *group)
{
    for (uint32_t i = 0; i < group->opened_count; i++)
        client_close(&group->list[i].client);
}
