/*
 * The policy in a lying world (world.h): first safety under faults, then the faults stop and all must be well
 * within a stated time, then a stop must end it all. A failure is made small and names the command (sim.c)
 * that repeats it.
 */
/* wrap: heritage_poke check_failed */
#include "tests/support/cmocka_all.h"

#include "tests/model/world_shrink.h"
#include "tests/model/world_sweep.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { SEED_COUNT = 3000, MUTANT_SEED_COUNT = 400, TROUBLE_COUNT_MIN = 20, HANDFUL = 6 };

static struct shrunk shrunk;

static void fail_small(const struct world_plan *plan)
{
    char failure[WORLD_FAILURE_SIZE];

    memcpy(failure, world.failure, sizeof failure);
    if (world_shrink(plan, &shrunk))
        shrunk_print(&shrunk);
    fail_msg("seed %llu: %s", (unsigned long long)plan->seed, failure);
}

static void run_seed(uint64_t seed)
{
    const struct world_plan plan = {.seed = seed};

    if (!world_run(&plan))
        fail_small(&plan);
}

/* Faults that are never met prove nothing. */
static void expect_that_every_trouble_was_met(void)
{
#define X(name)                                                                                              \
    if (world.counts.name < TROUBLE_COUNT_MIN)                                                               \
        fail_msg("only %llu %s in %d seeds", (unsigned long long)world.counts.name, #name, SEED_COUNT);
    WORLD_COUNTS(X)
#undef X
}

static void seeds__fixed__safe_then_well_then_over(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++)
        run_seed(seed);
    expect_that_every_trouble_was_met();
}

static void seeds__fresh__safe_then_well_then_over(void **state)
{
    uint32_t first = 0;

    (void)state;
    assert_int_equal(getrandom(&first, sizeof first, 0), sizeof first);
    for (uint64_t i = 0; i < SEED_COUNT; i++)
        run_seed(((uint64_t)first << 16) + i);
}

static void sequences__each_short_one__safe_then_well_then_over(void **state)
{
    struct sweep sweep = {.depth = 1};

    (void)state;
    if (!world_sweep(&sweep))
        fail_small(&sweep.failed);
    assert_true(sweep.sequences > SWEEP_TURNS);
}

/* Found, and made so small that one sees what it takes; what is left fails without anything else. */
static void mutants__each__are_caught_and_made_small(void **state)
{
    (void)state;
    for (int mutant = MUTANT_NONE + 1; mutant < MUTANT_COUNT; mutant++) {
        struct world_plan plan = {.seed = 1, .mutant = (enum world_mutant)mutant};

        while (plan.seed <= MUTANT_SEED_COUNT && world_run(&plan))
            plan.seed++;
        if (plan.seed > MUTANT_SEED_COUNT)
            fail_msg("nobody notices mutant %d", mutant);
        assert_true(world_shrink(&plan, &shrunk));
        print_message("mutant %d: seed %llu: %u disturbances of %u: %s\n", mutant,
                      (unsigned long long)plan.seed, shrunk.tape.count, shrunk.count_before, shrunk.failure);
        if (shrunk.tape.count > HANDFUL)
            fail_msg("mutant %d takes %u disturbances", mutant, shrunk.tape.count);
        assert_false(world_run(&shrunk.plan));
        shrunk.plan.mutant = MUTANT_NONE;
        assert_true(world_run(&shrunk.plan));
    }
}

/* ---- the list as text ---- */

static void tape__written_and_read__is_the_same(void **state)
{
    static const char text[] = "0:more_slots,7.3:end_supervisor,7:kill_keeper=1,300:request=16777215";
    struct tape tape = {0};
    char again[sizeof text];

    (void)state;
    assert_true(tape_read(&tape, text));
    assert_int_equal(tape.count, 4);
    assert_int_equal(tape_write(&tape, again, sizeof again), sizeof text - 1);
    assert_string_equal(again, text);
}

static void tape__no_list__is_refused(void **state)
{
    static const char *const wrong[] = {
        "kill_worker", "1:kill", "1:kill_worker=", "1:kill_worker;2:stop", "9:stop,8:stop", "1.x:stop"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tape tape = {0};

        if (tape_read(&tape, wrong[i]))
            fail_msg("read: %s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds__fixed__safe_then_well_then_over),
        cmocka_unit_test(seeds__fresh__safe_then_well_then_over),
        cmocka_unit_test(sequences__each_short_one__safe_then_well_then_over),
        cmocka_unit_test(mutants__each__are_caught_and_made_small),
        cmocka_unit_test(tape__written_and_read__is_the_same),
        cmocka_unit_test(tape__no_list__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
