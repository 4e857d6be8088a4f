#include "master/incident.h"
#include "worker/clock.h"
#include <stdio.h>

/* The board knows it to the nanosecond until the slot's next death. */
static int64_t death_ns(const struct incident_line *line, struct board *board)
{
    struct death_cell *cell = &board->worker_death;
    bool is_last = atomic_load_explicit(&cell->generation, memory_order_acquire) == line->generation;
    return is_last ? atomic_load(&cell->time_ns) : incident_line_death_ns(line);
}

/* What the board says of the successor holds until the one after it begins. */
static void take_up(struct incident *incident, struct incident_ring *ring, const struct incident_line *line,
                    const struct slot_memory *memory, struct board *board)
{
    uint32_t successor = line->generation + 1;
    bool is_there = memory->generation == successor;
    *incident = (struct incident){
        .pending = true,
        .is_resumed = true,
        .slot = line->slot,
        .generation = line->generation,
        .report = {.pid = line->pid,
                   .uptime_ms = line->uptime_ms,
                   .connection_count = line->held,
                   .time_ns = death_ns(line, board)},
        .due_ms = is_there && memory->phase == SLOT_STARTING ? INT64_MAX : clock_now_ms(),
        .ring = ring,
        .line = line->number,
    };
    snprintf(incident->report.cause, sizeof incident->report.cause, "%s", line->cause);
    snprintf(incident->name, sizeof incident->name, "%s", line->file);
    if (is_there && atomic_load_explicit(&board->ready_generation, memory_order_acquire) == successor)
        incident_ready(incident, board, successor);
}

void incident_resume(struct incident incidents[SLOT_COUNT_MAX],
                     const struct slot_memory slots[SLOT_COUNT_MAX], struct shared_pages *pages,
                     const char *dir)
{
    struct incident_ring *ring = incident_ring_of(pages);
    uint32_t last = atomic_load(&ring->last_number);
    for (uint32_t back = INCIDENT_LINE_COUNT_MAX; back-- > 0;) {
        const struct incident_line *line = back < last ? incident_ring_find(ring, last - back) : NULL;
        if (!line || line->is_settled || line->slot >= SLOT_COUNT_MAX)
            continue;
        struct incident *incident = &incidents[line->slot];
        incident_flush(incident); /* an older one of the same slot: what became of it is not known */
        take_up(incident, ring, line, &slots[line->slot], shared_board(pages, line->slot));
        snprintf(incident->dir, sizeof incident->dir, "%s", dir ? dir : "");
    }
}
