/*
 * logsink: the reading end of the log pipe. Makes lines of the records (worker/log.h) and writes them to
 * stderr.
 *
 * A line: "2026-11-22T09:26:51.123Z info  event=... key=value": UTC with milliseconds, level in five columns,
 * text with every byte that is no printable ASCII shown as '?'. One line, one write().
 *
 * Never blocks, whatever stderr is: pipe, terminal and file are opened anew (O_NONBLOCK on the given
 * descriptor would also change it for the shell and everybody else who shares it), a socket is sent to with
 * MSG_DONTWAIT, and where opening anew is refused poll(2) is asked first. What cannot be written at once is
 * lost, counted, and told by `event=log_lost count=N` as soon as a line can be written again.
 *
 * Records are input: a torn or foreign one never crashes, costs at most itself, and counts as one lost line.
 * (The rest of a record is met alone after its reader died in the middle.) SIGPIPE must be blocked or
 * ignored. Called by the supervisor, and by the master when there is none.
 */
#ifndef MASTER_LOGSINK_H
#define MASTER_LOGSINK_H

#include "worker/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A turn ends when so many records were handled, so that a flood of lines cannot keep the supervisor from its
 * work. */
#define LOGSINK_RECORDS_PER_TURN 256

/* Several records a read(); the beginning of one that is cut off waits here for its rest. */
#define LOGSINK_BUFFER_BYTES 8192
#define LOGSINK_LINE_SIZE    (LOG_RECORD_SIZE_MAX + 64)

struct logsink {
    int pipe_fd;           /* not owned */
    int out_fd;            /* owned when is_reopened, else stderr itself */
    bool is_reopened;      /* has its own O_NONBLOCK */
    bool is_socket;        /* write by send() */
    uint64_t lost_count;   /* not told yet */
    size_t buffered_bytes; /* of `buffer`: the beginning of a record */
    size_t line_bytes;     /* of `line`: what stderr did not take of the last line; written first */

    /* NULL, or set after logsink_init by whoever wants to hear every event too: its printable text without
     * time and level, whether or not a line of it could be written. Must not block. */
    void (*on_line)(void *context, enum log_level level, const char *text, size_t length);
    void *on_line_context;

    char buffer[LOGSINK_BUFFER_BYTES];
    char line[LOGSINK_LINE_SIZE];
};

/* Prepares reading from pipe_fd (made non-blocking here) and writing to stderr. Fails with the negative errno
 * of fcntl when pipe_fd is no descriptor; a missing stderr is no failure, all lines are then lost. */
int logsink_init(struct logsink *sink, int pipe_read_fd);

/* Handles what is in the pipe, for one turn. Returns the number of records handled, garbage not counted;
 * LOGSINK_RECORDS_PER_TURN or more: there may be more, the pipe is still readable then. Never fails. */
int logsink_drain(struct logsink *sink);

/* Lines lost elsewhere (log_take_lost of some process), to be told with the own ones. */
void logsink_add_lost(struct logsink *sink, uint64_t count);

/* Closes what logsink_init opened. */
void logsink_close(struct logsink *sink);

#endif
