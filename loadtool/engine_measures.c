/* What is measured of the load, and of the load tool itself, while MAIN lasts. */
#include "loadtool/engine_parts.h"
#include "loadtool/limits.h"
#include "loadtool/units.h"

struct csv_sums engine_sums(const struct engine *engine)
{
    const struct tally *tally = engine->world.tally;

    return (struct csv_sums){.sent = tally->messages_sent,
                             .right = tally->messages_right,
                             .bytes_right = tally->bytes_right,
                             .found_bytes = tally_found_bytes(tally),
                             .opened = tally->opened,
                             .ended = tally->ended,
                             .kills = engine->victims.done_count,
                             .lost = engine->control.gone_count,
                             .missed = engine->load.arrivals.missed + engine->churn.counts.missed};
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
    timeline_begin(&engine->timeline, engine->orders.begun_ns);
    histogram_init(&engine->second);
    if (engine->number == 0)
        csv_begin(&engine->csv, engine->csv_out, &engine->sum.sums, engine->orders.begun_ns);
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
    if (engine->csv_out == NULL)
        return;
    uint64_t seconds = (now_ns - engine->timeline.begin_ns) / (1000 * NS_PER_MS);
    if (seconds <= engine->seconds)
        return;
    engine->seconds = seconds;
    team_end_second(engine->team, &engine->second);
}

void engine_write_second(struct engine *leader, uint64_t now_ns)
{
    if (leader->csv_out == NULL || leader->main.begin_ns == 0 || leader->sum.seconds <= leader->csv.seconds)
        return;
    pthread_mutex_lock(&leader->team->mutex);
    csv_step(&leader->csv, &leader->sum.sums, now_ns);
    pthread_mutex_unlock(&leader->team->mutex);
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
