/*
 * The supervisor's loop (master/reactor.h) in a process of its own, between policy, boards and clients that are
 * stood in for: at each look a step of the test's script. Time passes only while the loop waits.
 *
 * A test that uses this replaces all that is stood in for, so it says so: wrap:
 *     feed feed_load_memory look_around look_on_tick announce_progress keeper_probe oom_kill_count
 *     control_init control_on_line control_turn control_flush logsink_drain title_set
 *     poll __poll_chk clock_gettime getrandom
 *
 * Errors: whatever cannot be set up fails the test at once; what the process under test finds wrong in its calls
 * ends it with an exit code from 95 on. Owner: rig_finish() closes everything and removes the log.
 */
#ifndef TESTS_SUPPORT_REACTOR_FIXTURE_H
#define TESTS_SUPPORT_REACTOR_FIXTURE_H

#include "master/options.h"
#include "master/reactor_state.h"
#include "tests/support/worker_fixture.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RIG_DEADLINE_S = 20,
    RIG_TURNS_MAX = 16,
    RIG_EVENTS_MAX = 8,
    RIG_GENERATION = 9,
    RIG_IMAGE = 6,
    RIG_SEED = 0x12345678,
    RIG_BEGIN_MS = 1000000,
};

/* Seen by the test and by the process under test. */
struct reactor_seen {
    unsigned turn_count;        /* looks around */
    int wait_ms[RIG_TURNS_MAX]; /* that were asked for, behind each */
    char calls[256];            /* in their order, one letter each */
    unsigned outlived_count;    /* waits after the master's death */
    unsigned event_count;
    struct {
        enum supervisor_event_kind kind;
        uint32_t generation;
        char why[128]; /* empty: none */
    } events[RIG_EVENTS_MAX];
    struct reactor reactor; /* as it was at the last event, or where a step has copied it */
    int polled[4];          /* supervisor, log, master, control */
    int control_fd;         /* that control was begun with */
    int64_t control_ms[RIG_TURNS_MAX];
    unsigned lines_heard;
    char title[64];
    pid_t pid, group;
    uint64_t pokes_left; /* that the loop has not read */
};

struct reactor_fixture {
    struct worker_fixture worker;
    struct shared_pages *pages; /* the worker's */
    struct options options;
    struct service_setup setup;
    struct reactor_seen *seen;

    /* What happens at each look, counted from 0; beyond them the supervisor is told to give way. */
    void (*script[RIG_TURNS_MAX])(struct reactor *r);
    /* What happens at each wait after the master's death, counted from 0. NULL: nothing. */
    void (*outlived)(unsigned number);

    bool remembers;           /* an earlier supervisor has left its memory: */
    struct supervisor memory; /* this one */
    int probe_result;         /* of trying whether there can be keepers here */
    bool probed, random_fails;
    char log_text[65536]; /* as it was read last */
};

extern struct reactor_fixture rig;

/* A fresh service that can have keepers. */
int rig_begin(void **state);
int rig_finish(void **state);

/* Exit code of the supervisor, which ends by itself; what it and the others said stands in log_text then. */
int rig_run(void);

/* A step of the script at which nothing happens. */
void rig_go_on(struct reactor *r);

/* Reads the log's file into log_text. */
void rig_read_log(void);

unsigned rig_count_in_log(const char *text);
void rig_expect_in_log(const char *text);

/* The event that the policy was fed with, counted from 0, is of that kind. */
void rig_expect_event(unsigned number, enum supervisor_event_kind kind);

#endif
