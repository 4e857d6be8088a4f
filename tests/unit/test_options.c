/* The command line: values, defaults, and one line for whatever is wrong. */
#include "tests/support/cmocka_all.h"

#include "master/options.h"
#include "master/options_table.h"
#include "worker/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENT_COUNT_MAX 40

static struct options options;
static char output[16384]; /* what was printed */

/* Runs options_parse over words separated by single spaces ("''" stands for an empty word) with one of stdout
 * and stderr going to `fd`. */
static int parse_into(int fd, int std_fd, const char *line)
{
    static char words[1024];
    char *argv[ARGUMENT_COUNT_MAX + 1] = {NULL};
    int argc = 0;
    char *rest = words;

    snprintf(words, sizeof words, "prefork-upper %s", line);
    for (char *word; argc < ARGUMENT_COUNT_MAX && (word = strsep(&rest, " "));) {
        if (strcmp(word, "''") == 0)
            word += 2;
        else if (*word == '\0')
            continue;
        argv[argc++] = word;
    }

    int saved = dup(std_fd);

    assert_true(saved >= 0 && dup2(fd, std_fd) >= 0);
    int result = options_parse(&options, argc, argv);
    dup2(saved, std_fd);
    close(saved);
    return result;
}

static int parse(const char *line)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    int result = parse_into(fileno(file), STDERR_FILENO, line);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return result;
}

static void check_parsed(const char *line)
{
    if (parse(line) != 0)
        fail_msg("\"%s\": %s", line, output);
    assert_string_equal(output, "");
}

static void check_refused(const char *line, const char *expected)
{
    assert_int_equal(parse(line), OPTIONS_USAGE);
    if (!strstr(output, expected))
        fail_msg("\"%s\": \"%s\" lacks \"%s\"", line, output, expected);
    assert_int_equal(strncmp(output, "prefork-upper: ", 15), 0);
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1); /* one line */
}

static void parse__nothing__the_defaults(void **state)
{
    (void)state;
    check_parsed("");
    assert_true(options.worker_count >= 1 && options.worker_count <= SLOT_COUNT_MAX);
    assert_string_equal(options.bind, "127.0.0.1:9999");
    assert_int_equal(options.backlog, 4096);
    assert_int_equal(options.max_connections, CONNECTION_COUNT_DEFAULT);
    assert_false(options.max_connections_asked);
    assert_int_equal(options.idle_timeout_ms, 0);
    assert_int_equal(options.write_timeout_ms, 30000);
    assert_int_equal(options.drain_timeout_ms, 8000);
    assert_ptr_equal(options.service, &service_upper);
    assert_int_equal(options.log_level, LOG_LEVEL_INFO);
    assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
    assert_null(options.log_file);
    assert_int_equal(options.ready_fd, -1);
    assert_null(options.pid_file);
    assert_int_equal(options.unix_mode, 0660);
    assert_true(options.batch);
    assert_false(options.core);
}

static void parse__every_option__its_field(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDERR_FILENO, 9), 9);
    check_parsed("-w 3 -b :80 --backlog 5 --max-connections 10000 --idle-timeout 1m --write-timeout=250ms "
                 "--drain-timeout 2 --service faulty --log-level debug --ready-fd 9 --pid-file /x.pid "
                 "--unix-mode 600 --batch off --core --log-format json --log-file /x.log");
    assert_int_equal(options.worker_count, 3);
    assert_string_equal(options.bind, ":80");
    assert_int_equal(options.backlog, 5);
    assert_int_equal(options.max_connections, 10000);
    assert_true(options.max_connections_asked);
    assert_int_equal(options.idle_timeout_ms, 60000);
    assert_int_equal(options.write_timeout_ms, 250);
    assert_int_equal(options.drain_timeout_ms, 2000);
    assert_ptr_equal(options.service, &service_faulty);
    assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_string_equal(options.log_file, "/x.log");
    assert_int_equal(options.ready_fd, 9);
    close(9);
    assert_string_equal(options.pid_file, "/x.pid");
    assert_int_equal(options.unix_mode, 0600);
    assert_false(options.batch);
    assert_true(options.core);
}

