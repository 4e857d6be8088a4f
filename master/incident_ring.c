#include "master/incident_ring.h"
#include "master/incident.h"
#include "worker/clock.h"
#include <stdio.h>
#include <time.h>

struct incident_ring *incident_ring_of(struct shared_pages *pages)
{
    void *room = pages->incidents;
    return room;
}

static int64_t wall_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ms(int64_t monotonic_ns)
{
    return wall_now_ms() - clock_between_ns(monotonic_ns, clock_now_ns()) / 1000000;
}

int64_t incident_line_death_ns(const struct incident_line *line)
{
    return clock_now_ns() - (wall_now_ms() - line->time_ms) * 1000000;
}

/* The line first, then the number: one that was left half written by a supervisor's death is none. */
uint32_t incident_ring_add(struct incident_ring *ring, const struct incident *incident)
{
    const struct death_report *report = &incident->report;
    uint32_t number = atomic_load(&ring->last_number) + 1;
    struct incident_line *line = &ring->lines[number % INCIDENT_LINE_COUNT_MAX];
    *line = (struct incident_line){
        .number = number,
        .slot = incident->slot,
        .generation = incident->generation,
        .pid = report->pid,
        .time_ms = wall_ms(report->time_ns),
        .uptime_ms = report->uptime_ms,
        .held = report->connection_count,
        .gap_us = -1,
    };
    snprintf(line->cause, sizeof line->cause, "%s", report->cause);
    snprintf(line->phase, sizeof line->phase, "%s", report_phase_name(report->phase));
    snprintf(line->file, sizeof line->file, "%s", incident->name);
    atomic_store_explicit(&ring->last_number, number, memory_order_release);
    return number;
}

void incident_ring_settle(struct incident_ring *ring, uint32_t number, const struct incident *incident)
{
    struct incident_line *line = &ring->lines[number % INCIDENT_LINE_COUNT_MAX];
    if (line->number != number)
        return;
    line->continued = incident->outcome.continued;
    line->owed = incident->outcome.owed;
    line->redone = incident->outcome.redone;
    line->adopted = incident->outcome.adopted;
    line->reset = incident->outcome.reset;
    line->closed = incident->outcome.closed;
    line->gap_us = incident->replaced ? incident->gap_us : -1;
    snprintf(line->file, sizeof line->file, "%s", incident->name); /* the disk may have refused it by now */
    line->is_settled = 1;
}

const struct incident_line *incident_ring_find(const struct incident_ring *ring, uint32_t number)
{
    const struct incident_line *line = &ring->lines[number % INCIDENT_LINE_COUNT_MAX];
    return number != 0 && number <= atomic_load(&ring->last_number) && line->number == number ? line : NULL;
}
