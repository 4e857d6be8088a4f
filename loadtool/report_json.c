#include <errno.h>
#include <jansson.h>

#include "loadtool/limits.h"
#include "loadtool/report_json_parts.h"

/* What a user typed may be no UTF-8, which JSON cannot hold. */
static json_t *typed(const char *word)
{
    json_t *string = json_string(word);

    return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *hex_of(const uint8_t *bytes, size_t count)
{
    char text[2 * TALLY_SHOWN_BYTES + 1] = "";

    for (size_t i = 0; i < count; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return json_string(text);
}

static json_t *reasons_of(const struct verdict *verdict)
{
    json_t *list = json_array();

    for (size_t i = 0; i < verdict->reason_count; i++)
        json_array_append_new(list, json_string(verdict->reasons[i]));
    return list;
}

static json_t *messages_of(const struct tally *tally)
{
    return json_pack("{so so so so}", "sent", report_json_number(tally->messages_sent), "right",
                     report_json_number(tally->messages_right), "bytes_sent",
                     report_json_number(tally->bytes_sent), "bytes_right",
                     report_json_number(tally->bytes_right));
}

static json_t *example_of(const struct tally_wrong *example)
{
    size_t before = (size_t)(example->offset - example->shown_offset);
    size_t after = example->count - before;
    size_t got = example->got_count - before;

    return json_pack("{so so so so s{so so so} so so}", "connection", report_json_number(example->connection),
                     "offset", report_json_number(example->offset), "expected",
                     hex_of(example->expected + before, after), "got", hex_of(example->got + before, got),
                     "around", "offset", report_json_number(example->shown_offset), "expected",
                     hex_of(example->expected, example->count), "got",
                     hex_of(example->got, example->got_count), "other_connection",
                     report_json_number(example->other_connection), "other_offset",
                     report_json_number(example->other_offset));
}

/* The first finding of each kind that there is. */
static json_t *examples_of(const struct tally *tally)
{
    json_t *object = json_object();

    for (int kind = 0; kind < FINDING_COUNT; kind++)
        if (tally->examples[kind].is_set)
            json_object_set_new(object, tally_finding_name((enum finding)kind),
                                example_of(&tally->examples[kind]));
    return object;
}

static json_t *wrong_of(const struct tally *tally)
{
    const uint64_t *found = tally->found_bytes;
    const struct tally_wrong *first = tally_first_example(tally);

    return json_pack("{so so so so so so so}", "wrong_bytes", report_json_number(found[FINDING_WRONG]),
                     "missing_bytes", report_json_number(found[FINDING_MISSING]), "extra_bytes",
                     report_json_number(found[FINDING_EXTRA]), "duplicated_bytes",
                     report_json_number(found[FINDING_DUPLICATED]), "crosstalk_bytes",
                     report_json_number(found[FINDING_CROSSTALK]), "first",
                     first == NULL ? json_null() : example_of(first), "examples", examples_of(tally));
}

static json_t *control_of(const struct outcome_control *control)
{
    return json_pack(
        "{so so so so so so so so so so}", "clients", report_json_number(control->clients), "lost",
        report_json_number(control->lost), "refused", report_json_number(control->refused), "untried",
        report_json_number(control->untried), "reset", report_json_number(control->reset), "closed",
        report_json_number(control->closed), "unanswered", report_json_number(control->unanswered),
        "silent_before", report_json_number(control->silent_before), "silent_between",
        report_json_number(control->silent_between), "silent_after",
        report_json_number(control->silent_after));
}

static json_t *took_of(const uint64_t took[TOOK_COUNT])
{
    json_t *object = json_object();

    for (int i = 0; i < TOOK_COUNT; i++)
        json_object_set_new(object, plan_took_name((enum plan_took)i), report_json_number(took[i]));
    return object;
}

/* What the control group felt while the mode was at work. */
static json_t *felt_of(const struct outcome *outcome, size_t mode)
{
    const struct felt_result *felt = &outcome->felt[mode];

    return json_pack("{so so sf sf so so so so}", "replies", report_json_number(felt->replies),
                     "replies_alone", report_json_number(felt->replies_alone), "p99_us",
                     (double)felt->p99_ns / 1e3, "p99_ratio", felt->p99_ratio, "wrong_replies",
                     report_json_number(felt->wrong_replies), "wrong_bytes",
                     report_json_number(felt->wrong_bytes), "wrong_bytes_alone",
                     report_json_number(felt->wrong_bytes_alone), "longest_gap_ms",
                     report_json_number(outcome->outages.gap_ms[mode]));
}

/* And while none was. */
static json_t *calm_of(const struct outcome *outcome)
{
    const struct felt_result *calm = &outcome->calm;

    return json_pack("{so sf so so so}", "replies", report_json_number(calm->replies), "p99_us",
                     (double)calm->p99_ns / 1e3, "wrong_replies", report_json_number(calm->wrong_replies),
                     "wrong_bytes", report_json_number(calm->wrong_bytes), "shared_replies",
                     report_json_number(outcome->shared_replies));
}

/* Every mode that was asked for; shares in percent of all places. */
static json_t *disconnects_of(const struct settings *settings, const struct outcome *outcome)
{
    json_t *object = json_object();

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        if (!plan_has(&settings->plan, (enum plan_mode)i))
            continue;
        json_object_set_new(object, plan_mode_name((enum plan_mode)i),
                            json_pack("{ss sf so so so so so so}", "definition",
                                      plan_mode_definition((enum plan_mode)i), "share",
                                      settings->plan.share_per_10000[i] / 100.0, "rate_per_s",
                                      report_json_number(settings->plan.rate_per_s[i]), "done",
                                      report_json_number(outcome->done[i]), "not_done",
                                      report_json_number(outcome->not_done[i]), "forestalled",
                                      report_json_number(outcome->forestalled[i]), "took",
                                      took_of(outcome->took[i]), "felt", felt_of(outcome, i)));
    }
    return object;
}

json_t *report_latency_json(const struct histogram *latency)
{
    static const struct {
        const char *name;
        double percent;
    } rows[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"max", 100}};
    json_t *object = json_pack("{so so}", "count", report_json_number(latency->count), "over",
                               report_json_number(latency->over_count));

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        json_object_set_new(object, rows[i].name,
                            json_real((double)histogram_percentile_ns(latency, rows[i].percent) / 1e3));
    return object;
}

