/*
 * The places whose clients die: each lives a seeded time, dies in its mode, is replaced, until the run's end.
 *
 * A victim verifies like everybody else until its own death. If the server ends it first, leaves it
 * unanswered or refuses it, that is an unexpected end. What each mode does stands in kills.c; this file is
 * the life around it:
 *
 *   AWAY -> LIVING (connecting, then serving until its time is over) -> DYING (its mode's steps) -> LEAVING
 * -> AWAY
 */
#ifndef LOADTOOL_VICTIMS_H
#define LOADTOOL_VICTIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/child.h"
#include "loadtool/client.h"
#include "loadtool/felt.h"
#include "loadtool/plan.h"
#include "loadtool/schedule.h"
#include "loadtool/tap.h"

struct kill_mode;
struct victims;

enum victim_stage { VICTIM_AWAY, VICTIM_LIVING, VICTIM_DYING, VICTIM_LEAVING };

struct victim {
    struct client client;
    struct child *child; /* owned; NULL till a mode needs one */
    struct victims *all;
    const struct kill_mode *mode;
    enum plan_mode mode_id;
    enum victim_stage stage;
    struct pace pace;     /* of its first place */
    bool is_serving;      /* has had its first reply */
    bool is_over;         /* its time is over, but it waits for its first reply; in a child: given up */
    bool was_settled;     /* this life has been counted as done or not done */
    uint32_t width;       /* connections: more than one in a child only */
    enum plan_took took;  /* how the server took this death, as far as is known */
    uint32_t number;      /* among all victims of the run, whoever has them */
    uint32_t in_mode;     /* its number among the victims of its mode */
    uint64_t turn;        /* of a mode with a rate, or in unison: which of its times it dies at next */
    uint64_t stopped_ns;  /* its process was seen stopped */
    bool goes_on;         /* and has been told to go on */
    uint32_t reads;       /* for slow readers: replies read since it began to die, */
    uint64_t sent_before; /* and what it had sent when it last looked, */
    uint64_t sent_begin;  /* and when it began */
    uint64_t moved_ns;    /* when it began to die, or its mode saw progress since */
    uint64_t lives;
    uint64_t born_ns;
    uint64_t die_at_ns;
    uint64_t not_before_ns; /* of its next life */
};

#define VICTIMS_NOT_OURS UINT32_MAX

struct victims_settings {
    const struct plan *plan;
    enum oracle_check check;
    uint32_t clients;       /* all places */
    uint32_t share, shares; /* of the entries, every shares-th from share on is ours; shares 0 counts as 1 */
    uint64_t timeout_ns;
    uint64_t connect_timeout_ns;
};

struct victims {
    struct client_world *world;
    struct load *load;
    struct victims_settings settings;
    struct victim *list; /* owned */
    uint32_t count;      /* entries of the list */
    uint64_t *dues;      /* owned: queues of arrivals */
    uint32_t *of_place;  /* owned: the entry that has the n-th place; VICTIMS_NOT_OURS */
    uint32_t total;      /* entries of all shares */
    uint32_t places;     /* connections of all shares */
    bool takes_turns;    /* fewer places than modes: every life takes the next mode */
    bool is_replacing;   /* who has died comes again */
    uint32_t away_count; /* entries without a connection */
    uint64_t unexpected_ends;
    uint64_t done[PLAN_MODE_COUNT];
    uint64_t not_done[PLAN_MODE_COUNT];
    uint64_t forestalled[PLAN_MODE_COUNT];      /* of those: the server had ended the connection before */
    uint64_t took[PLAN_MODE_COUNT][TOOK_COUNT]; /* of those done */
    uint64_t done_count;
    uint64_t last_done_ns;
    uint32_t by_mode[PLAN_MODE_COUNT]; /* places */
    struct tap *tap;                   /* told of deaths, when they are done; NULL = not wanted */
    struct felt *felt;                 /* told when a death begins and ends; NULL = nobody */
    void *owner;
    void (*disturbed)(void *owner); /* a kill was done; may be NULL */
};

/* Deal the places. The world, the load and the plan must outlive it. -ENOMEM. */
int victims_init(struct victims *victims, struct client_world *world, struct load *load,
                 const struct victims_settings *settings);
void victims_free(struct victims *victims);

/* To be called every LIMIT_TICK_MS: start who is away, end whose time is over, see who waits too long. */
void victims_tick(struct victims *victims, uint64_t now_ns);

/* Does any of them serve now, in this process or in a child? */
bool victims_are_serving(const struct victims *victims);

/* Everyone's time is over now, and nobody comes again. Done when away_count == count. */
void victims_end_all(struct victims *victims);

/* Close everything at once: the run is over. Who could not die in time is counted as not done, if it counts.
 */
void victims_drop_all(struct victims *victims, bool counts);

/* An arrival of the open loop is due at the victims' n-th place. */
void victims_arrival(struct victims *victims, uint32_t n, uint64_t due_ns);

/* Arrivals that were due and have not been sent, of all. */
uint64_t victims_pending_count(const struct victims *victims);

/* For the modes: begin `count` messages, whatever is left of the budget: a death needs them. */
void victims_send(struct victim *victim, uint64_t count);

/* For the modes: the kill has been done, and the victim closes; or it could not be done. */
void victims_settle(struct victim *victim, bool done, uint32_t count);

#endif
