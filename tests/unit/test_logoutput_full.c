/* Lines where there is no room for them, and after a writer that died within one: none is torn, and lost ones are counted. */
/* wrap: open pread fstat __pread_chk */
#include "tests/unit/test_logoutput.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/resource.h>

static bool no_proc;               /* a descriptor cannot be opened anew by its number */
static bool is_emptied, is_unseen; /* a file between two calls; what it is cannot be asked for */

int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if (!no_proc || strncmp(name, "/proc/self/fd/", 14) != 0)
        return __real_open(name, flags, mode);
    errno = ENOENT;
    return -1;
}

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
    return is_emptied ? 0 : __real_pread(fd, bytes, size, offset);
}

/* What pread is called where the compiler does not see how long its array is (feature_test_macros(7)). */
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room)
{
    (void)room;
    return __wrap_pread(fd, bytes, size, offset);
}

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status)
{
    errno = EIO;
    return is_unseen ? -1 : __real_fstat(fd, status);
}

static int begin_unbent(void **state)
{
    no_proc = is_emptied = is_unseen = false;
    return begin(state);
}

/* A limit of the file's size is a disk that is full: the write that reaches it is short, the next ones fail.
 */
static void set_room(rlim_t size)
{
    const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void disk__full_within_a_line_and_free_again__no_line_torn(void **state)
{
    (void)state;
    open_sink();
    set_room(100); /* the first line and a part of the second */
    say("one_of_some_length");
    say("two_of_some_length");
    assert_true(sink.line_bytes > 0);
    say("three");
    say("four");
    assert_int_equal(sink.lost_count, 2);
    assert_int_equal(strlen(read_file(path)), 100);
    set_room(RLIM_INFINITY);
    say("five");
    check_whole_lines(path);
    check_in(path, "event=two_of_some_length\n");
    assert_non_null(strstr(content, "event=log_lost count=2\n"));
    assert_non_null(strstr(content, "event=five\n"));
    assert_null(strstr(content, "event=three"));
    assert_int_equal(lost_kept, 0);
}

static void disk__full_within_a_line__file_opened_anew__that_line_is_lost_too(void **state)
{
    (void)state;
    open_sink();
    set_room(60);
    say("one_of_some_length");
    say("two_of_some_length");
    assert_int_equal(rename(path, moved), 0);
    logsink_reopen(&sink);
    set_room(RLIM_INFINITY);
    say("three");
    check_in(path, "event=log_lost count=1\n");
    check_whole_lines(path);
}

/* Part of the line that tells of lost ones is written, then the file is moved. */
static void fill_within_the_count(void)
{
    open_sink();
    logsink_add_lost(&sink, 7);
    set_room(20);
    logsink_drain(&sink);
    assert_int_equal(sink.lost_count, 0);
    assert_int_equal(lost_kept, 7);
    assert_int_equal(rename(path, moved), 0);
}

static void disk__full_within_the_count__finished_where_it_was_begun(void **state)
{
    (void)state;
    fill_within_the_count();
    set_room(RLIM_INFINITY);
    logsink_reopen(&sink);
    say("one");
    check_in(moved, "event=log_lost count=7\n");
    check_not_in(path, "log_lost");
}

static void disk__full_within_the_count__still_full__told_again(void **state)
{
    (void)state;
    fill_within_the_count();
    logsink_reopen(&sink);
    set_room(RLIM_INFINITY);
    say("one");
    check_in(path, "event=log_lost count=7\n");
    check_whole_lines(path);
}

static void writer__died_within_a_line__the_next_one_begins_a_line(void **state)
{
    (void)state;
    open_sink();
    set_room(60);
    say("one_of_some_length");
    say("two_of_some_length");
    say("three");
    assert_int_equal(lost_kept, 2); /* the torn one and the one after it */
    logsink_close(&sink);
    open_sink(); /* a new supervisor */
    set_room(RLIM_INFINITY);
    say("four");
    /* Between the torn one and what follows there is an end of line. */
    const char *torn = strchr(read_file(path), '\n') + 1;
    const char *next = strchr(torn, '\n') + 1;

    assert_int_equal(next - torn, 60 - (torn - content) + 1);
    check_in(path, "Z warn  event=log_lost count=2\n");
    check_in(path, "event=four\n");
    assert_int_equal(lost_kept, 0);
}

/* Then the torn line and the next one are one: nothing better can be known. */
static void writer__died_within_a_line_that_cannot_be_looked_at__goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "half a line", 11), 11);
        close(fd);
        no_proc = i == 0;
        is_emptied = i == 1;
        is_unseen = i == 2;
        open_sink();
        say("one");
        let_it_look();
        say("two");
        logsink_close(&sink);
        no_proc = is_emptied = is_unseen = false;
        check_in(path, "half a line20");
        assert_non_null(strstr(content, "event=one\n"));
        assert_non_null(strstr(content, "event=two\n"));
        assert_null(strstr(content, "log_reopened"));
    }
}

static void device_full__lost_and_kept_for_the_next_one(void **state)
{
    (void)state;
    settings.path = "/dev/full";
    open_sink();
    say("one");
    say("two");
    logsink_close(&sink);
    assert_int_equal(lost_kept, 2);
    settings.path = path;
    open_sink();
    logsink_drain(&sink);
    check_in(path, "event=log_lost count=2\n");
    assert_int_equal(lost_kept, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_unbent, end)
    const struct CMUnitTest tests[] = {
        TEST(disk__full_within_a_line_and_free_again__no_line_torn),
        TEST(disk__full_within_a_line__file_opened_anew__that_line_is_lost_too),
        TEST(disk__full_within_the_count__finished_where_it_was_begun),
        TEST(disk__full_within_the_count__still_full__told_again),
        TEST(writer__died_within_a_line__the_next_one_begins_a_line),
        TEST(device_full__lost_and_kept_for_the_next_one),
        TEST(writer__died_within_a_line_that_cannot_be_looked_at__goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