static json_t *errors_of(const struct tally *tally)
{
    json_t *list = json_array();

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            const struct tally_fault *at = &tally->faults[fault][where];
            if (at->count == 0)
                continue;
            json_array_append_new(list,
                                  json_pack("{ss ss ss so ss}", "class", tally_fault_name((enum fault)fault),
                                            "side", tally_fault_side((enum fault)fault), "where",
                                            tally_where_name((enum where)where), "count",
                                            report_json_number(at->count), "first", at->first));
        }
    }
    return list;
}

static json_t *sample_of(const struct health_sample *sample)
{
    return json_pack("{sb so so so so so sf}", "there", sample->is_there, "descriptors",
                     report_json_number(sample->descriptors), "close_wait",
                     report_json_number(sample->close_wait), "processes",
                     report_json_number(sample->processes), "zombies", report_json_number(sample->zombies),
                     "rss_bytes", report_json_number(sample->rss_bytes), "idle_cpu", sample->idle_cpu);
}

static json_t *server_of(const struct health *health)
{
    if (!health->is_watched)
        return json_null();
    return json_pack("{si so so}", "pid", (int)health->pid, "before", sample_of(&health->before), "after",
                     sample_of(&health->after));
}

static json_t *self_of(const struct selfcheck *self)
{
    char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES];
    size_t count = selfcheck_find(self, findings);
    json_t *bad = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(bad, json_string(findings[i]));
    return json_pack("{sf sf sf sf sf so so so sf sf so}", "busy_share", self->busy_share, "lag_p99_us",
                     (double)self->lag_p99_ns / 1e3, "asked_per_s", self->asked_per_s, "achieved_per_s",
                     self->achieved_per_s, "little_ratio", self->little_ratio, "ports",
                     report_json_number(self->ports), "connections", report_json_number(self->connections),
                     "descriptors_left", report_json_number(self->descriptors_left), "waited_share",
                     self->waited_share, "steal_share", self->steal_share, "bad", bad);
}

static void add_run(json_t *object, const struct report *report)
{
    const struct settings *settings = report->settings;

    json_object_set_new(object, "tool", json_string("loadtool"));
    json_object_set_new(object, "format", json_integer(REPORT_JSON_FORMAT));
    json_object_set_new(object, "version", json_string(PREFORK_UPPER_VERSION));
    json_object_set_new(object, "command", typed(report->command));
    json_object_set_new(object, "seed", report_json_number(settings->seed));
    json_object_set_new(object, "target", typed(settings->target_word));
    json_object_set_new(object, "clients", report_json_number(settings->clients));
    json_object_set_new(object, "duration_ms", report_json_number(settings->duration_ms));
    json_object_set_new(object, "size_bytes", report_json_number(dialogue_mean_bytes(&settings->dialogue)));
    json_object_set_new(object, "size", typed(settings->size_word));
    json_object_set_new(object, "check",
                        json_string(dialogue_has_script(&settings->dialogue) && settings->check != ORACLE_NONE
                                        ? "script"
                                        : oracle_check_name(settings->check)));
    json_object_set_new(object, "rate_per_s", report_json_number(settings->rate_per_s));
    json_object_set_new(object, "verdict", json_string(verdict_name(report->verdict->kind)));
    json_object_set_new(object, "exit_code", json_integer(report->verdict->exit_code));
    json_object_set_new(object, "reasons", reasons_of(report->verdict));
}

