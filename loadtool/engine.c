#include "loadtool/engine_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- entering a phase -- */

void engine_on_due(void *owner, uint32_t place, uint64_t due_ns)
{
    struct engine *engine = owner;

    uint32_t control = engine->settings->clients - engine->victims.places;
    uint32_t loops = engine->team->count;

    if (place >= control)
        victims_arrival(&engine->victims, place - control, due_ns);
    else if (place % loops == engine->number) /* others have theirs from their own pacers */
        control_arrival(&engine->control, place / loops, due_ns);
}

static void on_arrival(void *owner, uint64_t k, uint64_t due_ns)
{
    const struct engine *engine = owner;

    engine_on_due(owner, (uint32_t)(k % engine->load.places), due_ns);
}

/* From here on clients send as the load lets them. */
static void start_load(struct engine *engine)
{
    uint64_t now_ns = engine->orders.begun_ns; /* the same for all loops */
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
    felt_forget(&engine->felt);
    histogram_init(&outcome->lag);
    histogram_init(&outcome->connects);
    memset(&engine->load.arrivals, 0, sizeof(engine->load.arrivals));
    /* What waits now will be sent or missed in MAIN: it counts as due then. */
    engine->load.arrivals.due =
        control_pending_count(&engine->control) + victims_pending_count(&engine->victims);
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
    tap_end(&engine->tap, engine->phase_ns);
    engine->load.flows = false;
    pacer_stop(&engine->pacer);
    think_stop(&engine->think);
    churn_stop(&engine->churn);
    if (engine->orders.done_count == 0)
        return;
    engine->control.part = PART_AFTER;
    engine->outcome->recovery.is_checked = true;
    if (engine->number == 0)
        probe_init(&engine->probe, &engine->world, engine->orders.last_done_ns, engine->phase_ns);
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
    for (size_t i = 0; engine->number == 0 && i < 2; i++)
        uv_close((uv_handle_t *)&engine->interrupts[i], NULL);
}

