/*
 * Where lines go: a file that is made, moved or removed; stderr; the journal. Seen through the sink that writes. What is
 * full, and a writer that dies, are in test_logoutput_full.c.
 */
#include "tests/unit/test_logoutput.h"

#include <stdbool.h>
#include <sys/socket.h>

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
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
        TEST(json__lines_of_the_sink_too),
        TEST(journal__stderr_is_its_stream__priorities),
        TEST(journal__stderr_is_another_stream__times),
        TEST(stderr__closed__all_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
