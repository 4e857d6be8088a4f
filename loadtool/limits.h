/*
 * Every bound of the load tool, in one place, each with its reason.
 */
#ifndef LOADTOOL_LIMITS_H
#define LOADTOOL_LIMITS_H

enum {
    /* Clients that may be on their way (connecting, or waiting for their first reply) while the group is
     * being set up. Below the smallest accept queue in common use, so that a ramp never overflows it. */
    LIMIT_RAMP_CLIENTS = 100,

    /* One read and one generated piece of payload. One pair of buffers serves all clients of a loop. */
    LIMIT_PIECE_BYTES = 64 * 1024,

    /* What a client may leave queued when the kernel takes no more: the only send buffer that a client owns.
     */
    LIMIT_BLOCK_BYTES = 16 * 1024,

    /* Wrong places that are explained one by one; a server that is wrong more often is not wrong by accident.
     */
    LIMIT_DIAGNOSES = 256,
    /* Connections among which the owner of strange bytes is looked for when the run is over. */
    LIMIT_STRETCHES = 100000,
    /* Connections that have ended, and whose bytes are still known when they turn up elsewhere. */
    LIMIT_DEPARTED_CLIENTS = 64,

    /* Grain of lives and deaths. Lives are 50 to 1000 ms: 5 ms keeps deaths from bunching. */
    LIMIT_TICK_MS = 5,
    /* The shortest step of --csv-every: two ticks, since loops tell at a tick what they saw. */
    LIMIT_STEP_MS_MIN = 10,
    /* Time-outs are looked for at every tenth tick: 50 ms is 1 % of the default time-out. */
    LIMIT_SWEEP_TICKS = 10,

    LIMIT_LIFE_MS_MIN = 50,
    LIMIT_LIFE_MS_MAX = 1000,

    /* A victim that dies after half-closing leaves 1 to this many requests unanswered behind it. */
    LIMIT_HALFCLOSE_MESSAGES = 8,

    /* What a slow reader asks for before it reads: the kernel's buffers swallow 4.3 MB before a server feels
       it. */
    LIMIT_SLOWREAD_MESSAGES = 64,
    LIMIT_SLOWREAD_BYTES = 6 * 1024 * 1024,
    /* Then it reads so many replies one a tick, and the rest as fast as they come. */
    LIMIT_SLOWREAD_REPLIES = 4,
    /* It takes a send queue that has not moved for so long for blocked: the pile is as high as it gets. */
    LIMIT_SLOWREAD_STILL_MS = 100,

    /* What a client sends that reads nothing at all: more than the kernel's buffers swallow. */
    LIMIT_NOREAD_BYTES = 6 * 1024 * 1024,
    LIMIT_NOREAD_ENOUGH_BYTES = 5 * 1024 * 1024,
    /* What a client with a tiny window asks for, in at most so many messages. */
    LIMIT_TINYWIN_BYTES = 64 * 1024,
    LIMIT_TINYWIN_MESSAGES = 64,
    /* The smallest receive buffer that the kernel gives, with some air. */
    LIMIT_TINYWIN_BUFFER_BYTES = 8 * 1024,
    /* Bytes of a message that are sent one by one, a tick each; what is left of it goes at once. */
    LIMIT_DRIBBLE_BYTES = 32,
    /* All victims of a storm die at multiples of this time. */
    LIMIT_STORM_MS = 1000,
    /* How long a process is stopped; half the time-out, if that is less. */
    LIMIT_STOP_MS = 500,
    LIMIT_KILL_RATE = 10000,

    /* Connections of one child that is to be killed: one process start for many deaths. */
    LIMIT_CHILD_CLIENTS = 32,
    /* A victim that could not be served comes again after this time, not at once. */
    LIMIT_RETRY_MS = 100,

    /* Messages that a client may have outstanding: what pipelining is measured with. */
    LIMIT_DEPTH = 256,
    /* Arrivals that a place may be behind its schedule: those of a time-out, but so many at least and at
       most. */
    LIMIT_CATCHUP_MIN = 16,
    LIMIT_CATCHUP_MAX = 1024,
    LIMIT_THINK_MS = 3600 * 1000,
    /* Short connections (churn) that may be there at the same time; more than that, and the server does not
       keep up. */
    LIMIT_CHURN_CLIENTS = 1024,
    LIMIT_CHURN_RATE = 100000,

    /* Arrivals sent in one turn of the pacer; then the replies get their turn. */
    LIMIT_PACER_BURST = 512,
    /* The pacer sleeps no shorter than this, or the clock would be all that it serves. */
    LIMIT_PACER_SLEEP_NS = 20 * 1000,

    /* After the last disturbance a new client must be answered within this time. */
    LIMIT_RECOVERY_MS = 5000,
    /* One that is not answered within this time is given up for another one. */
    LIMIT_RECOVERY_TRY_MS = 1000,

    /* Descriptors beside the clients': loop, timers, standard streams, children's pages, and some air. */
    LIMIT_SPARE_DESCRIPTORS = 100,

    /* Processes of the whole machine that are looked through for the server's family. */
    LIMIT_PROCESSES = 1000000,
    /* What a server may keep of a load: allocators do not give everything back. */
    LIMIT_RSS_BYTES = 8 * 1024 * 1024,
    LIMIT_IDLE_CPU_PERCENT = 2,
    /* The idle server is looked at for so long before the load; and so long, from so long on, after it: 2 s
       in all. */
    LIMIT_HEALTH_BEFORE_MS = 500,
    LIMIT_HEALTH_REST_MS = 1000,
    LIMIT_HEALTH_AFTER_MS = 1000,

    LIMIT_CLIENTS = 1000000,
    LIMIT_SIZE_BYTES = 64 * 1024 * 1024,
    LIMIT_RATE = 10000000,

    /* The report calls loadtool the bottleneck when its loop was busy for more than this share of the time.
     */
    LIMIT_BUSY_PERCENT = 90,
    /* The other bounds of the self-checks: an arrival told later than that is the load tool's own latency; */
    LIMIT_LAG_MS = 10,
    /* a run that sent less of its arrivals measured something else; */
    LIMIT_ACHIEVED_PERCENT = 95,
    /* two ways to count what is outstanding must agree so far, over so many looks; */
    LIMIT_LITTLE_PERCENT = 30,
    LIMIT_LITTLE_LOOKS = 100,
    /* of an address's ports; descriptors that should be left; */
    LIMIT_PORTS_PERCENT = 90,
    LIMIT_DESCRIPTORS_LEFT = 50,
    /* and what others may take of the time. */
    LIMIT_WAITED_PERCENT = 30,
    LIMIT_STEAL_PERCENT = 10,

    /* Nobody answered for so long: an outage. Shorter ones happen to every busy machine. */
    LIMIT_OUTAGE_MS = 50,

    /* Below this time the share means nothing, and is 0. */
    LIMIT_BUSY_MS_MIN = 100,
};

#endif
