#include "loadtool/verdict.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static struct settings settings;
static struct outcome outcome;
static struct verdict verdict;

/* A run without a fault, with default kills. */
static int fresh(void **state)
{
    (void)state;
    memset(&outcome, 0, sizeof(outcome));
    settings = (struct settings){.clients = 10, .check = ORACLE_UPPER};
    assert_int_equal(plan_parse("50%", &settings.plan), 0);
    outcome.tally.messages_right = 100;
    outcome.control.clients = 5;
    outcome.victims = 5;
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        outcome.done[i] = 1;
    outcome.recovery.is_checked = outcome.recovery.is_ok = true;
    return 0;
}

static int judge(void)
{
    verdict_judge(&settings, &outcome, &verdict);
    return verdict.exit_code;
}

static void judge__nothing_found__passes_without_a_word(void **state)
{
    (void)state;
    assert_int_equal(judge(), EXIT_PASS);
    assert_string_equal(verdict_name(verdict.kind), "PASS");
    assert_int_equal(verdict.reason_count, 0);
}

static void judge__each_finding_alone__has_its_code_and_sentence(void **state)
{
    static const struct {
        uint64_t *at;
        int code;
        const char *words;
    } rows[] = {
        {&outcome.tally.found_bytes[FINDING_WRONG], 3, "1 reply byte was wrong"},
        {&outcome.tally.found_bytes[FINDING_MISSING], 3, "1 reply byte was missing"},
        {&outcome.tally.found_bytes[FINDING_EXTRA], 3, "1 byte came that nobody asked for"},
        {&outcome.control.refused, 4, "1 of 5 control clients could not connect"},
        {&outcome.control.untried, 4, "1 control client was not tried any more"},
        {&outcome.control.reset, 4, "1 of 5 control clients lost the connection by a reset"},
        {&outcome.control.closed, 4, "1 of 5 control clients lost the connection: the server closed it"},
        {&outcome.control.unanswered, 4,
         "1 of 5 control clients waited longer than the time-out for a reply"},
        {&outcome.control.silent_before, 4,
         "1 of 5 control clients had no right reply before any disturbance"},
        {&outcome.control.silent_between, 4,
         "1 of 5 control clients had no right reply between the disturbances"},
        {&outcome.control.silent_after, 4,
         "1 of 5 control clients had no right reply after the disturbances"},
        {&outcome.unexpected_ends, 4, "1 victim was refused, ended or left unanswered"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fresh(state);
        outcome.tally.differs_from_request = true;
        *rows[i].at = 1;
        assert_int_equal(judge(), rows[i].code);
        assert_int_equal(verdict.kind, VERDICT_FAIL);
        assert_int_equal(verdict.reason_count, 1);
        assert_string_equal(verdict.reasons[0], rows[i].words);
    }
}

static void judge__no_recovery__is_code_5(void **state)
{
    (void)state;
    outcome.recovery.is_ok = false;
    assert_int_equal(judge(), EXIT_RECOVERY);
    assert_string_equal(verdict.reasons[0],
                        "no new client had a right reply within 5 s of the last disturbance");
    outcome.recovery.is_checked = false;
    assert_int_equal(judge(), EXIT_PASS);
}

static void judge__victims_alone_unanswered_and_no_recovery__is_code_5(void **state)
{
    (void)state;
    outcome.recovery.is_ok = false;
    outcome.unexpected_ends = 3;
    assert_int_equal(judge(), EXIT_RECOVERY);
    assert_int_equal(verdict.reason_count, 2);
}

static void judge__several_findings__the_first_code_of_the_order_wins(void **state)
{
    (void)state;
    outcome.recovery.is_ok = false;
    outcome.control.reset = 2;
    assert_int_equal(judge(), EXIT_CLIENTS);
    outcome.tally.found_bytes[FINDING_WRONG] = 3000;
    outcome.tally.differs_from_request = true;
    assert_int_equal(judge(), EXIT_BYTES);
    assert_string_equal(verdict.reasons[0], "3,000 reply bytes were wrong");
    assert_int_equal(verdict.reason_count, 3);
    outcome.was_interrupted = true;
    outcome.elapsed_ns = 3200000000;
    assert_int_equal(judge(), EXIT_INTERRUPTED);
    assert_string_equal(verdict_name(verdict.kind), "INTERRUPTED");
    assert_string_equal(verdict.reasons[0], "interrupted after 3.20 s");
    assert_int_equal(verdict.reason_count, 4);
}

static void judge__every_reply_equals_its_request__hints_at_an_echo_server(void **state)
{
    (void)state;
    outcome.tally.found_bytes[FINDING_WRONG] = 9;
    assert_int_equal(judge(), EXIT_BYTES);
    assert_string_equal(verdict.reasons[1], "this looks like an echo server: try --check echo");
    settings.check = ORACLE_ECHO;
    judge();
    assert_int_equal(verdict.reason_count, 1);
}

static void judge__nothing_is_right__says_how_to_name_another_protocol(void **state)
{
    (void)state;
    outcome.tally.found_bytes[FINDING_EXTRA] = 9;
    outcome.tally.differs_from_request = true;
    outcome.tally.messages_right = 0;
    assert_int_equal(judge(), EXIT_BYTES);
    assert_non_null(strstr(verdict.reasons[1], "needs --send and --expect"));
    settings.check = ORACLE_NONE;
    judge();
    assert_int_equal(verdict.reason_count, 1);
}

static void judge__a_line_without_its_end_is_not_answered__says_so(void **state)
{
    (void)state;
    outcome.control.unanswered = 5;
    assert_int_equal(script_make(&settings.dialogue.script, "PING", "PONG"), 0);
    assert_int_equal(judge(), EXIT_CLIENTS);
    assert_non_null(strstr(verdict.reasons[1], "as in --send 'PING\\r\\n'"));
    assert_int_equal(script_make(&settings.dialogue.script, "PING\\r\\n", "PONG"), 0);
    judge();
    assert_int_equal(verdict.reason_count, 1);
    outcome.tally.bytes_right = 1;
    assert_int_equal(script_make(&settings.dialogue.script, "PING", "PONG"), 0);
    judge();
    assert_int_equal(verdict.reason_count, 1);
}

static void judge__nobody_listens__says_what_connecting_met(void **state)
{
    (void)state;
    settings.target_word = ":80";
    outcome.control.refused = 5;
    tally_note(&outcome.tally, FAULT_TIMEOUT, WHERE_CONNECT, "connection 1: no connection in time");
    for (int i = 0; i < 2; i++)
        tally_note(&outcome.tally, FAULT_REFUSED, WHERE_CONNECT, "connection 2: connection refused");
    assert_int_equal(judge(), EXIT_CLIENTS);
    assert_string_equal(verdict.reasons[0],
                        "5 of 5 control clients could not connect to :80: connection refused");
}

static void judge__no_right_reply_and_no_other_finding__still_fails(void **state)
{
    (void)state;
    outcome.tally.messages_right = 0;
    assert_int_equal(judge(), EXIT_CLIENTS);
    assert_string_equal(verdict.reasons[0], "nobody had a right reply");
}

static void judge__modes_that_were_never_done__are_named_but_pass(void **state)
{
    (void)state;
    outcome.done[PLAN_RST] = outcome.done[PLAN_KILL9] = outcome.done[PLAN_OOB] = 0;
    assert_int_equal(judge(), EXIT_PASS);
    assert_int_equal(verdict.reason_count, 1);
    assert_string_equal(verdict.reasons[0], "never done: rst, kill9");
}

static void judge__one_client_and_kills_by_default__says_nothing_of_modes(void **state)
{
    (void)state;
    outcome.victims = 0;
    memset(outcome.done, 0, sizeof(outcome.done));
    judge();
    assert_int_equal(verdict.reason_count, 0);
    settings.plan.is_chosen = true;
    judge();
    assert_int_equal(verdict.reason_count, 1);
}

static void is_client_bound__busy_loop__is_said(void **state)
{
    (void)state;
    outcome.self.busy_share = 0.9;
    assert_false(verdict_is_client_bound(&outcome));
    outcome.self.busy_share = 0.95;
    assert_true(verdict_is_client_bound(&outcome));
}

static void judge__residue_threshold_and_doubt__in_their_order(void **state)
{
    fresh(state);
    settings.thresholds.count = 0;
    assert_int_equal(thresholds_add(&settings.thresholds, "rate<1"), 0);
    outcome.main_ns = 1;
    outcome.self = (struct selfcheck){.is_open_loop = true, .busy_share = 0.99};
    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(verdict.exit_code, EXIT_THRESHOLD);
    assert_int_equal(verdict.reason_count, 2);
    outcome.messages_per_s = 5;
    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(verdict.exit_code, EXIT_UNRELIABLE);
    assert_int_equal(verdict.kind, VERDICT_UNRELIABLE);
    assert_string_equal(verdict_name(verdict.kind), "UNRELIABLE");
    outcome.health = (struct health){.is_watched = true, .pid = 5};
    outcome.messages_per_s = 0;
    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(verdict.exit_code, EXIT_RESIDUE);
    assert_int_equal(verdict.kind, VERDICT_FAIL);
    outcome.self.is_open_loop = false;
    outcome.health.is_watched = false;
    settings.thresholds.count = 0;
    verdict_judge(&settings, &outcome, &verdict);
    assert_int_equal(verdict.exit_code, EXIT_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(judge__nothing_found__passes_without_a_word, fresh),
        cmocka_unit_test_setup(judge__each_finding_alone__has_its_code_and_sentence, fresh),
        cmocka_unit_test_setup(judge__no_recovery__is_code_5, fresh),
        cmocka_unit_test_setup(judge__victims_alone_unanswered_and_no_recovery__is_code_5, fresh),
        cmocka_unit_test_setup(judge__several_findings__the_first_code_of_the_order_wins, fresh),
        cmocka_unit_test_setup(judge__every_reply_equals_its_request__hints_at_an_echo_server, fresh),
        cmocka_unit_test_setup(judge__nothing_is_right__says_how_to_name_another_protocol, fresh),
        cmocka_unit_test_setup(judge__a_line_without_its_end_is_not_answered__says_so, fresh),
        cmocka_unit_test_setup(judge__nobody_listens__says_what_connecting_met, fresh),
        cmocka_unit_test_setup(judge__no_right_reply_and_no_other_finding__still_fails, fresh),
        cmocka_unit_test_setup(judge__modes_that_were_never_done__are_named_but_pass, fresh),
        cmocka_unit_test_setup(judge__one_client_and_kills_by_default__says_nothing_of_modes, fresh),
        cmocka_unit_test_setup(is_client_bound__busy_loop__is_said, fresh),
        cmocka_unit_test(judge__residue_threshold_and_doubt__in_their_order),
    };

    return cmocka_run_group_tests_name("loadtool verdict", tests, NULL, NULL);
}
