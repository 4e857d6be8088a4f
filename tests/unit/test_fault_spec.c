/* The text of a trial becomes a plan, or an error that names the part. */
#include "tests/support/cmocka_all.h"

#include "master/fault_spec.h"
#include "worker/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct fault_plan plan;
static char why[FAULT_WHY_SIZE];

static void accept_spec(const char *spec)
{
    why[0] = '\0';
    if (fault_spec_parse(&plan, spec, why) != 0)
        fail_msg("%s: %s", spec, why);
}

/* Refused, and all of these words stand in the reason. */
static void refuse_spec(const char *spec, const char *first, const char *second)
{
    assert_int_equal(fault_spec_parse(&plan, spec, why), -EINVAL);
    if (!strstr(why, first) || !strstr(why, second))
        fail_msg("%s: \"%s\" and \"%s\" expected in: %s", spec, first, second, why);
}

static void expect_rule(unsigned place, uint32_t calls, enum fault_kind kind, uint32_t value, uint32_t one_in)
{
    const struct fault_rule *rule = &plan.rules[place];

    assert_true(place < plan.rule_count);
    assert_int_equal(rule->calls, calls);
    assert_int_equal(rule->kind, kind);
    assert_int_equal(rule->value, value);
    assert_int_equal(rule->one_in, one_in);
}

static void parse__each_kind__a_rule(void **state)
{
    (void)state;
    accept_spec("accept:EMFILE:1/3");
    assert_int_equal(plan.rule_count, 1);
    expect_rule(0, 1u << FAULT_accept, FAULT_ERROR, EMFILE, 3);
    accept_spec("send:short:1/1");
    expect_rule(0, 1u << FAULT_send, FAULT_SHORT, 0, 1);
    accept_spec("send:short=1:1/1");
    expect_rule(0, 1u << FAULT_send, FAULT_SHORT, 1, 1);
    accept_spec("poll:delay=250:1/1000000");
    expect_rule(0, 1u << FAULT_poll, FAULT_DELAY, 250, 1000000);
    accept_spec("take:die:1/100");
    expect_rule(0, 1u << FAULT_take, FAULT_DIE, 0, 100);
}

static void parse__nothing_but_faults__everybody_by_the_first_seed(void **state)
{
    (void)state;
    accept_spec("log:EIO:1/2");
    assert_int_equal(plan.seed, 1);
    assert_int_equal(plan.slot, -1);
    assert_int_equal(plan.processes, 1u << FAULT_WORKER | 1u << FAULT_KEEPER | 1u << FAULT_SUPERVISOR);
}

static void parse__list_seed_and_slot(void **state)
{
    (void)state;
    accept_spec("peek:EINTR:1/2,seed=18446744073709551615,send:ENOMEM:1/5@127");
    assert_int_equal(plan.rule_count, 2);
    expect_rule(1, 1u << FAULT_send, FAULT_ERROR, ENOMEM, 5);
    assert_int_equal(plan.seed, UINT64_MAX);
    assert_int_equal(plan.slot, SLOT_COUNT_MAX - 1);
    assert_int_equal(plan.processes, 1u << FAULT_WORKER | 1u << FAULT_KEEPER);
}

static void parse__kind_of_process__that_alone(void **state)
{
    (void)state;
    accept_spec("clone:EAGAIN:1/1@supervisor");
    assert_int_equal(plan.processes, 1u << FAULT_SUPERVISOR);
    assert_int_equal(plan.slot, -1);
    accept_spec("clone:EAGAIN:1/1@keeper");
    assert_int_equal(plan.processes, 1u << FAULT_KEEPER);
    accept_spec("log:EIO:1/1@worker");
    assert_int_equal(plan.processes, 1u << FAULT_WORKER);
}

static void parse__recv__each_of_its_three_uses(void **state)
{
    (void)state;
    accept_spec("recv:ENOMEM:1/2");
    expect_rule(0, 1u << FAULT_fetch | 1u << FAULT_peek | 1u << FAULT_take | 1u << FAULT_discard, FAULT_ERROR,
                ENOMEM, 2);
}

static void parse__every_call_of_the_table__is_known(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_CALL_COUNT; i++) {
        char spec[64];

        snprintf(spec, sizeof spec, "%s:die:1/9", fault_descriptions[i].name);
        accept_spec(spec);
        expect_rule(0, 1u << i, FAULT_DIE, 0, 9);
    }
}

static void parse__unknown_call__what_was_meant(void **state)
{
    (void)state;
    refuse_spec("acept:EMFILE:1/3", "\"acept\"", "did you mean accept?");
    refuse_spec("frobnicate:EMFILE:1/3", "\"frobnicate\"", "fault list");
    refuse_spec(":EMFILE:1/3", "\"\" is no call", "");
    refuse_spec("accept:EMFILE:1/3,sned:EINTR:1/2", "\"sned:EINTR:1/2\"", "did you mean send?");
}

static void parse__unknown_fault__what_is_accepted(void **state)
{
    (void)state;
    refuse_spec("accept:EFOO:1/3", "\"EFOO\"", "an errno such as");
    refuse_spec("accept:emfile:1/3", "\"emfile\"", "an errno such as");
    refuse_spec("accept::1/3", "\"\"", "an errno such as");
    refuse_spec("accept", "\"\"", "an errno such as");
    refuse_spec("accept:died:1/3", "\"died\"", "an errno such as");
    refuse_spec("accept:delay:1/3", "\"delay\"", "delay=MS");
}

