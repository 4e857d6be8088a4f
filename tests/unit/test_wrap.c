/* Words in lines. */
#include "tests/support/cmocka_all.h"

#include "master/wrap.h"

#include <stdlib.h>
#include <string.h>

static char *text;

static size_t wrap(const char *words, size_t column, size_t indent)
{
    size_t size;

    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    wrap_words(out, words, &column, indent);
    fclose(out);
    return column;
}

static void words__that_fit__stand_in_one_line(void **state)
{
    (void)state;
    assert_int_equal(wrap("one two  three", 0, 4), 17);
    assert_string_equal(text, "    one two three");
    assert_int_equal(wrap("", 3, 4), 3);
    assert_string_equal(text, "");
}

static void words__that_do_not_fit__go_on_below_the_first(void **state)
{
    char word[70];

    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    char *words = NULL;

    assert_true(asprintf(&words, "%s seven 8", word) > 0);
    assert_int_equal(wrap(words, 0, 4), 5);
    assert_string_equal(strchr(text, '\n'), "\n    8"); /* 4 + 69 + 1 + 5 is a line that is just full */
    assert_int_equal(strchr(text, '\n') - text, WRAP_LINE_WIDTH);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words__that_fit__stand_in_one_line),
        cmocka_unit_test(words__that_do_not_fit__go_on_below_the_first),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
