/*
 * metrics_server: the process that answers HTTP for --metrics: /metrics, /healthz, /readyz.
 *
 * A child of the supervisor that it ends with: each supervisor makes one, and another when it has died. It has a
 * mapping of the shared pages that cannot be written to, the listener of its own, and the service's listener only to
 * ask for its queue; so whatever becomes of it, no client and no worker feels it. libmicrohttpd is loaded here and
 * nowhere else: no other process has its code in memory.
 */
#ifndef MASTER_METRICS_SERVER_H
#define MASTER_METRICS_SERVER_H

#include "master/reactor.h"

enum {
    METRICS_BACKLOG = 64,
    METRICS_CONNECTION_COUNT_MAX = 64, /* scrapers and probes, not crowds */
    METRICS_IDLE_S = 10,
};

/* Runs as that process, fresh from the supervisor's fork; does not return. */
_Noreturn void metrics_server_main(const struct service_setup *setup, pid_t supervisor_pid);

#endif
