#include "master/status.h"
#include "master/faults.h"
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* What a user typed may be no UTF-8, which JSON cannot hold. */
static json_t *typed(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("(not UTF-8)");
}

/* ---- words ---- */

static const char *keeper_state_name(enum keeper_phase phase)
{
    switch (phase) {
    case KEEPER_NONE:
        return "none";
    case KEEPER_STARTING:
        return "starting";
    case KEEPER_READY:
        return "ready";
    case KEEPER_LEAVING:
        return "leaving";
    case KEEPER_EXECING:
        return "upgrading";
    }
    return "?";
}

static const char *operation_state_name(enum operation_state state)
{
    switch (state) {
    case OPERATION_NONE:
        return "none";
    case OPERATION_RUNNING:
        return "running";
    case OPERATION_DONE:
        return "done";
    case OPERATION_FAILED:
        return "failed";
    }
    return "?";
}

static const char *stage_name(enum stage stage)
{
    switch (stage) {
    case STAGE_RUNNING:
        return "running";
    case STAGE_DRAINING:
        return "stopping";
    case STAGE_ENDING:
        return "ending";
    case STAGE_FINISHED:
        return "finished";
    }
    return "?";
}

/* ---- slots ---- */

/* What the process has of its own, in KiB; 0: not known. proc(5), statm: size, resident, shared, in pages. */
static uint64_t memory_kib(int32_t pid)
{
    char path[32], text[128];
    unsigned long resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    if (sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || shared > resident)
        return 0;
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static json_t *counters(const uint64_t sums[COUNTER_COUNT])
{
    json_t *object = json_object();
    for (int i = 0; i < COUNTER_COUNT; i++)
        json_object_set_new(object, counter_descriptions[i].name, number(sums[i]));
    return object;
}

static void add_counters(uint64_t sums[COUNTER_COUNT], struct load_cell *cell)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        sums[i] += counter_get(cell, (enum counter)i);
}

static json_t *keepers_json(const struct slot_memory *memory, struct board *board)
{
    json_t *list = json_array();
    for (int letter = 0; letter < KEEPER_COUNT; letter++) {
        int32_t pid = board_living_pid(&board->keepers[letter], &board->keeper_deaths[letter]);
        json_array_append_new(list,
                              json_pack("{ss so ss}", "keeper", letter == KEEPER_A ? "a" : "b", "pid",
                                        number((uint64_t)pid), "state",
                                        keeper_state_name((enum keeper_phase)memory->keepers[letter].phase)));
    }
    return list;
}

/* How long the worker has been serving. */
static int64_t uptime_ms(const struct slot_memory *memory, struct board *board, int32_t pid)
{
    bool serves = pid > 0 && atomic_load(&board->ready_generation) == memory->generation;
    return serves ? clock_between_ns(atomic_load(&board->ready_ns), clock_now_ns()) / 1000000 : 0;
}

static json_t *slot_json(struct reactor *r, uint32_t slot)
{
    const struct slot_memory *memory = &r->state.slots[slot];
    struct board *board = shared_board(r->pages, slot);
    struct load_cell *cell = &r->pages->loads.cells[slot];
    int32_t pid = board_worker_pid(board);
    uint64_t sums[COUNTER_COUNT] = {0};
    int64_t slowest = slowest_ns(&r->slowest[slot], memory->generation, clock_now_ns());
    add_counters(sums, cell);
    return json_pack(
        "{so ss sb sb so so so so so so so so sf so so so}", "slot", number(slot), "state",
        slot_phase_name((enum slot_phase)memory->phase), "going_out", (int)memory->out, "handing_over",
        (int)memory->handing, "pid", number((uint64_t)pid), "generation", number(memory->generation), "image",
        number(memory->image), "settings", number(memory->settings_number), "uptime_ms",
        json_integer(uptime_ms(memory, board, pid)), "connections",
        number(pid > 0 ? atomic_load(&cell->connection_count) : 0), "deaths", number(memory->death_count),
        "memory_kib", number(memory_kib(pid)), "slowest_turn_ms", (double)slowest / 1e6, "resting_ms",
        json_integer(memory->phase == SLOT_RESTING ? memory->deadline_ms - clock_now_ms() : 0), "keepers",
        keepers_json(memory, board), "counters", counters(sums));
}

static json_t *slots_json(struct reactor *r)
{
    json_t *list = json_array();
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        if (r->state.slots[slot].phase != SLOT_UNUSED)
            json_array_append_new(list, slot_json(r, slot));
    return list;
}

/* Over all slots that ever were. */
static json_t *totals_json(struct reactor *r)
{
    uint64_t sums[COUNTER_COUNT] = {0}, deaths = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        add_counters(sums, &r->pages->loads.cells[slot]);
        deaths += r->state.slots[slot].death_count;
    }
    return json_pack("{so so so}", "connections", number(announce_connections(r)), "deaths", number(deaths),
                     "counters", counters(sums));
}

