/* Where the reports of a run of the load tool go, and what becomes of those that cannot be written. */
/* wrap: child_is_wanted child_run options_parse target_resolve descriptors_provide engine_run */
/* wrap: health_look health_wait verdict_judge report_write_text report_write_json progress_clear */
/* wrap: progress_columns open_memstream */
#include "tests/unit/test_loadtool_main.h"

static void json__to_stdout__the_text_makes_room(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "-";
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<json>");
    assert_string_equal(complained, "<text 94>");
}

static void csv__to_stdout__the_text_makes_room(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = "-";
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<csv>");
    assert_string_equal(complained, "<text 94>");
}

static void json__to_a_file__whole(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = in_directory("json");
    verdict_code = EXIT_CLIENTS;
    assert_int_equal(start(), EXIT_CLIENTS);
    assert_string_equal(said, "<text 93>");
    expect_file(given.output_paths[OUTPUT_JSON], "<json>");
}

static void csv__to_a_file__whole(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = in_directory("csv");
    assert_int_equal(start(), EXIT_PASS);
    assert_string_equal(said, "<text 93>");
    expect_file(given.output_paths[OUTPUT_CSV], "<csv>");
}

static void outputs__cannot_be_opened__2_before_the_run(void **state)
{
    char words[SAID_BYTES];

    (void)state;
    given.output_paths[OUTPUT_JSON] = in_directory("no/json");
    assert_int_equal(start(), EXIT_USAGE);
    snprintf(words, sizeof(words), "loadtool: --json %s: No such file or directory\n",
             given.output_paths[OUTPUT_JSON]);
    assert_string_equal(complained, words);
    assert_string_equal(calls, "options target descriptors");
    given.output_paths[OUTPUT_JSON] = NULL;
    given.output_paths[OUTPUT_CSV] = in_directory("no/csv");
    assert_int_equal(start(), EXIT_USAGE);
    snprintf(words, sizeof(words), "loadtool: --csv %s: No such file or directory\n",
             given.output_paths[OUTPUT_CSV]);
    assert_string_equal(complained, words);
    assert_string_equal(calls, "options target descriptors");
}

/* Whoever reads the file must not take half a report for a whole one. */
static void outputs__no_room__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "/dev/full";
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --json /dev/full: No space left on device\n");
    verdict_code = EXIT_BYTES;
    assert_int_equal(start(), EXIT_BYTES);
    given.output_paths[OUTPUT_JSON] = NULL;
    given.output_paths[OUTPUT_CSV] = "/dev/full";
    assert_int_equal(start(), EXIT_BYTES);
    verdict_code = EXIT_PASS;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained, "loadtool: --csv /dev/full: No space left on device\n");
}

static void outputs__json_cannot_be_made__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_JSON] = "-";
    failing = "json";
    code_of_failing = -ENOMEM;
    assert_int_equal(start(), EXIT_USAGE);
    assert_string_equal(complained,
                        "<text 94>loadtool: the JSON could not be written: Cannot allocate memory\n");
    verdict_code = EXIT_RECOVERY;
    assert_int_equal(start(), EXIT_RECOVERY);
}

static void outputs__text_cannot_be_written__2_unless_the_verdict_is_worse(void **state)
{
    (void)state;
    assert_int_equal(run_without_room(), EXIT_USAGE);
    verdict_code = EXIT_RESIDUE;
    assert_int_equal(run_without_room(), EXIT_RESIDUE);
}

static void outputs__csv_on_a_full_stdout__2(void **state)
{
    (void)state;
    given.output_paths[OUTPUT_CSV] = "-";
    assert_int_equal(run_without_room(), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json__to_stdout__the_text_makes_room),
        TEST(csv__to_stdout__the_text_makes_room),
        TEST(json__to_a_file__whole),
        TEST(csv__to_a_file__whole),
        TEST(outputs__cannot_be_opened__2_before_the_run),
        TEST(outputs__no_room__2_unless_the_verdict_is_worse),
        TEST(outputs__json_cannot_be_made__2_unless_the_verdict_is_worse),
        TEST(outputs__text_cannot_be_written__2_unless_the_verdict_is_worse),
        TEST(outputs__csv_on_a_full_stdout__2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
