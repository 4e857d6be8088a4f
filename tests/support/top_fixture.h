/*
 * `top` in a process of its own, on a terminal of its own (pty(7)). Time passes only while it waits, and what
 * happens during a wait is the test's script; statuses and frames are told, not made.
 *
 * A test that uses this replaces server, clock and terminal, so it says so:
 * wrap: ctl_find ctl_session_ask ctl_session_ask_json ctl_session_open ctl_session_close
 * wrap: ctl_frame_print poll __poll_chk clock_gettime tcsetattr
 *
 * Errors: whatever cannot be set up fails the test at once; in the process of `top` it ends that with a code of
 * 93 or more. Owner: top_close() closes everything.
 */
#ifndef TESTS_SUPPORT_TOP_FIXTURE_H
#define TESTS_SUPPORT_TOP_FIXTURE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOP_DEADLINE_S = 20, TOP_WAITS_MAX = 8, TOP_ASKS_MAX = 8, TOP_FRAMES_MAX = 16, TOP_NO_WAIT = -2 };

struct top_frame {
    unsigned width, height;
    bool colors;
    int now, before; /* number of the status, counted from 1; 0: none */
    char trouble[64], hint[32], end_of_line[16];
};

/* Seen by the test and by the process under test. */
struct top_shared {
    unsigned wait_count, ask_count, frame_count, open_count, close_count, found;
    int wait_ms[TOP_WAITS_MAX];        /* that were asked for */
    int64_t patience_ms[TOP_ASKS_MAX]; /* of each question */
    bool same_server[TOP_ASKS_MAX];    /* the session is still about it */
    bool raw;                          /* so was the terminal at the first wait */
    struct top_frame frames[TOP_FRAMES_MAX];
};

struct top_fixture {
    struct top_shared *shared;

    /* What happens at each wait, counted from 0: how long to wait in truth for what was done, in milliseconds, or
     * TOP_NO_WAIT and `waited` says what the wait comes to. Beyond them: the key q. */
    int (*script[TOP_WAITS_MAX])(struct pollfd *keyboard);
    int waited;
    int64_t clock_offset_ms;

    int ask_errors[TOP_ASKS_MAX]; /* the outcome of each question; positive: an answer without a status */
    int json_code;                /* of the first questions, until the live ones */
    unsigned json_code_from;      /* the question from which on it holds */
    int find_code, terminal_error;
    int user_fd, terminal_fd; /* the two ends of the terminal */
    char screen[8192], complained[1024];
};

extern struct top_fixture top;

/* A terminal of 100 columns and 30 rows, with colors; the server answers. */
int top_open(void **state);
int top_close(void **state);

/* Exit code of `top`, its standard streams at those descriptors; what it said on stderr is in `complained`. */
int top_run_with(char *option, int in, int out);
int top_run_at(int in, int out, bool once);

/* The same on the terminal; what came there is in `screen`. */
int top_run_live(void);

void top_set_size(unsigned short columns, unsigned short rows);

/* During a wait: keys come. Returns how long to wait for them. */
int top_press(const char *keys);

#endif
