#include "master/metrics.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define PREFIX "prefork_upper_"

#define LOOKS_MAX 8 /* at a memory that changes all the time; then one is as good as another */

/* ---- what the supervisor remembers ---- */

/* Indexes come from shared pages, and are believed within bounds only. */
static void bound(struct supervisor *state)
{
    if (state->slot_limit > SLOT_COUNT_MAX)
        state->slot_limit = SLOT_COUNT_MAX;
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++)
        if (state->slots[slot].phase > SLOT_ENDED)
            state->slots[slot].phase = SLOT_UNUSED;
}

/* The copy that holds is not written to before the other one holds (feed.c). */
static bool copy_memory(struct metrics_view *view)
{
    const struct orders *orders = &view->pages->orders;
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        uint32_t current = atomic_load_explicit(&orders->memory_current, memory_order_acquire);
        if (current != 1 && current != 2)
            return false;
        memcpy(&view->memory, orders->memory[current - 1], sizeof view->memory);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&orders->memory_current, memory_order_relaxed) == current)
            break;
    }
    bound(&view->memory.policy);
    return true;
}

void metrics_look(struct metrics_view *view, struct shared_pages *pages, const struct service_setup *setup,
                  int64_t now_ns)
{
    memset(view, 0, sizeof *view);
    view->pages = pages;
    view->setup = setup;
    view->now_ns = now_ns;
    view->has_memory = copy_memory(view);
}

/* ---- ready, healthy ---- */

static const struct slot_memory *memory_of(const struct metrics_view *view, uint32_t slot)
{
    return &view->memory.policy.slots[slot];
}

static bool serves(struct metrics_view *view, uint32_t slot)
{
    struct board *board = shared_board(view->pages, slot);
    const struct slot_memory *memory = memory_of(view, slot);
    return memory->phase == SLOT_SERVING && !memory->out && board_worker_pid(board) > 0 &&
           atomic_load_explicit(&board->ready_generation, memory_order_acquire) ==
               atomic_load(&board->worker.generation);
}

static uint32_t count_serving(struct metrics_view *view)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < view->memory.policy.slot_limit; slot++)
        count += serves(view, slot);
    return count;
}

const char *metrics_why_not_ready(struct metrics_view *view)
{
    if (!view->has_memory)
        return "starting";
    if (view->memory.policy.stage != STAGE_RUNNING)
        return "stopping";
    if (view->memory.policy.held)
        return "drained: no new connections are taken";
    return count_serving(view) == 0 ? "no worker serves" : NULL;
}

static double tick_age_s(const struct metrics_view *view)
{
    int64_t tick_ns = atomic_load_explicit(&view->pages->orders.supervisor_tick_ns, memory_order_acquire);
    int64_t since_ns = tick_ns > 0 ? tick_ns : view->pages->orders.start_ns;
    return (double)clock_between_ns(since_ns, view->now_ns) / 1e9;
}

const char *metrics_why_not_healthy(const struct metrics_view *view)
{
    return tick_age_s(view) * 1000 > METRICS_TICK_MS_MAX ? "the supervisor does not tick" : NULL;
}

/* ---- the format ---- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    fprintf(out, PREFIX "%s %.17g\n", name, value);
}

/* A label's value: backslash, quote and newline are escaped. */
static void label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\\' || *value == '"')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

/* ---- one value a slot ---- */

static bool is_used(const struct metrics_view *view, uint32_t slot)
{
    return memory_of(view, slot)->phase != SLOT_UNUSED;
}

static double connections(struct metrics_view *view, uint32_t slot)
{
    bool lives = board_worker_pid(shared_board(view->pages, slot)) > 0;
    return lives ? atomic_load(&view->pages->loads.cells[slot].connection_count) : 0;
}

static double generation(struct metrics_view *view, uint32_t slot)
{
    return memory_of(view, slot)->generation;
}

/* Generations after the first, for whatever reason they were made. */
static double restarts(struct metrics_view *view, uint32_t slot)
{
    uint32_t last = memory_of(view, slot)->generation;
    return last > 0 ? last - 1 : 0;
}

static double deaths(struct metrics_view *view, uint32_t slot)
{
    return memory_of(view, slot)->death_count;
}

static double uptime_s(struct metrics_view *view, uint32_t slot)
{
    struct board *board = shared_board(view->pages, slot);
    return serves(view, slot) ? (double)clock_between_ns(atomic_load(&board->ready_ns), view->now_ns) / 1e9
                              : 0;
}

static const struct slot_metric {
    const char *name, *type, *help;
    double (*value)(struct metrics_view *view, uint32_t slot);
} slot_metrics[] = {
    {"connections", "gauge", "Connections that the slot's worker holds.", connections},
    {"worker_generation", "gauge", "Which worker of the slot it is, counted from 1.", generation},
    {"worker_uptime_seconds", "gauge", "How long the slot's worker has been serving; 0 while none does.",
     uptime_s},
    {"worker_restarts_total", "counter", "Workers of the slot after its first one, for whatever reason.",
     restarts},
    {"worker_deaths_total", "counter", "Workers of the slot that died without being told to leave.", deaths},
};

