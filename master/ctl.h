/*
 * ctl: the client's side of the control socket: finding a server, asking it, reading its answer.
 *
 * Shared by the subcommands (ctl_*.c), which run instead of a server and end with one of these exit codes.
 * Everything that may take time ends at the deadline of --timeout. What a subcommand has to say about an
 * error is said here, in one line on stderr.
 */
#ifndef MASTER_CTL_H
#define MASTER_CTL_H

#include "master/control_path.h"
#include "master/subcommand.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Beside those of subcommand.h. */
enum { EXIT_DONE = 0, EXIT_NOT_IN_TIME = 75 };

enum {
    CTL_TIMEOUT_MS = 30000,
    CTL_ANSWER_BYTES_MAX = 4 * 1024 * 1024, /* of one line; a status of all slots has 150 KB */
};

/* ---- the command line: ctl_options.c ---- */

/* Options beside --control, --timeout and --help, which all take. */
enum ctl_flag {
    CTL_JSON = 1 << 0,
    CTL_CONNECTIONS = 1 << 1,
    CTL_ONCE = 1 << 2,
    CTL_OFF = 1 << 3,
    CTL_NOW = 1 << 4,
};

enum ctl_operand { CTL_NO_OPERAND, CTL_NUMBER, CTL_LEVEL, CTL_MAYBE_PATH, CTL_SPEC };

struct ctl_options {
    const char *command; /* the subcommand */
    const char *control; /* NULL: to be found */
    int64_t timeout_ms;  /* 0: none */
    unsigned flags;      /* that were given */
    const char *operand; /* NULL: none; checked to be what is taken */
};

/* The option at that place of the table, NULL past the end. */
const struct subcommand_option *ctl_option_at(size_t index);

/* Parses argv, of which [0] is the subcommand; options and operand in any order. -1: go on; else the exit
 * code: after
 * --help, or after a line about what is wrong. */
int ctl_options_parse(struct ctl_options *options, int argc, char **argv, unsigned flags_taken,
                      enum ctl_operand operand);

/* ---- a conversation: ctl_session.c ---- */

struct ctl_session {
    char path[CONTROL_PATH_SIZE];
    const char *command; /* for messages */
    int fd;              /* owned; -1: none */
    pid_t pid;           /* of the server's master, who made the socket */
    uid_t uid;           /* its user */
    int64_t deadline_ms; /* INT64_MAX: none */
    size_t used, taken;  /* of the buffer: received; the lines that were read already */
    size_t size;
    char *buffer;                                                             /* owned */
    void (*on_log)(const char *level, size_t level_length, const char *text); /* NULL: nobody wants to hear */
};

struct ctl_answer {
    int code;         /* what to exit with */
    char text[256];   /* of the end; may be empty */
    json_t *json;     /* the caller's; NULL: none was sent */
    uint32_t attempt; /* 0: none */
};

/* Connects. 0 or a negative errno. */
int ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms);
void ctl_session_close(struct ctl_session *session);

/*
 * Asks and waits for the end. When the supervisor is replaced meanwhile it connects again and waits on. 0:
 * *answer says what came of it. -ETIMEDOUT: not by the deadline (answer->attempt holds); -ECONNREFUSED: the
 * server is not there any more; -EPROTO: no answer that we understand; other negative errno. The socket is to
 * be closed then.
 */
int ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer);

/* The same, for a request whose outcome is the server's end: waits until the process `session->pid` has
 * ended. An answer with an end of its own is a refusal. */
int ctl_session_ask_end(struct ctl_session *session, const char *request, struct ctl_answer *answer);

/* Says in a line what a negative errno of the above means; returns the exit code. */
int ctl_session_fail(const struct ctl_session *session, int error, uint32_t attempt);

/* Asks for JSON, where everything else is a failure: *json is the caller's. Returns the exit code, and has
 * said what was wrong. */
int ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json);

/* ---- asking for a change: ctl.c ---- */

/* Finds the server, asks, shows the log of the attempt on stderr and says the outcome; returns the exit code. */
int ctl_ask(const struct ctl_options *options, const char *request);

/* ---- which server: ctl_find.c ---- */

/* Opens a session with the server that is meant: --control, or the only one that lives in the usual places.
 * Returns the exit code, 0: it is open; and has said what was wrong: no server, or several, in a list. */
int ctl_find(struct ctl_session *session, const struct ctl_options *options);

#endif
