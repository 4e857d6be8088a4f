/*
 * What a worker is told at its birth, in its slot's board: written by the supervisor before the clone, fixed in size.
 *
 * Units: as the names say. It is read once, by worker_main(), which keeps a copy; what changes later is told by orders
 * (board.h).
 */
#ifndef WORKER_WORKER_SETTINGS_H
#define WORKER_WORKER_SETTINGS_H

#include <stdint.h>

/* How workers are confined (sandbox.h). `log`: nothing is forbidden, the kernel tells what would be. */
enum sandbox_mode { SANDBOX_OFF, SANDBOX_LOG, SANDBOX_ON, SANDBOX_MODE_COUNT };

enum { SANDBOX_DROPS_USER = 1, SANDBOX_DROPS_GROUP = 2 };

struct sandbox_plan {
    uint32_t mode;     /* enum sandbox_mode */
    uint32_t drops;    /* SANDBOX_DROPS_*: which of the ids below holds; 0: a worker stays who it is */
    uint32_t uid, gid; /* whom workers run as */
};

struct worker_settings {
    uint32_t connection_count_max; /* connections of this worker */
    uint32_t connection_room; /* the slot's table is made for; it may hold so many from before a reload */
    int64_t idle_timeout_ms;  /* 0: none */
    int64_t write_timeout_ms; /* 0: none */
    int64_t drain_timeout_ms;
    uint32_t service_index; /* service_at() */
    uint32_t listener_is_unix;
    uint32_t listener_is_passed; /* by socket activation: others hold it too */
    uint32_t batch;              /* be scheduled as SCHED_BATCH */
    uint32_t core;               /* core dumps allowed */
    uint32_t gated;              /* wait for go_generation before anything else */
    struct sandbox_plan sandbox;
    /* How this generation treats what it finds in the slot's table. */
    uint32_t recover_how;    /* enum recover_how */
    int32_t suspect;         /* descriptor that the last death is blamed on or happened at; 0: none */
    uint32_t incident_bytes; /* of the suspect's queue, for the report */
};

enum recover_how { RECOVER_ALL, RECOVER_RESET_SUSPECT, RECOVER_RESET_ALL };

#endif
