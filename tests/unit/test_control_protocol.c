/* What is said at the control socket: requests, lines, replies; and what is none of them. */
#include "tests/support/cmocka_all.h"

#include "master/control_protocol.h"
#include "worker/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char why[CONTROL_SENTENCE_SIZE];

static struct control_request parse(const char *line)
{
    struct control_request request;

    assert_int_equal(control_request_parse(&request, line, why), 0);
    return request;
}

static void refuse(const char *line, const char *word)
{
    struct control_request request;

    why[0] = '\0';
    assert_int_equal(control_request_parse(&request, line, why), -EINVAL);
    assert_non_null(strstr(why, word));
}

static void request__each_verb__understood(void **state)
{
    (void)state;
    assert_int_equal(parse("status").verb, CONTROL_STATUS);
    assert_int_equal(parse("incidents").verb, CONTROL_INCIDENTS);
    assert_int_equal(parse("reload").verb, CONTROL_RELOAD);
    assert_int_equal(parse("scale 8").verb, CONTROL_SCALE);
    assert_int_equal(parse("scale 8").number, 8);
    assert_int_equal(parse("restart 0").verb, CONTROL_RESTART);
    assert_int_equal(parse("wait 4294967295").number, UINT32_MAX);
    assert_int_equal(parse("log debug").number, LOG_LEVEL_DEBUG);
    assert_int_equal(parse("fault off").verb, CONTROL_FAULT);
    assert_string_equal(parse("fault send:EINTR:1/2@0").text, "send:EINTR:1/2@0");
}

static void request__optional_words__said_whether_they_are_there(void **state)
{
    (void)state;
    assert_false(parse("drain").has_word);
    assert_true(parse("drain off").has_word);
    assert_false(parse("stop").has_word);
    assert_true(parse("stop now").has_word);
    assert_null(parse("upgrade").path);
}

static void request__path_with_blanks__is_the_rest_of_the_line(void **state)
{
    (void)state;
    assert_string_equal(parse("upgrade /a path/with  blanks ").path, "/a path/with  blanks ");
}

static void request__wrong_operands__refused_with_what_is_taken(void **state)
{
    (void)state;
    refuse("status now", "no operand");
    refuse("scale", "number");
    refuse("scale ", "number");
    refuse("scale 8x", "number");
    refuse("scale -1", "number");
    refuse("scale 4294967296", "number");
    refuse("scale 99999999999999999999999999999", "number");
    refuse("scale  8", "number");
    refuse("drain on", "off");
    refuse("stop later", "now");
    refuse("upgrade relative/path", "absolute");
    refuse("log loud", "error, warn");
    refuse("log", "error, warn");
    refuse("fault", "a text");
    refuse("fault ", "a text");
}

static void request__unknown_verb__named_and_cut(void **state)
{
    char line[CONTROL_LINE_BYTES_MAX];

    (void)state;
    refuse("", "\"\"");
    refuse("stat", "stat");
    refuse("statusx", "statusx");
    refuse(" status", "nothing");
    refuse("\033[2J\xff\x7fx", "\"?[2J??x\"");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    refuse(line, "xxx");
    assert_true(strlen(why) < 100);
}

static void line__none_yet__zero(void **state)
{
    char buffer[] = "status";

    (void)state;
    assert_int_equal(control_line_end(buffer, 0), 0);
    assert_int_equal(control_line_end(buffer, 6), 0);
}

static void line__two_in_the_buffer__the_first_one(void **state)
{
    char buffer[] = "status\nwait 3\n";

    (void)state;
    assert_int_equal(control_line_end(buffer, sizeof buffer - 1), 7);
    assert_string_equal(buffer, "status");
    assert_string_equal(buffer + 7, "wait 3\n");
}

static void line__of_a_terminal__carriage_return_gone(void **state)
{
    char buffer[] = "status\r\n", empty[] = "\n";

    (void)state;
    assert_int_equal(control_line_end(buffer, 8), 8);
    assert_string_equal(buffer, "status");
    assert_int_equal(control_line_end(empty, 1), 1);
    assert_string_equal(empty, "");
}

static void line__nul_within__made_visible(void **state)
{
    char buffer[] = "st\0p\n";

    (void)state;
    assert_int_equal(control_line_end(buffer, 5), 5);
    assert_string_equal(buffer, "st?p");
}

static struct control_reply reply(const char *line)
{
    struct control_reply parsed;

    control_reply_parse(&parsed, line);
    return parsed;
}

static void reply__each_kind__understood(void **state)
{
    (void)state;
    assert_int_equal(reply("attempt 7").kind, REPLY_ATTEMPT);
    assert_int_equal(reply("attempt 7").number, 7);
    struct control_reply log = reply("log warn event=worker_died slot=1");
    assert_int_equal(log.kind, REPLY_LOG);
    assert_memory_equal(log.word, "warn", log.word_length);
    assert_string_equal(log.text, "event=worker_died slot=1");
    assert_string_equal(reply("json {\"a\":1}").text, "{\"a\":1}");
    struct control_reply end = reply("end 1 no such slot");
    assert_int_equal(end.kind, REPLY_END);
    assert_int_equal(end.number, 1);
    assert_string_equal(end.text, "no such slot");
    assert_string_equal(reply("end 0").text, "");
    assert_string_equal(reply("log info").text, "");
}

static void reply__anything_else__unknown(void **state)
{
    static const char *const lines[] = {"",        "end",         "end x",   "end 256 too high",
                                        "end 1x",  "attempt",     "later",   "attempt ",
                                        "jsonx {", "attempt 1 2", "endless", "end -1"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(reply(lines[i]).kind, REPLY_UNKNOWN);
}

/* Every string of up to three bytes of those that mean something, in place of the operand: nothing breaks,
 * and what is taken for a number is one. */
static void request__all_short_operands__number_or_refused(void **state)
{
    static const char bytes[] = "09 -x\t\x7f\xff";
    char line[16];
    struct control_request request;

    (void)state;
    for (size_t a = 0; a < sizeof bytes; a++)
        for (size_t b = 0; b < sizeof bytes; b++)
            for (size_t c = 0; c < sizeof bytes; c++) {
                snprintf(line, sizeof line, "scale %c%c%c", bytes[a], bytes[b], bytes[c]);
                bool digits = line[6] && strspn(line + 6, "09") == strlen(line + 6);
                assert_int_equal(control_request_parse(&request, line, why), digits ? 0 : -EINVAL);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request__each_verb__understood),
        cmocka_unit_test(request__optional_words__said_whether_they_are_there),
        cmocka_unit_test(request__path_with_blanks__is_the_rest_of_the_line),
        cmocka_unit_test(request__wrong_operands__refused_with_what_is_taken),
        cmocka_unit_test(request__unknown_verb__named_and_cut),
        cmocka_unit_test(line__none_yet__zero),
        cmocka_unit_test(line__two_in_the_buffer__the_first_one),
        cmocka_unit_test(line__of_a_terminal__carriage_return_gone),
        cmocka_unit_test(line__nul_within__made_visible),
        cmocka_unit_test(reply__each_kind__understood),
        cmocka_unit_test(reply__anything_else__unknown),
        cmocka_unit_test(request__all_short_operands__number_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
