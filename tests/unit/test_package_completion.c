/* The completion that is written; that bash does with it what is meant is tested in bash (tests/e2e/test_package.py). */
#include "tests/support/cmocka_all.h"

#include "master/package/completion.h"

#include <stdlib.h>
#include <string.h>

static struct completion completion;
static char *text;

static int begin(void **state)
{
    (void)state;
    completion = (struct completion){.program = "my-tool"};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return 0;
}

static void add(const char *name, int letter, const char *argument)
{
    struct completion_option *option = &completion.options[completion.option_count++];

    *option = (struct completion_option){.letter = letter};
    snprintf(option->name, sizeof option->name, "%s", name);
    snprintf(option->argument, sizeof option->argument, "%s", argument);
}

static void expect(const char *line)
{
    size_t size;

    free(text);
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    completion_write_bash(out, &completion);
    fclose(out);
    if (!strstr(text, line))
        fail_msg("no \"%s\" in: %s", line, text);
}

static void words__of_a_sentence__with_blanks_between(void **state)
{
    char words[COMPLETION_WORDS_SIZE];

    (void)state;
    completion_take_words("one of error, warn, info", words);
    assert_string_equal(words, "error warn info");
    completion_take_words("text or json", words);
    assert_string_equal(words, "text json");
    completion_take_words("", words);
    assert_string_equal(words, "");
}

static void words__too_many__those_that_fit(void **state)
{
    char sentence[2 * COMPLETION_WORDS_SIZE], words[COMPLETION_WORDS_SIZE];

    (void)state;
    memset(sentence, 'a', sizeof sentence);
    for (size_t i = 10; i < sizeof sentence; i += 11)
        sentence[i] = ' ';
    sentence[sizeof sentence - 1] = '\0';
    completion_take_words(sentence, words);
    assert_true(strlen(words) < COMPLETION_WORDS_SIZE && strlen(words) > COMPLETION_WORDS_SIZE - 12);
    assert_int_equal((strlen(words) + 1) % 11, 0); /* whole words */
}

static void option__completed_by_what_its_argument_is_called(void **state)
{
    (void)state;
    add("config", 'c', "FILE");
    add("control", 0, "PATH|off");
    add("incident-dir", 0, "DIR");
    add("batch", 0, "on|off");
    add("workers", 'w', "N");
    add("core", 0, "");
    expect("    -c | --config) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
           "\"$word\"); "
           "return ;;\n");
    expect("compgen -f -W 'off' -- \"$word\"");
    expect("compgen -d -- \"$word\"");
    expect("    --batch) mapfile -t COMPREPLY < <(compgen -W 'on off' -- \"$word\"); return ;;\n");
    expect("    -w | --workers) return ;;\n");
    expect("options='--config --control --incident-dir --batch --workers --core'\n");
    assert_null(strstr(text, "--core)"));
    expect("complete -F _my_tool my-tool\n");
}

static void option__of_subcommands_alone__completed_but_not_offered(void **state)
{
    (void)state;
    add("core", 0, "");
    add("fix-file", 0, "PATH");
    completion.options[1].of_subcommand = true;
    expect("options='--core'\n");
    expect("--fix-file) compopt");
}

static void option__list__last_element_is_completed(void **state)
{
    (void)state;
    add("kill", 0, "MODES");
    strcpy(completion.options[0].words, "fin rst");
    completion.options[0].is_list = true;
    expect("compgen -W 'fin rst' -P \"${word%\"${word##*,}\"}\" -- \"${word##*,}\"");
}

static void subcommand__options_and_operands_of_its_arguments(void **state)
{
    (void)state;
    completion.subcommands[0] = (struct completion_subcommand){
        .name = "doctor", .arguments = "[--fix-file PATH] [--json] [OPTION]...", .takes_options = true};
    completion.subcommands[1] =
        (struct completion_subcommand){.name = "fault", .arguments = "SPEC|off|list", .more = "--help"};
    completion.subcommands[2] =
        (struct completion_subcommand){.name = "log", .arguments = "LEVEL", .words = "warn info"};
    completion.subcommands[3] = (struct completion_subcommand){.name = "upgrade", .arguments = "[BINARY]"};
    completion.subcommand_count = 4;
    expect("words='doctor fault log upgrade'\n");
    expect("        doctor) options=\"$options --fix-file --json\" words='' flags= ;;\n");
    expect("        fault) options=\"--help\" words='off list' flags= ;;\n");
    expect("        log) options=\"\" words='warn info' flags= ;;\n");
    expect("        upgrade) options=\"\" words='' flags=-f ;;\n");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(words__of_a_sentence__with_blanks_between),
        TEST(words__too_many__those_that_fit),
        TEST(option__completed_by_what_its_argument_is_called),
        TEST(option__of_subcommands_alone__completed_but_not_offered),
        TEST(option__list__last_element_is_completed),
        TEST(subcommand__options_and_operands_of_its_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
