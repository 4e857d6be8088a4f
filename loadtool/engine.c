#include "loadtool/engine_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- entering a phase -- */

static void on_due(void *owner, uint32_t place, uint64_t due_ns)
{
    struct engine *engine = owner;

    if (place < engine->control.count)
        control_arrival(&engine->control, place, due_ns);
    else
        victims_arrival(&engine->victims, place - engine->control.count, due_ns);
}

static void on_arrival(void *owner, uint64_t k, uint64_t due_ns)
{
    const struct engine *engine = owner;

    on_due(owner, (uint32_t)(k % engine->load.places), due_ns);
}

/* From here on clients send as the load lets them. */
static void start_load(struct engine *engine)
{
    uint64_t now_ns = uv_hrtime();
    int rc = 0;

    engine->load.flows = true;
    engine->load.begin_ns = now_ns;
    control_start(&engine->control);
    if (engine->load.rate_per_s > 0) {
        schedule_begin(&engine->pacer.arrivals, engine->load.rate_per_s, engine->load.is_poisson,
                       engine->settings->seed, 0);
        engine->pacer.owner = engine;
        engine->pacer.arrival = on_arrival;
        engine->pacer.lag = &engine->outcome->lag;
        rc = pacer_start(&engine->pacer, &engine->loop, now_ns);
    }
    if (rc == 0 && engine->churn.list != NULL)
        rc = churn_start(&engine->churn, now_ns);
    if (rc < 0)
        tally_note(engine->world.tally, FAULT_RESOURCES, WHERE_SEND, "no timer for the rate: %s",
                   uv_strerror(rc));
}

/* What the warm-up measured is not of interest. */
static void forget_warm_up(struct engine *engine)
{
    struct outcome *outcome = engine->outcome;

    control_forget_measures(&engine->control);
    histogram_init(&outcome->lag);
    histogram_init(&outcome->connects);
    memset(&engine->load.arrivals, 0, sizeof(engine->load.arrivals));
    memset(&engine->churn.counts, 0, sizeof(engine->churn.counts));
}

static void enter_main(struct engine *engine)
{
    if (engine->load.flows)
        forget_warm_up(engine);
    else
        start_load(engine);
    engine_begin_measures(engine);
}

static void enter_after(struct engine *engine)
{
    victims_drop_all(&engine->victims, true);
    timeline_end(&engine->timeline, engine->phase_ns);
    engine->load.flows = false;
    pacer_stop(&engine->pacer);
    think_stop(&engine->think);
    churn_stop(&engine->churn);
    if (engine->victims.done_count == 0)
        return;
    probe_init(&engine->probe, &engine->world, engine->victims.last_done_ns, engine->phase_ns);
    engine->outcome->recovery.is_checked = true;
    engine->control.part = PART_AFTER;
}

static void count_silent(struct engine *engine)
{
    struct outcome_control *counts = &engine->outcome->control;

    counts->silent_before = control_lacking_count(&engine->control, PART_BEFORE);
    if (engine->has_between)
        counts->silent_between = control_lacking_count(&engine->control, PART_BETWEEN);
    if (engine->outcome->recovery.is_checked)
        counts->silent_after = control_lacking_count(&engine->control, PART_AFTER);
}

static void enter_close(struct engine *engine)
{
    count_silent(engine);
    engine->load.flows = false;
    pacer_stop(&engine->pacer);
    think_stop(&engine->think);
    churn_close(&engine->churn);
    victims_drop_all(&engine->victims, false);
    control_close_all(&engine->control);
    probe_close(&engine->probe);
    uv_close((uv_handle_t *)&engine->tick, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&engine->interrupts[i], NULL);
}

static void enter(struct engine *engine, enum engine_phase phase)
{
    bool was_loading = engine->phase == ENGINE_MAIN;

    engine->phase = phase;
    engine->phase_ns = uv_hrtime();
    if (was_loading)
        engine_finish_main(engine);
    switch (phase) {
    case ENGINE_RAMP:
        break;
    case ENGINE_WARM:
        start_load(engine);
        break;
    case ENGINE_MAIN:
        enter_main(engine);
        break;
    case ENGINE_BETWEEN:
        engine->has_between = engine->victims.done_count > 0;
        break;
    case ENGINE_KILLS:
        victims_end_all(&engine->victims);
        break;
    case ENGINE_AFTER:
        enter_after(engine);
        break;
    case ENGINE_CLOSE:
        enter_close(engine);
        break;
    }
}

/* -- the loop -- */

static void on_tick(uv_timer_t *timer)
{
    struct engine *engine = timer->data;
    uint64_t now_ns = uv_hrtime();
    bool has_load =
        engine->phase == ENGINE_MAIN || engine->phase == ENGINE_BETWEEN || engine->phase == ENGINE_KILLS;

    if (has_load)
        victims_tick(&engine->victims, now_ns);
    engine_look(engine, now_ns);
    if (engine->ticks++ % LIMIT_SWEEP_TICKS == 0) {
        control_sweep(&engine->control, now_ns);
        churn_sweep(&engine->churn, now_ns);
        if (engine->show_progress != NULL)
            engine->show_progress(engine, now_ns);
    }
    /* A phase that is over at once does not wait for a tick. */
    for (enum engine_phase next; (next = engine_step(engine, now_ns)) != engine->phase;) {
        enter(engine, next);
        now_ns = engine->phase_ns;
    }
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    struct engine *engine = signal->data;

    (void)number;
    engine->outcome->was_interrupted = true;
    if (engine->phase != ENGINE_CLOSE)
        enter(engine, ENGINE_CLOSE);
}

static void on_disturbed(void *owner)
{
    struct engine *engine = owner;

    if (engine->control.part == PART_BEFORE)
        engine->control.part = PART_BETWEEN;
}

