/* The command line of the subcommands that talk to a server. */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ctl_options options;
static char said[4096];
static int kept[2], captured;

/* What is printed meanwhile, on either stream. */
static void begin_capture(void)
{
    fflush(stdout);
    kept[0] = dup(STDOUT_FILENO);
    kept[1] = dup(STDERR_FILENO);
    captured = memfd_create("said", MFD_CLOEXEC);
    dup2(captured, STDOUT_FILENO);
    dup2(captured, STDERR_FILENO);
}

static void end_capture(void)
{
    fflush(stdout);
    dup2(kept[0], STDOUT_FILENO);
    dup2(kept[1], STDERR_FILENO);
    close(kept[0]);
    close(kept[1]);
    ssize_t length = pread(captured, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    close(captured);
}

static int parse(unsigned flags, enum ctl_operand operand, int argc, const char *const argv[])
{
    char copies[8][300], *pointers[9] = {0};

    for (int i = 0; i < argc; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", argv[i]);
        pointers[i] = copies[i];
    }
    begin_capture();
    int code = ctl_options_parse(&options, argc, pointers, flags, operand);
    end_capture();
    if (options.operand) { /* it points into the copies */
        static char text[300];
        snprintf(text, sizeof text, "%s", options.operand);
        options.operand = text;
    }
    return code;
}

#define PARSE(flags, operand, ...)                                                                           \
    parse(flags, operand, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                       \
          (const char *const[]){__VA_ARGS__})

static void expect(const char *words)
{
    if (!strstr(said, words))
        fail_msg("no \"%s\" in: %s", words, said);
}

static void nothing_given__defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE(CTL_JSON, CTL_NO_OPERAND, "status"), -1);
    assert_string_equal(options.command, "status");
    assert_null(options.control);
    assert_null(options.operand);
    assert_int_equal(options.timeout_ms, 30000);
    assert_int_equal(options.flags, 0);
    assert_string_equal(said, "");
}

static void operand__options_before_and_behind__all_taken(void **state)
{
    (void)state;
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "--timeout", "2s", "8", "--control=/x"), -1);
    assert_string_equal(options.operand, "8");
    assert_int_equal(options.timeout_ms, 2000);
    assert_non_null(options.control);
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "--timeout=0", "--", "4294967295"), -1);
    assert_string_equal(options.operand, "4294967295");
    assert_int_equal(options.timeout_ms, 0);
}

static void flags__each_for_those_that_take_it(void **state)
{
    (void)state;
    assert_int_equal(PARSE(CTL_JSON | CTL_CONNECTIONS, CTL_NO_OPERAND, "status", "--json", "--conn"), -1);
    assert_int_equal(options.flags, CTL_JSON | CTL_CONNECTIONS);
    assert_int_equal(PARSE(CTL_OFF, CTL_NO_OPERAND, "drain", "--off"), -1);
    assert_int_equal(options.flags, CTL_OFF);
    assert_int_equal(PARSE(CTL_JSON, CTL_NO_OPERAND, "status", "--off"), EXIT_USAGE);
    expect("prefork-upper status: --off: no such option");
}

static void wrong__each_kind__usage_and_one_line(void **state)
{
    (void)state;
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "--frob"), EXIT_USAGE);
    expect("--frob: no such option");
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "-x"), EXIT_USAGE);
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "--control"), EXIT_USAGE);
    expect("--control: a value is missing");
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "--control="), EXIT_USAGE);
    expect("a path is accepted");
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "--timeout", "soon"), EXIT_USAGE);
    expect("soon: --timeout takes a time");
    assert_int_equal(PARSE(CTL_JSON, CTL_NO_OPERAND, "status", "--json=yes"), EXIT_USAGE);
    expect("--json=yes: it takes no value");
    assert_int_equal(PARSE(CTL_JSON, CTL_NO_OPERAND, "status", "-xj"), EXIT_USAGE);
    expect("-x: no such option here");
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "-1"), EXIT_USAGE);
    expect("-1: a whole number is accepted, without a sign");
    assert_int_equal(PARSE(0, CTL_NO_OPERAND, "reload", "now"), EXIT_USAGE);
    expect("now: takes no operand");
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void wrong__operands__usage_and_what_is_accepted(void **state)
{
    static const char *const numbers[] = {"", "-1", "x", "8x", "4294967296", "+1", " 1"};

    (void)state;
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale"), EXIT_USAGE);
    expect("scale: N is missing: a whole number is accepted");
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "1", "2"), EXIT_USAGE);
    expect("2: one operand too many");
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "1", "--", "2"), EXIT_USAGE);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "--", numbers[i]), EXIT_USAGE);
    assert_int_equal(PARSE(0, CTL_LEVEL, "log"), EXIT_USAGE);
    expect("log: LEVEL is missing: one of error, warn, info, debug");
    assert_int_equal(PARSE(0, CTL_LEVEL, "log", "loud"), EXIT_USAGE);
    expect("loud: one of error, warn");
    assert_int_equal(PARSE(0, CTL_LEVEL, "log", "debug"), -1);
    assert_int_equal(PARSE(0, CTL_SPEC, "fault"), EXIT_USAGE);
    expect("fault: SPEC|off|list is missing");
    assert_int_equal(PARSE(0, CTL_SPEC, "fault", ""), EXIT_USAGE);
    assert_int_equal(PARSE(0, CTL_SPEC, "fault", "off\noff"), EXIT_USAGE);
    expect("one line of at most 255 bytes");
    char long_spec[300];
    memset(long_spec, 'x', sizeof long_spec - 1);
    long_spec[sizeof long_spec - 1] = '\0';
    assert_int_equal(PARSE(0, CTL_SPEC, "fault", long_spec), EXIT_USAGE);
    expect("one line of at most 255 bytes");
    assert_int_equal(PARSE(0, CTL_SPEC, "fault", "off"), -1);
    assert_int_equal(PARSE(0, CTL_MAYBE_PATH, "upgrade", ""), EXIT_USAGE);
    assert_int_equal(PARSE(0, CTL_MAYBE_PATH, "upgrade"), -1);
    assert_int_equal(PARSE(0, CTL_MAYBE_PATH, "upgrade", "./new"), -1);
}

static void help__usage_options_and_codes(void **state)
{
    (void)state;
    assert_int_equal(PARSE(CTL_JSON | CTL_CONNECTIONS, CTL_NO_OPERAND, "status", "--help"), EXIT_DONE);
    expect("Usage: prefork-upper status [--json] [--connections]");
    expect("--connections");
    expect("--timeout TIME");
    expect("75 not done");
    assert_null(strstr(said, "--off"));
    assert_int_equal(PARSE(0, CTL_NUMBER, "scale", "-h"), EXIT_DONE);
    expect("Usage: prefork-upper scale N");
}

/* What completion and man page are made of. */
static void table__to_the_last_option__each_with_a_sentence(void **state)
{
    size_t count = 0;

    (void)state;
    for (; ctl_option_at(count); count++)
        assert_true(ctl_option_at(count)->name[0] && ctl_option_at(count)->sentence[0]);
    assert_true(count >= 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given__defaults),
        cmocka_unit_test(operand__options_before_and_behind__all_taken),
        cmocka_unit_test(flags__each_for_those_that_take_it),
        cmocka_unit_test(wrong__each_kind__usage_and_one_line),
        cmocka_unit_test(wrong__operands__usage_and_what_is_accepted),
        cmocka_unit_test(help__usage_options_and_codes),
        cmocka_unit_test(table__to_the_last_option__each_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
