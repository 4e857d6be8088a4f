/* What is measured of the load, and of the load tool itself, while MAIN lasts. */
#include "loadtool/engine_parts.h"
#include "loadtool/limits.h"
#include "loadtool/units.h"

struct seconds_sums engine_sums(const struct engine *engine)
{
    const struct tally *tally = engine->world.tally;

    return (struct seconds_sums){.sent = tally->messages_sent,
                                 .right = tally->messages_right,
                                 .bytes_right = tally->bytes_right,
                                 .found_bytes = tally_found_bytes(tally),
                                 .opened = tally->opened,
                                 .ended = tally->ended,
                                 .kills = engine->victims.done_count,
                                 .lost = engine->control.gone_count,
                                 .missed = engine->load.arrivals.missed + engine->churn.counts.missed};
}

static uint64_t step_ns(const struct engine *engine)
{
    uint64_t every_ms = engine->settings->csv_every_ms;

    return (every_ms == 0 ? 1000 : every_ms) * NS_PER_MS;
}

void engine_begin_measures(struct engine *engine)
{
    const struct tally *tally = engine->world.tally;

    engine->main.begin_ns = uv_hrtime();
    engine->main.idle_ns = uv_metrics_idle_time(&engine->loop);
    engine->main.messages = tally->messages_right;
    engine->main.bytes = tally->bytes_right;
    engine->main.latency_sum_ns = engine->outcome->latency_sent.sum_ns;
    selfcheck_read_clock(&engine->main.clock);
    tap_begin(&engine->tap, engine->orders.begun_ns);
    histogram_init(&engine->second);
    engine->seconds.step_ns = step_ns(engine);
    if (engine->number == 0)
        seconds_begin(&engine->seconds, &engine->sum.sums, engine->orders.begun_ns);
}

/* Which modes have had a death since the last look. */
static void look_at_deaths(struct engine *engine)
{
    uint32_t modes = 0;

    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        if (engine->victims.done[mode] != engine->done[mode])
            modes |= UINT32_C(1) << mode;
        engine->done[mode] = engine->victims.done[mode];
    }
    if (modes != 0)
        atomic_fetch_or(&engine->team->modes, modes);
}

/* The leader's share of the control group says what is normal: anew whenever it has had twice as many calm
 * replies. */
static void look_at_calm(struct engine *engine)
{
    uint64_t replies = felt_calm_count(&engine->felt);

    if (engine->number != 0 || replies < FELT_REPLIES_MIN || replies < 2 * engine->calm_replies)
        return;
    engine->calm_replies = replies;
    timeline_set_calm(&engine->timeline, felt_calm(&engine->felt).p99_ns);
}

/* How many messages are outstanding is looked at now and then, independently of how long each takes. */
void engine_look(struct engine *engine, uint64_t now_ns)
{
    if (engine->main.begin_ns == 0 || engine->phase == ENGINE_CLOSE)
        return;
    if (engine->phase == ENGINE_MAIN) {
        engine->little.looks++;
        engine->little.outstanding += engine->control.outstanding_count;
    }
    look_at_deaths(engine);
    look_at_calm(engine);
    tap_tick(&engine->tap, now_ns);
    uint64_t seconds = (now_ns - engine->tap.begin_ns) / step_ns(engine);
    if (seconds <= engine->seconds_over)
        return;
    engine->seconds_over = seconds;
    team_end_second(engine->team, &engine->second);
}

void engine_write_second(struct engine *leader, uint64_t now_ns)
{
    if (leader->main.begin_ns == 0 || leader->sum.seconds <= leader->seconds.count)
        return;
    pthread_mutex_lock(&leader->team->mutex);
    leader->seconds.modes = atomic_exchange(&leader->team->modes, 0);
    seconds_step(&leader->seconds, &leader->sum.sums, now_ns);
    pthread_mutex_unlock(&leader->team->mutex);
}

void engine_end_seconds(struct engine *leader)
{
    for (uint32_t i = 0; i < leader->team->count; i++) {
        struct engine *engine = engine_loop(leader, i);
        look_at_deaths(engine);
        if (engine->main.begin_ns != 0)
            team_end_second(leader->team, &engine->second);
    }
    leader->seconds.modes = atomic_exchange(&leader->team->modes, 0);
    seconds_end(&leader->seconds, &leader->sum.sums, leader->phase_ns);
}

void engine_finish_main(struct engine *engine)
{
    struct outcome *outcome = engine->outcome;
    uint64_t now_ns = uv_hrtime();
    uint64_t end_ns = now_ns;

    if (engine->load.budget != NULL && engine->world.now_ns > engine->main.begin_ns)
        end_ns = engine->world.now_ns; /* the last reply, not the tick that saw it */
    double seconds = (double)(end_ns - engine->main.begin_ns) / 1e9;
    double idle_s = (double)(uv_metrics_idle_time(&engine->loop) - engine->main.idle_ns) / 1e9;
    double wall_s = (double)(now_ns - engine->main.begin_ns) / 1e9;
    if (engine->main.begin_ns == 0 || seconds <= 0)
        return;
    outcome->main_ns = now_ns - engine->main.begin_ns;
    outcome->arrivals.due = engine->load.arrivals.due;
    outcome->arrivals.sent = engine->load.arrivals.sent;
    outcome->arrivals.missed = engine->load.arrivals.missed;
    outcome->arrivals.in_children = engine->load.arrivals.in_children;
    outcome->arrivals.late =
        control_pending_count(&engine->control) + victims_pending_count(&engine->victims);
    outcome->messages_per_s = (double)(outcome->tally.messages_right - engine->main.messages) / seconds;
    outcome->bytes_per_s = (double)(outcome->tally.bytes_right - engine->main.bytes) / seconds;
    engine->main.latency_sum_ns = outcome->latency_sent.sum_ns - engine->main.latency_sum_ns;
    selfcheck_read_clock(&engine->main.end_clock);
    if (wall_s < LIMIT_BUSY_MS_MIN / 1e3)
        return; /* too short to say anything of ourselves */
    engine->main.wall_s = wall_s;
    if (engine->number == 0)
        engine->main.descriptors_left = selfcheck_count_descriptors_left();
    outcome->self.busy_share = idle_s >= wall_s ? 0 : 1 - idle_s / wall_s;
}