static void parse__usual_ways_of_writing__all_understood(void **state)
{
    (void)state;
    check_parsed("-w4");
    assert_int_equal(options.worker_count, 4);
    check_parsed("--workers=5");
    assert_int_equal(options.worker_count, 5);
    check_parsed("--work 6 -b unix:@x -w 7"); /* the last one counts */
    assert_int_equal(options.worker_count, 7);
    assert_string_equal(options.bind, "unix:@x");
    check_parsed("-w 4 --");
}

static void parse__out_of_range__says_the_range(void **state)
{
    (void)state;
    check_refused("-w 0", "--workers \"0\": a whole number from 1 to 128 is accepted");
    check_refused("-w 129", "from 1 to 128");
    check_refused("-w 99999999999999999999999", "from 1 to 128");
    check_refused("-w -1", "--workers \"-1\"");
    check_refused("-w +1", "--workers \"+1\"");
    check_refused("-w 0x4", "--workers \"0x4\"");
    check_refused("-w 4x", "--workers \"4x\"");
    check_refused("--backlog 65536", "--backlog \"65536\": a whole number from 1 to 65535");
    check_refused("--max-connections 1000001", "from 1 to 1000000");
    check_refused("--unix-mode 1777", "an octal number from 0 to 0777");
    check_refused("--unix-mode 8", "--unix-mode \"8\"");
    check_refused("--idle-timeout 8761h", "--idle-timeout \"8761h\": a time from 0 (off) to 365 days");
    check_refused("--drain-timeout soon", "250ms");
    check_refused("--service lower", "--service \"lower\": one of upper, echo, faulty is accepted");
    check_refused("--log-level loud", "one of error, warn, info, debug");
    check_refused("--log-format xml", "text or json");
    check_refused("--ready-fd 2", "the number of an open descriptor, 3 or more,");
    check_refused("--ready-fd 1000000", "the number of an open descriptor, 3 or more,");
    check_refused("--ready-fd 99999999999", "the number of an open descriptor, 3 or more,");
}

static void parse__empty_or_missing_value__one_line(void **state)
{
    (void)state;
    check_refused("-b ''", "--bind \"\": HOST:PORT");
    check_refused("--bind=", "--bind \"\"");
    check_refused("--bind", "--bind: its value is missing; HOST:PORT");
    check_refused("-w", "-w: its value is missing; a whole number from 1 to 128 is accepted");
    check_refused("-w 4 -b", "-b: its value is missing; HOST:PORT");
    check_refused("--pid-file=", "--pid-file \"\": a path is accepted");
    check_refused("--workers=", "--workers \"\"");
    check_refused("--core=yes", "--core takes no value");
}

static void parse__unknown__names_it_and_what_was_meant(void **state)
{
    (void)state;
    check_refused("--wrokers 4", "--wrokers: no such option; did you mean --workers?");
    check_refused("--backlogs=4", "did you mean --backlog?");
    check_refused("-w 4 --frobnicate", "--frobnicate: no such option; --help lists them");
    check_refused("--a-very-long-name-of-an-option-that-is-none", "no such option; --help lists them");
    check_refused("--port 80", "--port: no such option; did you mean --bind?");
    check_refused("-p80", "-p: no such option; did you mean --bind?");
    check_refused("--usre x", "did you mean --user?");
    check_refused("--mare x", "--mare: no such option; --help lists them");
    check_refused("-x", "-x: no such option");
    check_refused("-xw4", "-x: no such option");
    check_refused("-w 4 -xw4", "-x: no such option");
    check_refused("--core -xV", "-x: no such option");
    check_refused("--w 4", "--w: several options begin so");
}

static void parse__stray_operand__one_line(void **state)
{
    (void)state;
    check_refused("9999", "\"9999\": only options are accepted");
    check_refused("-w 4 -- -b", "\"-b\": only options are accepted");
}

