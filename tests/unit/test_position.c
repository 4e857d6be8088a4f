/* Where a connection stands: the arithmetic for every state of TCP. What the kernel tells is in test_position_read.c. */
#include "tests/unit/test_position.h"

#include "worker/limits.h"

/* The client sent 100 bytes of which 60 are in the queue; 40 + given were answered, 10 of it is not
 * acknowledged. */
static struct position given(uint8_t state, uint32_t owed, int fins_in, int fins_out)
{
    return (struct position){
        .state = state,
        .bytes_received = 100 + (uint64_t)fins_in,
        .unread = 60,
        .bytes_acked = 30 + owed + (uint64_t)fins_out,
        .unsent = 10,
    };
}

static void owed__open_connection__what_was_given_and_not_taken(void **state)
{
    (void)state;
    expect_owed(given(ESTABLISHED, 0, 0, 0), 0);
    expect_owed(given(ESTABLISHED, 1, 0, 0), 1);
    expect_owed(given(ESTABLISHED, 60, 0, 0), 60);
}

static void owed__fin_of_the_client__is_no_byte(void **state)
{
    (void)state;
    expect_owed(given(CLOSE_WAIT, 0, 1, 0), 0);
    expect_owed(given(CLOSE_WAIT, 17, 1, 0), 17);
}

static void owed__our_fin__no_more_answers(void **state)
{
    const struct {
        uint8_t state;
        int fins_in;
    } ours[] = {{FIN_WAIT1, 0}, {FIN_WAIT2, 0}, {CLOSING, 1}, {LAST_ACK, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        struct position position = given(ours[i].state, 20, ours[i].fins_in, 1);
        struct position_debt debt = {.owed = 1};

        assert_int_equal(position_debt(&position, &debt), POSITION_OPEN);
        assert_int_equal(debt.owed, 0);
        assert_true(debt.we_ended);
        position.unread = 0; /* all thrown away, far more than was answered */
        assert_int_equal(position_debt(&position, &debt), POSITION_OPEN);
        assert_int_equal(debt.held, 0);
    }
}

static void owed__dead_connection__closed(void **state)
{
    (void)state;
    expect_verdict(given(CLOSED, 0, 0, 0), POSITION_CLOSED);
    expect_verdict(given(TIME_WAIT, 0, 1, 1), POSITION_CLOSED);
}

static void owed__more_given_than_is_queued__broken(void **state)
{
    (void)state;
    expect_verdict(given(ESTABLISHED, 61, 0, 0), POSITION_BROKEN);
    expect_verdict(given(CLOSE_WAIT, 61, 1, 0), POSITION_BROKEN);
}

static void owed__more_given_than_a_chunk__broken(void **state)
{
    struct position position = given(ESTABLISHED, CHUNK_BYTES_MAX, 0, 0);

    (void)state;
    position.unread += CHUNK_BYTES_MAX;
    position.bytes_received += CHUNK_BYTES_MAX;
    expect_owed(position, CHUNK_BYTES_MAX);
    position.bytes_acked++;
    expect_verdict(position, POSITION_BROKEN);
}

static void owed__more_queued_than_received__broken(void **state)
{
    const struct position position = {.state = ESTABLISHED, .bytes_received = 5, .unread = 6};

    (void)state;
    expect_verdict(position, POSITION_BROKEN);
}

/* A FIN that is counted though the state does not say so: a byte too many was received, which no journal has. */
static void owed__sums_of_another_state__one_too_many(void **state)
{
    (void)state;
    expect_debt(given(ESTABLISHED, 0, 1, 0), 0, 1);
    expect_verdict(given(ESTABLISHED, 61, 0, 0), POSITION_BROKEN);
}

static void owed__beyond_32_bits__exact(void **state)
{
    struct position position = given(ESTABLISHED, 42, 0, 0);

    (void)state;
    position.bytes_received += 1ull << 40;
    position.bytes_acked += 1ull << 40;
    expect_owed(position, 42);
}

static void owed__not_accepted_yet__nothing(void **state)
{
    const struct position position = {.state = SYN_RECV};

    (void)state;
    expect_owed(position, 0);
}

static void held__more_taken_than_answered__the_difference(void **state)
{
    struct position position = given(ESTABLISHED, 0, 0, 0);

    (void)state;
    position.bytes_acked -= 7;
    expect_debt(position, 0, 7);
    position.state = CLOSE_WAIT;
    position.bytes_received++;
    expect_debt(position, 0, 7);
}

static void held__more_than_a_chunk__broken(void **state)
{
    struct position position = given(ESTABLISHED, 0, 0, 0);

    (void)state;
    position.bytes_received += CHUNK_BYTES_MAX;
    expect_debt(position, 0, CHUNK_BYTES_MAX);
    position.bytes_received++;
    expect_verdict(position, POSITION_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owed__open_connection__what_was_given_and_not_taken),
        cmocka_unit_test(owed__fin_of_the_client__is_no_byte),
        cmocka_unit_test(owed__our_fin__no_more_answers),
        cmocka_unit_test(owed__dead_connection__closed),
        cmocka_unit_test(held__more_taken_than_answered__the_difference),
        cmocka_unit_test(held__more_than_a_chunk__broken),
        cmocka_unit_test(owed__more_given_than_is_queued__broken),
        cmocka_unit_test(owed__more_given_than_a_chunk__broken),
        cmocka_unit_test(owed__more_queued_than_received__broken),
        cmocka_unit_test(owed__sums_of_another_state__one_too_many),
        cmocka_unit_test(owed__beyond_32_bits__exact),
        cmocka_unit_test(owed__not_accepted_yet__nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
