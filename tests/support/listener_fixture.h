/*
 * A listener (master/listener.h) that is opened by its text, on real sockets, and who connects to it.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: opened_close() closes the listener and removes its
 * path; the descriptors of opened_connect() and opened_accept() are the caller's.
 */
#ifndef TESTS_SUPPORT_LISTENER_FIXTURE_H
#define TESTS_SUPPORT_LISTENER_FIXTURE_H

#include "master/listener.h"

struct opened_listener {
    struct listener listener;
    char error[512]; /* what was said of the last one that could not be opened */
};

extern struct opened_listener opened;
extern const struct listener_settings opened_usual;
extern char opened_directory[sizeof "/tmp/test_listener.XXXXXX"];

/* Before the first test and after the last one; the directory must be empty then. */
int opened_make_directory(void **state);
int opened_remove_directory(void **state);

/* Before each test: nothing is open. */
int opened_begin(void **state);

/* As listener_open(), of an address as text. */
int opened_at(struct listener *out, const char *text, const struct listener_settings *settings);

/* The listener of the fixture, with the usual settings: it works. */
void opened_well(const char *text);

/* It fails with that, a word of the reason is told, no descriptor is left, and the listener is untouched. */
void opened_expect_failure(const char *text, int code, const char *reason);

void opened_close(void);

/* A connection to the listener, over the bound address of that socket; or negative errno. */
int opened_connect(int fd);

/* The next one that is accepted, waited for. */
int opened_accept(void);

/* The value of a socket's option. */
int opened_option(int fd, int level, int name);

#endif
