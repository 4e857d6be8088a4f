/*
 * A whole run of the load tool against a server in this process: set up with fresh(), changed by the test,
 * made with load().
 *
 * Each test program has a trial of its own. kill9 starts the very program again as its child: main() is
 * trial_main().
 */
#ifndef TESTS_UNIT_TEST_LOADTOOL_TRIAL_H
#define TESTS_UNIT_TEST_LOADTOOL_TRIAL_H

#include <signal.h>

#include "loadtool/child.h"
#include "loadtool/engine.h"
#include "loadtool/verdict.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_server.h"

struct trial {
    struct server server;
    struct settings settings;
    struct target target;
    struct engine engine;
    struct outcome outcome;
    struct verdict verdict;
};

static struct trial trial;

static inline int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    trial.settings = (struct settings){.clients = 10,
                                       .duration_ms = 150,
                                       .dialogue = {.sizes = SIZES_ONE(64)},
                                       .seed = 1,
                                       .timeout_ms = 5000,
                                       .connect_timeout_ms = 5000,
                                       .check = ORACLE_UPPER};
    return 0;
}

static inline void kill_by(const char *word)
{
    assert_int_equal(plan_parse(word, &trial.settings.plan), 0);
}

static inline void aim(void)
{
    trial.target.length = sizeof(trial.target.address.v4);
    trial.target.address.v4 = (struct sockaddr_in){.sin_family = AF_INET,
                                                   .sin_port = htons(trial.server.port),
                                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Run against the server, stop it, and return the exit code. */
static inline int load(void)
{
    assert_int_equal(engine_run(&trial.engine, &trial.settings, &trial.target, &trial.outcome), 0);
    server_stop(&trial.server);
    verdict_judge(&trial.settings, &trial.outcome, &trial.verdict);
    return trial.verdict.exit_code;
}

static inline int load_server(enum server_fault fault, uint64_t after)
{
    server_start(&trial.server, fault, after);
    aim();
    return load();
}

static inline const struct tally *tally(void)
{
    return &trial.outcome.tally;
}

/* The exit code of the program; tests: an array of struct CMUnitTest. */
#define trial_main(argc, argv, name, tests)                                                                  \
    (child_is_wanted(argc, argv)                                                                             \
         ? child_run()                                                                                       \
         : (signal(SIGPIPE, SIG_IGN), cmocka_run_group_tests_name(name, tests, NULL, NULL)))

#endif
