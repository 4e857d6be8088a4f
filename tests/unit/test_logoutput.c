/* Where lines go: a file that is moved, removed, full or torn; the journal. Seen through the sink that
 * writes. */
/* wrap: open pread fstat __pread_chk */
#include "tests/support/cmocka_all.h"

#include "master/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct logsink sink;
static struct logsink_settings settings;
static int log_fds[2]; /* the log pipe */
static char folder[64], subfolder[80], path[96], moved[96];
static _Atomic(uint64_t) lost_kept;
static char content[65536];

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

static int begin(void **state)
{
    (void)state;
    no_proc = is_emptied = is_unseen = false;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    lost_kept = 0;
    strcpy(folder, "/tmp/test_logoutput.XXXXXX");
    if (!mkdtemp(folder) || pipe2(log_fds, O_CLOEXEC) < 0)
        return -1;
    snprintf(subfolder, sizeof subfolder, "%s/sub", folder);
    snprintf(path, sizeof path, "%s/log", subfolder);
    snprintf(moved, sizeof moved, "%s/log.1", subfolder);
    settings = (struct logsink_settings){.path = path, .lost_kept = &lost_kept};
    log_init(log_fds[1], LOG_LEVEL_INFO);
    return mkdir(subfolder, 0700);
}

static int end(void **state)
{
    (void)state;
    logsink_close(&sink);
    log_init(-1, LOG_LEVEL_INFO);
    close(log_fds[0]);
    close(log_fds[1]);
    unlink(path);
    unlink(moved);
    rmdir(subfolder);
    return rmdir(folder);
}

static void open_sink(void)
{
    assert_int_equal(logsink_init(&sink, log_fds[0], &settings), 0);
}

/* A second has passed since the last look at the file. */
static void let_it_look(void)
{
    sink.output.looked_at_ms -= LOGOUTPUT_LOOK_MS;
}

static const char *read_file(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, content, sizeof content - 1);

    if (fd >= 0)
        close(fd);
    content[length > 0 ? length : 0] = '\0';
    return content;
}