/* ---- the file, and what wins ---- */

static char config[] = "/tmp/test_options.XXXXXX";

static int make_config(void **state)
{
    int fd = mkstemp(config);
    static const char content[] = "bind = :81\nworkers = 5\nmax-connections = 70\ncore = on\n";

    (void)state;
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    return close(fd);
}

static int remove_config(void **state)
{
    (void)state;
    return unlink(config);
}

static const char *with_config(const char *flags)
{
    static char line[256];

    snprintf(line, sizeof line, "-c %s %s", config, flags);
    return line;
}

static void file__beside_flags__flags_win_over_it_and_it_over_defaults(void **state)
{
    (void)state;
    check_parsed(with_config("-w 3"));
    assert_string_equal(options.config, config);
    assert_int_equal(options.worker_count, 3);
    assert_string_equal(options.bind, ":81");
    assert_int_equal(options.max_connections, 70);
    assert_true(options.max_connections_asked);
    assert_true(options.core);
    assert_int_equal(options.backlog, 4096);
    options_free(&options);
    check_parsed(with_config("-b :82"));
    assert_string_equal(options.bind, ":82");
    options_free(&options);
}

static void file__bad__one_line_and_usage(void **state)
{
    (void)state;
    check_refused("-c /nonexistent/x.ini", "/nonexistent/x.ini: cannot be read: No such file or directory");
    check_refused("-c ''", "--config \"\": the path of a file is accepted");
    check_refused(with_config("-w 0"), "--workers \"0\"");
}

static void origin__of_a_value__flag_or_line(void **state)
{
    char origin[OPTION_ORIGIN_SIZE], expected[64];

    (void)state;
    check_parsed(with_config("--workers 4"));
    options_origin(&options, "max-connections", origin);
    snprintf(expected, sizeof expected, "%s:3: max-connections", config);
    assert_string_equal(origin, expected);
    options_origin(&options, "workers", origin); /* the flag won */
    assert_string_equal(origin, "--workers");
    options_origin(&options, "backlog", origin);
    assert_string_equal(origin, "--backlog");
    options_free(&options);
}

static void parse_again__while_running__error_kept_and_ready_fd_past(void **state)
{
    char *good[] = {(char[]){"prefork-upper"}, (char[]){"--ready-fd=1000"}, (char[]){"-w2"}, NULL};
    char *bad[] = {(char[]){"prefork-upper"}, (char[]){"-w0"}, NULL};
    char error[OPTIONS_ERROR_SIZE] = "";

    (void)state;
    assert_int_equal(options_parse_again(&options, 3, good, error), 0);
    assert_int_equal(options.worker_count, 2);
    assert_int_equal(options.ready_fd, -1);
    assert_string_equal(error, "");
    assert_int_equal(options_parse_again(&options, 2, bad, error), OPTIONS_USAGE);
    assert_string_equal(error, "--workers \"0\": a whole number from 1 to 128 is accepted");
}

/* ---- the table ---- */

static void equal__each_kind__sees_a_difference_in_its_field(void **state)
{
    static const char *const pairs[][3] = {
        {"core", "on", "off"},        {"workers", "1", "2"},         {"unix-mode", "600", "660"},
        {"idle-timeout", "1", "1ms"}, {"bind", ":1", ":2"},          {"protect", "on", "off"},
        {"service", "upper", "echo"}, {"log-level", "info", "warn"},
    };
    struct options one, other;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct option_spec *spec = option_named(pairs[i][0]);

        options_set_defaults(&one);
        options_set_defaults(&other);
        assert_int_equal(option_store(spec, pairs[i][1], &one), 0);
        assert_int_equal(option_store(spec, pairs[i][1], &other), 0);
        assert_true(option_equal(spec, &one, &other));
        assert_int_equal(option_store(spec, pairs[i][2], &other), 0);
        assert_false(option_equal(spec, &one, &other));
    }
    assert_true(option_equal(option_named("help"), &one, &other));
    assert_int_equal(option_store(option_named("pid-file"), "/x", &other), 0);
    assert_false(option_equal(option_named("pid-file"), &one, &other)); /* NULL and a text */
}

