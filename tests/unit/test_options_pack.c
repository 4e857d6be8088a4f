/* Options in a form without pointers, and back. */
#include "tests/support/cmocka_all.h"

#include "master/options_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct options options;
static struct options_packed packed;

static int begin(void **state)
{
    static char name[] = "prefork-upper", w[] = "-w", three[] = "3", service[] = "--service=echo",
                file[] = "--pid-file=/tmp/a pid", level[] = "--log-level=warn"; /* options point into them */
    char *words[] = {name, w, three, service, file, level, NULL};

    (void)state;
    return options_parse(&options, 6, words);
}

static void packed__unpacked_elsewhere__all_as_it_was(void **state)
{
    struct options_packed *copy = malloc(sizeof *copy);
    struct options again;

    (void)state;
    assert_int_equal(options_pack(&packed, &options), 0);
    memcpy(copy, &packed, sizeof *copy);
    memset(&packed, 0xff, sizeof packed); /* nothing of the first one may be needed */
    options_unpack(&again, copy);
    assert_int_equal(again.worker_count, 3);
    assert_string_equal(again.service->name, "echo");
    assert_string_equal(again.pid_file, "/tmp/a pid");
    assert_string_equal(again.bind, options.bind);
    assert_int_equal(again.log_level, LOG_LEVEL_WARN);
    assert_null(again.log_file);
    assert_null(again.incident_dir);
    free(copy);
}

static void packed__no_pointer_is_left(void **state)
{
    (void)state;
    assert_int_equal(options_pack(&packed, &options), 0);
    assert_null(packed.options.bind);
    assert_null(packed.options.pid_file);
    assert_null(packed.options.service);
    assert_null(packed.options.texts);
}

static void texts__just_fit__and_one_byte_more__refused(void **state)
{
    static char text[OPTIONS_TEXT_BYTES + 1];
    struct options few = {.service = options.service};

    (void)state;
    memset(text, 'x', OPTIONS_TEXT_BYTES - 1);
    few.log_file = text;
    assert_int_equal(options_pack(&packed, &few), 0);
    text[OPTIONS_TEXT_BYTES - 1] = 'x';
    assert_int_equal(options_pack(&packed, &few), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packed__unpacked_elsewhere__all_as_it_was, begin),
        cmocka_unit_test_setup(packed__no_pointer_is_left, begin),
        cmocka_unit_test_setup(texts__just_fit__and_one_byte_more__refused, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
