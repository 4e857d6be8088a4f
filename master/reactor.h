/*
 * The supervisor process: the shell around the policy of supervisor.h.
 *
 * Turns what the boards, the master's signal counts and the clock say into events, stores the policy's memory
 * in the shared pages, then carries its actions out; drains the log pipe in between. It never blocks:
 * whatever has to wait is a deadline. It opens nothing that lasts but the log. When it dies the master forks
 * another, which resumes from the memory.
 */
#ifndef MASTER_REACTOR_H
#define MASTER_REACTOR_H

#include "master/control_socket.h"
#include "master/logsink.h"
#include "master/settings.h"
#include "worker/peer.h"

struct shared_pages;

/* What the supervisor knows from the start of the service; the master's memory, inherited. */
struct service_setup {
    struct shared_pages *pages;
    const struct options *options;
    int argc; /* the command line, which a reload reads again */
    char **argv;
    struct service_settings settings; /* as at the start of the service */
    uint32_t connection_count_max;    /* as granted; descriptor tables are made for so many */
    int backlog_granted;
    bool listener_is_unix;
    bool listener_is_passed; /* by socket activation: never shut down, since others hold it too */
    struct sandbox_plan sandbox; /* of workers, with what the start could grant */
    char bound[PEER_TEXT_SIZE];
    char program[SETTINGS_PATH_SIZE]; /* that it was started from (program.h); empty: unknown */
    int ready_fd;                     /* -1: none, or told already */
    struct control_socket control;
    char metrics_bound[PEER_TEXT_SIZE];     /* where metrics are asked for; empty: nowhere */
    char control_missing[CONTROL_WHY_SIZE]; /* why there is none although it was not forbidden; else empty */
};

/* Prepares draining the log pipe to where this service logs to. As logsink_init(). */
int reactor_open_log(struct logsink *sink, const struct service_setup *setup);

/* Runs as the supervisor of that generation; does not return. */
_Noreturn void reactor_main(const struct service_setup *setup, uint32_t generation);

#endif
