/* Who fires when: rules, rates and chance, without a process. */
#include "tests/support/cmocka_all.h"

#include "worker/fault_plan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { DRAWS = 30000 };

static struct fault_gun gun;

static struct fault_plan plan_of(struct fault_rule rule)
{
    return (struct fault_plan){
        .seed = 7, .processes = 1u << FAULT_WORKER, .slot = -1, .rule_count = 1, .rules = {rule}};
}

static struct fault_rule rule_of(enum fault_call call, enum fault_kind kind, uint32_t value, uint32_t one_in)
{
    return (struct fault_rule){.calls = 1u << call, .kind = kind, .value = value, .one_in = one_in};
}

static void load(enum fault_process process, unsigned slot, uint32_t generation, struct fault_plan plan)
{
    gun = (struct fault_gun){.process = process, .slot = slot, .generation = generation};
    fault_gun_load(&gun, &plan, 2);
}

static unsigned shots_of(enum fault_call call, unsigned draws)
{
    unsigned count = 0;

    for (unsigned i = 0; i < draws; i++)
        count += fault_gun_aim(&gun, call, 0) != NULL;
    return count;
}

/* Which of 64 calls are struck, a bit each. */
static uint64_t pattern(void)
{
    uint64_t bits = 0;

    for (int i = 0; i < 64; i++)
        bits = bits << 1 | (fault_gun_aim(&gun, FAULT_accept, 0) != NULL);
    return bits;
}

static void aim__one_in_one__every_call(void **state)
{
    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_accept, FAULT_ERROR, EMFILE, 1)));
    assert_int_equal(gun.number, 2);
    assert_int_equal(shots_of(FAULT_accept, 100), 100);
    assert_int_equal(fault_gun_aim(&gun, FAULT_accept, 0)->value, EMFILE);
}

static void aim__one_in_ten__a_tenth(void **state)
{
    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_accept, FAULT_DIE, 0, 10)));
    assert_in_range(shots_of(FAULT_accept, DRAWS), DRAWS / 10 - 300,
                    DRAWS / 10 + 300); /* 5.8 sigma, and the seed is fixed */
}

static void aim__another_call__never(void **state)
{
    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_accept, FAULT_DIE, 0, 1)));
    for (int call = 0; call < FAULT_CALL_COUNT; call++)
        assert_int_equal(shots_of((enum fault_call)call, 10), call == FAULT_accept ? 10 : 0);
}

static void aim__another_process_or_slot__never(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_log, FAULT_ERROR, EIO, 1));

    (void)state;
    load(FAULT_SUPERVISOR, 0, 1, plan);
    assert_int_equal(shots_of(FAULT_log, 10), 0);
    plan.processes = 1u << FAULT_WORKER | 1u << FAULT_KEEPER;
    plan.slot = 3;
    load(FAULT_WORKER, 2, 1, plan);
    assert_int_equal(shots_of(FAULT_log, 10), 0);
    load(FAULT_WORKER, 3, 1, plan);
    assert_int_equal(shots_of(FAULT_log, 10), 10);
    load(FAULT_KEEPER, 3, 1, plan);
    assert_int_equal(shots_of(FAULT_log, 10), 10);
}

static void aim__supervisor_and_a_slot__never(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_log, FAULT_ERROR, EIO, 1));

    (void)state;
    plan.processes = ~0u;
    plan.slot = 0;
    load(FAULT_SUPERVISOR, 0, 1, plan);
    assert_int_equal(shots_of(FAULT_log, 10), 0);
}

static void aim__several_rules__first_that_strikes(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_send, FAULT_DIE, 0, 1000000));

    (void)state;
    plan.rules[1] = rule_of(FAULT_send, FAULT_ERROR, ENOMEM, 1);
    plan.rules[2] = rule_of(FAULT_send, FAULT_ERROR, EINTR, 1);
    plan.rule_count = 3;
    load(FAULT_WORKER, 0, 1, plan);
    assert_int_equal(fault_gun_aim(&gun, FAULT_send, 5)->value, ENOMEM);
}

static void aim__short_of_one_byte_or_none__never(void **state)
{
    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_send, FAULT_SHORT, 0, 1)));
    assert_null(fault_gun_aim(&gun, FAULT_send, 0));
    assert_null(fault_gun_aim(&gun, FAULT_send, 1));
    assert_non_null(fault_gun_aim(&gun, FAULT_send, 2));
}