static void enter(struct engine *engine, const struct team_orders *orders)
{
    enum engine_phase phase = (enum engine_phase)orders->phase;
    bool was_loading = engine->phase == ENGINE_MAIN;

    engine->phase = phase;
    engine->orders = *orders;
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
        engine->has_between = engine->orders.done_count > 0;
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

/* For the leader: when all are in the same phase, does the next one begin? */
static void lead(struct engine *engine, uint64_t now_ns)
{
    bool is_together = team_sum(engine->team, &engine->sum);
    struct team_orders orders = {
        .begun_ns = now_ns, .done_count = engine->sum.done, .last_done_ns = engine->sum.last_done_ns};

    engine_write_second(engine, now_ns);
    if (!is_together)
        return;
    enum engine_phase next = engine_decide(engine, now_ns);
    orders.phase = (int)next;
    if (next != engine->phase)
        team_order(engine->team, &orders);
}

/* Report, and go where the leader says. A phase that is over at once does not wait for a tick; phases go
 * forward alone, so this ends. */
static void go_on(struct engine *engine, uint64_t now_ns)
{
    for (;;) {
        struct team_report report = engine_report(engine, now_ns);
        team_post(engine->team, engine->number, &report);
        if (engine->number == 0)
            lead(engine, now_ns);
        struct team_orders orders = team_read_orders(engine->team);
        if (orders.phase == (int)engine->phase)
            return;
        enter(engine, &orders);
        now_ns = engine->phase_ns;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct engine *engine = timer->data;
    uint64_t now_ns = uv_hrtime();
    bool has_load =
        engine->phase == ENGINE_MAIN || engine->phase == ENGINE_BETWEEN || engine->phase == ENGINE_KILLS;

    if (engine->control.part == PART_BEFORE && atomic_load(&engine->team->is_disturbed))
        engine->control.part = PART_BETWEEN;
    if (has_load)
        victims_tick(&engine->victims, now_ns);
    engine_look(engine, now_ns);
    if (engine->ticks++ % LIMIT_SWEEP_TICKS == 0) {
        control_sweep(&engine->control, now_ns);
        churn_sweep(&engine->churn, now_ns);
        if (engine->show_progress != NULL)
            engine->show_progress(engine, now_ns);
    }
    go_on(engine, now_ns);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    struct engine *engine = signal->data;
    struct team_orders orders = {.phase = ENGINE_CLOSE, .begun_ns = uv_hrtime()};

    (void)number;
    engine->outcome->was_interrupted = true;
    if (engine->phase == ENGINE_CLOSE)
        return;
    team_order(engine->team, &orders);
    enter(engine, &orders);
}

void engine_on_disturbed(void *owner)
{
    struct engine *engine = owner;

    atomic_store(&engine->team->is_disturbed, true);
    if (engine->control.part == PART_BEFORE)
        engine->control.part = PART_BETWEEN;
}

int engine_start_loop(struct engine *engine)
{
    static const int numbers[2] = {SIGINT, SIGTERM};

    int rc = uv_loop_init(&engine->loop);
    if (rc < 0)
        return rc;
    engine->loop_is_open = true;
    (void)uv_loop_configure(&engine->loop, UV_METRICS_IDLE_TIME);
    uv_timer_init(&engine->loop, &engine->tick);
    engine->tick.data = engine;
    uv_timer_start(&engine->tick, on_tick, 0, LIMIT_TICK_MS);
    for (size_t i = 0; engine->number == 0 && i < 2; i++) {
        uv_signal_init(&engine->loop, &engine->interrupts[i]);
        engine->interrupts[i].data = engine;
        uv_signal_start(&engine->interrupts[i], on_interrupt, numbers[i]);
    }
    return 0;
}

/* -- all loops of a run -- */

static void run_loop(void *argument)
{
    struct engine *engine = argument;

    uv_run(&engine->loop, UV_RUN_DEFAULT);
    uv_loop_close(&engine->loop);
    engine->loop_is_open = false;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* One that was begun and never run, since something was missing for the whole. */
static void abandon_loop(struct engine *engine)
{
    uv_walk(&engine->loop, close_handle, NULL);
    run_loop(engine);
}

/* The leader's loop runs here, the others in threads. A thread that cannot be had ends the run for all. */
static int run_all(struct engine *leader)
{
    struct team_orders orders = {.phase = ENGINE_CLOSE, .begun_ns = uv_hrtime()};
    uint32_t started = 1;
    int rc = 0;

    while (rc == 0 && started < leader->team->count) {
        struct engine *engine = engine_loop(leader, started);
        rc = uv_thread_create(&engine->thread, run_loop, engine);
        started += rc == 0;
    }
    if (rc < 0)
        team_order(leader->team, &orders);
    run_loop(leader);
    for (uint32_t i = 1; i < started; i++)
        uv_thread_join(&engine_loop(leader, i)->thread);
    return rc;
}

static void free_loop(struct engine *engine)
{
    if (engine->loop_is_open)
        abandon_loop(engine);
    control_free(&engine->control);
    victims_free(&engine->victims);
    churn_free(&engine->churn);
    felt_free(&engine->felt);
    think_free(&engine->think);
    client_world_free(&engine->world);
    shared_free(&engine->budget);
    if (engine->number > 0)
        free(engine->outcome);
}

static void free_all(struct engine *leader)
{
    for (uint32_t i = leader->others == NULL ? 0 : leader->team->count - 1; i > 0; i--)
        free_loop(engine_loop(leader, i));
    free(leader->others);
    leader->others = NULL;
    free_loop(leader);
    timeline_free(&leader->timeline);
    team_free(leader->team);
    free(leader->team);
    leader->team = NULL;
}

int engine_run(struct engine *engine, const struct settings *settings, const struct target *target,
               struct outcome *outcome)
{
    engine->settings = settings;
    engine->outcome = outcome;
    engine->begin_ns = uv_hrtime();
    engine->team = calloc(1, sizeof(*engine->team));
    if (engine->team == NULL)
        return -ENOMEM;
    team_init(engine->team, settings->threads == 0 ? 1 : settings->threads);
    engine->team->second = &engine->seconds.latency;
    int rc = engine_set_up(engine, target);
    if (rc == 0)
        rc = run_all(engine);
    if (rc == 0)
        rc = engine_collect(engine);
    free_all(engine);
    return rc;
}
