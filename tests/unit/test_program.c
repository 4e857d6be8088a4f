/* Where a program was started from: below the current folder, in PATH, by a link, or not to be told. */
/* wrap: readlink stat */
#include "tests/support/cmocka_all.h"

#include "master/program.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char own[4096];    /* this program, as /proc says */
static char folder[64];   /* of our own, with a link to it */
static char before[4096]; /* the current folder */

static bool no_proc;

ssize_t __real_readlink(const char *path, char *out, size_t size);
ssize_t __wrap_readlink(const char *path, char *out, size_t size);
ssize_t __wrap_readlink(const char *path, char *out, size_t size)
{
    return no_proc ? -1 : __real_readlink(path, out, size);
}

int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status)
{
    return no_proc && strncmp(path, "/proc/", 6) == 0 ? -1 : __real_stat(path, status);
}

static int begin(void **state)
{
    char link[128];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

    (void)state;
    if (length < 0 || !getcwd(before, sizeof before))
        return -1;
    own[length] = '\0';
    snprintf(folder, sizeof folder, "/tmp/test_program.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(link, sizeof link, "%s/server", folder);
    return symlink(own, link);
}

static int end(void **state)
{
    char link[128];

    (void)state;
    snprintf(link, sizeof link, "%s/server", folder);
    unlink(link);
    rmdir(folder);
    return chdir(before);
}

static void expect_link(const char *name)
{
    char path[4096], expected[128];

    snprintf(expected, sizeof expected, "%s/server", folder);
    program_path(name, path, sizeof path);
    assert_string_equal(path, expected);
}

/* Symptom: with current -> v1 an upgrade ran v1 again though the link had become v2's. */
static void link__absolute__not_resolved(void **state)
{
    char name[128];

    (void)state;
    snprintf(name, sizeof name, "%s/server", folder);
    expect_link(name);
}

static void link__below_the_current_folder__made_absolute(void **state)
{
    char path[4096], expected[256];

    (void)state;
    assert_int_equal(chdir(folder), 0);
    program_path("./server", path, sizeof path);
    snprintf(expected, sizeof expected, "%s/./server", folder);
    assert_string_equal(path, expected);
}

static void bare_name__found_in_path(void **state)
{
    char folders[256];

    (void)state;
    snprintf(folders, sizeof folders, "/nowhere::%s:/bin", folder);
    setenv("PATH", folders, 1);
    expect_link("server");
}

static void bare_name__no_path_or_one_of_relative_folders__what_proc_says(void **state)
{
    char path[4096];

    (void)state;
    assert_int_equal(chdir(folder), 0);
    setenv("PATH", ".", 1); /* where the next command starts is not where this one did */
    program_path("server", path, sizeof path);
    assert_string_equal(path, own);
    unsetenv("PATH");
    program_path("server", path, sizeof path);
    assert_string_equal(path, own);
}

static void current_folder__removed__what_proc_says(void **state)
{
    char path[4096], gone[128];

    (void)state;
    snprintf(gone, sizeof gone, "%s/gone", folder);
    assert_int_equal(mkdir(gone, 0700), 0);
    assert_int_equal(chdir(gone), 0);
    assert_int_equal(rmdir(gone), 0);
    program_path("../server", path, sizeof path);
    assert_string_equal(path, own);
}

static void name__is_another_file__what_proc_says(void **state)
{
    char path[4096];

    (void)state;
    program_path("/bin/sh", path, sizeof path);
    assert_string_equal(path, own);
    program_path("/proc/self/status", path, sizeof path); /* of another file system too */
    assert_string_equal(path, own);
    char beside[sizeof own];
    strcpy(beside, own);
    strrchr(beside, '/')[0] = '\0'; /* the folder, of the same one */
    program_path(beside, path, sizeof path);
    assert_string_equal(path, own);
    program_path("./no-such-thing", path, sizeof path);
    assert_string_equal(path, own);
}

static void path__does_not_fit_or_no_proc__empty(void **state)
{
    char path[8], long_enough[4096];

    (void)state;
    program_path("server", path, sizeof path);
    assert_string_equal(path, "");
    program_path("/some/server", path, sizeof path);
    assert_string_equal(path, "");
    no_proc = true;
    program_path("/nonexistent/server", long_enough, sizeof long_enough);
    assert_string_equal(long_enough, "");
    program_path(own, long_enough, sizeof long_enough); /* which may be another one now */
    no_proc = false;
    assert_string_equal(long_enough, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(link__absolute__not_resolved, begin, end),
        cmocka_unit_test_setup_teardown(link__below_the_current_folder__made_absolute, begin, end),
        cmocka_unit_test_setup_teardown(bare_name__found_in_path, begin, end),
        cmocka_unit_test_setup_teardown(name__is_another_file__what_proc_says, begin, end),
        cmocka_unit_test_setup_teardown(path__does_not_fit_or_no_proc__empty, begin, end),
        cmocka_unit_test_setup_teardown(bare_name__no_path_or_one_of_relative_folders__what_proc_says, begin,
                                        end),
        cmocka_unit_test_setup_teardown(current_folder__removed__what_proc_says, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
