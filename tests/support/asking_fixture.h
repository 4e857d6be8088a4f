/*
 * A session (master/ctl.h) with a server that is a child of the test and plays a script: it expects requests and
 * sends lines.
 *
 * A test that uses this replaces the clock, which jumps when a line was heard (`left_ms`), so it says so:
 * wrap: clock_gettime
 *
 * Errors: whatever cannot be set up fails the test at once; a request that is not the script's ends the server with
 * exit code 9. Owner: each asking_serve() needs its asking_end_server(); asking_run() closes its session, whoever
 * calls asking_open_session() closes it with ctl_session_close().
 */
#ifndef TESTS_SUPPORT_ASKING_FIXTURE_H
#define TESTS_SUPPORT_ASKING_FIXTURE_H

#include "master/ctl.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { ASKING_DEADLINE_MS = 5000, ASKING_SHORT_MS = 50 };

/* One connection of the script: what is expected, what is said to it. */
struct asking_scene {
    const char *request, *reply;
    bool stays; /* the connection is not closed */
};

struct asking_fixture {
    char path[CONTROL_PATH_SIZE]; /* of the server's socket */
    struct ctl_session session;
    struct ctl_answer answer; /* to asking_run() */
    pid_t server;             /* 0 in the server itself */
    char heard[256];          /* "level=text;" for each line of the log */
    int64_t left_ms; /* of the deadline, once a line was heard and its connection is cut; -1: as it comes */
};

extern struct asking_fixture asking;

/* Before the first test and after the last one: where the socket's path is. */
int asking_make_directory(void **state);
int asking_remove_directory(void **state);

/* The test calls listen(), so that for the client it is the master; the child serves. */
void asking_serve(const struct asking_scene *scenes, size_t count);

#define ASKING_SERVE(...)                                                                                    \
    asking_serve((const struct asking_scene[]){__VA_ARGS__},                                                 \
                 sizeof((const struct asking_scene[]){__VA_ARGS__}) / sizeof(struct asking_scene))

/* The exit code of the server, which has been through its script, or is killed now (128 + the signal's number). */
int asking_end_server(bool kill_it);

/* A session whose log is heard, with as much time for it all; 0: as much as it takes. */
void asking_open_session(int64_t timeout_ms);

/* One request in a session of its own: 0, or why there is no answer, as ctl_session_ask(). */
int asking_run(const char *request, int64_t timeout_ms);

#endif
