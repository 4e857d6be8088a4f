/* The words that the program takes instead of serving. */
#include "tests/support/cmocka_all.h"

#include "master/subcommand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char said[512]; /* on stderr */

static int run(const char *word)
{
    char copy[64];
    char *argv[] = {copy, NULL};
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    snprintf(copy, sizeof copy, "%s", word);
    assert_non_null(file);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    int code = subcommand_run(1, argv);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return code;
}

static void table__every_one__has_a_sentence_and_a_function_and_its_own_name(void **state)
{
    (void)state;
    assert_non_null(subcommand_at(0));
    for (size_t i = 0; subcommand_at(i); i++) {
        assert_non_null(subcommand_at(i)->run);
        assert_non_null(subcommand_at(i)->arguments);
        assert_int_equal(subcommand_at(i)->sentence[strlen(subcommand_at(i)->sentence) - 1], '.');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(subcommand_at(i)->name, subcommand_at(j)->name);
    }
}

static void run__typing_error__names_what_was_meant(void **state)
{
    (void)state;
    assert_int_equal(run("chekc"), EXIT_USAGE);
    assert_string_equal(said, "prefork-upper: \"chekc\": no such subcommand; did you mean check?\n");
}

static void run__unknown__points_to_help(void **state)
{
    (void)state;
    assert_int_equal(run("frobnicate"), EXIT_USAGE);
    assert_string_equal(said, "prefork-upper: \"frobnicate\": no such subcommand; --help lists them\n");
    assert_int_equal(run(""), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__every_one__has_a_sentence_and_a_function_and_its_own_name),
        cmocka_unit_test(run__typing_error__names_what_was_meant),
        cmocka_unit_test(run__unknown__points_to_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
