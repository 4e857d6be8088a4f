/*
 * Short connections, so many a second: connect, one message, its reply, close. On top of the clients that
 * stay.
 *
 * A bounded number of them may be there at once; an arrival that finds none free is missed, and counted.
 */
#ifndef LOADTOOL_CHURN_H
#define LOADTOOL_CHURN_H

#include <stdint.h>

#include "loadtool/client.h"
#include "loadtool/pacer.h"

struct churn;

struct visitor {
    struct client client;
    struct churn *churn;
    struct visitor *next_free;
};

struct churn {
    struct client_world *world;
    struct pacer pacer;
    struct visitor *list; /* owned; NULL = there is no churn */
    struct visitor *first_free;
    uint64_t timeout_ns, connect_timeout_ns;
    uint64_t first_serial;
    struct {
        uint64_t due, done, failed, missed;
    } counts;
};

/* world and time-outs are set by the caller before. -ENOMEM. */
int churn_init(struct churn *churn, uint64_t rate_per_s, bool is_poisson);

/* Begin. Negative errno. */
int churn_start(struct churn *churn, uint64_t now_ns);

/* See who waits too long; to be called now and then. */
void churn_sweep(struct churn *churn, uint64_t now_ns);

/* No new ones; who is there goes on. churn_close ends those too. Both harmless without churn. */
void churn_stop(struct churn *churn);
void churn_close(struct churn *churn);

/* How many are there now? */
uint32_t churn_busy_count(const struct churn *churn);
void churn_free(struct churn *churn);

#endif
