/*
 * control_protocol: what is said at the control socket, in both directions. Pure: no descriptor, no clock.
 *
 * A request is one line of words:
 *
 *     status | incidents | reload | scale N | upgrade [/PATH] | drain | drain off | restart SLOT |
 *     stop | stop now | log LEVEL | fault SPEC | fault off | wait N
 *
 * and its answer are lines, each of one of these kinds, of which the last is always `end`:
 *
 *     attempt N          the operation's number (operation.h); `wait N` attaches to it again
 *     log LEVEL TEXT     an event while the operation runs
 *     json {...}         what was asked for
 *     end CODE TEXT      the outcome: an exit code of the client and a sentence, which may be empty
 *
 * A line whose first word is not known is for a later version to understand: a client skips it. One
 * connection may ask again after an `end`.
 */
#ifndef MASTER_CONTROL_PROTOCOL_H
#define MASTER_CONTROL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTROL_LINE_BYTES_MAX = 4096, /* of a request, its newline included: a path and a word */
    CONTROL_SENTENCE_SIZE = 160,   /* why a request is refused */
};

/* What the request's words behind the first one are. */
enum control_operand {
    CONTROL_NONE,
    CONTROL_NUMBER, /* a whole number of 32 bits */
    CONTROL_WORD,   /* nothing, or the word of the table */
    CONTROL_PATH,   /* nothing, or an absolute path: the rest of the line, blanks and all */
    CONTROL_LEVEL,  /* a level of the log */
    CONTROL_TEXT,   /* the rest of the line, not empty */
};

#define CONTROL_VERBS(X)                                                                                     \
    X(STATUS, "status", NONE, "")                                                                            \
    X(INCIDENTS, "incidents", NONE, "")                                                                      \
    X(RELOAD, "reload", NONE, "")                                                                            \
    X(SCALE, "scale", NUMBER, "")                                                                            \
    X(UPGRADE, "upgrade", PATH, "")                                                                          \
    X(DRAIN, "drain", WORD, "off")                                                                           \
    X(RESTART, "restart", NUMBER, "")                                                                        \
    X(STOP, "stop", WORD, "now")                                                                             \
    X(LOG, "log", LEVEL, "")                                                                                 \
    X(FAULT, "fault", TEXT, "")                                                                              \
    X(WAIT, "wait", NUMBER, "")

enum control_verb {
#define X(verb, word, operand, extra) CONTROL_##verb,
    CONTROL_VERBS(X)
#undef X
};

struct control_request {
    enum control_verb verb;
    uint32_t number;  /* NUMBER; LEVEL: enum log_level */
    bool has_word;    /* WORD: it was there */
    const char *path; /* PATH; NULL: none. Points into the line. */
    const char *text; /* TEXT; likewise */
};

/* Parses a line without its newline. 0; or -EINVAL, with a sentence for the client. */
int control_request_parse(struct control_request *request, const char *line, char why[CONTROL_SENTENCE_SIZE]);

/*
 * The first line of a buffer of `used` bytes: ends it with a NUL (in the place of its newline, or of "\r\n")
 * and returns its length with the newline; 0: there is no whole line yet. A NUL within the line ends it too
 * early, and is nothing that a request may hold: it is made a '?'.
 */
size_t control_line_end(char *buffer, size_t used);

enum control_reply_kind { REPLY_ATTEMPT, REPLY_LOG, REPLY_JSON, REPLY_END, REPLY_UNKNOWN };

struct control_reply {
    enum control_reply_kind kind;
    uint32_t number;  /* ATTEMPT; END: the code, at most 255 */
    const char *word; /* LOG: the level; not ended by a NUL but by word_length */
    size_t word_length;
    const char *text; /* LOG, JSON, END: the rest of the line. Points into it, as `word` does. */
};

/* Never fails: what is not understood is REPLY_UNKNOWN. */
void control_reply_parse(struct control_reply *reply, const char *line);

#endif