static void write_slot_metrics(FILE *out, struct metrics_view *view)
{
    for (size_t i = 0; i < sizeof slot_metrics / sizeof slot_metrics[0]; i++) {
        const struct slot_metric *metric = &slot_metrics[i];
        head(out, metric->name, metric->type, metric->help);
        for (uint32_t slot = 0; slot < view->memory.policy.slot_limit; slot++)
            if (is_used(view, slot))
                fprintf(out, PREFIX "%s{slot=\"%u\"} %.17g\n", metric->name, slot, metric->value(view, slot));
    }
}

/* Of all states of a slot one is 1. */
static void write_states(FILE *out, const struct metrics_view *view)
{
    head(out, "worker_state", "gauge", "1 for the state that the slot is in, 0 for all others.");
    for (uint32_t slot = 0; slot < view->memory.policy.slot_limit; slot++)
        for (int phase = SLOT_UNUSED + 1; phase <= SLOT_ENDED && is_used(view, slot); phase++)
            fprintf(out, PREFIX "worker_state{slot=\"%u\",state=\"%s\"} %d\n", slot,
                    slot_phase_name((enum slot_phase)phase), memory_of(view, slot)->phase == (uint32_t)phase);
}

static void write_counters(FILE *out, struct metrics_view *view)
{
    char name[64], help[256];
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_description *is = &counter_descriptions[i];
        snprintf(name, sizeof name, "%s_total", is->name);
        snprintf(help, sizeof help, "In %s: %s.", is->unit, is->sentence);
        head(out, name, "counter", help);
        for (uint32_t slot = 0; slot < view->memory.policy.slot_limit; slot++)
            if (is_used(view, slot))
                fprintf(out, PREFIX "%s{slot=\"%u\"} %llu\n", name, slot,
                        (unsigned long long)counter_get(&view->pages->loads.cells[slot], (enum counter)i));
    }
}

/* ---- the service ---- */

static void write_info(FILE *out, const struct metrics_view *view)
{
    char build[24];
    const struct service *service = service_at(view->memory.settings.service_index);
    snprintf(build, sizeof build, "%016llx", (unsigned long long)image_build());
    head(out, "info", "gauge", "Always 1; its labels say what runs here.");
    fputs(PREFIX "info{version=\"" PREFORK_UPPER_VERSION "\",", out);
    label(out, "build", build);
    fputc(',', out);
    label(out, "address", view->setup->bound);
    fputc(',', out);
    label(out, "service", service ? service->name : "?");
    fputs("} 1\n", out);
}

/* On a listening socket tcpi_unacked and tcpi_sacked are the queue's length and limit (net/ipv4/tcp.c). */
static void write_queue(FILE *out, const struct metrics_view *view)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (view->setup->listener_is_unix || getsockopt(FD_LISTENER, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        info.tcpi_state != TCP_LISTEN)
        return;
    single(out, "accept_queue_connections", "gauge", "Connections that wait to be accepted.",
           info.tcpi_unacked);
    single(out, "accept_queue_limit_connections", "gauge", "How many may wait to be accepted.",
           info.tcpi_sacked);
}

static void write_service(FILE *out, struct metrics_view *view)
{
    const struct orders *orders = &view->pages->orders;
    uint32_t supervisors = atomic_load(&orders->supervisor_generation);
    write_info(out, view);
    single(out, "uptime_seconds", "gauge", "How long the service has been running.",
           (double)clock_between_ns(orders->start_ns, view->now_ns) / 1e9);
    single(out, "ready", "gauge", "1 while /readyz says 200: a worker serves, and connections are taken.",
           metrics_why_not_ready(view) == NULL);
    single(out, "healthy", "gauge", "1 while /healthz says 200: the supervisor goes round its loop.",
           metrics_why_not_healthy(view) == NULL);
    single(out, "workers", "gauge", "Workers that serve.", count_serving(view));
    single(out, "workers_wanted", "gauge", "Workers that should serve.", view->memory.policy.wanted_count);
    single(out, "supervisor_restarts_total", "counter", "Supervisors after the first one.",
           supervisors > 0 ? supervisors - 1 : 0);
    single(out, "supervisor_tick_age_seconds", "gauge",
           "Since when the supervisor has not gone round its loop.", tick_age_s(view));
    write_queue(out, view);
}

void metrics_write(FILE *out, struct metrics_view *view)
{
    write_service(out, view);
    write_slot_metrics(out, view);
    write_states(out, view);
    write_counters(out, view);
}
