/*
 * When does a worker hang? Pure; one struct a slot.
 *
 * A worker that serves answers a ping within a turn of its loop. One that does not may be busy for ever in
 * one chunk, stopped, or merely starved on a crowded machine; the three differ in the processor time that it
 * gets:
 *
 *     busy    the same chunk all along, and its processor clock advanced by the limit
 *     silent  no processor time at all for three times the limit, and no debugger holds it
 *     neither waits: a starved worker is not ended for the machine's fault
 *
 * Age is counted in looks that came on time. A late one (a suspended machine, a frozen control group, a
 * starved supervisor) says nothing about anybody and makes all ages begin anew.
 */
#ifndef MASTER_HANG_H
#define MASTER_HANG_H

#include <stdbool.h>
#include <stdint.h>

struct hang_look {
    uint32_t generation;
    bool answered;     /* the last ping */
    uint64_t progress; /* any number that changes with each chunk and each connection worked on */
    int64_t cpu_ns;    /* the worker's processor clock */
    bool traced;       /* a debugger is attached */
};

/* All zero: nothing was seen yet. */
struct hang {
    uint32_t generation;
    uint64_t progress;
    int64_t cpu_begin_ns; /* at the first look of this spell */
    int64_t cpu_last_ns;
    int64_t silent_ms;     /* of looks on time without processor time */
    bool in_spell;         /* unanswered at the last look */
    int64_t unanswered_ms; /* of looks on time, whatever it did meanwhile */
};

enum hang_verdict { HANG_NONE, HANG_BUSY, HANG_SILENT };

/* One look, `elapsed_ms` after the last one; `on_time`: no later than planned. limit_ms 0: never a hang. */
enum hang_verdict hang_observe(struct hang *hang, const struct hang_look *look, int64_t elapsed_ms,
                               bool on_time, int64_t limit_ms);

/* Has the worker of that generation not answered for a second? No reason to end it, but one not to say that all is
 * well. */
bool hang_is_silent(const struct hang *hang, uint32_t generation);

#endif