/* ---- operations, incidents ---- */

static json_t *operations_json(struct operations *operations)
{
    json_t *list = json_array();
    uint32_t last = operations->last_number;
    for (uint32_t back = last < OPERATION_COUNT_MAX ? last : OPERATION_COUNT_MAX; back-- > 0;) {
        const struct operation *operation = operation_find(operations, last - back);
        if (operation)
            json_array_append_new(list,
                                  json_pack("{so ss so ss so}", "number", number(operation->number),
                                            "operation", operation_name((enum operation_kind)operation->kind),
                                            "goal", number(operation->goal), "state",
                                            operation_state_name((enum operation_state)operation->state),
                                            "why", typed(operation->why)));
    }
    return list;
}

/* The text of a line in the shared pages: whoever wrote it, it ends with its room. */
static json_t *text_of(const char *room, size_t size)
{
    json_t *string = json_stringn(room, strnlen(room, size));
    return string ? string : json_string("(not UTF-8)");
}

static json_t *incident_json(const struct incident_line *line)
{
    return json_pack(
        "{so sI so so so so so sI so sb so so so so so so so so}", "number", number(line->number), "time_ms",
        (json_int_t)line->time_ms, "slot", number(line->slot), "generation", number(line->generation), "pid",
        number((uint64_t)line->pid), "cause", text_of(line->cause, sizeof line->cause), "phase",
        text_of(line->phase, sizeof line->phase), "uptime_ms", (json_int_t)line->uptime_ms, "held",
        number(line->held), "settled", (int)line->is_settled, "continued", number(line->continued), "owed",
        number(line->owed), "redone", number(line->redone), "adopted", number(line->adopted), "reset",
        number(line->reset), "closed", number(line->closed), "gap_ms",
        line->gap_us < 0 ? json_null() : json_real((double)line->gap_us / 1000), "file",
        line->file[0] ? text_of(line->file, sizeof line->file) : json_null());
}

static json_t *incidents_json(const struct incident_ring *ring, uint32_t count_max)
{
    json_t *list = json_array();
    uint32_t last = atomic_load(&ring->last_number);
    for (uint32_t back = last < count_max ? last : count_max; back-- > 0;) {
        const struct incident_line *line = incident_ring_find(ring, last - back);
        if (line)
            json_array_append_new(list, incident_json(line));
    }
    return list;
}

json_t *status_incidents_json(const struct incident_ring *ring)
{
    return json_pack("{si so}", "schema", STATUS_SCHEMA, "incidents",
                     incidents_json(ring, INCIDENT_LINE_COUNT_MAX));
}

/* ---- the whole ---- */

/* On a listening socket tcpi_unacked and tcpi_sacked are the queue's length and limit (net/ipv4/tcp.c). */
static json_t *accept_queue_json(const struct reactor *r)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (r->setup->listener_is_unix || getsockopt(FD_LISTENER, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        info.tcpi_state != TCP_LISTEN)
        return json_null();
    return json_pack("{so so}", "waiting", number(info.tcpi_unacked), "limit", number(info.tcpi_sacked));
}

json_t *status_json(struct reactor *r)
{
    const struct orders *orders = &r->pages->orders;
    const struct service *service = service_at(r->settings.service_index);
    char build[24];
    snprintf(build, sizeof build, "%016llx", (unsigned long long)image_build());
    return json_pack("{si ss ss so so so so so so so sI ss sb so so sb ss ss so so so so so so}", "schema",
                     STATUS_SCHEMA, "version", PREFORK_UPPER_VERSION, "build", build, "image",
                     number(r->state.upgrade.image), "image_wanted", number(r->state.upgrade.target),
                     "address", typed(r->setup->bound), "control", typed(r->setup->control.path), "pid",
                     number((uint64_t)orders->master_pid), "supervisor_pid", number((uint64_t)getpid()),
                     "supervisor_generation", number(atomic_load(&orders->supervisor_generation)),
                     "uptime_ms", (json_int_t)((clock_now_ns() - orders->start_ns) / 1000000), "stage",
                     stage_name((enum stage)r->state.stage), "draining", (int)r->state.held, "workers",
                     number(r->state.wanted_count), "settings", number(r->state.settings_number), "protect",
                     (int)r->state.protect, "service", service ? service->name : "?", "log_level",
                     log_level_name(log_level()), "accept_queue", accept_queue_json(r), "faults",
                     faults_json(r->pages, r->state.slot_limit), "totals", totals_json(r), "slots",
                     slots_json(r), "operations", operations_json(&r->state.operations), "incidents",
                     incidents_json(incident_ring_of(r->pages), STATUS_INCIDENT_COUNT_MAX));
}
