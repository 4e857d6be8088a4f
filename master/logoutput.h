/*
 * logoutput: where the lines of the log go: stderr, or a file of our own. Never blocks on a pipe, a terminal
 * or a socket, and never fails for good.
 *
 * stderr: pipe, terminal and file are opened anew (O_NONBLOCK on the given descriptor would also change it
 * for the shell and everybody else who shares it), a socket is sent to with MSG_DONTWAIT, and where opening
 * anew is refused poll(2) is asked first.
 *
 * A file is appended to, and made with mode 0640 where there is none. It is opened anew when asked (after it
 * was moved away), and by itself when it was removed: what goes into a file that has no name is lost, and
 * nobody would be told. While that fails there is no output, and it is tried again once a second.
 *
 * Called by whoever reads the log pipe. SIGPIPE and SIGXFSZ must be blocked or ignored.
 */
#ifndef MASTER_LOGOUTPUT_H
#define MASTER_LOGOUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGOUTPUT_LOOK_MS 1000

struct logoutput {
    const char *path; /* NULL: stderr */
    int fd;           /* -1: the file could not be opened */
    bool is_owned;    /* opened here, with an O_NONBLOCK of its own; else it is stderr itself */
    bool is_socket;   /* write by send() */
    bool is_journal;  /* sd-daemon(3): stderr leads to the journal, which reads a priority before each line */
    bool is_mid_line; /* opened at the rest of a line whose writer died; for the caller, who ends it */
    int64_t looked_at_ms;
};

/* Opens stderr, or the file `path` (which must live as long). Returns 0 or the negative errno of open; the
 * output is usable either way, and what is written is lost as long as there is none. */
int logoutput_open(struct logoutput *output, const char *path);

/* Opens the file anew. A negative errno: it cannot be opened, the old one stays. -ENOTSUP: it is stderr. */
int logoutput_reopen(struct logoutput *output);

enum logoutput_look { LOGOUTPUT_SAME, LOGOUTPUT_REOPENED, LOGOUTPUT_GONE };

/* Is the file still there? Asks once in LOGOUTPUT_LOOK_MS; now_ms is any steady clock. GONE is said once,
 * with the negative errno of open in *error. */
enum logoutput_look logoutput_look(struct logoutput *output, int64_t now_ms, int *error);

/* Bytes taken, 0 when it takes none now, for whatever reason. */
size_t logoutput_write(const struct logoutput *output, const char *bytes, size_t byte_count);

void logoutput_close(struct logoutput *output);

#endif