static void parse__numbers_out_of_range__the_range(void **state)
{
    (void)state;
    refuse_spec("accept:delay=0:1/3", "\"0\"", "1 to 60000");
    refuse_spec("accept:delay=60001:1/3", "\"60001\"", "1 to 60000");
    refuse_spec("accept:delay=:1/3", "\"\"", "1 to 60000");
    refuse_spec("accept:delay=1s:1/3", "\"1s\"", "1 to 60000");
    refuse_spec("send:short=0:1/3", "\"0\"", "1 to 65536");
    refuse_spec("send:short=99999999999999999999999:1/3", "\"99999999999999999999999\"", "1 to 65536");
}

static void parse__bad_rate__what_is_accepted(void **state)
{
    (void)state;
    refuse_spec("accept:EMFILE", "\"\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:3", "\"3\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:1/0", "\"1/0\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:1/1000001", "\"1/1000001\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:2/3", "\"2/3\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:1/3:4", "\"1/3:4\"", "1/1 to 1/1000000");
    refuse_spec("accept:EMFILE:1/3x", "\"1/3x\"", "1/1 to 1/1000000");
}

static void parse__what_the_call_cannot_do__refused(void **state)
{
    (void)state;
    refuse_spec("accept:short:1/3", "accept", "no bytes");
    refuse_spec("send:EAGAIN:1/3", "EAGAIN of send", "never come");
    refuse_spec("recv:EAGAIN:1/3", "EAGAIN of peek", "never come");
    accept_spec("accept:EAGAIN:1/3"); /* the listener is reported again */
    accept_spec("output:short:1/3");
}

static void parse__who_is_nobody__refused(void **state)
{
    (void)state;
    refuse_spec("accept:EMFILE:1/3@", "\"@\"", "a slot from 0 to 127");
    refuse_spec("accept:EMFILE:1/3@128", "\"@128\"", "a slot from 0 to 127");
    refuse_spec("accept:EMFILE:1/3@-1", "\"@-1\"", "a slot from 0 to 127");
    refuse_spec("accept:EMFILE:1/3@master", "\"@master\"", "worker, keeper or supervisor");
    refuse_spec("accept:EMFILE:1/3@0,send:EINTR:1/2", "\"@0,send:EINTR:1/2\"", "at the end");
}

static void parse__who_never_makes_that_call__refused(void **state)
{
    (void)state;
    refuse_spec("poll:EINTR:1/3@0", "poll", "the supervisor alone, which has no slot");
    refuse_spec("accept:EMFILE:1/3@keeper", "accept", "workers alone");
    refuse_spec("clone:EAGAIN:1/3@worker", "clone", "keepers and the supervisor");
    refuse_spec("poke:EAGAIN:1/3@keeper", "poke", "workers and the supervisor");
    accept_spec("clone:EAGAIN:1/3@0"); /* the slot's keepers */
}

static void parse__parts_that_are_none__refused(void **state)
{
    (void)state;
    refuse_spec("", "\"\"", "CALL:WHAT:1/N");
    refuse_spec("accept:EMFILE:1/3,", "\"\"", "between commas");
    refuse_spec(",accept:EMFILE:1/3", "\"\"", "between commas");
    refuse_spec("seed=", "\"seed=\"", "seed=N");
    refuse_spec("seed=-1,accept:EMFILE:1/3", "\"seed=-1\"", "seed=N");
    refuse_spec("seed=18446744073709551616,accept:EMFILE:1/3", "seed=18446744073709551616", "seed=N");
    refuse_spec("seed=5", "\"seed=5\"", "no fault stands there");
    refuse_spec("@0", "\"\"", "between commas");
}

static void parse__too_much__refused(void **state)
{
    char spec[2 * FAULT_SPEC_SIZE] = "read:die:1/9";

    (void)state;
    for (int i = 1; i < FAULT_RULE_COUNT_MAX; i++)
        strcat(spec, ",read:die:1/9");
    accept_spec(spec);
    assert_int_equal(plan.rule_count, FAULT_RULE_COUNT_MAX);
    strcat(spec, ",poll:die:1/9");
    refuse_spec(spec, "\"poll:die:1/9\"", "at most 16 faults");
    memset(spec, 'x', FAULT_SPEC_SIZE);
    spec[FAULT_SPEC_SIZE] = '\0';
    refuse_spec(spec, "at most 255 bytes", "");
    spec[FAULT_SPEC_SIZE - 1] = '\0';
    refuse_spec(spec, "no call", ""); /* and the reason fits, however long the word */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__each_kind__a_rule),
        cmocka_unit_test(parse__nothing_but_faults__everybody_by_the_first_seed),
        cmocka_unit_test(parse__list_seed_and_slot),
        cmocka_unit_test(parse__kind_of_process__that_alone),
        cmocka_unit_test(parse__recv__each_of_its_three_uses),
        cmocka_unit_test(parse__every_call_of_the_table__is_known),
        cmocka_unit_test(parse__unknown_call__what_was_meant),
        cmocka_unit_test(parse__unknown_fault__what_is_accepted),
        cmocka_unit_test(parse__numbers_out_of_range__the_range),
        cmocka_unit_test(parse__bad_rate__what_is_accepted),
        cmocka_unit_test(parse__what_the_call_cannot_do__refused),
        cmocka_unit_test(parse__who_is_nobody__refused),
        cmocka_unit_test(parse__who_never_makes_that_call__refused),
        cmocka_unit_test(parse__parts_that_are_none__refused),
        cmocka_unit_test(parse__too_much__refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
