/*
 * What this process logs, read back by the test: worker/log.h writes into a pipe of the test's own.
 *
 * One capture at a time; events beyond the pipe's room are lost, as in the server. Whatever fails, fails the
 * test.
 */
#ifndef TESTS_SUPPORT_LOG_CAPTURE_H
#define TESTS_SUPPORT_LOG_CAPTURE_H

#include <stdbool.h>

/* From now on all events, of every level. */
void log_capture_begin(void);
void log_capture_end(void);

/* The text of the next event, valid until the next call; NULL: there is none. */
const char *log_capture_next(void);

/* The next event begins with "event=WORD " or is that alone; fails the test otherwise. Returns its text. */
const char *log_capture_expect(const char *word);

void log_capture_expect_nothing(void);

#endif
