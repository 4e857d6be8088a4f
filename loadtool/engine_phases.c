/* When a phase of a run is over, and which one follows. */
#include "loadtool/engine_parts.h"

#include "loadtool/limits.h"
#include "loadtool/units.h"

static bool has_victims(const struct engine *engine)
{
    return engine->victims.count > 0;
}

static bool is_hopeless(const struct engine *engine, bool ramp_is_over)
{
    const struct control_group *control = &engine->control;

    if (control->count == 0 || control->answered_count > 0)
        return false;
    return ramp_is_over || control->counts->unanswered > 0 ||
           control->world->tally->faults[FAULT_TIMEOUT][WHERE_CONNECT].count > 0;
}

static enum engine_phase step_ramp(struct engine *engine)
{
    if (is_hopeless(engine, false))
        return ENGINE_CLOSE; /* before the next hundred are tried for nothing */
    bool is_over = control_ramp(&engine->control);
    if (is_hopeless(engine, is_over))
        return ENGINE_CLOSE;
    if (!is_over)
        return ENGINE_RAMP;
    return engine->settings->warm_up_ms > 0 ? ENGINE_WARM : ENGINE_MAIN;
}

static enum engine_phase step_warm(const struct engine *engine, uint64_t now_ns)
{
    bool is_over = now_ns - engine->phase_ns >= engine->settings->warm_up_ms * NS_PER_MS ||
                   (engine->load.budget != NULL && atomic_load(&engine->load.budget->left) == 0);

    return is_over ? ENGINE_MAIN : ENGINE_WARM;
}

/* With victims alone: has none had a right reply byte for as long as a life and both time-outs may take? */
static bool is_at_rest(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t patience_ms = settings->timeout_ms + settings->connect_timeout_ms + LIMIT_LIFE_MS_MAX;
    uint64_t bytes = engine->world.tally->bytes_right;

    if (engine->progress.ns < engine->phase_ns || bytes != engine->progress.bytes) {
        engine->progress.bytes = bytes;
        engine->progress.ns = now_ns;
    }
    return now_ns - engine->progress.ns > patience_ms * NS_PER_MS;
}

/* Messages are left, and nobody who could send them: a run that ends by messages would never end. */
static bool is_stuck(struct engine *engine, uint64_t now_ns)
{
    if (engine->load.rate_per_s > 0 && !engine->pacer.is_open)
        return true;
    if (engine->control.count == 0)
        return is_at_rest(engine, now_ns);
    return !control_is_alive(&engine->control);
}

static bool is_main_over(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t age_ns = now_ns - engine->phase_ns;

    if (settings->duration_ms > 0 && age_ns >= settings->duration_ms * NS_PER_MS)
        return true;
    if (engine->load.budget != NULL &&
        (atomic_load(&engine->load.budget->left) == 0 || is_stuck(engine, now_ns)))
        return true;
    return engine->control.gone_count == engine->control.count && !has_victims(engine);
}

/* Victims alone, and not one could connect? (What children opened is counted at their death.) */
static bool is_target_down(const struct engine *engine, uint64_t age_ns)
{
    return engine->control.count == 0 && engine->world.tally->opened == 0 &&
           engine->victims.unexpected_ends > 0 && !victims_are_serving(&engine->victims) &&
           age_ns > engine->settings->connect_timeout_ms * NS_PER_MS;
}

/* Without one disturbance nothing would be proven: MAIN waits for it, within reason. */
static enum engine_phase step_main(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t age_ns = now_ns - engine->phase_ns;
    uint64_t patience_ms = settings->duration_ms + settings->timeout_ms + LIMIT_LIFE_MS_MAX;

    if (is_target_down(engine, age_ns))
        return ENGINE_CLOSE;
    if (!is_main_over(engine, now_ns))
        return ENGINE_MAIN;
    if (!has_victims(engine))
        return ENGINE_AFTER;
    if (engine->victims.done_count == 0 && age_ns < patience_ms * NS_PER_MS)
        return ENGINE_MAIN;
    return ENGINE_BETWEEN;
}

static enum engine_phase step_between(struct engine *engine)
{
    if (engine->has_between && control_prove(&engine->control) > 0)
        return ENGINE_BETWEEN;
    return ENGINE_KILLS;
}

static enum engine_phase step_kills(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t patience_ms = settings->timeout_ms + settings->connect_timeout_ms + LIMIT_LIFE_MS_MAX;

    if (engine->victims.away_count < engine->victims.count &&
        now_ns - engine->phase_ns < patience_ms * NS_PER_MS)
        return ENGINE_KILLS;
    return ENGINE_AFTER;
}

static enum engine_phase step_after(struct engine *engine, uint64_t now_ns)
{
    bool is_probed = !engine->outcome->recovery.is_checked || probe_step(&engine->probe, now_ns);
    uint32_t lacking = engine->victims.done_count > 0 ? control_prove(&engine->control) : 0;

    engine->outcome->recovery.is_ok = engine->probe.is_right;
    engine->outcome->recovery.ns = engine->probe.took_ns;
    if (!is_probed || lacking > 0 || control_waiting_count(&engine->control) > 0 ||
        churn_busy_count(&engine->churn) > 0)
        return ENGINE_AFTER;
    return ENGINE_CLOSE;
}

enum engine_phase engine_step(struct engine *engine, uint64_t now_ns)
{
    switch (engine->phase) {
    case ENGINE_RAMP:
        return step_ramp(engine);
    case ENGINE_WARM:
        return step_warm(engine, now_ns);
    case ENGINE_MAIN:
        return step_main(engine, now_ns);
    case ENGINE_BETWEEN:
        return step_between(engine);
    case ENGINE_KILLS:
        return step_kills(engine, now_ns);
    case ENGINE_AFTER:
        return step_after(engine, now_ns);
    case ENGINE_CLOSE:
        break;
    }
    return ENGINE_CLOSE;
}
