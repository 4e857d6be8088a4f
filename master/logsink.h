/*
 * logsink: the reading end of the log pipe. Makes lines of the records (worker/log.h, logformat.h) and writes
 * them to stderr or to a file (logoutput.h).
 *
 * One line, one write(), and every byte of a text that is no printable ASCII shown as '?'.
 *
 * Never blocks, and no state of the output ends anything. What cannot be written at once is lost, counted,
 * and told by `event=log_lost count=N` as soon as a line can be written again. A line taken in part (a disk
 * that becomes full) is finished first when there is room again; when its rest can never be written it counts
 * as lost.
 *
 * Records are input: a torn or foreign one never crashes, costs at most itself, and counts as one lost line.
 * (The rest of a record is met alone after its reader died in the middle.) SIGPIPE and SIGXFSZ must be
 * blocked or ignored. Called by the supervisor, and by the master when there is none.
 */
#ifndef MASTER_LOGSINK_H
#define MASTER_LOGSINK_H

#include "master/logformat.h"
#include "master/logoutput.h"
#include "worker/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A turn ends when so many records were handled, so that a flood of lines cannot keep the supervisor from its
 * work. */
#define LOGSINK_RECORDS_PER_TURN 256

/* Several records a read(); the beginning of one that is cut off waits here for its rest. */
#define LOGSINK_BUFFER_BYTES 8192

struct logsink_settings {
    const char *path; /* of the log file; NULL: stderr. Must live as long as the sink */
    enum log_format format;
    _Atomic(uint64_t) *lost_kept; /* where the lost lines that are not told yet outlive us; NULL: nowhere */
};

struct logsink {
    int pipe_fd; /* not owned */
    struct logoutput output;
    enum log_format format;
    _Atomic(uint64_t) *lost_kept;
    uint64_t lost_count;   /* not told yet */
    size_t buffered_bytes; /* of `buffer`: the beginning of a record */
    uint64_t line_weight; /* lines that are lost if the rest of `line` is: 1, or what a log_lost line tells */
    size_t line_bytes;    /* of `line`: what the output did not take of the last line; written first */

    /* NULL, or set after logsink_init by whoever wants to hear every event too: its printable text without
     * time and level, whether or not a line of it could be written. Must not block. */
    void (*on_line)(void *context, enum log_level level, const char *text, size_t length);
    void *on_line_context;

    char buffer[LOGSINK_BUFFER_BYTES];
    char line[LOGFORMAT_LINE_SIZE];
};

/* Prepares reading from pipe_fd (made non-blocking here) and writing. Fails with the negative errno of fcntl
 * when pipe_fd is no descriptor; a missing stderr or a file that cannot be opened is no failure, the lines
 * are then lost until there is one. */
int logsink_init(struct logsink *sink, int pipe_read_fd, const struct logsink_settings *settings);

/* Handles what is in the pipe, for one turn. Returns the number of records handled, garbage not counted;
 * LOGSINK_RECORDS_PER_TURN or more: there may be more, the pipe is still readable then. Never fails. */
int logsink_drain(struct logsink *sink);

/* Opens the log file anew, after it was moved away, and says so. When that fails the old one stays, and an
 * event says why. */
void logsink_reopen(struct logsink *sink);

/* Lines lost elsewhere (log_take_lost of some process), to be told with the own ones. */
void logsink_add_lost(struct logsink *sink, uint64_t count);

/* Closes what logsink_init opened. */
void logsink_close(struct logsink *sink);

#endif
