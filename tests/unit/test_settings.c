/* What a reload may change: taken from options, and renewed from command line and file. */
#include "tests/support/cmocka_all.h"

#include "master/settings.h"

#include "master/options_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[128];

static struct options usual(void)
{
    return (struct options){
        .worker_count = 3,
        .max_connections = 10000,
        .idle_timeout_ms = 1,
        .write_timeout_ms = 2,
        .drain_timeout_ms = 3,
        .hang_timeout_ms = 4,
        .service = service_at(2),
        .log_level = LOG_LEVEL_WARN,
        .batch = true,
        .core = true,
        .incident_bytes = 99,
        .incident_dir = "/var/incidents",
    };
}

static void from_options__all_given__all_taken(void **state)
{
    struct options options = usual();
    struct service_settings taken;

    (void)state;
    assert_int_equal(settings_from_options(&taken, &options, 9000, error, sizeof error), 0);
    assert_int_equal(taken.number, 1);
    assert_int_equal(taken.worker_count, 3);
    assert_int_equal(taken.max_connections, 10000);
    assert_int_equal(taken.connection_count_max, 9000);
    assert_int_equal(taken.idle_timeout_ms, 1);
    assert_int_equal(taken.write_timeout_ms, 2);
    assert_int_equal(taken.drain_timeout_ms, 3);
    assert_int_equal(taken.hang_timeout_ms, 4);
    assert_int_equal(taken.service_index, 2);
    assert_int_equal(taken.log_level, LOG_LEVEL_WARN);
    assert_int_equal(taken.batch, 1);
    assert_int_equal(taken.core, 1);
    assert_int_equal(taken.incident_bytes, 99);
    assert_string_equal(settings_incident_dir(&taken), "/var/incidents");
}

static void from_options__no_directory__none(void **state)
{
    struct options options = usual();
    struct service_settings taken;

    (void)state;
    options.incident_dir = NULL;
    assert_int_equal(settings_from_options(&taken, &options, 1, error, sizeof error), 0);
    assert_null(settings_incident_dir(&taken));
}

static void from_options__path_of_the_most_bytes__kept_whole_and_one_more_is_refused(void **state)
{
    struct options options = usual();
    struct service_settings taken;
    char path[SETTINGS_PATH_SIZE + 1];

    (void)state;
    memset(path, 'x', sizeof path);
    path[SETTINGS_PATH_SIZE - 1] = '\0';
    options.incident_dir = path;
    assert_int_equal(settings_from_options(&taken, &options, 1, error, sizeof error), 0);
    assert_string_equal(settings_incident_dir(&taken), path);
    path[SETTINGS_PATH_SIZE - 1] = 'x';
    path[SETTINGS_PATH_SIZE] = '\0';
    assert_int_equal(settings_from_options(&taken, &options, 1, error, sizeof error), -ENAMETOOLONG);
    assert_string_equal(error, "--incident-dir: a path of at most 511 bytes is accepted");
}

/* ---- reload ---- */

enum { ROOM = 5000 };

static char path[] = "/tmp/test_settings.XXXXXX";
static char config_flag[64];
static char *argv[4];
static struct options at_start;
static struct service_settings settings;
static struct settings_change change;
static char why[OPTIONS_ERROR_SIZE];

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void configure(const char *content)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A server with that file, and beside it one flag. */
static void start(const char *content, char *flag)
{
    configure(content);
    snprintf(config_flag, sizeof config_flag, "--config=%s", path);
    argv[0] = (char[]){"prefork-upper"};
    argv[1] = config_flag;
    argv[2] = flag;
    options_free(&at_start);
    if (options_parse_again(&at_start, flag ? 3 : 2, argv, why) != 0)
        fail_msg("%s", why);

    uint32_t granted = at_start.max_connections < ROOM ? at_start.max_connections : ROOM;

    assert_int_equal(settings_from_options(&settings, &at_start, granted, error, sizeof error), 0);
}

static int reload_with(const char *content)
{
    const struct settings_source source = {
        .argc = argv[2] ? 3 : 2, .argv = argv, .at_start = &at_start, .connection_room = ROOM};

    configure(content);
    memset(why, 0, sizeof why);
    return settings_reload(&settings, &source, &change, why, sizeof why);
}