static void shorten__any__from_one_to_less_than_asked(void **state)
{
    bool seen_least = false, seen_most = false;

    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_send, FAULT_SHORT, 0, 1)));
    for (int i = 0; i < 1000; i++) {
        size_t size = fault_gun_shorten(&gun, &gun.plan.rules[0], 5);

        assert_in_range(size, 1, 4);
        seen_least |= size == 1;
        seen_most |= size == 4;
    }
    assert_true(seen_least && seen_most);
    assert_int_equal(fault_gun_shorten(&gun, &gun.plan.rules[0], 2), 1);
}

static void shorten__at_most_so_many__that_or_less(void **state)
{
    (void)state;
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_send, FAULT_SHORT, 3, 1)));
    assert_int_equal(fault_gun_shorten(&gun, &gun.plan.rules[0], 100), 3);
    assert_int_equal(fault_gun_shorten(&gun, &gun.plan.rules[0], 3), 2);
    assert_int_equal(fault_gun_shorten(&gun, &gun.plan.rules[0], 2), 1);
}

static void load__same_seed_and_process__same_shots(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_accept, FAULT_DIE, 0, 2));

    (void)state;
    load(FAULT_WORKER, 1, 5, plan);
    uint64_t first = pattern();
    assert_int_not_equal(pattern(), first); /* it goes on */
    load(FAULT_WORKER, 1, 5, plan);
    assert_int_equal(pattern(), first);
}

static void load__another_seed_process_slot_or_generation__other_shots(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_accept, FAULT_DIE, 0, 2));

    (void)state;
    plan.processes = ~0u;
    load(FAULT_WORKER, 1, 5, plan);
    uint64_t first = pattern();
    load(FAULT_KEEPER, 1, 5, plan);
    assert_int_not_equal(pattern(), first);
    load(FAULT_WORKER, 2, 5, plan);
    assert_int_not_equal(pattern(), first);
    load(FAULT_WORKER, 1, 6, plan);
    assert_int_not_equal(pattern(), first);
    plan.seed++;
    load(FAULT_WORKER, 1, 5, plan);
    assert_int_not_equal(pattern(), first);
}

static void load__plan_that_cannot_be__fires_nothing(void **state)
{
    struct fault_plan plan = plan_of(rule_of(FAULT_accept, FAULT_ERROR, EMFILE, 1));

    (void)state;
    plan.rule_count = FAULT_RULE_COUNT_MAX + 1;
    load(FAULT_WORKER, 0, 1, plan);
    assert_int_equal(shots_of(FAULT_accept, 10), 0);
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_accept, FAULT_ERROR, EMFILE, 0)));
    assert_int_equal(shots_of(FAULT_accept, 10), 0);
    load(FAULT_WORKER, 0, 1, plan_of(rule_of(FAULT_accept, FAULT_KIND_COUNT, EMFILE, 1)));
    assert_int_equal(shots_of(FAULT_accept, 10), 0);
}

static void table__every_call__has_a_maker_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_CALL_COUNT; i++) {
        assert_in_range(fault_descriptions[i].makers, 1, (1u << FAULT_PROCESS_COUNT) - 1);
        assert_true(strlen(fault_descriptions[i].sentence) > 0);
        for (int other = 0; other < i; other++)
            assert_string_not_equal(fault_descriptions[i].name, fault_descriptions[other].name);
    }
    assert_string_equal(fault_process_names[FAULT_KEEPER], "keeper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aim__one_in_one__every_call),
        cmocka_unit_test(aim__one_in_ten__a_tenth),
        cmocka_unit_test(aim__another_call__never),
        cmocka_unit_test(aim__another_process_or_slot__never),
        cmocka_unit_test(aim__supervisor_and_a_slot__never),
        cmocka_unit_test(aim__several_rules__first_that_strikes),
        cmocka_unit_test(aim__short_of_one_byte_or_none__never),
        cmocka_unit_test(shorten__any__from_one_to_less_than_asked),
        cmocka_unit_test(shorten__at_most_so_many__that_or_less),
        cmocka_unit_test(load__same_seed_and_process__same_shots),
        cmocka_unit_test(load__another_seed_process_slot_or_generation__other_shots),
        cmocka_unit_test(load__plan_that_cannot_be__fires_nothing),
        cmocka_unit_test(table__every_call__has_a_maker_and_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
