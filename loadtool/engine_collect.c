/* What the loops of a run found, brought together in the leader's outcome. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadtool/engine_parts.h"
#include "loadtool/limits.h"
#include "loadtool/strangers.h"
#include "loadtool/units.h"

/* -- one loop -- */

/* What stands beside the outcome while the loop runs. */
static void finish_outcome(const struct engine *engine)
{
    struct outcome *outcome = engine->outcome;
    const struct victims *victims = &engine->victims;

    outcome->control.untried = engine->control.count - engine->control.opened_count;
    outcome->victims = victims->places;
    outcome->unexpected_ends = victims->unexpected_ends;
    outcome->done_count = victims->done_count;
    outcome->churn.due = engine->churn.counts.due;
    outcome->churn.done = engine->churn.counts.done;
    outcome->churn.failed = engine->churn.counts.failed;
    outcome->churn.missed = engine->churn.counts.missed;
    memcpy(outcome->done, victims->done, sizeof(outcome->done));
    memcpy(outcome->not_done, victims->not_done, sizeof(outcome->not_done));
    memcpy(outcome->forestalled, victims->forestalled, sizeof(outcome->forestalled));
    memcpy(outcome->took, victims->took, sizeof(outcome->took));
}

static void add_control(struct outcome_control *into, const struct outcome_control *from)
{
    into->clients += from->clients;
    into->lost += from->lost;
    into->refused += from->refused;
    into->untried += from->untried;
    into->reset += from->reset;
    into->closed += from->closed;
    into->unanswered += from->unanswered;
    into->silent_before += from->silent_before;
    into->silent_between += from->silent_between;
    into->silent_after += from->silent_after;
}

static void add_modes(struct outcome *into, const struct outcome *from)
{
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        into->done[mode] += from->done[mode];
        into->not_done[mode] += from->not_done[mode];
        into->forestalled[mode] += from->forestalled[mode];
        for (int took = 0; took < TOOK_COUNT; took++)
            into->took[mode][took] += from->took[mode][took];
    }
    into->done_count += from->done_count;
    into->unexpected_ends += from->unexpected_ends;
}

static void add_outcome(struct outcome *into, const struct outcome *from)
{
    tally_add(&into->tally, &from->tally);
    histogram_add(&into->latency, &from->latency);
    histogram_add(&into->latency_sent, &from->latency_sent);
    histogram_add(&into->connects, &from->connects);
    histogram_add(&into->lag, &from->lag);
    add_control(&into->control, &from->control);
    add_modes(into, from);
    into->arrivals.due += from->arrivals.due;
    into->arrivals.sent += from->arrivals.sent;
    into->arrivals.missed += from->arrivals.missed;
    into->arrivals.late += from->arrivals.late;
    into->arrivals.in_children += from->arrivals.in_children;
    into->messages_per_s += from->messages_per_s;
    into->bytes_per_s += from->bytes_per_s;
    if (from->self.busy_share > into->self.busy_share)
        into->self.busy_share = from->self.busy_share;
}

/* -- all loops -- */

/* -- bytes that nobody knew -- */

/* What a connection that has come to `answered` by the end may have been sent around `at_ns`: a quarter more
 * or less than in proportion, and 64 KiB. */
static struct strangers_stretch stretch_of(struct engine *leader, uint64_t serial, uint64_t answered,
                                           uint64_t at_ns)
{
    double run_ns = (double)(uv_hrtime() - leader->begin_ns);
    double at = (double)answered * (double)(at_ns - leader->begin_ns) / run_ns;
    double wide = (double)answered / 4 + 65536;
    double from = at > wide ? at - wide : 0;

    return (struct strangers_stretch){.serial = serial, .from = (uint64_t)from, .end = (uint64_t)(at + wide)};
}

/* Of a victim's lives how far each came is not known: no further than the busiest control client in twice
 * that time. */
static uint64_t life_bytes(struct engine *leader, uint64_t most)
{
    double run_ms = (double)(uv_hrtime() - leader->begin_ns) / 1e6;
    double bytes = (double)most * 2 * LIMIT_LIFE_MS_MAX / (run_ms < 1 ? 1 : run_ms);

    return bytes > (double)most ? most + 65536 : (uint64_t)bytes + 65536;
}

static size_t list_victims(const struct engine *engine, uint64_t bytes, struct strangers_stretch *list,
                           size_t room)
{
    size_t count = 0;

    for (uint32_t i = 0; i < engine->victims.count; i++) {
        const struct victim *victim = &engine->victims.list[i];
        /* The latest lives first: a budget ends the search. */
        for (uint64_t life = victim->lives; life > 0 && count < room; life--)
            for (uint32_t k = 0; k < victim->width && count < room; k++)
                list[count++] = (struct strangers_stretch){
                    .serial = schedule_serial(engine->load.places, victim->pace.place, life - 1) + k,
                    .end = bytes};
    }
    return count;
}

