#include "loadtool/strangers.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

enum { SEED = 9, OURS = 3, OTHERS = 8, PLACE = 100000 };

static struct oracle oracle;
static struct tally tally;
static struct tally_stranger stranger;
static uint64_t budget;
static const struct strangers_stretch stretches[] = {{.serial = OURS, .end = 1000000},
                                                     {.serial = 5, .end = 300000},
                                                     {.serial = OTHERS, .from = 60000, .end = 200000}};

static int fresh(void **state)
{
    (void)state;
    memset(&tally, 0, sizeof(tally));
    oracle_init(&oracle, ORACLE_UPPER, NULL);
    budget = STRANGERS_SEARCH_BYTES;
    stranger = (struct tally_stranger){
        .serial = OURS, .offset = 640, .wrong_bytes = 63, .length = TALLY_SHOWN_BYTES};
    oracle_expect(&oracle, payload_key(SEED, OTHERS), PLACE, stranger.got, stranger.length);
    tally.found_bytes[FINDING_WRONG] = 63;
    tally.examples[FINDING_WRONG].is_set = true;
    tally_note(&tally, FAULT_WRONG, WHERE_REPLY, "wrong");
    return 0;
}

static bool find(size_t count)
{
    return strangers_find(&tally, &stranger, &oracle, SEED, stretches, count, &budget);
}

static void find__bytes_of_another_connection__become_cross_talk_with_both_named(void **state)
{
    const struct tally_wrong *example = &tally.examples[FINDING_CROSSTALK];

    (void)state;
    assert_true(find(3));
    assert_int_equal(tally.found_bytes[FINDING_WRONG], 0);
    assert_int_equal(tally.found_bytes[FINDING_CROSSTALK], 63);
    assert_false(tally.examples[FINDING_WRONG].is_set);
    assert_int_equal(tally.faults[FAULT_WRONG][WHERE_REPLY].count, 0);
    assert_int_equal(tally.faults[FAULT_CROSSTALK][WHERE_REPLY].count, 1);
    assert_int_equal(example->connection, OURS);
    assert_int_equal(example->other_connection, OTHERS);
    assert_int_equal(example->other_offset, PLACE);
    assert_memory_equal(example->got, stranger.got, stranger.length);
}

static void find__bytes_of_nobody__stay_wrong(void **state)
{
    (void)state;
    assert_false(find(2)); /* the owner is not listed */
    stranger.got[0] ^= 1;
    assert_false(find(3));
    assert_int_equal(tally.found_bytes[FINDING_WRONG], 63);
    assert_int_equal(tally.found_bytes[FINDING_CROSSTALK], 0);
}

static void find__budget_spent__gives_up(void **state)
{
    (void)state;
    budget = 300000; /* enough for the second stretch alone */
    assert_false(find(3));
    assert_true(budget < 10000);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(find__bytes_of_another_connection__become_cross_talk_with_both_named),
        TEST(find__bytes_of_nobody__stay_wrong),
        TEST(find__budget_spent__gives_up),
    };

    return cmocka_run_group_tests_name("loadtool strangers", tests, NULL, NULL);
}
