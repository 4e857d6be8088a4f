/*
 * `--prom`: the run in Prometheus' text format, for node_exporter's textfile collector or a push gateway. Base
 * units (seconds, bytes), a HELP and a TYPE for each name; a run is a finished thing, so nothing is a counter that goes on
 * but what was counted.
 */
#include <errno.h>
#include <inttypes.h>

#include "loadtool/markup.h"
#include "loadtool/report.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP loadtool_%s %s\n# TYPE loadtool_%s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    fprintf(out, "loadtool_%s %.9g\n", name, value);
}

static void counter(FILE *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    fprintf(out, "loadtool_%s %" PRIu64 "\n", name, value);
}

static void label(FILE *out, const char *name, const char *value, bool is_last)
{
    fprintf(out, "%s=\"", name);
    markup_write_label(out, value);
    fputs(is_last ? "\"} " : "\",", out);
}

static void write_run(FILE *out, const struct report *report)
{
    head(out, "run_info", "gauge", "What ran, and what came of it; always 1.");
    fputs("loadtool_run_info{", out);
    label(out, "version", PREFORK_UPPER_VERSION, false);
    label(out, "target", report->settings->target_word, false);
    label(out, "verdict", verdict_name(report->verdict->kind), true);
    fputs("1\n", out);
    gauge(out, "passed", "1 if the verdict is PASS.", report->verdict->kind == VERDICT_PASS);
    gauge(out, "exit_code", "Exit code of the run.", report->verdict->exit_code);
    gauge(out, "elapsed_seconds", "All of the run.", (double)report->outcome->elapsed_ns / 1e9);
}

static void write_messages(FILE *out, const struct outcome *outcome)
{
    const struct tally *tally = &outcome->tally;

    counter(out, "messages_sent_total", "Messages sent.", tally->messages_sent);
    counter(out, "replies_right_total", "Replies whose every byte was right.", tally->messages_right);
    counter(out, "reply_bytes_right_total", "Right bytes of replies.", tally->bytes_right);
    head(out, "reply_bytes_bad_total", "counter", "Bytes of replies that were not as they must be.");
    for (int kind = 0; kind < FINDING_COUNT; kind++)
        fprintf(out, "loadtool_reply_bytes_bad_total{kind=\"%s\"} %" PRIu64 "\n",
                tally_finding_name((enum finding)kind), tally->found_bytes[kind]);
    gauge(out, "replies_per_second", "Right replies a second while the load was on.",
          outcome->messages_per_s);
}

static void write_clients(FILE *out, const struct outcome *outcome)
{
    const struct outcome_control *control = &outcome->control;
    const struct {
        const char *state;
        uint64_t count;
    } rows[] = {{"refused", control->refused},
                {"untried", control->untried},
                {"reset", control->reset},
                {"closed", control->closed},
                {"unanswered", control->unanswered}};

    gauge(out, "control_clients", "Clients that are never killed.", (double)control->clients);
    head(out, "control_clients_hurt", "gauge", "Those of them whom something befell.");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        fprintf(out, "loadtool_control_clients_hurt{how=\"%s\"} %" PRIu64 "\n", rows[i].state, rows[i].count);
    counter(out, "victims_unexpected_ends_total", "Victims that the server ended before their time.",
            outcome->unexpected_ends);
}

static void write_modes(FILE *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;

    head(out, "disconnects_total", "counter", "Clients that left on purpose, by kill mode.");
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        if (plan_has(&report->settings->plan, (enum plan_mode)i))
            fprintf(out,
                    "loadtool_disconnects_total{mode=\"%s\",done=\"yes\"} %" PRIu64
                    "\nloadtool_disconnects_total{mode=\"%s\",done=\"no\"} %" PRIu64 "\n",
                    plan_mode_name((enum plan_mode)i), outcome->done[i], plan_mode_name((enum plan_mode)i),
                    outcome->not_done[i]);
}

static void write_times(FILE *out, const char *name, const char *help, const struct histogram *times)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};

    head(out, name, "summary", help);
    for (size_t i = 0; times->count > 0 && i < sizeof(percents) / sizeof(percents[0]); i++)
        fprintf(out, "loadtool_%s{quantile=\"%g\"} %.9g\n", name, percents[i] / 100,
                (double)histogram_percentile_ns(times, percents[i]) / 1e9);
    fprintf(out, "loadtool_%s_sum %.9g\nloadtool_%s_count %" PRIu64 "\n", name, times->sum_ns / 1e9, name,
            times->count);
}