static size_t list_stretches(struct engine *leader, uint64_t at_ns, struct strangers_stretch *list,
                             size_t room)
{
    uint64_t most = 0;
    size_t count = 0;

    for (uint32_t i = 0; i < leader->team->count; i++) {
        const struct control_group *group = &engine_loop(leader, i)->control;
        for (uint32_t k = 0; k < group->opened_count && count < room; k++) {
            const struct client *client = &group->list[k].client;
            most = client->answered > most ? client->answered : most;
            list[count++] = stretch_of(leader, client->serial, client->answered, at_ns);
        }
    }
    for (uint32_t i = 0; i < leader->team->count; i++)
        count += list_victims(engine_loop(leader, i), life_bytes(leader, most), list + count, room - count);
    return count;
}

/* Best effort: without memory they stay what they were counted as, wrong bytes. */
static void find_strangers(struct engine *leader)
{
    struct tally *tally = &leader->outcome->tally;
    uint64_t budget = STRANGERS_SEARCH_BYTES;
    struct strangers_stretch *list =
        tally->stranger_count == 0 ? NULL : calloc(LIMIT_STRETCHES, sizeof(*list));

    for (size_t i = 0; list != NULL && i < tally->stranger_count; i++) {
        const struct tally_stranger *stranger = &tally->strangers[i];
        size_t count = list_stretches(leader, stranger->at_ns, list, LIMIT_STRETCHES);
        (void)strangers_find(tally, stranger, &leader->world.oracle, leader->settings->seed, list, count,
                             &budget);
    }
    free(list);
}

static int collect_silences(struct engine *leader)
{
    struct outcome *outcome = leader->outcome;
    uint64_t *silences_ns = calloc((size_t)leader->settings->clients + 1, sizeof(*silences_ns));
    uint32_t count = 0;

    if (silences_ns == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < leader->team->count; i++)
        count += control_list_silences_ns(&engine_loop(leader, i)->control, silences_ns + count);
    histogram_sort(silences_ns, count);
    outcome->silence.p50_ns = histogram_sorted_percentile(silences_ns, count, 50);
    outcome->silence.p99_ns = histogram_sorted_percentile(silences_ns, count, 99);
    outcome->silence.max_ns = histogram_sorted_percentile(silences_ns, count, 100);
    free(silences_ns);
    return 0;
}

/* Little's law: what is outstanding on average = rate x latency. */
static double little_ratio(struct engine *leader)
{
    double seen = 0;
    double expected = 0;

    for (uint32_t i = 0; i < leader->team->count; i++) {
        const struct engine *engine = engine_loop(leader, i);
        if (engine->little.looks < LIMIT_LITTLE_LOOKS || engine->main.wall_s <= 0)
            return 0;
        seen += (double)engine->little.outstanding / (double)engine->little.looks;
        expected += engine->main.latency_sum_ns / (engine->main.wall_s * 1e9);
    }
    return expected < 1 ? 0 : seen / expected; /* with less than one outstanding, looks see chance */
}

static void check_self(struct engine *leader)
{
    const struct settings *settings = leader->settings;
    struct outcome *outcome = leader->outcome;
    struct selfcheck *self = &outcome->self;

    self->is_open_loop = settings->rate_per_s > 0;
    if (leader->main.wall_s <= 0)
        return;
    self->lag_p99_ns = histogram_percentile_ns(&outcome->lag, 99);
    self->asked_per_s = (double)settings->rate_per_s;
    self->achieved_per_s =
        (double)(outcome->arrivals.sent + outcome->arrivals.in_children) / leader->main.wall_s;
    self->little_ratio = little_ratio(leader);
    if (leader->world.target->address.any.sa_family != AF_UNIX)
        self->ports = selfcheck_count_ports() * (settings->source.family == 0 ? 1 : settings->source.count);
    self->connections = settings->clients;
    self->has_looked = true;
    self->descriptors_left = leader->main.descriptors_left;
    selfcheck_take_clock(self, &leader->main.clock, &leader->main.end_clock,
                         (uint64_t)(leader->main.wall_s * 1e9));
}

static uint64_t begun_unix_ms(const struct engine *leader)
{
    struct timespec wall;

    if (leader->main.begin_ns == 0)
        return 0;
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t now_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / NS_PER_MS;
    return now_ms - (uv_hrtime() - leader->main.begin_ns) / NS_PER_MS;
}

int engine_collect(struct engine *leader)
{
    struct outcome *outcome = leader->outcome;

    engine_end_seconds(leader);
    finish_outcome(leader);
    for (uint32_t i = 1; i < leader->team->count; i++) {
        const struct engine *engine = engine_loop(leader, i);
        finish_outcome(engine);
        add_outcome(outcome, engine->outcome);
        felt_add(&leader->felt, &engine->felt);
    }
    for (uint32_t i = 0; i < leader->team->count; i++)
        tap_end(&engine_loop(leader, i)->tap, uv_hrtime()); /* if it was interrupted */
    find_strangers(leader);
    timeline_tell(&leader->timeline, &outcome->outages, &outcome->disturbances);
    outcome->normal_limit_ns = atomic_load(&leader->timeline.limit_ns);
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        outcome->felt[mode] = felt_result_of(&leader->felt, (enum plan_mode)mode);
    outcome->calm = felt_calm(&leader->felt);
    outcome->shared_replies = leader->felt.shared_replies;
    check_self(leader);
    outcome->elapsed_ns = uv_hrtime() - leader->begin_ns;
    outcome->begun_unix_ms = begun_unix_ms(leader);
    return collect_silences(leader);
}