static int start_loop(struct engine *engine)
{
    static const int numbers[2] = {SIGINT, SIGTERM};

    int rc = uv_loop_init(&engine->loop);
    if (rc < 0)
        return rc;
    (void)uv_loop_configure(&engine->loop, UV_METRICS_IDLE_TIME);
    uv_timer_init(&engine->loop, &engine->tick);
    engine->tick.data = engine;
    uv_timer_start(&engine->tick, on_tick, 0, LIMIT_TICK_MS);
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&engine->loop, &engine->interrupts[i]);
        engine->interrupts[i].data = engine;
        uv_signal_start(&engine->interrupts[i], on_interrupt, numbers[i]);
    }
    return 0;
}

static int set_up_budget(struct engine *engine)
{
    if (engine->settings->messages == 0)
        return 0;
    int rc = shared_make(&engine->budget, "loadtool-budget", sizeof(struct budget));
    if (rc < 0)
        return rc;
    engine->load.budget = engine->budget.at;
    engine->load.budget_fd = engine->budget.fd;
    schedule_fill(engine->load.budget, engine->settings->messages, engine->control.count);
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
                            .over = on_due};
    engine->load.think = think;
    return think_init(think, &engine->loop, settings->clients);
}

static int set_up_churn(struct engine *engine)
{
    if (engine->settings->churn_per_s == 0)
        return 0;
    engine->churn = (struct churn){.world = &engine->world,
                                   .timeout_ns = engine->settings->timeout_ms * NS_PER_MS,
                                   .connect_timeout_ns = engine->settings->connect_timeout_ms * NS_PER_MS};
    return churn_init(&engine->churn, engine->settings->churn_per_s, engine->settings->is_poisson);
}

static int set_up(struct engine *engine, const struct target *target)
{
    const struct settings *settings = engine->settings;
    struct victims_settings victims = {.plan = &settings->plan,
                                       .check = settings->check,
                                       .clients = settings->clients,
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
                                             .counts = &engine->outcome->control,
                                             .timeout_ns = victims.timeout_ns,
                                             .connect_timeout_ns = victims.connect_timeout_ns};
    int rc = client_world_init(&engine->world, settings->check);
    if (rc == 0)
        rc = set_up_load(engine);
    if (rc == 0)
        rc = set_up_churn(engine);
    if (rc == 0)
        rc = victims_init(&engine->victims, &engine->world, &engine->load, &victims);
    if (rc == 0)
        rc = control_init(&engine->control, settings->clients - engine->victims.places);
    if (rc < 0)
        return rc;
    rc = felt_init(&engine->felt);
    if (rc < 0)
        return rc;
    engine->control.felt = engine->victims.felt = &engine->felt;
    rc = timeline_init(&engine->timeline);
    if (rc < 0)
        return rc;
    engine->control.timeline = engine->victims.timeline = &engine->timeline;
    if (engine->csv_out != NULL)
        engine->control.second = &engine->csv.latency;
    engine->victims.owner = engine;
    engine->victims.disturbed = on_disturbed;
    return set_up_budget(engine);
}

static int collect(struct engine *engine)
{
    struct outcome *outcome = engine->outcome;
    uint64_t *silences_ns = calloc(engine->control.count + 1, sizeof(*silences_ns));

    if (silences_ns == NULL)
        return -ENOMEM;
    uint32_t count = control_list_silences_ns(&engine->control, silences_ns);
    outcome->silence.p50_ns = histogram_sorted_percentile(silences_ns, count, 50);
    outcome->silence.p99_ns = histogram_sorted_percentile(silences_ns, count, 99);
    outcome->silence.max_ns = histogram_sorted_percentile(silences_ns, count, 100);
    free(silences_ns);
    outcome->control.untried = engine->control.count - engine->control.opened_count;
    outcome->victims = engine->victims.places;
    outcome->unexpected_ends = engine->victims.unexpected_ends;
    outcome->done_count = engine->victims.done_count;
    outcome->churn.due = engine->churn.counts.due;
    outcome->churn.done = engine->churn.counts.done;
    outcome->churn.failed = engine->churn.counts.failed;
    outcome->churn.missed = engine->churn.counts.missed;
    memcpy(outcome->done, engine->victims.done, sizeof(outcome->done));
    timeline_end(&engine->timeline, uv_hrtime());
    timeline_find_outages(&engine->timeline, histogram_percentile_ns(&outcome->latency, 99),
                          &outcome->outages);
    memcpy(outcome->took, engine->victims.took, sizeof(outcome->took));
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        outcome->felt[mode] = felt_result_of(&engine->felt, (enum plan_mode)mode);
    outcome->calm_p99_ns = felt_calm_p99_ns(&engine->felt);
    memcpy(outcome->not_done, engine->victims.not_done, sizeof(outcome->not_done));
    outcome->elapsed_ns = uv_hrtime() - engine->begin_ns;
    return 0;
}

int engine_run(struct engine *engine, const struct settings *settings, const struct target *target,
               struct outcome *outcome)
{
    engine->settings = settings;
    engine->outcome = outcome;
    engine->begin_ns = uv_hrtime();
    int rc = start_loop(engine);
    if (rc < 0)
        goto out;
    rc = set_up(engine, target);
    if (rc < 0)
        goto out;
    enter(engine, ENGINE_RAMP);
    uv_run(&engine->loop, UV_RUN_DEFAULT);
    uv_loop_close(&engine->loop);
    rc = collect(engine);
out:
    control_free(&engine->control);
    victims_free(&engine->victims);
    churn_free(&engine->churn);
    felt_free(&engine->felt);
    timeline_free(&engine->timeline);
    think_free(&engine->think);
    client_world_free(&engine->world);
    shared_free(&engine->budget);
    return rc;
}
