/*
 * A control group for a test: its clients are stood in for, and time is the test's own.
 *
 * The functions of client.c and think.c that a group calls are replaced (a test that includes this names them
 * in its "wrap" comment); what a server would do to a client, the test says.
 */
#ifndef TEST_LOADTOOL_CONTROL_GROUP_H
#define TEST_LOADTOOL_CONTROL_GROUP_H

#include "loadtool/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/think.h"
#include "tests/support/cmocka_all.h"

enum { CLIENTS = 3, CLIENTS_MAX = 150, MESSAGE_BYTES = 100, MS = 1000000 };

static struct {
    uint64_t now_ns;
    struct client_world world;
    struct load load;
    struct budget budget;
    struct histogram latency, latency_sent;
    struct think think;
    int rests;
    struct outcome_control counts;
    struct control_group group;
    int sends[CLIENTS_MAX]; /* messages that each client was told to begin */
    int notes;
    enum fault noted;
    bool no_memory;
} trial;

/* ---- in place of client.c ---- */

static inline uint32_t place_of(const struct client *client)
{
    return ((const struct control *)client->owner)->pace.place;
}

void __wrap_client_open(struct client *client, struct client_world *world, const struct client_events *events,
                        uint64_t serial);
void __wrap_client_open(struct client *client, struct client_world *world, const struct client_events *events,
                        uint64_t serial)
{
    assert_int_equal(client->state, CLIENT_FREE);
    client->world = world;
    client->events = events;
    client->state = CLIENT_CONNECTING;
    client->serial = serial;
    client->since_ns = trial.now_ns;
}

void __wrap_client_send(struct client *client, uint64_t count);
void __wrap_client_send(struct client *client, uint64_t count)
{
    assert_int_equal(client->state, CLIENT_OPEN);
    assert_int_equal(count, 1);
    if (!client_is_waiting(client))
        client->since_ns = trial.now_ns;
    client->begun_count++;
    client->reply_end += MESSAGE_BYTES;
    assert_in_range(client_outstanding_count(client), 1, trial.load.depth == 0 ? 1 : trial.load.depth);
    trial.sends[place_of(client)]++;
}

void __wrap_client_close(struct client *client);
void __wrap_client_close(struct client *client)
{
    client->state = CLIENT_CLOSING;
}

void __wrap_client_note(struct client *client, enum fault fault, enum where where, const char *what);
void __wrap_client_note(struct client *client, enum fault fault, enum where where, const char *what)
{
    (void)client;
    (void)where;
    assert_non_null(what);
    trial.noted = fault;
    trial.notes++;
}

static inline void end(uint32_t place, enum fault fault)
{
    struct client *client = &trial.group.list[place].client;

    client->state = CLIENT_CLOSING;
    client->since_ns = 0;
    client->events->ended(client, fault, WHERE_REPLY);
    client->state = CLIENT_FREE;
    client->events->closed(client);
}

void __wrap_client_fail(struct client *client, enum fault fault, enum where where, const char *what);
void __wrap_client_fail(struct client *client, enum fault fault, enum where where, const char *what)
{
    __wrap_client_note(client, fault, where, what);
    end(place_of(client), fault);
}

void __wrap_think_rest(struct think *think, uint32_t place, uint64_t now_ns);
void __wrap_think_rest(struct think *think, uint32_t place, uint64_t now_ns)
{
    assert_ptr_equal(think, &trial.think);
    assert_int_equal(place, 0);
    assert_int_equal(now_ns, trial.now_ns);
    trial.rests++;
}

uint64_t __wrap_uv_hrtime(void);
uint64_t __wrap_uv_hrtime(void)
{
    return trial.now_ns;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return trial.no_memory ? NULL : __real_calloc(count, size);
}

/* ---- what happens to clients ---- */

static struct control *at(uint32_t place)
{
    return &trial.group.list[place];
}

static inline void connect_one(uint32_t place)
{
    struct client *client = &at(place)->client;

    assert_int_equal(client->state, CLIENT_CONNECTING);
    client->state = CLIENT_OPEN;
    client->was_opened = true;
    client->since_ns = 0;
    client->events->opened(client);
}

/* So many replies come at once. */
static inline void answer_many(uint32_t place, uint64_t count, uint64_t right)
{
    struct client *client = &at(place)->client;

    assert_true(client_outstanding_count(client) >= count);
    client->silence_ns = client_silence_ns(client, trial.now_ns);
    client->answered_count += count;
    client->answered += count * MESSAGE_BYTES;
    client->since_ns = client_is_waiting(client) ? trial.now_ns : 0;
    trial.world.now_ns = trial.now_ns;
    client->events->answered(client, count, right);
}

static inline void answer(uint32_t place, uint64_t right)
{
    answer_many(place, 1, right);
}

static inline void pass_ms(uint64_t ms)
{
    trial.now_ns += ms * MS;
}

static inline int make(uint32_t count)
{
    trial.group = (struct control_group){.world = &trial.world,
                                         .load = &trial.load,
                                         .latency = &trial.latency,
                                         .latency_sent = &trial.latency_sent,
                                         .counts = &trial.counts,
                                         .timeout_ns = 50 * MS,
                                         .connect_timeout_ns = 20 * MS};
    trial.load.places = count;
    return control_init(&trial.group, count);
}

static inline int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    trial.now_ns = 1000ULL * MS;
    trial.load = (struct load){.flows = true, .begin_ns = trial.now_ns};
    histogram_init(&trial.latency);
    histogram_init(&trial.latency_sent);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    control_free(&trial.group);
    return 0;
}

/* Every client of the group connected, and answered once: nobody waits. */
static inline void settle_all(uint32_t count)
{
    assert_int_equal(make(count), 0);
    (void)control_ramp(&trial.group);
    for (uint32_t i = 0; i < count; i++) {
        connect_one(i);
        answer(i, 1);
    }
    assert_true(control_ramp(&trial.group));
}

#endif