/* Runs parse in a child, since it ends the process; its exit code, with what it printed in `output`. */
static int parse_in_child(const char *line, int out_fd)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        parse_into(out_fd, STDOUT_FILENO, line);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int print(const char *line)
{
    FILE *file = tmpfile();
    int code = parse_in_child(line, fileno(file));

    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return code;
}

static void help__names_every_option_within_the_width(void **state)
{
    char name[64];
    size_t width = 0;

    (void)state;
    assert_int_equal(print("-w 4 --help --nonsense"), 0);
    for (size_t i = 0; option_at(i); i++) {
        snprintf(name, sizeof name, "--%s", option_at(i)->name);
        assert_non_null(strstr(output, name));
    }
    for (const char *byte = output; *byte; byte++) {
        width = *byte == '\n' ? 0 : width + 1;
        assert_true(width < 80);
    }
    assert_non_null(strstr(output, "(1 to 128; default:"));
    assert_non_null(strstr(output, "(default: 30s)"));
    assert_non_null(strstr(output, "Examples:"));
    assert_int_equal(output[strlen(output) - 1], '\n');
}

/* What the man page is made of. */
static void help__lines_of_each_list__to_the_last_one(void **state)
{
    (void)state;
    for (enum help_list list = HELP_SIGNALS; list <= HELP_EXAMPLES; list++) {
        size_t count = 0;

        while (options_help_line(list, count))
            assert_non_null(options_help_line(list, count++)->sentence);
        assert_true(count >= 4);
    }
}

static void version__name_and_number(void **state)
{
    (void)state;
    assert_int_equal(print("--version"), 0);
    assert_int_equal(strncmp(output, "prefork-upper ", 14), 0);
    assert_int_equal(print("-V"), 0);
}

static void help__nobody_can_read_it__fails(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    assert_int_equal(parse_in_child("--help", full), 1);
    close(full);
}

static void table__every_default__is_accepted(void **state)
{
    char accepted[OPTION_ACCEPTED_SIZE];

    (void)state;
    for (size_t i = 0; option_at(i); i++) {
        const struct option_spec *spec = option_at(i);

        if (spec->default_text)
            assert_int_equal(option_store(spec, spec->default_text, &options), 0);
        option_describe(spec, accepted);
        assert_true(strlen(accepted) > 0);
        assert_true(strlen(spec->sentence) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(spec->name, option_at(j)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__nothing__the_defaults),
        cmocka_unit_test(parse__every_option__its_field),
        cmocka_unit_test(parse__usual_ways_of_writing__all_understood),
        cmocka_unit_test(parse__out_of_range__says_the_range),
        cmocka_unit_test(parse__empty_or_missing_value__one_line),
        cmocka_unit_test(parse__unknown__names_it_and_what_was_meant),
        cmocka_unit_test(parse__stray_operand__one_line),
        cmocka_unit_test(file__beside_flags__flags_win_over_it_and_it_over_defaults),
        cmocka_unit_test(file__bad__one_line_and_usage),
        cmocka_unit_test(origin__of_a_value__flag_or_line),
        cmocka_unit_test(parse_again__while_running__error_kept_and_ready_fd_past),
        cmocka_unit_test(equal__each_kind__sees_a_difference_in_its_field),
        cmocka_unit_test(help__names_every_option_within_the_width),
        cmocka_unit_test(version__name_and_number),
        cmocka_unit_test(help__nobody_can_read_it__fails),
        cmocka_unit_test(table__every_default__is_accepted),
        cmocka_unit_test(help__lines_of_each_list__to_the_last_one),
    };

    return cmocka_run_group_tests(tests, make_config, remove_config);
}
