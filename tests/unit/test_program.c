/* Where a program was started from: below the current folder, in PATH, by a link, or not to be told. */
#include "tests/support/cmocka_all.h"

#include "master/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char own[4096];    /* this program, as /proc says */
static char folder[64];   /* of our own, with a link to it */
static char before[4096]; /* the current folder */

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

static void name__is_another_file__what_proc_says(void **state)
{
    char path[4096];

    (void)state;
    program_path("/bin/sh", path, sizeof path);
    assert_string_equal(path, own);
    program_path("./no-such-thing", path, sizeof path);
    assert_string_equal(path, own);
}

static void path__does_not_fit__empty(void **state)
{
    char path[8];

    (void)state;
    program_path("server", path, sizeof path);
    assert_string_equal(path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(link__absolute__not_resolved, begin, end),
        cmocka_unit_test_setup_teardown(link__below_the_current_folder__made_absolute, begin, end),
        cmocka_unit_test_setup_teardown(bare_name__found_in_path, begin, end),
        cmocka_unit_test_setup_teardown(name__is_another_file__what_proc_says, begin, end),
        cmocka_unit_test_setup_teardown(path__does_not_fit__empty, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
