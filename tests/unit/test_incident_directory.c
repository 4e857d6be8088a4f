/* Incident reports: the directory is made, and what one in trouble costs: a full disk, no descriptor, no right. */
/* wrap: openat open access */
#include "tests/support/cmocka_all.h"

#include "tests/support/incident_fixture.h"
#include "tests/support/log_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool disk_is_full, no_descriptor, no_right;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    errno = EMFILE;
    return no_descriptor ? -1 : __real_open(path, flags);
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
    errno = EACCES;
    return no_right ? -1 : __real_access(path, mode);
}

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, ...);

/* The file is there and takes nothing: /dev/full says ENOSPC to every write. */
int __wrap_openat(int dir_fd, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (no_right) {
        errno = EACCES;
        return -1;
    }
    if (disk_is_full && flags & O_CREAT)
        return __real_open("/dev/full", O_WRONLY | O_CLOEXEC);
    return __real_openat(dir_fd, path, flags, mode);
}

static int begin(void **state)
{
    disk_is_full = no_descriptor = no_right = false;
    return death_open(state);
}

/* ---- trouble ---- */

static void trouble__directory_vanished__one_line_and_the_event(void **state)
{
    (void)state;
    rmdir(death.dir);
    death_happen(DEATH_GENERATION);
    assert_non_null(strstr(log_capture_expect("failed"), " what=incident_file slot=2 why=ENOENT"));
    death_settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__disk_is_full__one_line_and_the_event(void **state)
{
    (void)state;
    disk_is_full = true;
    death_happen(DEATH_GENERATION);
    assert_non_null(strstr(log_capture_expect("failed"), " what=incident_file slot=2 why=ENOSPC"));
    death_settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__disk_fills_up_later__one_line_and_the_event(void **state)
{
    (void)state;
    death_happen(DEATH_GENERATION);
    disk_is_full = true;
    death_settle_and_flush();
    log_capture_expect("failed");
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__no_descriptor_or_no_right__one_line_and_the_event(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        no_descriptor = i == 0;
        no_right = i == 1;
        death_happen(DEATH_GENERATION);
        const char *text = log_capture_expect("failed");
        assert_non_null(strstr(text, i == 0 ? "why=EMFILE" : "why=EACCES"));
        death_settle_and_flush();
        assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
        log_capture_expect_nothing();
    }
    no_right = false;
}

/* The oldest stay until there is a descriptor again. */
static void trouble__no_descriptor__no_file_is_removed(void **state)
{
    static char names[200][256];

    (void)state;
    for (uint32_t generation = 1; generation <= INCIDENT_FILE_COUNT_MAX; generation++)
        death_happen(generation);
    no_descriptor = true;
    death_happen(INCIDENT_FILE_COUNT_MAX + 1);
    no_descriptor = false;
    assert_int_equal(death_list(names, 200), INCIDENT_FILE_COUNT_MAX);
}

/* ---- the directory ---- */

static void prepare__not_there__made_for_its_owner_alone(void **state)
{
    struct stat status;

    (void)state;
    rmdir(death.dir);
    assert_int_equal(incident_prepare(death.dir), 0);
    assert_int_equal(stat(death.dir, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(incident_prepare(death.dir), 0);
}

static void prepare__no_place_for_it__errors(void **state)
{
    (void)state;
    assert_int_equal(incident_prepare(death_path_of("a/b")), -ENOENT);
    death_happen(DEATH_GENERATION);
    assert_int_equal(incident_prepare(death_path_of(death.incident.name)), -ENOTDIR);
    no_right = true;
    assert_int_equal(incident_prepare(death.dir), -EACCES);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, death_close)
    const struct CMUnitTest tests[] = {
        TEST(trouble__directory_vanished__one_line_and_the_event),
        TEST(trouble__disk_is_full__one_line_and_the_event),
        TEST(trouble__disk_fills_up_later__one_line_and_the_event),
        TEST(trouble__no_descriptor_or_no_right__one_line_and_the_event),
        TEST(trouble__no_descriptor__no_file_is_removed),
        TEST(prepare__not_there__made_for_its_owner_alone),
        TEST(prepare__no_place_for_it__errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
