/* Events as lines: text, JSON, and what the journal wants. Whatever the text, the JSON must be JSON. */
#include "tests/support/cmocka_all.h"

#include "master/logformat.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static char out[LOGFORMAT_LINE_SIZE + 1];

static const char *format(enum log_format how, bool for_journal, enum log_level level, const char *text)
{
    struct log_line line = {
        .level = level, .time_ns = 1790000000123456789, .text = text, .text_length = strlen(text)};
    size_t length = logformat_line(out, how, for_journal, &line);

    assert_true(length > 0 && length <= LOGFORMAT_LINE_SIZE);
    out[length] = '\0';
    assert_ptr_equal(strchr(out, '\n'), out + length - 1); /* one line */
    return out;
}

/* The JSON of a text behind time and level. */
static void check_json(const char *text, const char *expected)
{
    char whole[LOGFORMAT_LINE_SIZE];

    snprintf(whole, sizeof whole, "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"info\"%s}\n", expected);
    assert_string_equal(format(LOG_FORMAT_JSON, false, LOG_LEVEL_INFO, text), whole);
}

static void text__time_level_and_the_event_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(format(LOG_FORMAT_TEXT, false, LOG_LEVEL_INFO, "event=serving try=\"a b\""),
                        "2026-09-21T14:13:20.123Z info  event=serving try=\"a b\"\n");
    assert_string_equal(format(LOG_FORMAT_TEXT, false, LOG_LEVEL_ERROR, ""),
                        "2026-09-21T14:13:20.123Z error \n");
}

static void journal__priority_instead_of_time_and_level(void **state)
{
    (void)state;
    assert_string_equal(format(LOG_FORMAT_TEXT, true, LOG_LEVEL_ERROR, "event=a"), "<3>event=a\n");
    assert_string_equal(format(LOG_FORMAT_TEXT, true, LOG_LEVEL_WARN, "event=a"), "<4>event=a\n");
    assert_string_equal(format(LOG_FORMAT_TEXT, true, LOG_LEVEL_INFO, "event=a"), "<6>event=a\n");
    assert_string_equal(format(LOG_FORMAT_TEXT, true, LOG_LEVEL_DEBUG, "event=a"), "<7>event=a\n");
    assert_string_equal(format(LOG_FORMAT_JSON, true, LOG_LEVEL_WARN, "event=a"),
                        "<4>{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"warn\",\"event\":\"a\"}\n");
}

static void json__keys__in_order_numbers_as_numbers(void **state)
{
    (void)state;
    check_json("event=worker_died slot=0 gap_ms=0.705 cause=SIGKILL",
               ",\"event\":\"worker_died\",\"slot\":0,\"gap_ms\":0.705,\"cause\":\"SIGKILL\"");
    check_json("z=1 a=2", ",\"z\":1,\"a\":2");
    check_json("  event=x   y=1  ", ",\"event\":\"x\",\"y\":1");
    check_json("", "");
}

static void json__what_is_no_plain_number__a_string(void **state)
{
    (void)state;
    check_json("a=-12 b=0 c=-0.50 d=18446744073709551615",
               ",\"a\":-12,\"b\":0,\"c\":-0.50,\"d\":18446744073709551615");
    check_json(
        "a=007 b=+1 c=1. d=.5 e=1e3 f=0x10 g=- h=1.2.3 i=-. j=",
        ",\"a\":\"007\",\"b\":\"+1\",\"c\":\"1.\",\"d\":\".5\",\"e\":\"1e3\",\"f\":\"0x10\",\"g\":\"-\","
        "\"h\":\"1.2.3\",\"i\":\"-.\",\"j\":\"\"");
    check_json("a=\"12\" peer=127.0.0.1:80 text=NaN",
               ",\"a\":\"12\",\"peer\":\"127.0.0.1:80\",\"text\":\"NaN\"");
}

