#include "loadtool/tally.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static void note__twice__counts_both_and_keeps_the_first_example(void **state)
{
    static struct tally tally;

    (void)state;
    tally_note(&tally, FAULT_RESET, WHERE_SEND, "connection %d", 1);
    tally_note(&tally, FAULT_RESET, WHERE_SEND, "connection %d", 2);
    assert_int_equal(tally.faults[FAULT_RESET][WHERE_SEND].count, 2);
    assert_string_equal(tally.faults[FAULT_RESET][WHERE_SEND].first, "connection 1");
    assert_int_equal(tally.faults[FAULT_RESET][WHERE_REPLY].count, 0);
}

static void note__an_endless_example__is_cut(void **state)
{
    static struct tally tally;

    (void)state;
    tally_note(&tally, FAULT_OTHER, WHERE_SEND, "%0400d", 1);
    assert_int_equal(strlen(tally.faults[FAULT_OTHER][WHERE_SEND].first), TALLY_EXAMPLE_BYTES - 1);
}

static void classify__errors_of_the_kernel__have_a_class_and_a_side(void **state)
{
    static const struct {
        int error;
        const char *name;
        const char *side;
    } rows[] = {
        {ECONNREFUSED, "refused", "server"},
        {ENOENT, "refused", "server"},
        {EAGAIN, "refused", "server"},
        {ECONNRESET, "reset", "server"},
        {EPIPE, "reset", "server"},
        {ETIMEDOUT, "timeout", "network"},
        {EHOSTUNREACH, "unreachable", "network"},
        {ENETUNREACH, "unreachable", "network"},
        {EMFILE, "resources", "client"},
        {EADDRNOTAVAIL, "resources", "client"},
        {EIO, "other", "client"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum fault fault = tally_classify(rows[i].error);
        assert_string_equal(tally_fault_name(fault), rows[i].name);
        assert_string_equal(tally_fault_side(fault), rows[i].side);
    }
    assert_string_equal(tally_where_name(WHERE_HALFCLOSE), "half-close");
}

static void add__two_tallies__adds_every_number_and_keeps_first_examples(void **state)
{
    static struct tally into, from;

    (void)state;
    /* Every counter of the front part is a uint64_t in a row: fill them all, so that none is forgotten. */
    enum { COUNTERS = 10 };
    uint64_t one[COUNTERS], two[COUNTERS];
    for (uint64_t i = 0; i < COUNTERS; i++) {
        one[i] = i + 1;
        two[i] = 100 * (i + 1);
    }
    memcpy(&into, one, sizeof(one));
    memcpy(&from, two, sizeof(two));
    from.differs_from_request = true;
    from.examples[FINDING_WRONG] = (struct tally_wrong){.is_set = true, .offset = 5};
    tally_note(&into, FAULT_RESET, WHERE_SEND, "into");
    tally_note(&from, FAULT_RESET, WHERE_SEND, "from");
    tally_note(&from, FAULT_CLOSED, WHERE_REPLY, "from");
    tally_add(&into, &from);
    memcpy(one, &into, sizeof(one));
    for (uint64_t i = 0; i < COUNTERS; i++)
        assert_int_equal(one[i], 101 * (i + 1));
    assert_true(into.differs_from_request);
    assert_int_equal(into.examples[FINDING_WRONG].offset, 5);
    assert_int_equal(into.faults[FAULT_RESET][WHERE_SEND].count, 2);
    assert_string_equal(into.faults[FAULT_RESET][WHERE_SEND].first, "into");
    assert_string_equal(into.faults[FAULT_CLOSED][WHERE_REPLY].first, "from");
    from.examples[FINDING_WRONG].offset = 6;
    tally_add(&into, &from);
    assert_int_equal(into.examples[FINDING_WRONG].offset, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note__twice__counts_both_and_keeps_the_first_example),
        cmocka_unit_test(note__an_endless_example__is_cut),
        cmocka_unit_test(classify__errors_of_the_kernel__have_a_class_and_a_side),
        cmocka_unit_test(add__two_tallies__adds_every_number_and_keeps_first_examples),
    };

    return cmocka_run_group_tests_name("loadtool tally", tests, NULL, NULL);
}