/* A good reload with these lists. */
static void check_reload(const char *content, const char *changed, const char *needs_restart)
{
    uint32_t number = settings.number;

    if (reload_with(content) != 0)
        fail_msg("\"%s\": %s", content, why);
    assert_string_equal(change.changed, changed);
    assert_string_equal(change.needs_restart, needs_restart);
    assert_int_equal(settings.number, number + 1);
}

static void reload__nothing_changed__succeeds_with_the_next_number(void **state)
{
    (void)state;
    start("workers = 2\nincident-dir = /a\n", NULL);
    check_reload("workers = 2\nincident-dir = /a\n", "", "");
    check_reload("incident-dir = /a\nworkers = 2\nidle-timeout = 0\n", "", "");
    assert_int_equal(change.worker_count, 0);
    assert_int_equal(settings.number, 3);
}

static void reload__live_options__taken_and_named(void **state)
{
    (void)state;
    start("workers = 2\n", NULL);
    check_reload(
        "workers = 2\nidle-timeout = 1s\nwrite-timeout = 2s\ndrain-timeout = 3s\nhang-timeout = 4s\n"
        "service = echo\nbatch = off\nlog-level = debug\ncore = on\nincident-bytes = 5\nincident-dir = /x\n",
        "service batch idle-timeout write-timeout drain-timeout hang-timeout incident-dir incident-bytes "
        "log-level core",
        "");
    assert_int_equal(settings.idle_timeout_ms, 1000);
    assert_int_equal(settings.write_timeout_ms, 2000);
    assert_int_equal(settings.drain_timeout_ms, 3000);
    assert_int_equal(settings.hang_timeout_ms, 4000);
    assert_ptr_equal(service_at(settings.service_index), &service_echo);
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(settings.batch, 0);
    assert_int_equal(settings.core, 1);
    assert_int_equal(settings.incident_bytes, 5);
    assert_string_equal(settings.incident_dir, "/x");
    /* Compared with what was loaded last, not with the start; what is not named is the default again. */
    check_reload("workers = 2\nidle-timeout = 1s\nservice = echo\nincident-dir = /x\n",
                 "batch write-timeout drain-timeout hang-timeout incident-bytes log-level core", "");
    check_reload("workers = 2\n", "service idle-timeout incident-dir", "");
    assert_null(settings_incident_dir(&settings));
}

static void reload__every_option_of_the_table__in_the_list_of_its_scope(void **state)
{
    static const char *const values[][2] = {
        {"bind", "127.0.0.1:1"},  {"backlog", "1"},        {"unix-mode", "1"},
        {"workers", "77"},        {"service", "echo"},     {"max-connections", "77"},
        {"idle-timeout", "77"},   {"write-timeout", "77"}, {"drain-timeout", "77"},
        {"protect", "off"},       {"hang-timeout", "77"},  {"incident-dir", "/77"},
        {"incident-bytes", "77"}, {"log-level", "error"},  {"log-format", "json"},
        {"log-file", "/77"},      {"pid-file", "/77"},     {"control", "/77"},
        {"core", "on"},           {"batch", "off"},        {"sandbox", "log"},
        {"user", "77"},           {"group", "77"},         {"metrics", ":77"},
    };
    size_t seen = 0, accepted = 0;
    char line[128];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct option_spec *spec = option_named(values[i][0]);

        assert_non_null(spec);
        start("", NULL);
        snprintf(line, sizeof line, "%s = %s\n", values[i][0], values[i][1]);
        check_reload(line, spec->scope == SCOPE_LIVE ? spec->name : "",
                     spec->scope == SCOPE_RESTART ? spec->name : "");
        seen++;
    }
    for (size_t i = 0; option_at(i); i++)
        accepted += option_at(i)->scope != SCOPE_COMMAND_LINE;
    assert_int_equal(seen, accepted); /* an option is missing in the list above */
}

static void reload__needs_a_restart__told_again_each_time_and_nothing_else_lost(void **state)
{
    (void)state;
    start("bind = :1\n", NULL);
    check_reload("bind = :2\nprotect = off\nidle-timeout = 1s\n", "idle-timeout", "bind protect");
    check_reload("bind = :2\nprotect = off\nidle-timeout = 1s\n", "", "bind protect");
    check_reload("bind = :1\n", "idle-timeout", "");
}

