/*
 * One client of the load tool and a server in this process: set up with fresh() or fresh_unix(), changed by the test, and
 * run() until the client is closed; what it told its owner is in trial.heard.
 *
 * Each test program has a trial of its own.
 */
#ifndef TEST_LOADTOOL_CLIENT_H
#define TEST_LOADTOOL_CLIENT_H

#include "loadtool/client.h"

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_world.h"

struct heard {
    int prepared, opened, answered, right, finished, ended, closed;
    uint64_t found_bytes, found_in; /* message */
    enum fault fault;
    enum where where;
};

static struct {
    struct server server;
    uv_loop_t loop;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct client client;
    struct heard heard;
    int prepare_says;
    uint64_t messages; /* sent at once when it opens */
    bool shuts;
    bool keeps_open;
} trial;

static inline int on_prepare(struct client *client, int fd)
{
    (void)client;
    assert_true(fd >= 0);
    trial.heard.prepared++;
    return trial.prepare_says;
}

static inline void on_opened(struct client *client)
{
    trial.heard.opened++;
    client_send(client, trial.messages);
    if (trial.shuts)
        client_shut(client);
}

static inline void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    trial.heard.answered += (int)count;
    trial.heard.right += (int)right;
    if (!trial.shuts && !trial.keeps_open && !client_is_waiting(client))
        client_close(client);
}

static inline void on_found(struct client *client, uint64_t bytes)
{
    trial.heard.found_bytes += bytes;
    trial.heard.found_in = client->answered_count;
}

static inline void on_finished(struct client *client)
{
    trial.heard.finished++;
    client_close(client);
}

static inline void on_ended(struct client *client, enum fault fault, enum where where)
{
    (void)client;
    trial.heard.ended++;
    trial.heard.fault = fault;
    trial.heard.where = where;
}

static inline void on_closed(struct client *client)
{
    assert_int_equal(client->state, CLIENT_FREE);
    trial.heard.closed++;
}

static const struct client_events events = {.prepare = on_prepare,
                                            .opened = on_opened,
                                            .answered = on_answered,
                                            .found = on_found,
                                            .finished = on_finished,
                                            .ended = on_ended,
                                            .closed = on_closed};

static inline void make_world(void)
{
    trial.messages = 3;
    world_make(&trial.world, &trial.server, &trial.loop, &trial.target, &trial.dialogue, &trial.tally);
    trial.client.group = "control";
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    assert_int_equal(client_world_init(&trial.world, ORACLE_UPPER), 0);
}

static inline int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    server_start(&trial.server, SERVER_UPPER, 0);
    make_world();
    return 0;
}

static inline int fresh_unix(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    server_start_unix(&trial.server, SERVER_UPPER);
    make_world();
    trial.target.address.un = trial.server.un;
    trial.target.length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(trial.server.un.sun_path + 1));
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    client_world_free(&trial.world);
    server_stop(&trial.server);
    return 0;
}

static inline void run(void)
{
    client_open(&trial.client, &trial.world, &events, 1);
    assert_int_equal(uv_run(&trial.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(trial.heard.closed, 1);
    assert_int_equal(trial.tally.opened, trial.tally.ended);
}

/* The client has ended, once, by that fault at that place. */
static inline void assert_ended_by(enum fault fault, enum where where)
{
    assert_int_equal(trial.heard.ended, 1);
    assert_int_equal(trial.heard.fault, fault);
    assert_int_equal(trial.heard.where, where);
    assert_int_equal(trial.tally.faults[fault][where].count, 1);
}

#endif