static void write_measures(FILE *out, const struct outcome *outcome)
{
    write_times(out, "latency_seconds", "Latency of the control group, from when a message was due.",
                &outcome->latency);
    write_times(out, "latency_sent_seconds", "Likewise, from when it was sent.", &outcome->latency_sent);
    write_times(out, "connect_seconds", "From connect to connected.", &outcome->connects);
    gauge(out, "silence_seconds", "The longest wait of a control client for a byte.",
          (double)outcome->silence.max_ns / 1e9);
    gauge(out, "outages", "Times in which nobody had a right reply.", (double)outcome->outages.count);
    gauge(out, "outage_longest_seconds", "The longest time without a right reply of anybody.",
          (double)outcome->outages.longest_gap_ms / 1e3);
    if (outcome->recovery.is_ok)
        gauge(out, "recovery_seconds", "From the last disconnect to a new client's right reply.",
              (double)outcome->recovery.ns / 1e9);
    gauge(out, "busy_ratio", "Share of the time in which the load tool's loop had work.",
          outcome->self.busy_share);
}

static void write_told(FILE *out, const char *name, const char *help, const struct disturbances_times *times)
{
    const struct {
        const char *quantile;
        uint64_t ns;
    } rows[] = {
        {"0.5", times->p50_ns}, {"0.9", times->p90_ns}, {"0.99", times->p99_ns}, {"1", times->max_ns}};

    head(out, name, "summary", help);
    for (size_t i = 0; times->count > 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
        fprintf(out, "loadtool_%s{quantile=\"%s\"} %.9g\n", name, rows[i].quantile, (double)rows[i].ns / 1e9);
    fprintf(out, "loadtool_%s_sum %.9g\nloadtool_%s_count %" PRIu64 "\n", name, times->sum_ns / 1e9, name,
            times->count);
}

static void write_disturbances(FILE *out, const struct outcome *outcome)
{
    const struct disturbances_told *told = &outcome->disturbances;

    counter(out, "disturbances_total", "Times of 10 ms in which clients left on purpose.", told->count);
    head(out, "requests_lost_total", "counter", "Requests of the control group that got no reply.");
    fprintf(out,
            "loadtool_requests_lost_total{at=\"disturbance\"} %" PRIu64
            "\nloadtool_requests_lost_total{at=\"other\"} %" PRIu64 "\n",
            told->lost, told->lost_apart);
    write_told(out, "disturbance_silence_seconds",
               "At a disturbance, the time without a right reply of anybody.", &told->silences);
    write_told(out, "disturbance_normal_seconds", "From a disturbance until the p99 was normal again.",
               &told->normals);
    gauge(out, "disturbances_not_normal", "Disturbances after which it was not.", (double)told->not_normal);
    gauge(out, "disturbances_untold", "Disturbances too early or too late to tell.", (double)told->untold);
}

static void write_errors(FILE *out, const struct tally *tally)
{
    head(out, "errors_total", "counter",
         "Errors by class, whose side they are on, and what the connection was doing.");
    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        for (int where = 0; where < WHERE_COUNT; where++) {
            uint64_t count = tally->faults[fault][where].count;
            if (count > 0)
                fprintf(out, "loadtool_errors_total{class=\"%s\",side=\"%s\",where=\"%s\"} %" PRIu64 "\n",
                        tally_fault_name((enum fault)fault), tally_fault_side((enum fault)fault),
                        tally_where_name((enum where)where), count);
        }
    }
}

static void write_sample(FILE *out, const char *name, const char *help, double before, double after)
{
    head(out, name, "gauge", help);
    fprintf(out, "loadtool_%s{when=\"before\"} %.9g\nloadtool_%s{when=\"after\"} %.9g\n", name, before, name,
            after);
}

static void write_server(FILE *out, const struct health *health)
{
    const struct health_sample *before = &health->before, *after = &health->after;

    if (!health->is_watched)
        return;
    write_sample(out, "server_descriptors", "Descriptors of the server, before the load and 2 s after it.",
                 (double)before->descriptors, (double)after->descriptors);
    write_sample(out, "server_close_wait", "Its sockets in CLOSE-WAIT.", (double)before->close_wait,
                 (double)after->close_wait);
    write_sample(out, "server_processes", "Its processes.", (double)before->processes,
                 (double)after->processes);
    write_sample(out, "server_zombies", "Its zombies.", (double)before->zombies, (double)after->zombies);
    write_sample(out, "server_resident_bytes", "Its resident memory.", (double)before->rss_bytes,
                 (double)after->rss_bytes);
}

int report_write_prom(FILE *out, const struct report *report)
{
    write_run(out, report);
    write_messages(out, report->outcome);
    write_clients(out, report->outcome);
    write_modes(out, report);
    write_measures(out, report->outcome);
    write_disturbances(out, report->outcome);
    write_errors(out, &report->outcome->tally);
    write_server(out, &report->outcome->health);
    return ferror(out) ? -EIO : 0;
}
