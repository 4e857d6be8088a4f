/*
 * The policy in a lying world (world.h): first safety under faults, then the faults stop and all must be well
 * within a stated time, then a stop must end it all.
 *
 *     WORLD_SEED=n build/tests/test_world     that seed alone, with all that happens in it on stderr
 */
/* wrap: heritage_poke */
#include "tests/support/cmocka_all.h"

#include "tests/model/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SEED_COUNT = 3000, MUTANT_SEED_COUNT = 400, TROUBLE_COUNT_MIN = 20 };

static void run_seed(uint64_t seed)
{
    if (world_run_seed(seed, MUTANT_NONE))
        return;
    fail_msg("seed %llu: %s\nto see it: WORLD_SEED=%llu %s/tests/test_world", (unsigned long long)seed,
             world.failure, (unsigned long long)seed, getenv("BUILD") ? getenv("BUILD") : "build");
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

static void mutants__each__are_caught(void **state)
{
    (void)state;
    for (int mutant = MUTANT_NONE + 1; mutant < MUTANT_COUNT; mutant++) {
        uint64_t seed = 1;

        while (seed <= MUTANT_SEED_COUNT && world_run_seed(seed, (enum world_mutant)mutant))
            seed++;
        if (seed > MUTANT_SEED_COUNT)
            fail_msg("nobody notices mutant %d", mutant);
        print_message("mutant %d: seed %llu: %s\n", mutant, (unsigned long long)seed, world.failure);
    }
}

static void seed__of_the_environment__safe_then_well_then_over(void **state)
{
    (void)state;
    world.trace = true;
    run_seed(strtoull(getenv("WORLD_SEED"), NULL, 0));
}

int main(void)
{
    const struct CMUnitTest one[] = {cmocka_unit_test(seed__of_the_environment__safe_then_well_then_over)};
    const struct CMUnitTest all[] = {
        cmocka_unit_test(seeds__fixed__safe_then_well_then_over),
        cmocka_unit_test(seeds__fresh__safe_then_well_then_over),
        cmocka_unit_test(mutants__each__are_caught),
    };

    if (getenv("WORLD_SEED"))
        return cmocka_run_group_tests(one, NULL, NULL);
    return cmocka_run_group_tests(all, NULL, NULL);
}
