#include "loadtool/options.h"
#include "loadtool/options_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

enum { ARGUMENTS_MAX = 32, SAID_BYTES = 16384 };

static struct settings settings;
static char said[SAID_BYTES]; /* on stderr and stdout */

/* argp ends the process after --help and after an unknown option: such lines are parsed in a child. */
static int call(int argc, char **argv, bool is_apart)
{
    int status = 0;

    if (!is_apart)
        return options_parse(argc, argv, &settings);
    pid_t child = fork();
    if (child == 0)
        _exit(options_parse(argc, argv, &settings) == 0 ? 100 : 101);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Parse a command line, words parted by blanks; what it says goes to `said`. */
static int parse_where(const char *line, bool is_apart)
{
    static char words[512];
    char *argv[ARGUMENTS_MAX] = {(char[]){"loadtool"}};
    int argc = 1;
    int kept[2] = {dup(1), dup(2)};
    FILE *file = tmpfile();

    strcpy(words, line);
    for (char *word = strtok(words, " "); word != NULL && argc < ARGUMENTS_MAX - 1; word = strtok(NULL, " "))
        argv[argc++] = word;
    fflush(stdout);
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    int rc = call(argc, argv, is_apart);
    fflush(stdout);
    fflush(stderr);
    dup2(kept[0], 1);
    dup2(kept[1], 2);
    close(kept[0]);
    close(kept[1]);
    rewind(file);
    said[fread(said, 1, SAID_BYTES - 1, file)] = '\0';
    fclose(file);
    return rc;
}

static int parse(const char *line)
{
    return parse_where(line, false);
}

static void parse__nothing__has_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_string_equal(settings.target_word, "127.0.0.1:9999");
    assert_string_equal(settings.target_name.port, "9999");
    assert_int_equal(settings.clients, 100);
    assert_int_equal(settings.duration_ms, 10000);
    assert_int_equal(settings.messages, 0);
    assert_int_equal(dialogue_mean_bytes(&settings.dialogue), 64);
    assert_int_equal(settings.rate_per_s, 0);
    assert_int_equal(settings.timeout_ms, 5000);
    assert_int_equal(settings.connect_timeout_ms, 5000);
    assert_int_equal(settings.check, ORACLE_UPPER);
    assert_int_equal(plan_share_per_10000(&settings.plan), 1000);
    assert_null(settings.output_paths[OUTPUT_JSON]);
    assert_string_equal(said, "");
}

static void parse__every_option__is_taken(void **state)
{
    (void)state;
    assert_int_equal(
        parse("-c 500 -d 3s -n 9000 -s 200K -r 5000 --kill rst:5% --check echo --seed 7 --timeout 2s "
              "--connect-timeout 300ms"),
        0);
    assert_int_equal(settings.clients, 500);
    assert_int_equal(settings.duration_ms, 3000);
    assert_int_equal(settings.messages, 9000);
    assert_int_equal(dialogue_mean_bytes(&settings.dialogue), 204800);
    assert_int_equal(settings.rate_per_s, 5000);
    assert_int_equal(settings.plan.share_per_10000[PLAN_RST], 500);
    assert_int_equal(settings.check, ORACLE_ECHO);
    assert_int_equal(settings.seed, 7);
    assert_int_equal(settings.timeout_ms, 2000);
    assert_int_equal(settings.connect_timeout_ms, 300);
    assert_int_equal(parse("--json - unix:@x"), 0);
    assert_string_equal(settings.output_paths[OUTPUT_JSON], "-");
    assert_int_equal(settings.target_name.family, AF_UNIX);
}

static void parse__messages_alone__have_no_duration_and_lower_the_default_clients(void **state)
{
    (void)state;
    assert_int_equal(parse("-n 7"), 0);
    assert_int_equal(settings.duration_ms, 0);
    assert_int_equal(settings.clients, 7);
    assert_int_equal(parse("-n 1000"), 0);
    assert_int_equal(settings.clients, 100);
}

static void parse__no_seed__makes_one_up(void **state)
{
    uint64_t seeds[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(parse(""), 0);
        seeds[i] = settings.seed;
    }
    assert_true(seeds[0] != seeds[1] || seeds[1] != seeds[2]);
}