static void add_counts(json_t *object, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    const struct tally *tally = &outcome->tally;

    json_object_set_new(object, "messages", messages_of(tally));
    json_object_set_new(object, "wrong", wrong_of(tally));
    json_object_set_new(object, "control", control_of(&outcome->control));
    json_object_set_new(object, "victims",
                        json_pack("{so so}", "clients", report_json_number(outcome->victims),
                                  "unexpected_ends", report_json_number(outcome->unexpected_ends)));
    json_object_set_new(object, "disconnects", disconnects_of(report->settings, outcome));
    json_object_set_new(object, "disconnects_done", report_json_number(outcome->done_count));
    json_object_set_new(object, "calm", calm_of(outcome));
    json_object_set_new(object, "connections",
                        json_pack("{so so so}", "opened", report_json_number(tally->opened), "failed",
                                  report_json_number(tally->failed), "ended",
                                  report_json_number(tally->ended)));
}

static void add_measures(json_t *object, const struct outcome *outcome)
{
    json_object_set_new(object, "latency_us", report_latency_json(&outcome->latency));
    json_object_set_new(object, "latency_sent_us", report_latency_json(&outcome->latency_sent));
    json_object_set_new(object, "connect_us", report_latency_json(&outcome->connects));
    json_object_set_new(object, "arrivals",
                        json_pack("{so so so so so}", "due", report_json_number(outcome->arrivals.due),
                                  "sent", report_json_number(outcome->arrivals.sent), "missed",
                                  report_json_number(outcome->arrivals.missed), "late",
                                  report_json_number(outcome->arrivals.late), "lag_us",
                                  report_latency_json(&outcome->lag)));
    json_object_set_new(object, "churn",
                        json_pack("{so so so so}", "due", report_json_number(outcome->churn.due), "done",
                                  report_json_number(outcome->churn.done), "failed",
                                  report_json_number(outcome->churn.failed), "missed",
                                  report_json_number(outcome->churn.missed)));
    json_object_set_new(object, "silence_ms",
                        json_pack("{sf sf sf}", "p50", (double)outcome->silence.p50_ns / 1e6, "p99",
                                  (double)outcome->silence.p99_ns / 1e6, "max",
                                  (double)outcome->silence.max_ns / 1e6));
    json_object_set_new(object, "rate",
                        json_pack("{sf sf}", "messages_per_s", outcome->messages_per_s, "mbytes_per_s",
                                  outcome->bytes_per_s / 1e6));
    json_object_set_new(object, "outages", report_json_outages(&outcome->outages));
    json_object_set_new(object, "disturbances", report_json_disturbances(outcome));
    json_object_set_new(object, "server", server_of(&outcome->health));
    json_object_set_new(object, "self_check", self_of(&outcome->self));
    json_object_set_new(object, "errors", errors_of(&outcome->tally));
    json_object_set_new(object, "recovery",
                        json_pack("{sb sb sf}", "checked", outcome->recovery.is_checked, "ok",
                                  outcome->recovery.is_ok, "ms", (double)outcome->recovery.ns / 1e6));
    json_object_set_new(object, "bottleneck",
                        json_pack("{sf sb}", "busy_share", outcome->self.busy_share, "client_bound",
                                  verdict_is_client_bound(outcome)));
    json_object_set_new(object, "begun_unix_ms", report_json_number(outcome->begun_unix_ms));
    json_object_set_new(object, "elapsed_ms", json_real((double)outcome->elapsed_ns / 1e6));
}

/* What other runs are compared and merged with. */
static void add_wholes(json_t *object, const struct outcome *outcome)
{
    json_object_set_new(object, "histograms",
                        json_pack("{so so so}", "latency", report_histogram_json(&outcome->latency),
                                  "latency_sent", report_histogram_json(&outcome->latency_sent), "connect",
                                  report_histogram_json(&outcome->connects)));
    json_object_set_new(object, "seconds", report_series_json(&outcome->series));
}

int report_write_json(FILE *out, const struct report *report)
{
    json_t *object = json_object();

    if (object == NULL)
        return -ENOMEM;
    add_run(object, report);
    add_counts(object, report);
    add_measures(object, report->outcome);
    add_wholes(object, report->outcome);
    int rc = json_dumpf(object, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (rc < 0 || fputc('\n', out) == EOF || fflush(out) == EOF)
        return -EIO;
    return 0;
}
