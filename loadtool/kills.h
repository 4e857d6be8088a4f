/*
 * What the kill modes do: one table, one row a mode. A new mode is a row here and a line in plan.h.
 *
 * A hook may be NULL. Hooks run on the loop; whatever they do, the life around them (victims.h) sees
 * time-outs, counts unexpected ends, and replaces the victim.
 */
#ifndef LOADTOOL_KILLS_H
#define LOADTOOL_KILLS_H

#include <stdbool.h>

#include "loadtool/plan.h"
#include "loadtool/victims.h"

struct kill_mode {
    bool in_child;     /* the connections belong to a child process; no other hook is used */
    bool is_stopped;   /* the child is stopped and goes on before it is killed */
    bool in_unison;    /* all victims of the mode die at the same times */
    bool is_mute;      /* it says nothing, not even a first message */
    bool may_be_ended; /* once it dies (mute: ever), the server may end it */
    bool tcp_only;
    int (*prepare)(struct client *client, int fd); /* before connect; 0 or a negative errno */
    void (*born)(struct victim *victim);           /* connected, before the first message */
    void (*live)(struct victim *victim);           /* a reply came: instead of sending the next message */
    void (*begin)(struct victim *victim);          /* its time is over */
    void (*step)(struct victim *victim);           /* a tick has passed since */
    void (*answered)(struct victim *victim);       /* replies came since */
    void (*shut)(struct victim *victim);           /* our FIN has gone */
    void (*finished)(struct victim *victim);       /* after our FIN every reply came, then the server's FIN */
};

const struct kill_mode *kills_find(enum plan_mode mode);

/* May this process do it at all? 0, or a negative errno: -EPERM for a privilege that it lacks. */
int kills_try(enum plan_mode mode);

#endif