static void parse__wrong_values__are_one_line_with_option_value_and_what_is_accepted(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        {"-c 0", "loadtool: --clients 0: accepted is 1 to 1000000\n"},
        {"-c many", "loadtool: --clients many: accepted is 1 to 1000000\n"},
        {"-d 0", "loadtool: --duration 0: accepted is"},
        {"-d 5x", "loadtool: --duration 5x: accepted is"},
        {"-n 0", "loadtool: --messages 0: accepted is 1 or more\n"},
        {"-s 0", "loadtool: --size 0: accepted is"},
        {"-s 65M", "loadtool: --size 65M: accepted is"},
        {"-r 0", "loadtool: --rate 0: accepted is"},
        {"--kill 10", "loadtool: --kill 10: accepted is none, 0.01% to 100%, or MODE:SHARE"},
        {"--kill 0.001%", "loadtool: --kill 0.001%: accepted is none, 0.01% to 100%"},
        {"--kill rst:0.001%", "loadtool: --kill rst:0.001%: accepted is none, 0.01% to 100%"},
        {"-c 10 --kill rst:11/s", "loadtool: --kill 11: accepted is no more victims than --clients"},
        {"--depth 0", "loadtool: --depth 0: accepted is 1 to 256\n"},
        {"--arrivals random -r 5", "loadtool: --arrivals random: accepted is constant, poisson\n"},
        {"--arrivals poisson", "loadtool: --arrivals poisson: accepted is with --rate or --churn\n"},
        {"--think 5ms -r 5", "loadtool: --think with --rate: accepted is one of them"},
        {"--churn 0", "loadtool: --churn 0: accepted is"},
        {"--source x", "loadtool: --source x: accepted is"},
        {"--source 192.0.2.1", "loadtool: --source 192.0.2.1: accepted is an address of this host"},
        {"--fail p99", "loadtool: --fail p99: accepted is MEASURE>VALUE or MEASURE<VALUE"},
        {"--csv=", "loadtool: --csv : accepted is"},
        {"--csv-every 9ms", "loadtool: --csv-every 9ms: accepted is 10ms to 1s"},
        {"--csv-every 1001ms", "loadtool: --csv-every 1001ms: accepted is 10ms to 1s"},
        {"--csv-every soon", "loadtool: --csv-every soon: accepted is 10ms to 1s"},
        {"--csv - --json -", "loadtool: --csv -: accepted is another place than --json's\n"},
        {"--json /dev/null --html /dev/null --csv /dev/shm/a --md /dev/shm/a",
         "loadtool: --md /dev/shm/a: accepted is another place than --csv's\n"},
        {"--json a --html b --md a", "loadtool: --md a: accepted is another place than --json's\n"},
        {"--server-pid 0", "loadtool: --server-pid 0: accepted is"},
        {"-t 0", "loadtool: --threads 0: accepted is 1 to 64\n"},
        {"--check lower", "loadtool: --check lower: accepted is upper, echo, none\n"},
        {"--send x", "loadtool: --send x: --expect is missing\n"},
        {"--expect x", "loadtool: --expect x: --send is missing\n"},
        {"--send \\q --expect x", "loadtool: one of --send and --expect: \\q: accepted is text with"},
        {"--send x --expect x --check upper", "loadtool: --check upper: accepted is none, with a script\n"},
        {"--send x --expect x --script /dev/null", "loadtool: --script /dev/null: accepted is one of"},
        {"--script /nonexistent/x", "loadtool: --script /nonexistent/x: No such file"},
        {"--script /dev/null", "loadtool: --script /dev/null, line 0: accepted is 'send TEXT'"},
        {"--script=", "loadtool: --script : accepted is"},
        {"--seed x", "loadtool: --seed x: accepted is"},
        {"--timeout 2h", "loadtool: --timeout 2h: accepted is"},
        {"--connect-timeout 0", "loadtool: --connect-timeout 0: accepted is"},
        {"--json=", "loadtool: --json : accepted is"},
        {"host", "loadtool: target host: accepted is HOST:PORT"},
        {":80 :81", "loadtool: second target :81: accepted is one target, HOST:PORT in one word\n"},
        {"-c 10 -n 9", "loadtool: --messages 9: accepted is at least one message a client (--clients)\n"},
        {"unix:@x --kill oob:5%", "loadtool: --kill oob: accepted is this mode over TCP only\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].line), -EINVAL);
        assert_memory_equal(said, rows[i].says, strlen(rows[i].says));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
}

/* What somebody types who has not read much of --help. */
static void parse__values_meant_otherwise__say_what_may_be_meant(void **state)
{
    static const struct {
        const char *line, *ends;
    } rows[] = {
        {"redis://localhost:6379", "; leave out the redis://\n"},
        {"6379", "; did you mean :6379?\n"},
        {"localhost 6379", "; the port is missing: localhost:PORT\n"},
        {"/run/x.sock", "; did you mean unix:/run/x.sock?\n"},
        {"unix:x.sock", "; a path begins with / and has at most 107 bytes\n"},
        {"::1:80", "; an address of IPv6 stands in brackets\n"},
        {":99999", "; a port is a number from 1 to 65535\n"},
        {"--kill 10", "; did you mean 10%?\n"},
        {"--kill rst", "; how many? rst:5% of the clients, or rst:10/s\n"},
        {"--kill fin:5%,rst:5", "; did you mean rst:5%?\n"},
        {"--kill rst:5,fin:5%", "; did you mean rst:5%?\n"},
        {"--kill reset:5%", "; there is no mode reset: loadtool --help lists them\n"},
        {"--kill none,rst:5%", "; none stands alone\n"},
        {"127.0.0.1", "; the port is missing: 127.0.0.1:PORT\n"},
        {"--kill 200%", "or MODE:1/s to MODE:10000/s\n"},
        {"--kill fin:5%,10%", "; in a list every share has its mode: rst:10%\n"},
        {"--kill rst:90%,fin:90%", "or MODE:1/s to MODE:10000/s\n"},
        {"--fail p99", "; in quotes, since a shell takes < and > for itself\n"},
        {"--fail p99=5ms", "up to 16 times\n"},
        {"--fail p99>5", "; the unit is missing: us, ms, s, m, h or %\n"},
        {"--fail latency>5ms", "; there is no measure latency: loadtool --help lists them\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].line), -EINVAL);
        assert_string_equal(said + strlen(said) - strlen(rows[i].ends), rows[i].ends);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
}

static void parse__send_and_expect__are_a_script_of_one_exchange(void **state)
{
    (void)state;
    assert_int_equal(parse("--send PING\\r\\n --expect +PONG\\r\\n"), 0);
    assert_int_equal(settings.dialogue.script.count, 1);
    assert_int_equal(dialogue_mean_bytes(&settings.dialogue), 6);
    assert_int_equal(parse("--send a --expect bc --check none"), 0);
    assert_int_equal(settings.check, ORACLE_NONE);
}

static void parse__misspelt_option__says_what_was_meant(void **state)
{
    static const struct {
        const char *line, *said;
    } rows[] = {
        {"--clinets 5", "loadtool: there is no option --clinets: did you mean --clients?\n"},
        {"-c 5 --json x --durations=3s",
         "loadtool: there is no option --durations=3s: did you mean --duration?\n"},
        {"-t2 --hlep", "loadtool: there is no option --hlep: did you mean --help?\n"},
        {"--json --jsn --jsn", "loadtool: there is no option --jsn: did you mean --json?\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].line), -EINVAL);
        assert_string_equal(said, rows[i].said);
    }
}

/* The value of an option may look like one, short or long; a beginning is as good as a whole name. */
static void parse__what_only_looks_misspelt__is_taken(void **state)
{
    (void)state;
    assert_int_equal(parse("--json --clinets -n 500 --clie 5 --duration=3s"), 0);
    assert_string_equal(settings.output_paths[OUTPUT_JSON], "--clinets");
    assert_int_equal(settings.clients, 5);
    assert_int_equal(parse("-r --clinets"), -EINVAL);
    assert_null(strstr(said, "did you mean"));
    assert_int_equal(parse(":9999 -- --clinets"), -EINVAL); /* a second target */
    assert_null(strstr(said, "did you mean"));
    assert_int_equal(parse("- --kill none"), -EINVAL);
}

static void parse__unknown_option__exits_with_2(void **state)
{
    (void)state;
    assert_int_equal(parse_where("--nope", true), 2);
    assert_non_null(strstr(said, "nope"));
}

static void help__asked_for__defines_every_option_and_mode(void **state)
{
    static const char *const words[] = {
        "--clients", "--duration",    "--messages", "--size",        "--rate",
        "--kill",    "--check",       "--seed",     "--timeout",     "--connect-timeout",
        "--json",    "weighted list", "Exit codes", "unix:@abstract"};

    (void)state;
    assert_int_equal(parse_where("--help", true), 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_non_null(strstr(said, words[i]));
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        char definition[40];
        assert_non_null(strstr(said, plan_mode_name((enum plan_mode)i)));
        snprintf(definition, sizeof(definition), "%.30s", plan_mode_definition((enum plan_mode)i));
        assert_non_null(strstr(said, definition));
    }
}

/* argp once added a line of blanks after a text that filled its line to the end. */
static void help__by_either_name__is_the_same_without_stray_blanks(void **state)
{
    static char by_name[SAID_BYTES];

    (void)state;
    assert_int_equal(parse_where("--help", true), 0);
    assert_null(strstr(said, " \n"));
    strcpy(by_name, said);
    assert_int_equal(parse_where("-h", true), 0);
    assert_string_equal(said, by_name);
}

static const char *command(char **argv, int argc, uint64_t seed)
{
    static char text[256];
    FILE *out = fmemopen(text, sizeof(text), "w");

    options_write_command(out, argc, argv, seed);
    fclose(out);
    return text;
}

static void command__without_a_seed__has_it_added(void **state)
{
    char *argv[] = {(char[]){"loadtool"}, (char[]){"-c"}, (char[]){"5"}};

    (void)state;
    assert_string_equal(command(argv, 3, 77), "loadtool -c 5 --seed 77");
}

static void command__words_that_a_shell_would_change__are_quoted(void **state)
{
    char *argv[] = {(char[]){"loadtool"}, (char[]){"[::1]:80"}, (char[]){"it's"}, (char[]){""},
                    (char[]){"--seed=5"}};

    (void)state;
    assert_string_equal(command(argv, 5, 5), "loadtool '[::1]:80' 'it'\\''s' '' --seed=5");
}

/* argp takes the first row of a key: the second option would be parsed as the first. */
static void table__keys_and_names__are_each_there_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < options_row_count; i++) {
        for (size_t k = i + 1; k < options_row_count; k++) {
            assert_int_not_equal(options_rows[i].key, options_rows[k].key);
            assert_string_not_equal(options_rows[i].name, options_rows[k].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__nothing__has_the_defaults),
        cmocka_unit_test(parse__every_option__is_taken),
        cmocka_unit_test(parse__messages_alone__have_no_duration_and_lower_the_default_clients),
        cmocka_unit_test(parse__no_seed__makes_one_up),
        cmocka_unit_test(parse__wrong_values__are_one_line_with_option_value_and_what_is_accepted),
        cmocka_unit_test(parse__values_meant_otherwise__say_what_may_be_meant),
        cmocka_unit_test(parse__send_and_expect__are_a_script_of_one_exchange),
        cmocka_unit_test(parse__misspelt_option__says_what_was_meant),
        cmocka_unit_test(parse__what_only_looks_misspelt__is_taken),
        cmocka_unit_test(parse__unknown_option__exits_with_2),
        cmocka_unit_test(help__asked_for__defines_every_option_and_mode),
        cmocka_unit_test(help__by_either_name__is_the_same_without_stray_blanks),
        cmocka_unit_test(command__without_a_seed__has_it_added),
        cmocka_unit_test(table__keys_and_names__are_each_there_once),
        cmocka_unit_test(command__words_that_a_shell_would_change__are_quoted),
    };

    return cmocka_run_group_tests_name("loadtool options", tests, NULL, NULL);
}
