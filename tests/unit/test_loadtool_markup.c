#include "loadtool/markup.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static char made[256];

static const char *through(void (*write)(FILE *out, const char *words), const char *words)
{
    FILE *out = fmemopen(made, sizeof(made), "w");

    write(out, words);
    fclose(out);
    return made;
}

static void xml__what_it_would_act_on__is_named(void **state)
{
    (void)state;
    assert_string_equal(through(markup_write_xml, "a<b> & \"c\" 'd'\n"),
                        "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\n");
}

static void xml__what_it_cannot_hold__is_replaced(void **state)
{
    (void)state;
    assert_string_equal(through(markup_write_xml, "\x01\x7f"), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(through(markup_write_xml, "\xff"
                                                  "a\xc3"),
                        "\xef\xbf\xbd"
                        "a\xef\xbf\xbd");
    assert_string_equal(through(markup_write_xml, "\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
    assert_string_equal(through(markup_write_xml, "\xed\xa0\x80"),
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* half of a pair */
    assert_string_equal(through(markup_write_xml, "\xef\xbf\xbf"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void xml__good_utf8__stays(void **state)
{
    (void)state;
    assert_string_equal(through(markup_write_xml, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
                        "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void cell__bars_and_line_ends__do_not_end_it(void **state)
{
    (void)state;
    assert_string_equal(through(markup_write_cell, "a|b\nc *d* <e>"), "a\\|b c \\*d\\* &lt;e&gt;");
}

static void label__quotes__do_not_end_it(void **state)
{
    (void)state;
    assert_string_equal(through(markup_write_label, "a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

static void clean__too_long__is_cut_between_characters(void **state)
{
    char words[6];

    (void)state;
    assert_string_equal(markup_clean(words, sizeof(words), "a\nb\xe2\x82\xac"), "a b");
    assert_string_equal(markup_clean(words, sizeof(words),
                                     "\xe2\x82\xac"
                                     "ab"),
                        "\xe2\x82\xac"
                        "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml__what_it_would_act_on__is_named),
        cmocka_unit_test(xml__what_it_cannot_hold__is_replaced),
        cmocka_unit_test(xml__good_utf8__stays),
        cmocka_unit_test(cell__bars_and_line_ends__do_not_end_it),
        cmocka_unit_test(label__quotes__do_not_end_it),
        cmocka_unit_test(clean__too_long__is_cut_between_characters),
    };

    return cmocka_run_group_tests_name("loadtool markup", tests, NULL, NULL);
}
