/* What is measured of the load, and of the load tool itself, while MAIN lasts. */
#include "loadtool/engine_parts.h"
#include "loadtool/limits.h"
#include "loadtool/units.h"

static struct csv_sums sums_of(const struct engine *engine)
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
    struct csv_sums sums = sums_of(engine);

    engine->main.begin_ns = uv_hrtime();
    engine->main.idle_ns = uv_metrics_idle_time(&engine->loop);
    engine->main.messages = tally->messages_right;
    engine->main.bytes = tally->bytes_right;
    engine->main.latency_sum_ns = engine->outcome->latency_sent.sum_ns;
    selfcheck_read_clock(&engine->main.clock);
    timeline_begin(&engine->timeline, engine->main.begin_ns);
    csv_begin(&engine->csv, engine->csv_out, &sums, engine->main.begin_ns);
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
    if (engine->csv_out != NULL &&
        now_ns - engine->csv.begin_ns >= (engine->csv.seconds + 1) * 1000 * NS_PER_MS) {
        struct csv_sums sums = sums_of(engine);
        csv_step(&engine->csv, &sums, now_ns);
    }
}

/* Little's law: what is outstanding on average = rate x latency. */
static double little_ratio(const struct engine *engine, double wall_ns)
{
    double sum_ns = engine->outcome->latency_sent.sum_ns - engine->main.latency_sum_ns;
    double expected = sum_ns / wall_ns;

    if (engine->little.looks < LIMIT_LITTLE_LOOKS || expected < 1)
        return 0; /* with less than one outstanding, looks see chance */
    return (double)engine->little.outstanding / (double)engine->little.looks / expected;
}

static void check_self(struct engine *engine, double wall_s)
{
    const struct settings *settings = engine->settings;
    struct outcome *outcome = engine->outcome;
    struct selfcheck *self = &outcome->self;
    struct selfcheck_clock clock;

    self->is_open_loop = settings->rate_per_s > 0;
    self->lag_p99_ns = histogram_percentile_ns(&outcome->lag, 99);
    self->asked_per_s = (double)settings->rate_per_s;
    self->achieved_per_s = (double)(outcome->arrivals.sent + outcome->arrivals.in_children) / wall_s;
    self->little_ratio = little_ratio(engine, wall_s * 1e9);
    if (engine->world.target->address.any.sa_family != AF_UNIX)
        self->ports = selfcheck_count_ports() * (settings->source.family == 0 ? 1 : settings->source.count);
    self->connections = settings->clients;
    self->has_looked = true;
    self->descriptors_left = selfcheck_count_descriptors_left();
    selfcheck_read_clock(&clock);
    selfcheck_take_clock(self, &engine->main.clock, &clock, (uint64_t)(wall_s * 1e9));
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
    outcome->arrivals.late = control_pending_count(&engine->control);
    outcome->messages_per_s = (double)(outcome->tally.messages_right - engine->main.messages) / seconds;
    outcome->bytes_per_s = (double)(outcome->tally.bytes_right - engine->main.bytes) / seconds;
    if (wall_s < LIMIT_BUSY_MS_MIN / 1e3)
        return; /* too short to say anything of ourselves */
    outcome->self.busy_share = idle_s >= wall_s ? 0 : 1 - idle_s / wall_s;
    check_self(engine, wall_s);
}
