/*
 * control: the supervisor's side of the control socket: its clients, their requests, what they wait for.
 *
 * Nothing here ever waits for a client: descriptors do not block, a request must be complete within
 * CONTROL_PATIENCE_MS, and a client that does not read is dropped when its output has not moved for so long
 * or does not fit. All memory is taken at the
 * start, which costs what is used of it. At most
 * CONTROL_CLIENT_COUNT_MAX are there at once; for one more the one that has kept silent longest makes room,
 * and where all wait for an outcome the new one is told so.
 *
 * Only root and the server's own user are served (SO_PEERCRED of unix(7)); the socket's mode says the same.
 *
 * What a request means is the business of whoever is called (struct control_calls). Units: `_ms` of any
 * steady clock. Called by the supervisor alone; an outcome outlives it, a connection does not: clients come
 * again and wait on.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include "master/control_protocol.h"
#include "worker/log.h"
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTROL_CLIENT_COUNT_MAX = 16, /* more people than ever operate one server at once */
    CONTROL_PATIENCE_MS = 5000,    /* for the rest of a request; for a reader to take something */
    CONTROL_OUT_BYTES_MAX =
        1024 * 1024, /* what waits for one client: a status of all slots, and its events */
    CONTROL_ACCEPTS_PER_TURN = CONTROL_CLIENT_COUNT_MAX / 2, /* so that none makes room before it was heard */
    CONTROL_PAUSE_MS = 100, /* after an accept for which a descriptor or memory was missing */
    CONTROL_POLL_COUNT = 1 + CONTROL_CLIENT_COUNT_MAX, /* the listener and a place for each client */
};

enum control_waits {
    WAITS_FOR_NOTHING,   /* its next request is read */
    WAITS_FOR_OPERATION, /* hears events until that operation has ended */
    WAITS_FOR_END,       /* hears events until we end */
};

struct control_client {
    int fd; /* owned; -1: nobody */
    enum control_waits waits;
    uint32_t operation;
    bool has_shut;       /* its sending side: answered what it has asked, then closed */
    bool is_lost;        /* to be closed at the end of this turn */
    int64_t deadline_ms; /* when patience ends */
    size_t in_bytes;
    size_t out_bytes; /* not taken yet */
    size_t out_peak;  /* of these, since it had taken everything */
    size_t out_size;  /* CONTROL_OUT_BYTES_MAX; 0: there was no memory */
    char *out;
    char in[CONTROL_LINE_BYTES_MAX];
};

struct operation;

struct control_calls {
    /* One request. Answers by the functions below, and ends or makes the client wait. */
    void (*answer)(void *context, struct control_client *client, const struct control_request *request);
    /* The operation of that number; NULL: not known. */
    const struct operation *(*find)(void *context, uint32_t number);
    void *context;
};

struct control {
    int listener_fd;          /* not owned; -1: none */
    int64_t accepts_after_ms; /* a listener that cannot be emptied would keep us awake */
    int64_t now_ms;           /* of the last turn */
    struct control_calls calls;
    struct control_client clients[CONTROL_CLIENT_COUNT_MAX];
};

void control_init(struct control *control, int listener_fd, struct control_calls calls);

/* Fills what poll(2) is to be asked: for all CONTROL_POLL_COUNT places, those without a descriptor have -1.
 */
void control_poll(const struct control *control, struct pollfd polled[CONTROL_POLL_COUNT]);

/* Does what poll(2) said can be done, and what time and operations brought. Never blocks, never fails. */
void control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT], int64_t now_ms);

/* An event of the log, for those who wait; `context` is the struct control. (logsink.h: on_line) */
void control_on_line(void *context, enum log_level level, const char *text, size_t length);

/* Hands over what can be handed over at once; before the process ends. */
void control_flush(struct control *control);

/* ---- answers ---- */

/* One line; what does not fit loses the client. */
__attribute__((format(printf, 2, 3))) void control_say(struct control_client *client, const char *format,
                                                       ...);

/* The last line of an answer: `code` for the client to exit with. `text` may be empty. */
void control_end(struct control_client *client, int code, const char *text);

/* Tells the operation's number and makes the client wait for it. */
void control_wait_operation(struct control_client *client, uint32_t number);

/* Makes the client wait until we end. */
void control_wait_end(struct control_client *client);

#endif
