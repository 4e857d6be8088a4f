/* How near words are. */
#include "tests/support/cmocka_all.h"

#include "master/spelling.h"

#include <string.h>

static unsigned between(const char *a, const char *b)
{
    return spelling_distance(a, strlen(a), b);
}

static void distance__same_or_nearly__counted_by_letters(void **state)
{
    (void)state;
    assert_int_equal(between("reload", "reload"), 0);
    assert_int_equal(between("relod", "reload"), 1);
    assert_int_equal(between("reloads", "reload"), 1);
    assert_int_equal(between("reLoad", "reload"), 1);
    assert_int_equal(between("erload", "reload"), 2); /* swapped: two changes */
    assert_int_equal(between("", "abc"), 3);
    assert_int_equal(spelling_distance("bind=x", 4, "bind"), 0); /* a part of a word */
}

static void distance__too_long__like_nothing(void **state)
{
    char word[SPELLING_WORD_SIZE + 1];

    (void)state;
    memset(word, 'x', sizeof word);
    word[SPELLING_WORD_SIZE] = '\0';
    assert_true(between(word, word) > SPELLING_DISTANCE_MAX);
    assert_true(between("a", word) > SPELLING_DISTANCE_MAX);
    word[SPELLING_WORD_SIZE - 1] = '\0';
    assert_int_equal(between(word, word), 0);
}

static void slip__short_word__not_wrong_in_half_of_it_from_the_beginning(void **state)
{
    (void)state;
    assert_int_equal(spelling_slip("prot", 4, "port"), 2); /* swapped */
    assert_int_equal(spelling_slip("bort", 4, "port"), 1);
    assert_true(spelling_slip("port", 4, "core") > SPELLING_DISTANCE_MAX);
    assert_true(spelling_slip("foo", 3, "top") > SPELLING_DISTANCE_MAX);
    assert_int_equal(spelling_slip("erload", 6, "reload"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance__same_or_nearly__counted_by_letters),
        cmocka_unit_test(distance__too_long__like_nothing),
        cmocka_unit_test(slip__short_word__not_wrong_in_half_of_it_from_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
