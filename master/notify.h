/*
 * notify: what a service manager is told about the service, and when. Pure; notify_socket.h sends it.
 *
 * The protocol is sd_notify(3)'s, by systemd's documentation of it: lines NAME=VALUE in one datagram.
 *
 *     READY=1       every slot has served once; again after a reload
 *     RELOADING=1   with MONOTONIC_USEC: settings are read, and slot after slot goes over to them
 *     STOPPING=1    the drain has begun, or the end
 *     WATCHDOG=1    several times in each interval, but only while every worker answers its supervisor
 *     STATUS=...    one line for people, at most once a second, or when workers cease or begin to answer
 *
 * What is so is told, not what has changed: a supervisor that follows one that died says once more what holds
 * now, which does no harm, and nothing that was never sent is missed. MAINPID is never told: the master keeps
 * its process number through upgrades.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NOTIFY_STATUS_SIZE = 256,
    NOTIFY_TEXT_SIZE = NOTIFY_STATUS_SIZE + 128,
    NOTIFY_STATUS_MS = 1000,   /* between two lines for people */
    NOTIFY_FEEDS_INTERVAL = 4, /* in each interval of the watchdog: one that gets lost does no harm */
};

enum notify_phase { NOTIFY_NOTHING, NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING };

/* What holds now. */
struct notify_view {
    bool serves;  /* every slot has served once */
    bool reloads; /* a reload is under way */
    bool stops;
    bool all_answer;    /* every worker answers its supervisor */
    const char *status; /* for people; what is no plain character is replaced */
};

/* What was told. All zero but `watchdog_ms`: nothing yet. */
struct notify {
    int64_t watchdog_ms; /* the manager's interval; 0: it has no watchdog */
    enum notify_phase phase;
    bool reload_asked; /* set by the caller: there was a reload since, though it may be over */
    bool all_answered;
    int64_t next_feed_ms, next_status_ms;
    char status[NOTIFY_STATUS_SIZE];
};

/* The next datagram, NUL at its end. Returns its length; 0: nothing is to be told now. Nothing is remembered
 * before notify_told(). */
size_t notify_next(const struct notify *notify, const struct notify_view *view, int64_t now_ms,
                   char out[NOTIFY_TEXT_SIZE]);

/* That datagram is on its way: same view, same time. */
void notify_told(struct notify *notify, const struct notify_view *view, int64_t now_ms);

#endif
