/* What stands before a run: the loops, and in each its share of the clients, arrivals, rests and victims. */
#include <errno.h>
#include <stdlib.h>

#include "loadtool/engine_parts.h"
#include "loadtool/units.h"

static int set_up_budget(struct engine *leader)
{
    const struct settings *settings = leader->settings;

    if (settings->messages == 0)
        return 0;
    int rc = shared_make(&leader->budget, "loadtool-budget", sizeof(struct budget));
    if (rc < 0)
        return rc;
    schedule_fill(leader->budget.at, settings->messages, settings->clients - leader->victims.places);
    return 0;
}

static int set_up_load(struct engine *engine)
{
    const struct settings *settings = engine->settings;
    struct think *think = &engine->think;

    engine->load.rate_per_s = settings->rate_per_s;
    engine->load.is_poisson = settings->is_poisson;
    engine->load.depth = settings->depth;
    engine->load.places = settings->clients;
    if (settings->think_ms_max == 0)
        return 0;
    *think = (struct think){.seed = settings->seed,
                            .min_ns = settings->think_ms_min * NS_PER_MS,
                            .max_ns = settings->think_ms_max * NS_PER_MS,
                            .owner = engine,
                            .over = engine_on_due};
    engine->load.think = think;
    return think_init(think, &engine->loop, settings->clients);
}

static int set_up_churn(struct engine *engine)
{
    if (engine->settings->churn_per_s == 0 || engine->number != 0)
        return 0;
    engine->churn = (struct churn){.world = &engine->world,
                                   .timeout_ns = engine->settings->timeout_ms * NS_PER_MS,
                                   .connect_timeout_ns = engine->settings->connect_timeout_ms * NS_PER_MS};
    return churn_init(&engine->churn, engine->settings->churn_per_s, engine->settings->is_poisson);
}

/* How many of so many places are this loop's. */
static uint32_t share_of(const struct engine *engine, uint32_t places)
{
    return (places + engine->team->count - 1 - engine->number) / engine->team->count;
}

static int set_up(struct engine *engine, const struct target *target)
{
    const struct settings *settings = engine->settings;
    struct victims_settings victims = {.plan = &settings->plan,
                                       .check = settings->check,
                                       .clients = settings->clients,
                                       .share = engine->number,
                                       .shares = engine->team->count,
                                       .timeout_ns = settings->timeout_ms * NS_PER_MS,
                                       .connect_timeout_ns = settings->connect_timeout_ms * NS_PER_MS};

    engine->world = (struct client_world){.loop = &engine->loop,
                                          .target = target,
                                          .seed = settings->seed,
                                          .dialogue = &settings->dialogue,
                                          .source = &settings->source,
                                          .connects = &engine->outcome->connects,
                                          .begin_ns = engine->begin_ns,
                                          .tally = &engine->outcome->tally};
    engine->control = (struct control_group){.world = &engine->world,
                                             .load = &engine->load,
                                             .latency = &engine->outcome->latency,
                                             .latency_sent = &engine->outcome->latency_sent,
                                             .ramp_ns = settings->ramp_up_ms * NS_PER_MS,
                                             .begin_ns = engine->begin_ns,
                                             .share = engine->number,
                                             .shares = engine->team->count,
                                             .counts = &engine->outcome->control,
                                             .timeout_ns = victims.timeout_ns,
                                             .connect_timeout_ns = victims.connect_timeout_ns};
    engine->phase_ns = engine->begin_ns;
    int rc = client_world_init(&engine->world, settings->check);
    if (rc == 0)
        rc = set_up_load(engine);
    if (rc == 0)
        rc = set_up_churn(engine);
    if (rc == 0)
        rc = victims_init(&engine->victims, &engine->world, &engine->load, &victims);
    if (rc == 0)
        rc = control_init(&engine->control, share_of(engine, settings->clients - engine->victims.places));
    if (rc == 0)
        rc = felt_init(&engine->felt, &engine->team->marks);
    if (rc < 0)
        return rc;
    engine->control.felt = engine->victims.felt = &engine->felt;
    engine->control.tap = engine->victims.tap = &engine->tap;
    engine->control.second = &engine->second;
    engine->victims.owner = engine;
    engine->victims.disturbed = engine_on_disturbed;
    return 0;
}

struct engine *engine_loop(struct engine *leader, uint32_t number)
{
    return number == 0 ? leader : &leader->others[number - 1];
}

static int make_others(struct engine *leader)
{
    uint32_t count = leader->team->count;

    if (count == 1)
        return 0;
    leader->others = calloc(count - 1, sizeof(*leader->others));
    if (leader->others == NULL)
        return -ENOMEM;
    for (uint32_t i = 1; i < count; i++) {
        struct engine *engine = engine_loop(leader, i);
        *engine = (struct engine){.settings = leader->settings,
                                  .team = leader->team,
                                  .number = i,
                                  .outcome = calloc(1, sizeof(struct outcome)),
                                  .begin_ns = leader->begin_ns};
        if (engine->outcome == NULL)
            return -ENOMEM;
    }
    return 0;
}

int engine_set_up(struct engine *leader, const struct target *target)
{
    int rc = make_others(leader);

    if (rc == 0)
        rc = timeline_init(&leader->timeline, leader->team->count);
    for (uint32_t i = 0; rc == 0 && i < leader->team->count; i++)
        tap_init(&engine_loop(leader, i)->tap, &leader->timeline, i);
    for (uint32_t i = 0; rc == 0 && i < leader->team->count; i++) {
        rc = engine_start_loop(engine_loop(leader, i));
        if (rc == 0)
            rc = set_up(engine_loop(leader, i), target);
    }
    if (rc == 0)
        rc = set_up_budget(leader);
    for (uint32_t i = 0; rc == 0 && i < leader->team->count && leader->budget.at != NULL; i++) {
        engine_loop(leader, i)->load.budget = leader->budget.at;
        engine_loop(leader, i)->load.budget_fd = leader->budget.fd;
    }
    return rc;
}