static void json__quoted_values__without_quotes_and_escapes_of_the_text(void **state)
{
    (void)state;
    check_json("try=\"nc 127.0.0.1 80\" n=1", ",\"try\":\"nc 127.0.0.1 80\",\"n\":1");
    check_json("a=\"say \\\"hi\\\" \\\\ \\n\"", ",\"a\":\"say \\\"hi\\\" \\\\ \\n\"");
    check_json("a=\"\\x00\\x01\\x7f\\x1b\"", ",\"a\":\"\\u0000\\u0001\\u007f\\u001b\"");
    check_json("a=\"\" b=\"=\"", ",\"a\":\"\",\"b\":\"=\"");
    check_json("a=b\"c\\d", ",\"a\":\"b\\\"c\\\\d\""); /* no escape outside quotes */
}

/* log_quote() writes what is not ASCII byte by byte. */
static void json__utf8__whole_characters_and_a_mark_for_the_rest(void **state)
{
    (void)state;
    check_json("a=\"\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80\"",
               ",\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    /* The first and the last one of the leads that have bounds of their own. */
    check_json("a=\"\\xe0\\xa0\\x80\\xed\\x9f\\xbf\"", ",\"a\":\"\xe0\xa0\x80\xed\x9f\xbf\"");
    check_json("a=\"\\xf0\\x90\\x80\\x80\\xf4\\x8f\\xbf\\xbf\"",
               ",\"a\":\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
    check_json("a=\"\\xff\\xc3(\\x80\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\"");
    /* An overlong slash, a surrogate, beyond U+10FFFF, cut off. */
    check_json("a=\"\\xc0\\xaf\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("a=\"\\xed\\xa0\\x80\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("a=\"\\xe0\\x80\\x80\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("a=\"\\xf4\\x90\\x80\\x80\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("a=\"\\xf0\\x80\\x80\\x80\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("a=\"\\xf8\\xe2\\x82\"", ",\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void json__cut_off_text__what_there_is(void **state)
{
    (void)state;
    check_json("event=a why=\"no room...", ",\"event\":\"a\",\"why\":\"no room...\"");
    check_json("event=a why=\"no \\x4", ",\"event\":\"a\",\"why\":\"no \\\\x4\"");
    check_json("event=a why=\"no \\", ",\"event\":\"a\",\"why\":\"no \\\\\"");
    check_json("event=a why=\"", ",\"event\":\"a\",\"why\":\"\"");
    check_json("event=a why=", ",\"event\":\"a\",\"why\":\"\"");
    check_json("event=a wh...", ",\"event\":\"a\",\"text\":\"wh...\"");
}

static void json__no_pair__the_rest_is_text(void **state)
{
    (void)state;
    check_json("hello, \"world\"", ",\"text\":\"hello, \\\"world\\\"\"");
    check_json("event=a \"b\" c=1", ",\"event\":\"a\",\"text\":\"\\\"b\\\" c=1\"");
    check_json("a=\"b\"c d=1", ",\"a\":\"b\",\"text\":\"c d=1\"");
    check_json("=1", ",\"text\":\"=1\"");
    check_json("a-b=1", ",\"text\":\"a-b=1\"");
}

static void json__keys_of_the_line_itself__not_twice(void **state)
{
    (void)state;
    check_json("event=log_level level=debug time=1",
               ",\"event\":\"log_level\",\"level_\":\"debug\",\"time_\":1");
}

/* Returns how long the line is. */
static size_t check_valid(const char *text, size_t length)
{
    struct log_line line = {
        .level = LOG_LEVEL_DEBUG, .time_ns = INT64_MAX, .text = text, .text_length = length};
    json_error_t error;
    size_t written = logformat_line(out, LOG_FORMAT_JSON, true, &line);

    assert_true(written <= LOGFORMAT_LINE_SIZE);
    assert_ptr_equal(memchr(out, '\n', written), out + written - 1);
    json_t *object = json_loadb(out + 3, written - 3, JSON_ALLOW_NUL, &error);
    /* A number beyond 64 bits is JSON; that jansson cannot hold it is its own affair. */
    if (!object && json_error_code(&error) != json_error_numeric_overflow)
        fail_msg("%s at %d: %.*s", error.text, error.position, (int)written, out);
    if (object)
        assert_true(json_is_object(object));
    json_decref(object);
    return written;
}

/* The longest texts that grow most, so that all of each is there. */
static void json__texts_that_grow_most__fit(void **state)
{
    static const char *const units[] = {"a= ", "a=\"\" ", "a=\"",  "time= ",       "\"",
                                        "\\",  "a=\\ ",   "\\x01", "a=\"\\x01\" ", "0=0 "};
    char text[LOG_TEXT_LENGTH_MAX];

    (void)state;
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = units[unit][i % strlen(units[unit])];
        check_valid(text, sizeof text);
        /* Nothing was left out: a key more at the end is there. */
        memcpy(text + sizeof text - 13, "\" last_key=1 ", 13);
        size_t written = check_valid(text, sizeof text);

        assert_non_null(memmem(out, written, "last_key", 8));
    }
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 16;
}

/* Words of the grammar and bytes of every kind in any order. */
static void json__random_texts__always_valid(void **state)
{
    static const char *const pieces[] = {"event=", "key=",  " ",     "\"", "\\",   "\\x", "\\n",
                                         "ff",     "c3",    "\\xe2", "=",  "-",    ".",   "0",
                                         "12",     "time=", "...",   "a",  "\xc3", "\x80"};
    uint32_t random = 4711;
    char text[LOG_TEXT_LENGTH_MAX];

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t length = 0, wanted = next_random(&random) % (round % 50 ? 64 : sizeof text);

        while (length < wanted) {
            const char *piece = pieces[next_random(&random) % (sizeof pieces / sizeof pieces[0])];

            if (next_random(&random) % 16 == 0)
                text[length++] = (char)next_random(&random);
            for (; *piece && length < wanted; piece++)
                text[length++] = *piece;
        }
        check_valid(text, length);
    }
}

/* Out of the contract, and still no more than a shorter object. */
static void json__control_bytes_everywhere__pairs_that_do_not_fit_left_out(void **state)
{
    char text[LOG_TEXT_LENGTH_MAX];

    (void)state;
    memset(text, '\x01', sizeof text);
    memcpy(text, "event=a b=", 10);
    size_t written = check_valid(text, sizeof text);

    assert_non_null(memmem(out, written, "\"event\":\"a\"}", 12));
}

static void format__words__there_or_refused(void **state)
{
    enum log_format how = LOG_FORMAT_TEXT;

    (void)state;
    assert_int_equal(log_format_parse("json", &how), 0);
    assert_int_equal(how, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("text", &how), 0);
    assert_int_equal(how, LOG_FORMAT_TEXT);
    assert_int_equal(log_format_parse("JSON", &how), -EINVAL);
    assert_int_equal(log_format_parse("", &how), -EINVAL);
    assert_int_equal(how, LOG_FORMAT_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__time_level_and_the_event_as_it_is),
        cmocka_unit_test(journal__priority_instead_of_time_and_level),
        cmocka_unit_test(json__keys__in_order_numbers_as_numbers),
        cmocka_unit_test(json__what_is_no_plain_number__a_string),
        cmocka_unit_test(json__quoted_values__without_quotes_and_escapes_of_the_text),
        cmocka_unit_test(json__utf8__whole_characters_and_a_mark_for_the_rest),
        cmocka_unit_test(json__cut_off_text__what_there_is),
        cmocka_unit_test(json__no_pair__the_rest_is_text),
        cmocka_unit_test(json__keys_of_the_line_itself__not_twice),
        cmocka_unit_test(json__texts_that_grow_most__fit),
        cmocka_unit_test(json__random_texts__always_valid),
        cmocka_unit_test(json__control_bytes_everywhere__pairs_that_do_not_fit_left_out),
        cmocka_unit_test(format__words__there_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