static void say(const char *word)
{
    log_event(LOG_LEVEL_INFO, "event=%s", word);
    logsink_drain(&sink);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static void check_in(const char *name, const char *what)
{
    if (!strstr(read_file(name), what))
        fail_msg("\"%s\" lacks \"%s\"", content, what);
}

static void check_not_in(const char *name, const char *what)
{
    if (strstr(read_file(name), what))
        fail_msg("\"%s\" has \"%s\"", content, what);
}

/* Every line begins with the year and ends; none is mixed with another. */
static void check_whole_lines(const char *name)
{
    const char *line = read_file(name);

    while (*line) {
        const char *newline = strchr(line, '\n');

        assert_int_equal(strncmp(line, "20", 2), 0);
        assert_non_null(newline);
        assert_non_null(memmem(line, (size_t)(newline - line), " event=", 7));
        line = newline + 1;
    }
}

static void file__none_there__made_for_owner_and_group(void **state)
{
    struct stat status;
    mode_t mask = umask(0);

    (void)state;
    open_sink();
    umask(mask);
    say("one");
    check_in(path, "event=one\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void file__there__appended(void **state)
{
    (void)state;
    open_sink();
    say("one");
    logsink_close(&sink);
    open_sink();
    say("two");
    check_in(path, "event=one\n");
    assert_non_null(strstr(content, "event=two\n"));
    check_whole_lines(path);
}

static void file__cannot_be_opened__all_lost_and_told_when_it_can(void **state)
{
    (void)state;
    assert_int_equal(rmdir(subfolder), 0);
    open_sink();
    say("one");
    assert_int_equal(sink.lost_count, 2); /* this, and that it could not be opened */
    let_it_look();
    say("two");
    assert_int_equal(sink.lost_count, 3);
    assert_int_equal(mkdir(subfolder, 0700), 0);
    let_it_look();
    say("three");
    check_in(path, "event=log_lost count=3\n");
    assert_non_null(strstr(content, "event=three\n"));
    assert_non_null(strstr(content, "event=log_reopened why=removed"));
}

static void reopen__file_was_moved__goes_on_in_a_new_one(void **state)
{
    (void)state;
    open_sink();
    say("one");
    assert_int_equal(rename(path, moved), 0);
    let_it_look();
    say("two"); /* a moved file is waited with */
    logsink_reopen(&sink);
    say("three");
    check_in(moved, "event=two\n");
    check_not_in(moved, "event=three");
    check_in(path, "event=three\n");
    assert_non_null(strstr(content, "event=log_reopened why=asked"));
    assert_null(strstr(content, "event=two"));
}

static void reopen__fails__old_file_stays_and_says_why(void **state)
{
    (void)state;
    open_sink();
    snprintf(moved, sizeof moved, "%s/log.1", folder); /* its folder goes, the file does not */
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(rmdir(subfolder), 0);
    logsink_reopen(&sink);
    say("one");
    let_it_look();
    say("two");
    check_in(moved, "event=failed what=log_reopen why=ENOENT\n");
    assert_int_equal(count_of(content, "event=failed"), 1);
    assert_non_null(strstr(content, "event=two\n"));
    assert_int_equal(mkdir(subfolder, 0700), 0);
    logsink_reopen(&sink);
    say("three");
    check_in(path, "event=three\n");
    check_not_in(path, "log_lost");
}

static void reopen__stderr__says_that_there_is_nothing_to_open(void **state)
{
    int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(saved >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    settings.path = NULL;
    open_sink();
    logsink_reopen(&sink);
    say("one");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    check_in(path, "event=failed what=log_reopen why=\"the log goes to stderr\"\n");
    assert_non_null(strstr(content, "event=one\n"));
}

static void file__removed__made_again_by_itself(void **state)
{
    (void)state;
    open_sink();
    say("one");
    assert_int_equal(unlink(path), 0);
    let_it_look();
    say("two");
    check_in(path, "event=two\n");
    assert_non_null(strstr(content, "event=log_reopened why=removed"));
}

static void file__its_folder_removed__lost_until_it_is_back(void **state)
{
    (void)state;
    open_sink();
    say("one");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(subfolder), 0);
    let_it_look();
    say("two");
    assert_int_equal(sink.output.fd, -1);
    let_it_look();
    say("three");
    assert_int_equal(sink.lost_count, 3); /* and once why */
    assert_int_equal(mkdir(subfolder, 0700), 0);
    say("four"); /* no second has passed */
    assert_int_equal(sink.lost_count, 4);
    let_it_look();
    say("five");
    check_in(path, "event=log_lost count=4\n");
    assert_non_null(strstr(content, "event=five\n"));
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

static void stderr__closed__all_lost(void **state)
{
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);

    (void)state;
    settings.path = NULL;
    close(STDERR_FILENO);
    open_sink();
    say("one");
    uint64_t lost = sink.lost_count;
    logsink_close(&sink);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(lost, 1);
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

static void json__lines_of_the_sink_too(void **state)
{
    (void)state;
    settings.format = LOG_FORMAT_JSON;
    open_sink();
    logsink_add_lost(&sink, 3);
    say("one");
    check_in(path, "\"level\":\"warn\",\"event\":\"log_lost\",\"count\":3}\n");
    assert_non_null(strstr(content, "\"level\":\"info\",\"event\":\"one\"}\n"));
}

/* stderr is a socket, and JOURNAL_STREAM names this one or another. */
static void check_journal(bool is_named, const char *expected)
{
    int pair[2], saved = dup(STDERR_FILENO);
    struct stat status;
    char stream[64], got[256];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fstat(pair[is_named ? 1 : 0], &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    dup2(pair[1], STDERR_FILENO);
    settings.path = NULL;
    open_sink();
    say("one");
    dup2(saved, STDERR_FILENO);
    close(saved);
    unsetenv("JOURNAL_STREAM");
    ssize_t length = read(pair[0], got, sizeof got - 1);

    close(pair[0]);
    close(pair[1]);
    assert_true(length > 0);
    got[length] = '\0';
    if (!strstr(got, expected))
        fail_msg("\"%s\" lacks \"%s\"", got, expected);
    assert_int_equal(strncmp(got, "<6>", 3) == 0, is_named);
}

static void journal__stderr_is_its_stream__priorities(void **state)
{
    (void)state;
    check_journal(true, "<6>event=one\n");
}

static void journal__stderr_is_another_stream__times(void **state)
{
    (void)state;
    check_journal(false, "Z info  event=one\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(file__none_there__made_for_owner_and_group),
        TEST(file__there__appended),
        TEST(file__cannot_be_opened__all_lost_and_told_when_it_can),
        TEST(reopen__file_was_moved__goes_on_in_a_new_one),
        TEST(reopen__fails__old_file_stays_and_says_why),
        TEST(reopen__stderr__says_that_there_is_nothing_to_open),
        TEST(file__removed__made_again_by_itself),
        TEST(file__its_folder_removed__lost_until_it_is_back),
        TEST(disk__full_within_a_line_and_free_again__no_line_torn),
        TEST(disk__full_within_a_line__file_opened_anew__that_line_is_lost_too),
        TEST(disk__full_within_the_count__finished_where_it_was_begun),
        TEST(disk__full_within_the_count__still_full__told_again),
        TEST(writer__died_within_a_line__the_next_one_begins_a_line),
        TEST(device_full__lost_and_kept_for_the_next_one),
        TEST(json__lines_of_the_sink_too),
        TEST(journal__stderr_is_its_stream__priorities),
        TEST(journal__stderr_is_another_stream__times),
        TEST(writer__died_within_a_line_that_cannot_be_looked_at__goes_on),
        TEST(stderr__closed__all_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
