/*
 * The supervisor's side of the control socket (master/control.h) with clients on real sockets; what requests mean is
 * played here, and time passes only as the test says:
 *
 *     status         a line and the end
 *     log            a long line and the end
 *     scale, wait    the outcome of that operation is waited for; only CONTROLLED_OPERATION is known
 *     stop           our end is waited for
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: controlled_end() closes everything; a client that
 * the test has closed itself is 0 in `dialed`.
 */
#ifndef TESTS_SUPPORT_CONTROL_FIXTURE_H
#define TESTS_SUPPORT_CONTROL_FIXTURE_H

#include "master/control.h"
#include "master/operation.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CONTROLLED_OPERATION = 7, CONTROLLED_TEXT_BYTES = 60000, CONTROLLED_DIALED_MAX = 80 };

struct control_fixture {
    struct control control;
    struct operation operation;
    int64_t now_ms;
    struct sockaddr_un address;
    socklen_t address_length;
    char long_text[CONTROLLED_TEXT_BYTES + 1];
    int dialed[CONTROLLED_DIALED_MAX]; /* the clients' descriptors */
};

extern struct control_fixture controlled;

/* Nobody has dialed, the operation runs. */
int controlled_begin(void **state);
int controlled_end(void **state);

/* One of the descriptors of clients that the server has: for those who bend calls. */
bool controlled_is_servers(int fd);

/* What the supervisor does in a turn of its loop. */
void controlled_turn(void);

/* A client that was accepted; closed at the end. */
int controlled_dial(void);

/* The client sends that, and a turn follows. */
void controlled_say(int fd, const char *text);

/* Everything that is there for the client now, shorter than 4096 bytes. */
void controlled_expect(int fd, const char *text);

/* Nothing is there, and the connection is over, or is not. */
void controlled_expect_closed(int fd);
void controlled_expect_open(int fd);

/* A line of the log is written. */
void controlled_event(enum log_level level, const char *text);

#endif
