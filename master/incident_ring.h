/*
 * incident_ring: the last incidents in a line each, for whoever asks a running server.
 *
 * Lies in the shared pages, so a supervisor's death forgets none; written and read by the supervisor alone. A
 * line is added at the death and completed when the successor's part is known. It holds no byte of any
 * client.
 */
#ifndef MASTER_INCIDENT_RING_H
#define MASTER_INCIDENT_RING_H

#include "worker/board.h"
#include <assert.h>

struct incident;

enum { INCIDENT_LINE_COUNT_MAX = 64, INCIDENT_LINE_NAME_SIZE = 96 };

struct incident_line {
    uint32_t number; /* from 1 on, never given twice */
    uint32_t slot, generation;
    int32_t pid;
    int64_t time_ms; /* of the death, since 1970 UTC */
    int64_t uptime_ms;
    uint32_t is_settled; /* the rest of the numbers is known */
    uint32_t held, continued, owed, redone, adopted, reset, closed;
    int64_t gap_us; /* from the death to its successor's loop; -1: none came */
    char cause[24];
    char phase[24];
    char file[INCIDENT_LINE_NAME_SIZE]; /* name of the report; empty: none */
};

struct incident_ring {
    shared_u32 last_number;
    struct incident_line lines[INCIDENT_LINE_COUNT_MAX]; /* of number n: [n % INCIDENT_LINE_COUNT_MAX] */
};

static_assert(sizeof(struct incident_ring) <= INCIDENT_RING_BYTES,
              "the ring fits its room in the shared pages");

/* The ring of these pages. */
struct incident_ring *incident_ring_of(struct shared_pages *pages);

/* Adds a line; returns its number. */
uint32_t incident_ring_add(struct incident_ring *ring, const struct incident *incident);

/* Completes the line of that number, unless it is forgotten. */
void incident_ring_settle(struct incident_ring *ring, uint32_t number, const struct incident *incident);

/* CLOCK_MONOTONIC time of its death, to the millisecond, as long as nobody has set the clock since. */
int64_t incident_line_death_ns(const struct incident_line *line);

/* The line of that number; NULL: never added, or forgotten. */
const struct incident_line *incident_ring_find(const struct incident_ring *ring, uint32_t number);

#endif
