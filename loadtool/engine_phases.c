/* When a phase of a run is over, and which one follows. */
#include "loadtool/engine_parts.h"

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- what a loop sees -- */

/* Nobody of this loop was answered, and somebody has waited for too long: before the next hundred are tried
 * for nothing. */
static bool is_hopeless(const struct engine *engine)
{
    const struct control_group *control = &engine->control;

    return control->count > 0 && control->answered_count == 0 &&
           (control->counts->unanswered > 0 ||
            engine->world.tally->faults[FAULT_TIMEOUT][WHERE_CONNECT].count > 0);
}

static void report_counts(const struct engine *engine, struct team_report *report)
{
    const struct control_group *control = &engine->control;
    const struct victims *victims = &engine->victims;
    const struct tally *tally = engine->world.tally;

    report->control = control->count;
    report->answered = control->answered_count;
    report->unanswered = control->counts->unanswered;
    report->connect_timeouts = tally->faults[FAULT_TIMEOUT][WHERE_CONNECT].count;
    report->gone = control->gone_count;
    report->victims = victims->count;
    report->away = victims->away_count;
    report->unexpected_ends = victims->unexpected_ends;
    report->done = victims->done_count;
    report->last_done_ns = victims->last_done_ns;
    report->opened = tally->opened;
    report->bytes_right = tally->bytes_right;
    report->churning = churn_busy_count(&engine->churn);
    report->seconds = engine->seconds_over;
    report->sums = engine_sums(engine);
}

struct team_report engine_report(struct engine *engine, uint64_t now_ns)
{
    struct team_report report = {.phase = (int)engine->phase, .is_pacing = engine->pacer.is_open};

    (void)now_ns;
    switch (engine->phase) {
    case ENGINE_RAMP:
        /* With others it is the leader who sees, a tick later, that nobody at all is answered. */
        report.has_ramped =
            (engine->team->count > 1 || !is_hopeless(engine)) && control_ramp(&engine->control);
        break;
    case ENGINE_MAIN:
        report.is_alive = control_is_alive(&engine->control);
        report.is_serving = engine->victims.count > 0 && victims_are_serving(&engine->victims);
        break;
    case ENGINE_BETWEEN:
        report.lacking = engine->has_between ? control_prove(&engine->control) : 0;
        break;
    case ENGINE_AFTER:
        report.lacking = engine->orders.done_count > 0 ? control_prove(&engine->control) : 0;
        report.waiting = control_waiting_count(&engine->control);
        break;
    case ENGINE_WARM:
    case ENGINE_KILLS:
    case ENGINE_CLOSE:
        break;
    }
    report_counts(engine, &report);
    return report;
}

/* -- what follows from it -- */

static bool is_run_hopeless(const struct team_report *sum)
{
    if (sum->control == 0 || sum->answered > 0)
        return false;
    return sum->has_ramped || sum->unanswered > 0 || sum->connect_timeouts > 0;
}

static bool is_budget_spent(const struct engine *engine)
{
    return engine->load.budget != NULL && atomic_load(&engine->load.budget->left) == 0;
}

static enum engine_phase step_ramp(const struct engine *engine)
{
    const struct team_report *sum = &engine->sum;

    if (is_run_hopeless(sum))
        return ENGINE_CLOSE;
    if (!sum->has_ramped)
        return ENGINE_RAMP;
    return engine->settings->warm_up_ms > 0 ? ENGINE_WARM : ENGINE_MAIN;
}

static enum engine_phase step_warm(const struct engine *engine, uint64_t now_ns)
{
    bool is_over = now_ns - engine->phase_ns >= engine->settings->warm_up_ms * NS_PER_MS;

    return is_over || is_budget_spent(engine) ? ENGINE_MAIN : ENGINE_WARM;
}

/* With victims alone: has none had a right reply byte for as long as a life and both time-outs may take? */
static bool is_at_rest(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t patience_ms = settings->timeout_ms + settings->connect_timeout_ms + LIMIT_LIFE_MS_MAX;
    uint64_t bytes = engine->sum.bytes_right;

    if (engine->progress.ns < engine->phase_ns || bytes != engine->progress.bytes) {
        engine->progress.bytes = bytes;
        engine->progress.ns = now_ns;
    }
    return now_ns - engine->progress.ns > patience_ms * NS_PER_MS;
}

/* Messages are left, and nobody who could send them: a run that ends by messages would never end. */
static bool is_stuck(struct engine *engine, uint64_t now_ns)
{
    if (engine->load.rate_per_s > 0 && !engine->sum.is_pacing)
        return true;
    if (engine->sum.control == 0)
        return is_at_rest(engine, now_ns);
    return !engine->sum.is_alive;
}

static bool is_main_over(struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t age_ns = now_ns - engine->phase_ns;

    if (settings->duration_ms > 0 && age_ns >= settings->duration_ms * NS_PER_MS)
        return true;
    if (engine->load.budget != NULL && (is_budget_spent(engine) || is_stuck(engine, now_ns)))
        return true;
    return engine->sum.gone == engine->sum.control && engine->sum.victims == 0;
}

/* Victims alone, and not one could connect? (What children opened is counted at their death.) */
static bool is_target_down(const struct engine *engine, uint64_t age_ns)
{
    const struct team_report *sum = &engine->sum;

    return sum->control == 0 && sum->opened == 0 && sum->unexpected_ends > 0 && !sum->is_serving &&
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
    if (engine->sum.victims == 0)
        return ENGINE_AFTER;
    if (engine->sum.done == 0 && age_ns < patience_ms * NS_PER_MS)
        return ENGINE_MAIN;
    return ENGINE_BETWEEN;
}

static enum engine_phase step_kills(const struct engine *engine, uint64_t now_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t patience_ms = settings->timeout_ms + settings->connect_timeout_ms + LIMIT_LIFE_MS_MAX;

    if (engine->sum.away < engine->sum.victims && now_ns - engine->phase_ns < patience_ms * NS_PER_MS)
        return ENGINE_KILLS;
    return ENGINE_AFTER;
}

static enum engine_phase step_after(struct engine *engine, uint64_t now_ns)
{
    bool is_probed = !engine->outcome->recovery.is_checked || probe_step(&engine->probe, now_ns);

    engine->outcome->recovery.is_ok = engine->probe.is_right;
    engine->outcome->recovery.ns = engine->probe.took_ns;
    if (!is_probed || engine->sum.lacking > 0 || engine->sum.waiting > 0 || engine->sum.churning > 0)
        return ENGINE_AFTER;
    return ENGINE_CLOSE;
}

enum engine_phase engine_decide(struct engine *engine, uint64_t now_ns)
{
    switch (engine->phase) {
    case ENGINE_RAMP:
        return step_ramp(engine);
    case ENGINE_WARM:
        return step_warm(engine, now_ns);
    case ENGINE_MAIN:
        return step_main(engine, now_ns);
    case ENGINE_BETWEEN:
        return engine->sum.lacking > 0 ? ENGINE_BETWEEN : ENGINE_KILLS;
    case ENGINE_KILLS:
        return step_kills(engine, now_ns);
    case ENGINE_AFTER:
        return step_after(engine, now_ns);
    case ENGINE_CLOSE:
        break;
    }
    return ENGINE_CLOSE;
}
