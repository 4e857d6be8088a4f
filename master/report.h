/*
 * What the supervisor says: log lines about births, deaths and the end, made from the boards.
 *
 * Reads boards, changes nothing. Lines and their keys are listed in the project's README.
 */
#ifndef MASTER_REPORT_H
#define MASTER_REPORT_H

#include "master/restart.h"
#include "master/supervisor.h"

/* What the boards say about the death of that generation, for the policy and for the log. */
struct death_report {
    struct death_facts facts;
    int32_t pid;
    char cause[24];              /* "SIGSEGV", "exit:3" */
    enum kill_reason killed_for; /* we ended it ourselves */
    uint64_t fault_address;
    int32_t fault_sender; /* pid that sent the signal; 0: the processor raised it */
    int32_t fault_signal; /* 0: none was caught */
    char call[24];        /* "openat": the system call that the sandbox forbids; empty: it was none */
    int64_t time_ns;      /* of the death */
    int64_t cpu_us;       /* user and system time of its whole life */
    int64_t rss_kib;      /* largest resident size */
    int64_t uptime_ms;    /* of the generation's loop; 0: it never ran */
    uint32_t connection_count;
    uint32_t phase;                    /* enum worker_phase */
    char check_note[CHECK_NOTE_BYTES]; /* empty: none */
};

void report_collect(struct death_report *report, struct board *board, struct load_cell *cell,
                    uint32_t generation, enum kill_reason reason);

/* One line about the death, with what the policy made of it. */
void report_death(const struct death_report *report, unsigned slot, uint32_t generation,
                  const struct slot_memory *after, bool protect);

/* What a worker has become in its sandbox, if no worker has said the same before. */
void report_sandbox(struct shared_pages *pages, unsigned slot, uint32_t generation);

const char *report_phase_name(uint32_t phase);

/* A generation's loop runs; after a death, with the length of the gap. `death_ns` 0: it follows none. */
void report_ready(struct board *board, unsigned slot, uint32_t generation, int64_t death_ns);

/* A slot's line at the end of the run. */
void report_slot_summary(struct load_cell *cell, unsigned slot, uint32_t death_count);

#endif
