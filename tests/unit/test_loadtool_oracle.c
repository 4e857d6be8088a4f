#include "loadtool/oracle.h"

#include <errno.h>
#include <string.h>

#include "loadtool/payload.h"
#include "tests/support/cmocka_all.h"

enum { LENGTH = 3 * ORACLE_PIECE_BYTES + 5 };

static struct oracle oracle;
static uint8_t reply[LENGTH];

static int fresh(void **state)
{
    (void)state;
    oracle_init(&oracle, ORACLE_UPPER, NULL);
    oracle_expect(&oracle, 11, 100, reply, sizeof(reply));
    return 0;
}

static void upper__every_byte_value__only_ascii_letters_change(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        int must = byte >= 'a' && byte <= 'z' ? byte - 32 : byte;
        assert_int_equal(oracle.reply_of[byte], must);
    }
}

static void echo__every_byte_value__stays(void **state)
{
    (void)state;
    oracle_init(&oracle, ORACLE_ECHO, NULL);
    for (int byte = 0; byte < 256; byte++)
        assert_int_equal(oracle.reply_of[byte], byte);
}

static void compare__right_reply_of_several_pieces__finds_nothing(void **state)
{
    (void)state;
    struct oracle_finding finding = oracle_compare(&oracle, 11, 100, reply, sizeof(reply));
    assert_int_equal(finding.wrong_count, 0);
    assert_false(finding.is_echo);
}

static void compare__wrong_bytes_in_two_pieces__counts_both_and_tells_the_first(void **state)
{
    (void)state;
    reply[ORACLE_PIECE_BYTES + 3] ^= 1;
    reply[2 * ORACLE_PIECE_BYTES + 9] ^= 1;
    struct oracle_finding finding = oracle_compare(&oracle, 11, 100, reply, sizeof(reply));
    assert_int_equal(finding.wrong_count, 2);
    assert_int_equal(finding.first_wrong, ORACLE_PIECE_BYTES + 3);
    assert_false(finding.is_echo);
}

static void compare__shifted_by_one_byte__is_mostly_wrong(void **state)
{
    (void)state;
    struct oracle_finding finding = oracle_compare(&oracle, 11, 101, reply, sizeof(reply));
    assert_true(finding.wrong_count > LENGTH / 2);
    assert_int_equal(finding.first_wrong, 0);
}

static void compare__the_request_itself__is_wrong_and_an_echo(void **state)
{
    (void)state;
    payload_fill(11, 100, reply, sizeof(reply));
    struct oracle_finding finding = oracle_compare(&oracle, 11, 100, reply, sizeof(reply));
    assert_true(finding.wrong_count > 0);
    assert_true(finding.is_echo);
}

static void compare__half_echo_half_upper__is_no_echo(void **state)
{
    (void)state;
    payload_fill(11, 100, reply, ORACLE_PIECE_BYTES);
    struct oracle_finding finding = oracle_compare(&oracle, 11, 100, reply, sizeof(reply));
    assert_true(finding.wrong_count > 0);
    assert_false(finding.is_echo);
}

static void find_check__names__go_both_ways(void **state)
{
    enum oracle_check check = ORACLE_UPPER;

    (void)state;
    assert_int_equal(oracle_find_check("echo", &check), 0);
    assert_int_equal(check, ORACLE_ECHO);
    assert_string_equal(oracle_check_name(ORACLE_UPPER), "upper");
    assert_int_equal(oracle_find_check("lower", &check), -EINVAL);
    assert_int_equal(check, ORACLE_ECHO);
}

static void compare__check_none__finds_any_bytes_right(void **state)
{
    const uint8_t anything[] = "anything";

    (void)state;
    oracle_init(&oracle, ORACLE_NONE, NULL);
    assert_int_equal(oracle_compare(&oracle, 5, 0, anything, sizeof(anything)).wrong_count, 0);
}

static void compare__a_script__expects_its_replies_again_and_again(void **state)
{
    static struct dialogue dialogue;
    const uint8_t pongs[] = "+PONG\r\n+PONG\r\n+PO";
    uint8_t changed[sizeof(pongs)];

    (void)state;
    assert_int_equal(script_make(&dialogue.script, "PING\\r\\n", "+PONG\\r\\n"), 0);
    oracle_init(&oracle, ORACLE_ECHO, &dialogue);
    assert_int_equal(oracle_compare(&oracle, 5, 0, pongs, sizeof(pongs) - 1).wrong_count, 0);
    assert_int_equal(oracle_compare(&oracle, 5, 7, pongs, sizeof(pongs) - 1).wrong_count, 0);
    memcpy(changed, pongs, sizeof(pongs));
    changed[9] ^= 1;
    struct oracle_finding finding = oracle_compare(&oracle, 5, 14, changed, sizeof(pongs) - 1);
    assert_int_equal(finding.wrong_count, 1);
    assert_int_equal(finding.first_wrong, 9);
    assert_false(finding.is_echo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(upper__every_byte_value__only_ascii_letters_change, fresh),
        cmocka_unit_test_setup(echo__every_byte_value__stays, fresh),
        cmocka_unit_test_setup(compare__right_reply_of_several_pieces__finds_nothing, fresh),
        cmocka_unit_test_setup(compare__wrong_bytes_in_two_pieces__counts_both_and_tells_the_first, fresh),
        cmocka_unit_test_setup(compare__shifted_by_one_byte__is_mostly_wrong, fresh),
        cmocka_unit_test_setup(compare__the_request_itself__is_wrong_and_an_echo, fresh),
        cmocka_unit_test_setup(compare__half_echo_half_upper__is_no_echo, fresh),
        cmocka_unit_test_setup(find_check__names__go_both_ways, fresh),
        cmocka_unit_test_setup(compare__check_none__finds_any_bytes_right, fresh),
        cmocka_unit_test_setup(compare__a_script__expects_its_replies_again_and_again, fresh),
    };

    return cmocka_run_group_tests_name("loadtool oracle", tests, NULL, NULL);
}
