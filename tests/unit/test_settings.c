/* What a reload may change, taken from options. */
#include "tests/support/cmocka_all.h"

#include "master/settings.h"

#include <errno.h>
#include <string.h>

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
        .core = true,
        .incident_bytes = 99,
        .incident_dir = "/var/incidents",
    };
}

static void from_options__all_given__all_taken(void **state)
{
    struct options options = usual();
    struct service_settings settings;

    (void)state;
    assert_int_equal(settings_from_options(&settings, &options, 9000, error, sizeof error), 0);
    assert_int_equal(settings.number, 1);
    assert_int_equal(settings.worker_count, 3);
    assert_int_equal(settings.max_connections, 10000);
    assert_int_equal(settings.connection_count_max, 9000);
    assert_int_equal(settings.idle_timeout_ms, 1);
    assert_int_equal(settings.write_timeout_ms, 2);
    assert_int_equal(settings.drain_timeout_ms, 3);
    assert_int_equal(settings.hang_timeout_ms, 4);
    assert_int_equal(settings.service_index, 2);
    assert_int_equal(settings.log_level, LOG_LEVEL_WARN);
    assert_int_equal(settings.core, 1);
    assert_int_equal(settings.incident_bytes, 99);
    assert_string_equal(settings_incident_dir(&settings), "/var/incidents");
}

static void from_options__no_directory__none(void **state)
{
    struct options options = usual();
    struct service_settings settings;

    (void)state;
    options.incident_dir = NULL;
    assert_int_equal(settings_from_options(&settings, &options, 1, error, sizeof error), 0);
    assert_null(settings_incident_dir(&settings));
}

static void from_options__path_of_the_most_bytes__kept_whole_and_one_more_is_refused(void **state)
{
    struct options options = usual();
    struct service_settings settings;
    char path[SETTINGS_PATH_SIZE + 1];

    (void)state;
    memset(path, 'x', sizeof path);
    path[SETTINGS_PATH_SIZE - 1] = '\0';
    options.incident_dir = path;
    assert_int_equal(settings_from_options(&settings, &options, 1, error, sizeof error), 0);
    assert_string_equal(settings_incident_dir(&settings), path);
    path[SETTINGS_PATH_SIZE - 1] = 'x';
    path[SETTINGS_PATH_SIZE] = '\0';
    assert_int_equal(settings_from_options(&settings, &options, 1, error, sizeof error), -ENAMETOOLONG);
    assert_string_equal(error, "--incident-dir: a path of at most 511 bytes is accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_options__all_given__all_taken),
        cmocka_unit_test(from_options__no_directory__none),
        cmocka_unit_test(from_options__path_of_the_most_bytes__kept_whole_and_one_more_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
