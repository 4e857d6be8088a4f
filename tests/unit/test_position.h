/*
 * What is expected of a position (worker/position.h), whether made up by the test or read from the kernel, and the kernel's
 * names of the states of TCP.
 */
#ifndef TESTS_UNIT_TEST_POSITION_H
#define TESTS_UNIT_TEST_POSITION_H

#include "tests/support/cmocka_all.h"

#include "worker/position.h"

enum {
    ESTABLISHED = 1,
    SYN_RECV = 3,
    FIN_WAIT1 = 4,
    FIN_WAIT2 = 5,
    TIME_WAIT = 6,
    CLOSED = 7,
    CLOSE_WAIT = 8,
    LAST_ACK = 9,
    CLOSING = 11
};

static inline void expect_debt(struct position position, uint32_t owed, uint32_t held)
{
    struct position_debt debt = {12345, 12345, true};

    assert_int_equal(position_debt(&position, &debt), POSITION_OPEN);
    assert_int_equal(debt.owed, owed);
    assert_int_equal(debt.held, held);
    assert_false(debt.we_ended);
}

static inline void expect_owed(struct position position, uint32_t expected)
{
    expect_debt(position, expected, 0);
}

static inline void expect_verdict(struct position position, enum position_verdict expected)
{
    struct position_debt debt;

    assert_int_equal(position_debt(&position, &debt), expected);
}

#endif
