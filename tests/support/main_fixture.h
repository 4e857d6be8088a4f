/*
 * The server's main(), included here under another name, with everything that it calls stood in for: what a start
 * is given, which call fails, and what was seen at the calls.
 *
 * A test that uses this replaces all those calls, so it says so: the lines "wrap:" of test_main.c are those of all.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: startup_close() closes everything.
 */
#ifndef TESTS_SUPPORT_MAIN_FIXTURE_H
#define TESTS_SUPPORT_MAIN_FIXTURE_H

#include "master/facts.h"
#include "master/listener.h"
#include "master/master.h"
#include "master/options.h"
#include "tests/support/worker_fixture.h"

#include <stdbool.h>
#include <stdint.h>

/* What the calls come to. */
enum {
    STARTUP_GRANTED = 500,
    STARTUP_TIDY_READY_FD = 200,
    STARTUP_LISTENER_FD = 300,
    STARTUP_CONTROL_FD = 301,
    STARTUP_BACKLOG = 64,
    STARTUP_SERVICE_CODE = 42,
    STARTUP_ROLE_CODE = 43,
    STARTUP_SUBCOMMAND_CODE = 44,
};

/* The calls, a word each: of a start to its listener; from the last descriptors to the end; and what removes. */
#define STARTUP_BEGUN   "title options descriptors settings tidy block listener "
#define STARTUP_CLEARED "remove_control remove_path remove_pidfile"
#define STARTUP_SERVED  "inherit pages facts own_image title_set run " STARTUP_CLEARED

struct main_fixture {
    struct worker_fixture worker; /* for its pages */
    char calls[1024];             /* in their order, a word each */
    char said[4096];              /* on stderr */

    /* What the start is given, and what fails of it. */
    struct options given;
    int parse_code;
    const char *failing; /* the call that fails with `error_number` */
    int error_number;
    struct listener bound;
    int opened_control_fd;
    const char *control_missing;
    int passed; /* descriptors by socket activation */

    /* What was seen at the calls. */
    struct service_setup run_setup;
    struct service_facts written;
    struct listener_settings opened;
    struct listener removed;
    int played_argc, subcommand_argc, made_with[2];
    char **played_argv;
    uint32_t asked_connections, reserved, settings_connections;
    bool asked_for;
    const char *asked_bind;

    /* Words of command lines: the program, three for startup_run(), the one behind it; and the service's own. */
    char server[16], option[16], role[16], check[8], more[8];
    char *title[3];
};

extern struct main_fixture startup;

/* An address is given and nothing else is asked for; nothing fails. */
int startup_open(void **state);
int startup_close(void **state);

/* Runs main() with that first argument, NULL: none; and another one behind it. Returns its exit code. */
int startup_run(char *first);

/* Without an argument it ends with that code and those words when that call fails. */
void startup_expect_failure(const char *call_word, int number, int code, const char *words);

/* Those words are in the next event of the log. */
void startup_expect_in_log(const char *words);
void startup_expect_nothing_in_log(void);

#endif
