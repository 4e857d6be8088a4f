/*
 * The control group: clients that are never killed and never connected again. What happens to them is the
 * verdict.
 *
 * A client has as many messages outstanding as the load's depth allows, one by default. It sends when the
 * load lets it (schedule.h), or when a proof is asked for: a right reply to a message that was begun in a
 * given part of the run.
 */
#ifndef LOADTOOL_CONTROL_H
#define LOADTOOL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/client.h"
#include "loadtool/felt.h"
#include "loadtool/histogram.h"
#include "loadtool/outcome.h"
#include "loadtool/schedule.h"
#include "loadtool/tap.h"

/* Before the first disturbance, between the first and the last, after the last. */
enum control_part { PART_BEFORE, PART_BETWEEN, PART_AFTER, PART_COUNT };

struct control_group;

/* A message that has no reply yet. */
struct control_message {
    enum control_part part; /* when it was begun */
    uint64_t due_ns;        /* in an open loop; else when it was sent */
    uint64_t sent_ns;
};

struct control {
    struct client client;
    struct control_group *group;
    struct pace pace;
    struct control_message *messages; /* not owned: a ring of the load's depth */
    uint64_t begun_count, ended_count;
    uint64_t given_up_count;   /* messages up to here are lost, whatever comes of them */
    bool heard[PART_COUNT];    /* a message of that part was answered in that part */
    bool proofs[PART_COUNT];   /* and rightly */
    bool was_answered;         /* has had a whole reply */
    bool is_settled;           /* the ramp waits for it no longer: answered, gone or unanswered */
    bool is_gone;              /* refused or ended */
    bool is_waiting_too_long;  /* now */
    bool was_waiting_too_long; /* once: it has been counted */
};

struct control_group {
    struct client_world *world;
    struct load *load;
    struct histogram *latency;      /* from due to answered */
    struct histogram *latency_sent; /* from sent to answered; NULL = not wanted */
    struct felt *felt;              /* these three: NULL = not wanted */
    struct tap *tap;                /* told of requests, right replies, and what is lost */
    struct histogram *second;       /* latency of the present second */
    uint64_t outstanding_count;     /* messages of all that have no reply yet */
    struct outcome_control *counts;
    uint64_t timeout_ns;
    uint64_t connect_timeout_ns;
    struct control *list;             /* owned */
    struct control_message *messages; /* owned: all rings */
    uint64_t *dues;                   /* owned: all queues of arrivals */
    uint32_t count;
    uint32_t opened_count;    /* clients whose connection was begun */
    uint32_t unsettled_count; /* of those: still on their way */
    uint32_t answered_count;  /* clients that have had a whole reply */
    uint32_t gone_count;
    uint64_t ramp_ns; /* connections are spread over this time from begin_ns on; 0 = as fast as they come */
    uint64_t begin_ns;
    uint32_t share, shares; /* its places are share, share + shares, ...; shares 0 counts as 1 */
    bool is_holding;        /* after its first reply a client sends nothing: the ramp */
    enum control_part part; /* of the run, now */
};

/* Make the group. What the group points to is set by the caller before.
 * -ENOMEM. */
int control_init(struct control_group *group, uint32_t count);
void control_free(struct control_group *group);

/* Begin connections, as many as may be on their way at once. Call again till it says that all are settled. */
bool control_ramp(struct control_group *group);

/* The ramp is over: everyone sends as the load lets them. */
void control_start(struct control_group *group);

/* Arrival of the open loop for its n-th client. */
void control_arrival(struct control_group *group, uint32_t n, uint64_t due_ns);

/* See who waits too long. */
void control_sweep(struct control_group *group, uint64_t now_ns);

/* Is there a client that may still send: connected, and not waiting too long? Never so in an empty group. */
bool control_is_alive(const struct control_group *group);

/* Have every idle client that has had no reply in the present part send a message. Returns how many still
 * wait for one, those apart that are gone or wait too long. A wrong reply is no proof, but an end of the
 * waiting. */
uint32_t control_prove(struct control_group *group);

/* How many wait for a reply, those apart that wait too long. */
uint32_t control_waiting_count(const struct control_group *group);

/* How many that are still there have no proof of that part. */
uint32_t control_lacking_count(const struct control_group *group, enum control_part part);

/* Forget what was measured so far: the warm-up is over. */
void control_forget_measures(struct control_group *group);

/* Arrivals that were due and have not been sent, of all. */
uint64_t control_pending_count(const struct control_group *group);

/* The longest silence of every client that had a connection, into a list of group->count. Returns how many.
 */
uint32_t control_list_silences_ns(const struct control_group *group, uint64_t *silences_ns);

void control_close_all(struct control_group *group);

#endif
