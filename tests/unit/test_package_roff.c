/* Man pages as they are written: nothing of a text is a request of roff. */
#include "tests/support/cmocka_all.h"

#include "master/package/roff.h"

#include <stdlib.h>
#include <string.h>

static char *page;
static size_t size;
static FILE *out;

static int begin(void **state)
{
    (void)state;
    out = open_memstream(&page, &size);
    return out ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(page);
    return 0;
}

static void expect(const char *text)
{
    assert_int_equal(fclose(out), 0);
    assert_string_equal(page, text);
}

static void title__in_capitals__without_a_date(void **state)
{
    (void)state;
    roff_begin(out, "prefork-upper", 8, "prefork-upper 0.1.0");
    expect(".\\\" Made from the table of options: do not edit.\n"
           ".TH \"PREFORK\\-UPPER\" 8 \"\" \"prefork\\-upper 0.1.0\"\n.nh\n.ad l\n");
}

static void text__what_roff_would_read__shows_as_it_is(void **state)
{
    (void)state;
    roff_text(out, ".so it's \\r\\n");
    roff_text(out, "'x' \"a\" `b` ^ ~ a-b");
    expect("\\&.so it\\(aqs \\er\\en\n\\(aqx\\(aq \\(dqa\\(dq \\(gab\\(ga \\(ha \\(ti a\\-b\n");
}

static void synopsis__a_line_of_its_own(void **state)
{
    (void)state;
    roff_synopsis(out, "my-tool", "[OPTION]...");
    expect("\\fBmy\\-tool\\fR \\fI[OPTION]...\\fR\n.br\n");
}

static void item__word_bold_argument_in_italics(void **state)
{
    (void)state;
    roff_item(out, "-w, --workers", "N", "So many.");
    roff_item(out, "-h", NULL, "Help.");
    expect(".TP\n\\fB\\-w, \\-\\-workers\\fR \\fIN\\fR\nSo many.\n.TP\n\\fB\\-h\\fR\nHelp.\n");
}

static void example__blanks_and_empty_lines_stay(void **state)
{
    (void)state;
    roff_begin_example(out);
    roff_example(out, "  a");
    roff_example(out, "");
    roff_example(out, ".b");
    roff_end_example(out);
    expect(".PP\n.nf\n\\&  a\n\\&\n\\&.b\n.fi\n");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(title__in_capitals__without_a_date),
        TEST(text__what_roff_would_read__shows_as_it_is),
        TEST(synopsis__a_line_of_its_own),
        TEST(item__word_bold_argument_in_italics),
        TEST(example__blanks_and_empty_lines_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
