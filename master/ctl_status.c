#include "master/ctl_status.h"
#include "master/ctl.h"
#include "master/ctl_connections.h"
#include "master/ctl_text.h"
#include "master/status.h"
#include <string.h>
#include <time.h>

enum { OPERATIONS_SHOWN = 4, SPEC_WIDTH = 64 };

/* ---- the server ---- */

static const char *how_it_is(const json_t *status)
{
    const char *stage = ctl_string_at(status, "stage");
    if (strcmp(stage, "running") != 0)
        return stage;
    return ctl_true_at(status, "draining") ? "drains, takes no new connections" : "serves";
}

static void print_server(FILE *out, const json_t *status)
{
    char uptime[CTL_TEXT_SIZE];
    ctl_duration(ctl_number_at(status, "uptime_ms"), uptime);
    fprintf(out, "prefork-upper %s at %s: %s\n", ctl_string_at(status, "version"),
            ctl_string_at(status, "address"), how_it_is(status));
    fprintf(out, "  process      %lld, up %s; its supervisor is %lld, generation %lld\n",
            (long long)ctl_number_at(status, "pid"), uptime,
            (long long)ctl_number_at(status, "supervisor_pid"),
            (long long)ctl_number_at(status, "supervisor_generation"));
    fprintf(out, "  wanted       %lld workers of service %s, %s; settings %lld\n",
            (long long)ctl_number_at(status, "workers"), ctl_string_at(status, "service"),
            ctl_true_at(status, "protect") ? "protected" : "NOT protected",
            (long long)ctl_number_at(status, "settings"));
}

static void print_totals(FILE *out, const json_t *status)
{
    const json_t *totals = json_object_get(status, "totals"), *counters = json_object_get(totals, "counters");
    const json_t *queue = json_object_get(status, "accept_queue");
    char answered[CTL_TEXT_SIZE], bytes[CTL_TEXT_SIZE];
    ctl_count((double)ctl_number_at(counters, "answered"), answered);
    ctl_bytes((double)ctl_number_at(counters, "bytes_out"), bytes);
    fprintf(out, "  connections  %lld now, %lld accepted", (long long)ctl_number_at(totals, "connections"),
            (long long)ctl_number_at(counters, "accepted"));
    if (json_is_object(queue))
        fprintf(out, ", %lld waiting (at most %lld)", (long long)ctl_number_at(queue, "waiting"),
                (long long)ctl_number_at(queue, "limit"));
    fprintf(out,
            "\n  answered     %s messages, %s\n  deaths       %lld of workers\n"
            "  continued    %lld connections, by successors of workers that died or made room\n",
            answered, bytes, (long long)ctl_number_at(totals, "deaths"),
            (long long)ctl_number_at(counters, "continued"));
}

/* ---- slots ---- */

static void print_slot(FILE *out, const json_t *slot)
{
    char state[CTL_TEXT_SIZE], uptime[CTL_TEXT_SIZE], answered[CTL_TEXT_SIZE], slowest[CTL_TEXT_SIZE];
    char memory[CTL_TEXT_SIZE];
    ctl_slot_state(slot, state);
    ctl_duration(ctl_number_at(slot, "uptime_ms"), uptime);
    ctl_count((double)ctl_number_at(json_object_get(slot, "counters"), "answered"), answered);
    ctl_delay(ctl_real_at(slot, "slowest_turn_ms"), slowest);
    ctl_bytes((double)ctl_number_at(slot, "memory_kib") * 1024, memory);
    fprintf(out, "%4lld  %-12s %5lld %8lld %6s %6lld %8s %8s %7s %6lld\n",
            (long long)ctl_number_at(slot, "slot"), state, (long long)ctl_number_at(slot, "generation"),
            (long long)ctl_number_at(slot, "pid"), uptime, (long long)ctl_number_at(slot, "connections"),
            answered, slowest, memory, (long long)ctl_number_at(slot, "deaths"));
}

/* Only what is not as it should be. */
static void print_keepers(FILE *out, const json_t *slot)
{
    const json_t *keepers = json_object_get(slot, "keepers");
    for (size_t i = 0; i < json_array_size(keepers); i++) {
        const json_t *keeper = json_array_get(keepers, i);
        if (strcmp(ctl_string_at(keeper, "state"), "ready") != 0)
            fprintf(out, "      keeper %s of slot %lld: %s\n", ctl_string_at(keeper, "keeper"),
                    (long long)ctl_number_at(slot, "slot"), ctl_string_at(keeper, "state"));
    }
}

static void print_slots(FILE *out, const json_t *status)
{
    const json_t *slots = json_object_get(status, "slots");
    fprintf(out, "\n%4s  %-12s %5s %8s %6s %6s %8s %8s %7s %6s\n", "slot", "state", "gen", "pid", "up",
            "conns", "messages", "slowest", "memory", "deaths");
    for (size_t i = 0; i < json_array_size(slots); i++)
        print_slot(out, json_array_get(slots, i));
    for (size_t i = 0; i < json_array_size(slots) && ctl_true_at(status, "protect"); i++)
        print_keepers(out, json_array_get(slots, i));
}

/* ---- what happened ---- */

static void print_operation(FILE *out, const json_t *operation)
{
    const char *why = ctl_string_at(operation, "why");
    char name[CTL_TEXT_SIZE];
    ctl_operation_text(operation, name);
    fprintf(out, "  %3lld %s: %s%s%s\n", (long long)ctl_number_at(operation, "number"), name,
            ctl_string_at(operation, "state"), why[0] ? ": " : "", why);
}

