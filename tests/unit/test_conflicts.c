/* Two options that name one place: which are refused, which are not, and who is named. */
#include "tests/support/cmocka_all.h"

#include "master/conflicts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_conflicts.XXXXXX", file[64], link_to[64], missing[64];
static struct options options;
static char why[512];

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link_to, sizeof link_to, "%s/link", folder);
    snprintf(missing, sizeof missing, "%s/missing", folder);
    FILE *made = fopen(file, "we");
    return made && fclose(made) == 0 ? symlink(file, link_to) : -1;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(file);
    unlink(link_to);
    return rmdir(folder);
}

static int begin(void **state)
{
    (void)state;
    options = (struct options){.bind = "127.0.0.1:9999"};
    why[0] = '\0';
    return 0;
}

static void expect_conflict(const char *later, const char *earlier)
{
    char start[64], end[64];

    snprintf(start, sizeof start, "--%s: ", later);
    snprintf(end, sizeof end, " is that of --%s already", earlier);
    assert_int_equal(conflicts_find(&options, why, sizeof why), -EINVAL);
    assert_int_equal(strncmp(why, start, strlen(start)), 0);
    assert_non_null(strstr(why, end));
}

static void expect_none(void)
{
    why[0] = '\0';
    assert_int_equal(conflicts_find(&options, why, sizeof why), 0);
    assert_string_equal(why, "");
}

static void none__nothing_or_each_elsewhere__0(void **state)
{
    (void)state;
    expect_none();
    options.config = file;
    options.log_file = missing;
    options.pid_file = "/no/folder/pid";
    options.control = "/no/folder/control";
    options.metrics = "127.0.0.1:9100";
    expect_none();
}

/* Symptom: the number was renamed over the configuration, and removed at the end. */
static void pid_file__anything_elses__refused(void **state)
{
    (void)state;
    options.config = options.pid_file = file;
    expect_conflict("pid-file", "config");
    options.config = NULL;
    options.log_file = options.pid_file = missing;
    expect_conflict("pid-file", "log-file");
    options.log_file = NULL;
    options.control = missing;
    expect_conflict("pid-file", "control");
    options.control = NULL;
    options.bind = "unix:/no/folder/pid";
    options.pid_file = "/no/folder/pid";
    expect_conflict("pid-file", "bind");
    options.bind = "unix:here";
    options.pid_file = "./here";
    expect_conflict("pid-file", "bind");
    options.bind = "unix:@here"; /* is no path */
    expect_none();
}

static void same_place__spelt_in_another_way__refused(void **state)
{
    char winding[128];

    (void)state;
    options.config = file;
    options.log_file = link_to;
    expect_conflict("log-file", "config");
    snprintf(winding, sizeof winding, "%s/../%s/missing", folder, strrchr(folder, '/') + 1);
    options.log_file = missing;
    options.pid_file = winding;
    expect_conflict("pid-file", "log-file");
}

static void addresses__the_same__refused(void **state)
{
    (void)state;
    options.metrics = "127.0.0.1:9999";
    expect_conflict("metrics", "bind");
    options.bind = options.metrics = "127.0.0.1:0"; /* the kernel gives each its own */
    expect_none();
    options.bind = "127.0.0.1:10";
    options.metrics = "127.0.0.1:20";
    expect_none();
}

static void control__off__is_no_path(void **state)
{
    (void)state;
    options.control = "off";
    options.log_file = "off";
    expect_none();
}

static void device__shared__0(void **state)
{
    (void)state;
    options.config = options.log_file = "/dev/null";
    expect_none();
}

static void place__from_the_configuration__its_line_is_named(void **state)
{
    (void)state;
    options.config = "/no/conf";
    options.log_file = options.pid_file = missing;
    for (size_t i = 0; i < OPTION_COUNT_MAX; i++)
        options.file_lines[i] = 7;
    assert_int_equal(conflicts_find(&options, why, sizeof why), -EINVAL);
    assert_int_equal(strncmp(why, "/no/conf:7: pid-file: ", strlen("/no/conf:7: pid-file: ")), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(none__nothing_or_each_elsewhere__0),
        TEST(pid_file__anything_elses__refused),
        TEST(same_place__spelt_in_another_way__refused),
        TEST(addresses__the_same__refused),
        TEST(control__off__is_no_path),
        TEST(device__shared__0),
        TEST(place__from_the_configuration__its_line_is_named),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
