/*
 * Incident reports: one file a death, for the person who asks the next morning why it happened and what it
 * cost.
 *
 * The report of a death has two parts: what the dead worker left on its board, known at once, and what became
 * of its connections, known when the successor has served them. It is written a moment after the successor
 * began, or when the slot's next death comes first. Files have mode 0600, since they may hold client data;
 * the last 64 are kept. A disk that is full or gone costs the file and one log line, nothing else. A
 * supervisor that was made between the two parts knows the first from the ring, and adds the second.
 *
 * Called by the supervisor alone.
 */
#ifndef MASTER_INCIDENT_H
#define MASTER_INCIDENT_H

#include "master/incident_ring.h"
#include "master/report.h"
#include "master/settings.h"

enum {
    INCIDENT_FILE_COUNT_MAX = 64,
    INCIDENT_NAME_SIZE = 96,
    INCIDENT_SETTLE_MS = 500, /* the successor's first events, by which it learns what was owed */
};

struct incident {
    bool pending;
    bool is_resumed; /* begun by an earlier supervisor: of the death only the ring's line is known */
    uint32_t slot, generation; /* of the worker that died */
    struct death_report report;
    uint32_t next_phase, recover_how; /* what the policy made of it */
    int32_t suspect;
    bool replaced;
    struct incident_outcome {
        uint32_t continued, owed, redone, adopted, reset, closed;
    } outcome;                     /* settled: what the successor made of the connections */
    struct suspect_note note;      /* settled: generation 0 if nobody described the suspect */
    int64_t gap_us;                /* from the death to the successor's loop */
    int64_t due_ms;                /* INT64_MAX: not before the successor serves */
    struct incident_ring *ring;    /* not owned */
    uint32_t line;                 /* its number there */
    char name[INCIDENT_NAME_SIZE]; /* of the file; empty: none could be made */
    char dir[SETTINGS_PATH_SIZE];  /* where the file is, whatever a reload says; empty: no file */
};

/* Can reports be written there? Returns 0 or a negative errno. */
int incident_check_dir(const char *dir);

/* Makes the directory if need be and checks it. Returns 0 or a negative errno. */
int incident_prepare(const char *dir);

/* A death, and what the policy made of it. `dir` NULL: no file. Of more than INCIDENT_FILE_COUNT_MAX files there the oldest
 * are removed, but none that the ring names: a clock that was ahead once gave others later names. */
void incident_begin(struct incident *incident, const char *dir, struct incident_ring *ring,
                    const struct death_report *report, uint32_t slot, uint32_t generation,
                    const struct slot_memory *after);

/* Goes on with what an earlier supervisor has begun and not finished; before anything else is called. */
void incident_resume(struct incident incidents[SLOT_COUNT_MAX],
                     const struct slot_memory slots[SLOT_COUNT_MAX], struct shared_pages *pages,
                     const char *dir);

/* The successor's loop runs. Returns the time of the death that it follows, 0 if there was none. */
int64_t incident_ready(struct incident *incident, struct board *board, uint32_t generation);

/* Takes the successor's part from the board, which holds it until the next successor begins. */
void incident_settle(struct incident *incident, struct board *board);

/* Writes the report when it is due. */
void incident_tick(struct incident *incident, struct board *board, int64_t now_ms);

/* Writes the report now, if there is one that waits, and the log line. */
void incident_flush(struct incident *incident);
void incident_flush_all(struct incident incidents[SLOT_COUNT_MAX], struct shared_pages *pages);

#endif
