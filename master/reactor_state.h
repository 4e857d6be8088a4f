/*
 * What the parts of the supervisor's shell share; private to reactor.c, look*.c, feed.c, act.c
 * and announce*.c.
 *
 * Arrows: reactor (the process and its loop) -> look (boards and clocks become events) -> feed (the policy of
 * supervisor.h decides, its memory is stored) -> act (actions are carried out) -> announce (what is said
 * about them). Never back: what comes of an action is an event of the next look.
 */
#ifndef MASTER_REACTOR_STATE_H
#define MASTER_REACTOR_STATE_H

#include "master/control.h"
#include "master/hang.h"
#include "master/incident.h"
#include "master/logsink.h"
#include "master/notify.h"
#include "master/notify_socket.h"
#include "master/reactor.h"
#include "master/slowest.h"
#include "master/supervisor.h"

#define REACTOR_TICK_MS 100

/* As it lies in the shared pages: what a supervisor leaves to its successor. */
struct supervisor_memory {
    struct supervisor policy;
    struct service_settings settings;
    struct service_programs {
        char current[SETTINGS_PATH_SIZE];   /* that the service was started from, or upgraded to last */
        char candidate[SETTINGS_PATH_SIZE]; /* of the upgrade that is tried */
    } programs;
};

static_assert(sizeof(struct supervisor_memory) <= SUPERVISOR_MEMORY_BYTES,
              "the memory fits its room in the shared pages");

/* The process that answers for --metrics (metrics_server.h). */
struct metrics_child {
    pid_t pid; /* 0: none */
    int64_t started_ms;
    int64_t due_ms;   /* when the next one is made, while there is none */
    int64_t pause_ms; /* before that, for one that could not live */
};

struct reactor {
    const struct service_setup *setup;
    struct shared_pages *pages;
    struct supervisor state;
    struct service_settings settings; /* stored with the state */
    struct service_programs programs; /* likewise */
    struct supervisor_actions actions;
    struct logsink sink;
    struct control control;
    int64_t next_tick_ms;
    int64_t last_tick_ms;
    int64_t next_progress_ms;
    int64_t next_reload_ms;                   /* by signal, at the earliest */
    uint32_t accepts_seen;                    /* sum over all slots at the last tick */
    uint32_t stray_slot;                      /* who is poked next for a connection that nobody takes */
    int64_t drain_ms;                         /* when the drain began; 0: before this supervisor */
    int64_t hold_ms;                          /* when the listener was to be held */
    int listen_result;                        /* of the last ACTION_LISTEN: 0 or a negative errno */
    bool listen_untold;                       /* and the policy does not know it yet */
    int64_t oom_kills_seen, oom_kills_before; /* oom.h: at the last whole second, and the one before */
    int64_t next_oom_ms;
    pid_t checker_pid; /* 0: none; negative: errno of a fork that failed */
    uint32_t check_number;
    int64_t check_begin_ms;
    bool image_untold; /* to the policy */
    bool gives_way;    /* to a supervisor of another image, at the end of this turn */
    struct metrics_child metrics;
    struct notify_socket manager;
    struct notify notify;
    int notify_error;                  /* of the last try; 0: it went well */
    int64_t next_notify_ms;            /* at the earliest, after one that failed */
    bool clone_failed[SLOT_COUNT_MAX]; /* by the supervisor itself, not told to the policy yet */
    struct hang hangs[SLOT_COUNT_MAX];
    struct slowest slowest[SLOT_COUNT_MAX];
    struct incident incidents[SLOT_COUNT_MAX]; /* reports that wait for the successor's part */
};

/* feed.c: one event: decide, remember, act. */
void feed(struct reactor *r, const struct supervisor_event *event);

/* The same in two steps, for an event about which something must be said between deciding and acting. */
void feed_decide(struct reactor *r, const struct supervisor_event *event);
void feed_carry_out(struct reactor *r);

/* What an earlier supervisor remembered. False: there was none. */
bool feed_load_memory(struct reactor *r);

/* look.c: everything that happened since the last look; and what only time brings. */
void look_around(struct reactor *r);
void look_on_tick(struct reactor *r, int64_t now_ms);

/* look_signals.c, look_listener.c, look_hangs.c: its parts. */
void look_for_signals(struct reactor *r);
void look_for_listening(struct reactor *r);                  /* the outcome of ACTION_LISTEN */
void look_after_listener(struct reactor *r, int64_t now_ms); /* on the tick */
void look_for_hangs(struct reactor *r, int64_t now_ms);      /* on the tick */
bool look_is_silent(const struct reactor *r, uint32_t slot); /* its worker lives and does not answer */

/* look_upgrade.c: how far an upgrade has come. */
void look_for_upgrade(struct reactor *r);

/* look_metrics.c: the process that answers for --metrics. */
void look_for_metrics(struct reactor *r, int64_t now_ms);        /* on the tick */
void look_note_reaped(struct reactor *r, pid_t pid, int status); /* a child of the supervisor: was it that? */
void look_end_metrics(struct reactor *r);                        /* it is gone when this returns */

/* act.c */
void act(struct reactor *r, const struct supervisor_action *action);

/* announce.c */
uint32_t announce_connections(const struct reactor *r); /* held by living workers */
void announce_ending(struct reactor *r);
void announce_serving(struct reactor *r);
void announce_draining(struct reactor *r);
void announce_progress(struct reactor *r, int64_t now_ms);
void announce_end(struct reactor *r);
void announce_operation(struct reactor *r, const struct supervisor_action *action);

/* announce_manager.c: a service manager, if there is one that wants to know. */
void announce_find_manager(struct reactor *r);
void announce_to_manager(struct reactor *r, int64_t now_ms);

#endif