static void reload__flag_beside_the_file__wins(void **state)
{
    (void)state;
    start("idle-timeout = 1s\n", (char[]){"--idle-timeout=9s"});
    check_reload("idle-timeout = 2s\n", "", "");
    assert_int_equal(settings.idle_timeout_ms, 9000);
}

static void reload__workers__count_told_only_when_it_was_configured_anew(void **state)
{
    (void)state;
    start("workers = 2\n", NULL);
    check_reload("workers = 4\n", "workers", "");
    assert_int_equal(change.worker_count, 4);
    check_reload("workers = 4\n", "", "");
    assert_int_equal(change.worker_count, 0); /* an operator may have scaled in between */
    check_reload("workers = 2\n", "workers", "");
    assert_int_equal(change.worker_count, 2);
}

static void reload__max_connections__within_the_tables_of_the_start(void **state)
{
    (void)state;
    start("max-connections = 5000\n", NULL);
    check_reload("max-connections = 100\n", "max-connections", "");
    assert_int_equal(settings.connection_count_max, 100);
    check_reload("max-connections = 5001\n", "", "max-connections");
    assert_int_equal(settings.connection_count_max, 100);
    assert_int_equal(settings.max_connections, 100);
    check_reload("max-connections = 5000\n", "max-connections", "");
    assert_int_equal(settings.connection_count_max, 5000);
    check_reload("", "max-connections", ""); /* the default, which nobody asked for, is lowered to fit */
    assert_int_equal(settings.max_connections, 10000);
    assert_int_equal(settings.connection_count_max, 5000);
    check_reload("", "", "");
}

static void reload__bad_file_or_path__changes_nothing_and_says_where(void **state)
{
    char content[600], expected[160];
    struct service_settings before;

    (void)state;
    start("workers = 2\n", NULL);
    before = settings;
    change.worker_count = 55;
    assert_int_equal(reload_with("idle-timeout = 1s\nworkers = 0\n"), -EINVAL);
    snprintf(expected, sizeof expected, "%s:2: workers \"0\": a whole number from 1 to 128 is accepted",
             path);
    assert_string_equal(why, expected);
    assert_memory_equal(&settings, &before, sizeof before);
    assert_int_equal(change.worker_count, 55);
    /* A file holds no line so long, a command line does: found by the second look at the values. */
    memset(content, 'x', sizeof content);
    memcpy(content, "--incident-dir=", 15);
    content[sizeof content - 1] = '\0';
    argv[2] = content;
    assert_int_equal(reload_with("workers = 3\n"), -EINVAL);
    assert_string_equal(why, "--incident-dir: a path of at most 511 bytes is accepted");
    assert_memory_equal(&settings, &before, sizeof before);
    argv[2] = NULL;
    assert_int_equal(unlink(path), 0);
    const struct settings_source source = {
        .argc = 2, .argv = argv, .at_start = &at_start, .connection_room = 1};
    assert_int_equal(settings_reload(&settings, &source, &change, why, sizeof why), -EINVAL);
    snprintf(expected, sizeof expected, "%s: cannot be read: No such file or directory", path);
    assert_string_equal(why, expected);
    assert_memory_equal(&settings, &before, sizeof before);
    configure("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_options__all_given__all_taken),
        cmocka_unit_test(from_options__no_directory__none),
        cmocka_unit_test(from_options__path_of_the_most_bytes__kept_whole_and_one_more_is_refused),
        cmocka_unit_test(reload__nothing_changed__succeeds_with_the_next_number),
        cmocka_unit_test(reload__live_options__taken_and_named),
        cmocka_unit_test(reload__every_option_of_the_table__in_the_list_of_its_scope),
        cmocka_unit_test(reload__needs_a_restart__told_again_each_time_and_nothing_else_lost),
        cmocka_unit_test(reload__flag_beside_the_file__wins),
        cmocka_unit_test(reload__workers__count_told_only_when_it_was_configured_anew),
        cmocka_unit_test(reload__max_connections__within_the_tables_of_the_start),
        cmocka_unit_test(reload__bad_file_or_path__changes_nothing_and_says_where),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
