/*
 * Thousands of trials by chance: up to eight clients with random scripts, buffers and cuts, workers that die
 * again and again at random points, calls that fail. Deaths and failures end after a while; then all must be
 * well.
 *
 *   test_socket_storms           fixed seeds, and fresh ones
 *   test_socket_storms SEED      one trial, call by call
 */
#include "tests/support/cmocka_all.h"

#include "tests/model/socket_prng.h"
#include "tests/model/socket_trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    CLIENTS_MAX = 8,
#ifdef __SANITIZE_ADDRESS__ /* four times slower */
    FIXED_TRIALS = 15000,
    FRESH_TRIALS = 15000,
#else
    FIXED_TRIALS = 60000,
    FRESH_TRIALS = 60000,
#endif
};

/* ---- a trial from a seed ---- */

struct storm {
    struct socket_client_plan clients[CLIENTS_MAX];
    struct trial_plan plan;
};

static bool one_in(struct prng *prng, uint32_t count)
{
    return prng_below(prng, count) == 0;
}

/* Mostly a few bytes, so that every place in them is met; at times several chunks. */
static uint32_t some_bytes(struct prng *prng, bool large)
{
    static const uint32_t odd[] = {1, 65535, 65536, 65537, 131072};

    if (!large)
        return 1 + prng_below(prng, 12);
    return one_in(prng, 4) ? odd[prng_below(prng, 5)] : 1 + prng_below(prng, 60000);
}

static uint32_t some_room(struct prng *prng, bool large)
{
    if (one_in(prng, 2))
        return 0;
    return large ? 1000 + prng_below(prng, 70000) : 1 + prng_below(prng, 9);
}

static void add(struct socket_client_plan *client, unsigned *count, enum socket_client_action_kind kind,
                uint32_t bytes)
{
    client->actions[(*count)++] = (struct socket_client_action){kind, bytes};
}

static void add_message(struct prng *prng, struct socket_client_plan *client, unsigned *count, bool large,
                        bool is_unix, bool *carried)
{
    enum socket_client_action_kind kind = CLIENT_SEND;

    if (one_in(prng, 4))
        kind = is_unix && one_in(prng, 2) ? CLIENT_SEND_DESCRIPTORS : CLIENT_SEND_URGENT;
    /* The model knows one mark at a time; a UNIX one is never overtaken by the next. */
    if (is_unix && kind != CLIENT_SEND && *carried)
        kind = CLIENT_SEND;
    *carried |= kind != CLIENT_SEND;
    add(client, count, kind, some_bytes(prng, large));
}

static void draw_client(struct prng *prng, struct socket_client_plan *client, bool large, bool is_unix)
{
    unsigned count = 0, messages = prng_below(prng, 5);
    bool carried = false;

    client->send_bytes_max = some_room(prng, large);
    client->receive_bytes_max = some_room(prng, large);
    client->window_bytes = some_room(prng, large);
    client->reads_late = one_in(prng, 4);
    for (unsigned i = 0; i < messages; i++) {
        add_message(prng, client, &count, large, is_unix, &carried);
        if (one_in(prng, 2))
            add(client, &count, CLIENT_AWAIT, 0);
    }
    if (one_in(prng, 8)) {
        if (one_in(prng, 2))
            add(client, &count, CLIENT_FIN, 0);
        add(client, &count, CLIENT_RESET, 0);
    } else {
        add(client, &count, CLIENT_FIN, 0);
    }
}

static void draw_storm(struct storm *storm, uint64_t seed)
{
    struct prng prng;
    bool large = false;

    memset(storm, 0, sizeof *storm);
    prng_init(&prng, seed ^ UINT64_C(0x5bd1e995));
    large = one_in(&prng, 25);
    storm->plan = (struct trial_plan){
        .clients = storm->clients,
        .client_count = 1 + prng_below(&prng, large ? 3 : CLIENTS_MAX),
        .is_unix = one_in(&prng, 5),
        .idle_timeout_ms = one_in(&prng, 10) ? 300 : 0,
        .connection_count_max = one_in(&prng, 6) ? 1 + prng_below(&prng, 3) : 0,
        .order_point = one_in(&prng, 6) ? 1 + prng_below(&prng, 600) : 0,
        .order = one_in(&prng, 2) ? ORDER_LEAVE : ORDER_DRAIN,
        .drain_ms = one_in(&prng, 2) ? 200 : 30000,
        .seed = seed,
        .step_chance = one_in(&prng, 4) ? 0 : prng_below(&prng, 4000),
        .death_chance = one_in(&prng, 8) ? 1500 : prng_below(&prng, 400),
        .death_count_max = 1 + prng_below(&prng, 40),
        .fault_chance = one_in(&prng, 2) ? 0 : prng_below(&prng, 300),
    };
    for (unsigned i = 0; i < storm->plan.client_count; i++) {
        draw_client(&prng, &storm->clients[i], large, storm->plan.is_unix);
        storm->clients[i].may_be_ended = storm->plan.idle_timeout_ms > 0;
    }
}

/* ---- many ---- */

/* What happened over all trials: a storm in which nothing was owed proves nothing. */
static struct {
    uint64_t deaths, owed, redone, adopted, continued, steps[STEP_COUNT];
} sum;

static void add_up(const struct trial_result *result)
{
    sum.deaths += result->deaths;
    sum.owed += result->owed;
    sum.redone += result->redone;
    sum.adopted += result->adopted;
    sum.continued += result->continued;
    for (int i = 0; i < STEP_COUNT; i++)
        sum.steps[i] += result->steps[i];
}

static void run_storms(uint64_t first_seed, unsigned count)
{
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        struct storm storm;
        struct trial_result result;

        draw_storm(&storm, seed);
        trial_run(&storm.plan, false, &result);
        add_up(&result);
        if (result.passed)
            continue;
        print_message("%s\n      to repeat: %s/tests/test_socket_storms %llu\n", result.why,
                      getenv("BUILD") ? getenv("BUILD") : "build", (unsigned long long)seed);
        fail();
    }
}

static void storm__fixed_seeds__every_byte_once(void **state)
{
    (void)state;
    run_storms(1, FIXED_TRIALS);
}

static void storm__fresh_seeds__every_byte_once(void **state)
{
    uint32_t seed = 0;

    (void)state;
    assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    run_storms(UINT64_C(1000000) + seed, FRESH_TRIALS);
}

static void storm__all_trials__meet_every_step_and_every_debt(void **state)
{
    (void)state;
    print_message("deaths %llu continued %llu adopted %llu owed %llu redone %llu\n",
                  (unsigned long long)sum.deaths, (unsigned long long)sum.continued,
                  (unsigned long long)sum.adopted, (unsigned long long)sum.owed,
                  (unsigned long long)sum.redone);
    assert_true(sum.deaths > 10000);
    assert_true(sum.continued > 10000);
    assert_true(sum.adopted > 100);
    assert_true(sum.owed > 1000);
    assert_true(sum.redone > 1000);
    for (int i = 0; i < STEP_COUNT; i++)
        assert_true(sum.steps[i] > 0);
}

static int repeat(uint64_t seed)
{
    struct storm storm;
    struct trial_result result;

    draw_storm(&storm, seed);
    trial_run(&storm.plan, true, &result);
    printf("%s\n", result.passed ? "passed" : result.why);
    return !result.passed;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storm__fixed_seeds__every_byte_once),
        cmocka_unit_test(storm__fresh_seeds__every_byte_once),
        cmocka_unit_test(storm__all_trials__meet_every_step_and_every_debt),
    };

    if (argc > 1)
        return repeat(strtoull(argv[1], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
