/* The worker as a process: its signals, the limit on its dumps, and how it is scheduled. */
#include "tests/support/cmocka_all.h"

#include "tests/support/life_fixture.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { INHERITED_CORE_BYTES = 12345 };

/* ---- signals ---- */

static uint64_t status_mask(const char *key)
{
    char path[64], line[256];
    uint64_t mask = 0;

    snprintf(path, sizeof path, "/proc/%d/status", life.fixture.loop_pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            mask = strtoull(line + strlen(key) + 1, NULL, 16);
    fclose(file);
    return mask;
}

static bool has(uint64_t mask, int number)
{
    return mask >> (number - 1) & 1;
}

static void signals__of_the_service__are_not_the_workers(void **state)
{
    const int blocked[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,  SIGUSR1,
                           SIGUSR2, SIGTTIN, SIGTTOU, SIGALRM, SIGCHLD};
    const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

    (void)state;
    life_start();
    life_wait_ready();
    for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++)
        assert_true(has(status_mask("SigBlk"), blocked[i]));
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        assert_false(has(status_mask("SigBlk"), fatal[i]));
        assert_true(has(status_mask("SigCgt"), fatal[i]));
    }
    assert_true(has(status_mask("SigIgn"), SIGPIPE));
}

static void signals__a_fatal_one__is_noted_and_ends_it(void **state)
{
    (void)state;
    life_start();
    life_wait_ready();
    assert_int_equal(kill(life.fixture.loop_pid, SIGSEGV), 0);
    assert_int_equal(life_end(), -SIGSEGV);
    assert_int_equal(atomic_load(&life.board->fault_signal), SIGSEGV);
    assert_int_equal(atomic_load(&life.board->fault_generation), FIXTURE_GENERATION);
}

/* ---- dumps ---- */

/* The limit on dumps of a worker that was born under another one. */
static rlim_t core_limit(void)
{
    struct rlimit before, found = {0};

    assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
    if (before.rlim_max < INHERITED_CORE_BYTES)
        skip();
    const struct rlimit inherited = {.rlim_cur = INHERITED_CORE_BYTES, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_CORE, &inherited), 0);
    life_start();
    life_wait_ready();
    assert_int_equal(setrlimit(RLIMIT_CORE, &before), 0);
    assert_int_equal(prlimit(life.fixture.loop_pid, RLIMIT_CORE, NULL, &found), 0);
    return found.rlim_cur;
}

/* 1, not 0: 0 would not keep a dump from being piped to a program. */
static void core__not_wanted__limit_of_one_byte(void **state)
{
    (void)state;
    assert_int_equal(core_limit(), 1);
}

static void core__wanted__limit_as_inherited(void **state)
{
    (void)state;
    life.board->settings.core = 1;
    assert_int_equal(core_limit(), INHERITED_CORE_BYTES);
}

/* ---- how it is scheduled ---- */

/* The policy of a worker that was born under `inherited`. */
static int policy_of_worker(int inherited)
{
    const struct sched_param none = {0};

    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    assert_int_equal(sched_setscheduler(0, inherited, &none), 0);
    life_start();
    life_wait_ready();
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
    return sched_getscheduler(life.fixture.loop_pid);
}

static void schedule__batch__throughput_before_wakeups(void **state)
{
    (void)state;
    life.board->settings.batch = 1;
    assert_int_equal(policy_of_worker(SCHED_OTHER), SCHED_BATCH);
}

static void schedule__not_batch__as_inherited(void **state)
{
    (void)state;
    life.board->settings.batch = 0;
    assert_int_equal(policy_of_worker(SCHED_OTHER), SCHED_OTHER);
}

static void schedule__another_policy_inherited__kept(void **state)
{
    (void)state;
    life.board->settings.batch = 1;
    /* Out of the idle policy a process gets back by itself, since Linux 2.6.39. */
    assert_int_equal(policy_of_worker(SCHED_IDLE), SCHED_IDLE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, life_open, life_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signals__of_the_service__are_not_the_workers), TEST(signals__a_fatal_one__is_noted_and_ends_it),
        TEST(core__not_wanted__limit_of_one_byte),          TEST(core__wanted__limit_as_inherited),
        TEST(schedule__batch__throughput_before_wakeups),   TEST(schedule__not_batch__as_inherited),
        TEST(schedule__another_policy_inherited__kept),
    };

    return cmocka_run_group_tests_name("worker_process", tests, NULL, NULL);
}