static void print_operations(FILE *out, const json_t *operations)
{
    size_t count = json_array_size(operations);
    if (count > 0)
        fputs("\noperations\n", out);
    for (size_t i = count > OPERATIONS_SHOWN ? count - OPERATIONS_SHOWN : 0; i < count; i++)
        print_operation(out, json_array_get(operations, i));
}

void ctl_incident_print(FILE *out, const json_t *incident)
{
    time_t seconds = (time_t)(ctl_number_at(incident, "time_ms") / 1000);
    struct tm utc = {0};
    char when[32], gap[CTL_TEXT_SIZE] = "none";
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (json_is_number(json_object_get(incident, "gap_ms")))
        ctl_delay(ctl_real_at(incident, "gap_ms"), gap);
    fprintf(out, "  %s slot %lld generation %lld: %s, %s\n    ", when,
            (long long)ctl_number_at(incident, "slot"), (long long)ctl_number_at(incident, "generation"),
            ctl_string_at(incident, "cause"), ctl_string_at(incident, "phase"));
    fprintf(out, "held %lld", (long long)ctl_number_at(incident, "held"));
    if (ctl_true_at(incident, "settled"))
        fprintf(out, ", continued %lld, gap %s", (long long)ctl_number_at(incident, "continued"), gap);
    double ended = (double)ctl_number_at(incident, "reset") + (double)ctl_number_at(incident, "closed");
    if (ended > 0)
        fprintf(out, ", ended %.0f", ended);
    fputc('\n', out);
    if (json_is_string(json_object_get(incident, "file")))
        fprintf(out, "    %s\n", ctl_string_at(incident, "file"));
}

void ctl_faults_print(FILE *out, const json_t *faults)
{
    const char *spec = ctl_string_at(faults, "spec");
    const json_t *shots = json_object_get(faults, "shots");
    fprintf(out, "  trial        %.*s\n", SPEC_WIDTH, spec[0] ? spec : "off");
    for (size_t shown = SPEC_WIDTH; shown < strlen(spec); shown += SPEC_WIDTH)
        fprintf(out, "               %.*s\n", SPEC_WIDTH, spec + shown);
    for (size_t i = 0; i < json_array_size(shots); i++) {
        const json_t *shot = json_array_get(shots, i);
        fprintf(out, "  shots        %lld at %s of a %s\n", (long long)ctl_number_at(shot, "count"),
                ctl_string_at(shot, "call"), ctl_string_at(shot, "process"));
    }
}

/* A server that never had a trial, or cannot have one, says nothing about them. */
static void print_faults(FILE *out, const json_t *faults)
{
    if (!json_is_object(faults))
        return;
    if (ctl_string_at(faults, "spec")[0] || json_array_size(json_object_get(faults, "shots")) > 0)
        ctl_faults_print(out, faults);
}

void ctl_status_print(FILE *out, const json_t *status)
{
    const json_t *incidents = json_object_get(status, "incidents");
    print_server(out, status);
    print_totals(out, status);
    print_faults(out, json_object_get(status, "faults"));
    print_slots(out, status);
    print_operations(out, json_object_get(status, "operations"));
    if (json_array_size(incidents) > 0)
        fprintf(out, "\nincidents, the last %d at most\n", STATUS_INCIDENT_COUNT_MAX);
    for (size_t i = 0; i < json_array_size(incidents); i++)
        ctl_incident_print(out, json_array_get(incidents, i));
}

/* ---- subcommands ---- */

/* The code of a command that has printed all it had to say. */
static int end_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_DONE : EXIT_FAILED;
}

static void print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
}

static int fetch(const struct ctl_options *options, const char *request, json_t **json)
{
    struct ctl_session session;
    int code = ctl_find(&session, options);
    if (code != EXIT_DONE)
        return code;
    code = ctl_session_ask_json(&session, request, json);
    ctl_session_close(&session);
    return code;
}

int subcommand_status(int argc, char **argv)
{
    struct ctl_options options;
    json_t *status = NULL;
    int code = ctl_options_parse(&options, argc, argv, CTL_JSON | CTL_CONNECTIONS, CTL_NO_OPERAND);
    if (code >= 0)
        return code;
    code = fetch(&options, "status", &status);
    if (code != EXIT_DONE)
        return code;
    json_t *connections = options.flags & CTL_CONNECTIONS ? ctl_connections_json(status) : NULL;
    if (options.flags & CTL_JSON) {
        if (connections)
            json_object_set(status, "connections", connections);
        print_json(status);
    } else {
        ctl_status_print(stdout, status);
        if (connections)
            ctl_connections_print(stdout, connections);
    }
    json_decref(connections);
    json_decref(status);
    return end_output();
}

int subcommand_incidents(int argc, char **argv)
{
    struct ctl_options options;
    json_t *answer = NULL;
    int code = ctl_options_parse(&options, argc, argv, CTL_JSON, CTL_NO_OPERAND);
    if (code >= 0)
        return code;
    code = fetch(&options, "incidents", &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *incidents = json_object_get(answer, "incidents");
    if (options.flags & CTL_JSON)
        print_json(answer);
    else if (json_array_size(incidents) == 0)
        puts("no incidents");
    else
        for (size_t i = 0; i < json_array_size(incidents); i++)
            ctl_incident_print(stdout, json_array_get(incidents, i));
    json_decref(answer);
    return end_output();
}
