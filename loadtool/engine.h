/*
 * One run: sets the clients up, loads the server, disturbs it, makes sure that nobody noticed, and counts.
 *
 *   RAMP     every control client connects and has its first reply; nothing is disturbed yet
 *   WARM     the load, not disturbed and not measured
 *   MAIN     the load, and the disturbances
 *   BETWEEN  the load goes on till every control client has had a reply between two disturbances
 *   KILLS    every victim that is left dies; nobody comes again
 *   AFTER    every control client has one more reply, and a new client has one
 *   CLOSE    everything is closed
 *
 * With no victims BETWEEN and KILLS are passed over, and AFTER only waits for what is outstanding. The asked
 * duration is MAIN's; a count of messages ends it as well, and so does the end of all hope that they can be
 * sent. When no client was ever answered, the run goes from RAMP to CLOSE.
 */
#ifndef LOADTOOL_ENGINE_H
#define LOADTOOL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtool/churn.h"
#include "loadtool/client.h"
#include "loadtool/control.h"
#include "loadtool/felt.h"
#include "loadtool/outcome.h"
#include "loadtool/pacer.h"
#include "loadtool/probe.h"
#include "loadtool/schedule.h"
#include "loadtool/seconds.h"
#include "loadtool/settings.h"
#include "loadtool/shared.h"
#include "loadtool/tap.h"
#include "loadtool/team.h"
#include "loadtool/think.h"
#include "loadtool/timeline.h"
#include "loadtool/victims.h"

enum engine_phase {
    ENGINE_RAMP,
    ENGINE_WARM,
    ENGINE_MAIN,
    ENGINE_BETWEEN,
    ENGINE_KILLS,
    ENGINE_AFTER,
    ENGINE_CLOSE
};

/* One loop and its share of the places. Number 0 leads the others, which belong to it, and has what there is
 * once. */
struct engine {
    const struct settings *settings;
    struct team *team; /* not owned, but by the leader */
    uint32_t number;
    struct engine *others;   /* owned by the leader: number 1 and so on */
    uv_thread_t thread;      /* of each of the others */
    struct outcome *outcome; /* of this loop; the leader's is the run's in the end */
    uv_loop_t loop;
    bool loop_is_open; /* begun, and not closed yet */
    struct client_world world;
    struct load load;
    struct shared budget; /* the memory of the load's budget, with -n */
    struct pacer pacer;
    struct think think;
    struct churn churn;
    struct control_group control;
    struct victims victims;
    struct probe probe;
    struct felt felt;
    struct tap tap;
    struct timeline timeline;       /* of the leader: all loops' */
    uint64_t calm_replies;          /* that the limit of what is normal was found from */
    struct histogram second;        /* latency of the present second, of this loop */
    uint64_t seconds_over;          /* for it */
    uint64_t done[PLAN_MODE_COUNT]; /* deaths, when it looked last */
    struct seconds seconds;         /* the leader's; who wants them is set by the caller */
    enum engine_phase phase;
    bool has_between;          /* a disturbance had been done when BETWEEN began */
    struct team_orders orders; /* that began the phase */
    struct team_report sum;    /* of all loops, when the leader looked last */
    uint64_t begin_ns;
    uint64_t phase_ns; /* when the phase began here */
    struct {
        uint64_t bytes; /* right reply bytes of victims, when looked at last */
        uint64_t ns;    /* when they became more */
    } progress;
    struct {
        uint64_t begin_ns, idle_ns, messages, bytes; /* when MAIN began */
        double latency_sum_ns;                       /* then; when it ended: of MAIN alone */
        uint64_t descriptors_left;                   /* when it ended */
        double wall_s; /* how long it lasted; 0 = too short to say anything of ourselves */
        struct selfcheck_clock clock, end_clock;
    } main;
    struct {
        uint64_t looks, outstanding; /* how many messages were outstanding at each look, added up */
    } little;
    uint64_t ticks;
    uv_timer_t tick;
    uv_signal_t interrupts[2];
    void (*show_progress)(const struct engine *engine, uint64_t now_ns); /* every 50 ms; may be NULL */
};

/* Run to the end and fill `outcome`. `settings`, `target` and `outcome` must outlive it; `show_progress` and
 * what `seconds` are for are set by the caller, the rest is zero. 0, or a negative errno when the run could not be set up.
 */
int engine_run(struct engine *engine, const struct settings *settings, const struct target *target,
               struct outcome *outcome);

#endif
