/*
 * log: one event, one record, one write() into the log pipe; never blocks, never allocates, never ends
 * anything.
 *
 * Every process of the server writes into the same pipe; one reader (master/logsink) makes lines of the
 * records. A record is a struct log_record_header and its text, at most LOG_RECORD_SIZE_MAX bytes in all.
 * That is below PIPE_BUF, so records of different processes never mix (pipe(7)). When the pipe is full the
 * line is lost and counted: a stuck terminal or a full disk must not hold a worker back.
 *
 * Text: `event=word key=value ...`, values from outside through log_quote(). Longer text is cut and ends in
 * "...". SIGPIPE must be blocked or ignored. Usable in any process, also in a child of a raw clone; not in a
 * signal handler. State is per process and inherited: a new child drops its parent's loss count by calling
 * log_take_lost() once.
 *
 * The level may be one word of the pages that all processes share: the supervisor changes it, and the next
 * event of every process goes by it.
 */
#ifndef WORKER_LOG_H
#define WORKER_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RECORD_SIZE_MAX 1024
#define LOG_RECORD_MAGIC    0x50554c47u /* "PULG" */

/* Levels by weight, each with the word that stands in the line and on the command line. */
#define LOG_LEVELS(X)                                                                                        \
    X(ERROR, "error")                                                                                        \
    X(WARN, "warn")                                                                                          \
    X(INFO, "info")                                                                                          \
    X(DEBUG, "debug")

enum log_level {
#define X(level, word) LOG_LEVEL_##level,
    LOG_LEVELS(X)
#undef X
};

struct log_record_header {
    uint32_t magic;       /* LOG_RECORD_MAGIC */
    uint16_t level;       /* enum log_level */
    uint16_t text_length; /* bytes that follow; no terminating NUL */
    int64_t time_ns;      /* wall clock, since 1970 UTC */
};

#define LOG_TEXT_LENGTH_MAX (LOG_RECORD_SIZE_MAX - sizeof(struct log_record_header))

_Static_assert(sizeof(struct log_record_header) == 16, "no padding: the record is read by another process");

/* From now on events up to `level` go to pipe_fd (not owned; made non-blocking here); -1: nowhere. Forgets
 * losses and a shared level. Before the first call every event is dropped in silence. */
void log_init(int pipe_fd, enum log_level level);

/* From now on the level is what stands there (an enum log_level; any other number means all events). Children
 * inherit that. The word must stay where it is for good. */
void log_share_level(_Atomic(uint32_t) *level);

/* Changes the level: for all that share it, or of this process alone. Of those that share it one may call
 * this: the supervisor. */
void log_set_level(enum log_level level);

enum log_level log_level(void);

/* Is an event of that level written at all? For callers whose arguments cost something. */
bool log_enabled(enum log_level level);

/* Writes one event, printf-like (integers and strings; a floating point conversion may allocate). Keeps
 * errno. */
__attribute__((format(printf, 2, 3))) void log_event(enum log_level level, const char *format, ...);

/* Lines that this process lost since the last call. */
uint64_t log_take_lost(void);

/* Writes `text` as a value: bare when it is not empty and all of [A-Za-z0-9_./:@+,%[]-], else in double
 * quotes with
 * \" \\ \n \xHH. Cut where the room ends, always with its closing quote. `size` counts the NUL; below 3 the
 * result may be empty. Returns the length written. */
size_t log_quote(char *out, size_t size, const char *text);

/* Level of that word into *level; -EINVAL when there is none. */
int log_level_parse(const char *word, enum log_level *level);

/* The word of a level, "?" for a number that is none. */
const char *log_level_name(enum log_level level);

#endif
