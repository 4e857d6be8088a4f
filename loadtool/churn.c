#include "loadtool/churn.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/limits.h"
#include "loadtool/schedule.h"

enum { STREAM = 1 }; /* of arrivals: the load's is 0 */

static void on_opened(struct client *client)
{
    client_send(client, 1);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    struct visitor *visitor = client->owner;

    (void)count;
    visitor->churn->counts.done += right > 0;
    visitor->churn->counts.failed += right == 0;
    client_close(client);
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct visitor *visitor = client->owner;

    (void)fault;
    (void)where;
    visitor->churn->counts.failed++;
}

static void on_closed(struct client *client)
{
    struct visitor *visitor = client->owner;

    visitor->next_free = visitor->churn->first_free;
    visitor->churn->first_free = visitor;
}

static const struct client_events events = {
    .opened = on_opened, .answered = on_answered, .ended = on_ended, .closed = on_closed};

static void on_arrival(void *owner, uint64_t k, uint64_t due_ns)
{
    struct churn *churn = owner;
    struct visitor *visitor = churn->first_free;

    (void)due_ns;
    churn->counts.due++;
    if (visitor == NULL) {
        churn->counts.missed++;
        return;
    }
    churn->first_free = visitor->next_free;
    client_open(&visitor->client, churn->world, &events, SCHEDULE_SERIAL_CHURN + k);
}

int churn_init(struct churn *churn, uint64_t rate_per_s, bool is_poisson)
{
    churn->list = calloc(LIMIT_CHURN_CLIENTS, sizeof(*churn->list));
    if (churn->list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < LIMIT_CHURN_CLIENTS; i++) {
        struct visitor *visitor = &churn->list[i];
        visitor->churn = churn;
        visitor->client.owner = visitor;
        visitor->client.group = "short connection";
        visitor->next_free = churn->first_free;
        churn->first_free = visitor;
    }
    schedule_begin(&churn->pacer.arrivals, rate_per_s, is_poisson, churn->world->seed, STREAM);
    churn->pacer.owner = churn;
    churn->pacer.arrival = on_arrival;
    return 0;
}

int churn_start(struct churn *churn, uint64_t now_ns)
{
    return pacer_start(&churn->pacer, churn->world->loop, now_ns);
}

void churn_sweep(struct churn *churn, uint64_t now_ns)
{
    for (size_t i = 0; churn->list != NULL && i < LIMIT_CHURN_CLIENTS; i++) {
        struct client *client = &churn->list[i].client;
        uint64_t waited_ns = client_waited_ns(client, now_ns);
        if (client->state == CLIENT_CONNECTING && waited_ns > churn->connect_timeout_ns)
            client_fail(client, FAULT_TIMEOUT, WHERE_CONNECT, "no connection within the connect time-out");
        else if (client->state == CLIENT_OPEN && waited_ns > churn->timeout_ns)
            client_fail(client, FAULT_UNANSWERED, WHERE_REPLY, "no reply within the time-out");
    }
}

void churn_stop(struct churn *churn)
{
    pacer_stop(&churn->pacer);
}

void churn_close(struct churn *churn)
{
    churn_stop(churn);
    for (size_t i = 0; churn->list != NULL && i < LIMIT_CHURN_CLIENTS; i++)
        client_close(&churn->list[i].client);
}

uint32_t churn_busy_count(const struct churn *churn)
{
    uint32_t busy = 0;

    for (size_t i = 0; churn->list != NULL && i < LIMIT_CHURN_CLIENTS; i++)
        busy += churn->list[i].client.state != CLIENT_FREE;
    return busy;
}

void churn_free(struct churn *churn)
{
    free(churn->list);
    churn->list = NULL;
}
