/*
 * Is a program fit to take over? The checker runs as it does in the server, on programs that are scripts, and
 * the test is its supervisor and the master that gets what is good.
 */
/* wrap: fork pipe2 poll __poll_chk clock_gettime */
#include "tests/support/cmocka_all.h"

#include "master/checker.h"
#include "master/imagepost.h"
#include "worker/heritage.h"
#include "worker/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NUMBER = 2 };

static char directory[] = "/tmp/test_checker.XXXXXX";
static char path[PATH_MAX], note_path[PATH_MAX];
static struct shared_pages *pages;
static int forks_that_work;                       /* from now on; inherited by the checker */
static bool pipe_fails, time_is_over, time_leaps; /* during a wait */
static time_t clock_offset_s;

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    errno = EAGAIN;
    return forks_that_work-- > 0 ? __real_fork() : -1;
}

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags)
{
    errno = EMFILE;
    return pipe_fails ? -1 : __real_pipe2(ends, flags);
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    clock_offset_s += time_leaps ? 3600 : 0;
    return time_is_over ? 0 : __real_poll(polled, count, timeout_ms);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);

    now->tv_sec += clock_offset_s;
    return result;
}

/* What poll is called where the compiler does not see how long its array is (feature_test_macros(7)). */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

/* ---- help ---- */

static int begin_all(void **state)
{
    sigset_t post;

    (void)state;
    sigemptyset(&post);
    sigaddset(&post, IMAGEPOST_SIGNAL);
    sigprocmask(SIG_BLOCK, &post, NULL);
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/program", directory);
    snprintf(note_path, sizeof note_path, "%s/note", directory);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int begin(void **state)
{
    (void)state;
    alarm(30);
    forks_that_work = INT_MAX;
    pipe_fails = time_is_over = time_leaps = false;
    clock_offset_s = 0;
    if (shared_pages_create(&pages) < 0)
        return -1;
    atomic_store(&pages->orders.master_image, 1);
    atomic_store(&pages->orders.images[0].number, 1);
    heritage_place(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR);
    return imagepost_open();
}

static int finish(void **state)
{
    const struct timespec now = {0};
    sigset_t post;

    (void)state;
    sigemptyset(&post);
    sigaddset(&post, IMAGEPOST_SIGNAL);
    while (sigtimedwait(&post, NULL, &now) > 0)
        ;
    munmap(pages, sizeof *pages);
    close_range(STDERR_FILENO + 1, FD_POKE - 1, 0);
    unlink(path);
    unlink(note_path);
    return 0;
}

/* The program is a script of that text. */
static void make_script(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void make_script(const char *format, ...)
{
    FILE *file = fopen(path, "w");
    va_list arguments;

    assert_non_null(file);
    fputs("#!/bin/sh\n", file);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

/* Checks the program, and waits for the end of that. */
static void check(void)
{
    pid_t pid = checker_start(pages, path, NUMBER);
    int status = -1;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&pages->orders.check.number), NUMBER);
}

static bool supervisor_was_woken(void)
{
    uint64_t count;

    return read(FD_SUPERVISOR, &count, sizeof count) == sizeof count;
}

/* Nothing has come to the master, and the supervisor was told why. */
static void expect_refused(const char *why)
{
    check();
    assert_string_equal(pages->orders.check.why, why);
    assert_false(pages->orders.check.is_good);
    assert_true(supervisor_was_woken());
    imagepost_receive(pages);
    assert_int_equal(image_find(pages, NUMBER), -ENOENT);
}

static void make_good_script(void)
{
    char line[128];

    checker_line(line, sizeof line);
    make_script("[ \"$1\" = " IMAGE_ROLE "check ] || exit 9\necho '%s'\n", line);
}

/* ---- good ---- */

static void good__says_who_it_is__the_master_gets_what_was_checked(void **state)
{
    struct stat copy;

    (void)state;
    make_good_script();
    check();
    assert_string_equal(pages->orders.check.why, "");
    assert_true(pages->orders.check.is_good);
    assert_true(supervisor_was_woken());
    imagepost_receive(pages);
    assert_int_equal(image_find(pages, NUMBER), 1);
    assert_true(pages->orders.images[1].build == image_build());
    assert_int_equal(fstat(FD_IMAGE + 1, &copy), 0);
    assert_int_equal(fcntl(FD_IMAGE + 1, F_GET_SEALS) & F_SEAL_WRITE, F_SEAL_WRITE);
}

static void good__another_build__its_own_id_is_noted(void **state)
{
    char line[128], *build;

    (void)state;
    checker_line(line, sizeof line);
    build = strstr(line, " build=");
    assert_non_null(build);
    *build = '\0';
    make_script("echo '%s build=00000000deadbeef'\necho and more lines\n", line);
    check();
    assert_true(pages->orders.check.is_good);
    imagepost_receive(pages);
    assert_true(pages->orders.images[1].build == 0xdeadbeef);
}

/* It is given no descriptor of the server, and reads nothing of its input. (3 is the program itself, 10 is where
 * sh has its script.) */
static void good__descriptors_of_the_server__are_not_the_programs(void **state)
{
    char line[128];

    (void)state;
    checker_line(line, sizeof line);
    make_script("for fd in 4 5 6 7 8 9 11 12 13 14; do [ -e /proc/self/fd/$fd ] && exit $fd; done\n"
                "[ \"$(readlink /proc/self/fd/0)\" = /dev/null ] || exit 2\necho '%s'\n",
                line);
    check();
    assert_string_equal(pages->orders.check.why, "");
    assert_true(pages->orders.check.is_good);
}

static void begun__outcome_of_the_last_one__is_gone(void **state)
{
    pid_t pid;

    (void)state;
    make_script("exit 0\n");
    atomic_store(&pages->orders.check.number, NUMBER);
    pid = checker_start(pages, "/nowhere", NUMBER + 1);
    assert_int_not_equal(atomic_load(&pages->orders.check.number), NUMBER);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(atomic_load(&pages->orders.check.number), NUMBER + 1);
}

/* ---- no good ---- */

static void refused__cannot_be_copied(void **state)
{
    (void)state;
    expect_refused("No such file or directory");
}

static void refused__is_no_program(void **state)
{
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    fputs("just a text\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    expect_refused("it cannot be executed: Exec format error");
}

static void refused__is_another_program(void **state)
{
    (void)state;
    make_script("exit 0\n");
    expect_refused("it is no prefork-upper");
    make_script("echo prefork-upper 0.1.0\n");
    expect_refused("it is no prefork-upper");
}

static void refused__says_too_much(void **state)
{
    (void)state;
    make_script("head -c 100000 /dev/zero | tr '\\0' x\n");
    expect_refused("it is no prefork-upper");
}

static void refused__lays_out_the_pages_in_another_way(void **state)
{
    (void)state;
    make_script("echo prefork-upper-image layout=1 build=2\n");
    expect_refused("it lays out what processes share in another way: it needs a restart");
}

static void refused__exits(void **state)
{
    (void)state;
    make_script("exit 3\n");
    expect_refused("it is no prefork-upper, or does not run here: its check exited with 3");
    make_script("echo 'no such option' >&2\necho more\nexit 64\n");
    expect_refused(
        "it is no prefork-upper, or does not run here: its check exited with 64 and said: no such option");
}

static void refused__dies(void **state)
{
    (void)state;
    make_script("kill -SEGV $$\n");
    expect_refused("it died of SIGSEGV when it was checked");
}

/* Signals are blocked in the supervisor; a program that is checked must be endable by any of them. */
static void refused__dies_of_a_signal_that_the_server_blocks(void **state)
{
    sigset_t term;

    (void)state;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    make_script("kill -TERM $$\nexit 4\n");
    expect_refused("it died of SIGTERM when it was checked");
    sigprocmask(SIG_UNBLOCK, &term, NULL);
}

static void refused__does_not_end(void **state)
{
    (void)state;
    make_script("exec sleep 60\n");
    time_is_over = true;
    expect_refused("its check did not end within 5 s");
}

/* ---- what fails here ---- */

/* It says something, and meanwhile the machine slept. */
static void refused__time_is_over_between_two_words(void **state)
{
    (void)state;
    make_script("echo one; exec sleep 60\n");
    time_leaps = true;
    expect_refused("its check did not end within 5 s");
}

static void refused__nothing_to_go_back_to(void **state)
{
    (void)state;
    make_good_script();
    atomic_store(&pages->orders.images[0].number, 0);
    expect_refused("the server has no copy of itself to go back to");
}

static void refused__no_pipe_or_process_to_run_it(void **state)
{
    (void)state;
    make_good_script();
    pipe_fails = true;
    expect_refused("it cannot be run: Too many open files");
    pipe_fails = false;
    forks_that_work = 1;
    expect_refused("it cannot be run: Resource temporarily unavailable");
}

static void refused__master_cannot_be_reached(void **state)
{
    (void)state;
    make_good_script();
    close(FD_IMAGE_OUT);
    expect_refused("the master does not take it: Bad file descriptor");
}

static void start__no_process__its_error(void **state)
{
    (void)state;
    forks_that_work = 0;
    assert_int_equal(checker_start(pages, path, NUMBER), -EAGAIN);
}

/* ---- nobody stays ---- */

static pid_t wait_for_note(void)
{
    const struct timespec interval = {.tv_nsec = 1000000};
    int pid = 0;

    for (int i = 0; i < 10000 && pid == 0; i++) {
        FILE *file = fopen(note_path, "r");

        if (file && fscanf(file, "%d\n", &pid) != 1)
            pid = 0;
        if (file)
            fclose(file);
        nanosleep(&interval, NULL);
    }
    assert_true(pid > 0);
    return pid;
}

/* Symptom: a program that closed its output and went on outlived its checker, and with it the server. */
static void ended__while_the_program_runs__that_one_ends_too(void **state)
{
    pid_t checker, program;
    int status = -1;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* it comes to us, and not to init */
    make_script("exec >&- 2>&-\necho $$ > %s.new && mv %s.new %s\nexec sleep 60\n", note_path, note_path,
                note_path);
    checker = checker_start(pages, path, NUMBER);
    assert_true(checker > 0);
    program = wait_for_note();
    assert_int_equal(kill(checker, SIGKILL), 0);
    assert_int_equal(waitpid(checker, NULL, 0), checker);
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(good__says_who_it_is__the_master_gets_what_was_checked),
        TEST(good__another_build__its_own_id_is_noted),
        TEST(good__descriptors_of_the_server__are_not_the_programs),
        TEST(begun__outcome_of_the_last_one__is_gone),
        TEST(refused__cannot_be_copied),
        TEST(refused__is_no_program),
        TEST(refused__is_another_program),
        TEST(refused__says_too_much),
        TEST(refused__lays_out_the_pages_in_another_way),
        TEST(refused__exits),
        TEST(refused__dies),
        TEST(refused__dies_of_a_signal_that_the_server_blocks),
        TEST(refused__does_not_end),
        TEST(refused__nothing_to_go_back_to),
        TEST(refused__no_pipe_or_process_to_run_it),
        TEST(refused__master_cannot_be_reached),
        TEST(start__no_process__its_error),
        TEST(ended__while_the_program_runs__that_one_ends_too),
        TEST(refused__time_is_over_between_two_words),
    };

    /* The fixed numbers are the test's alone: cmocka uses the standard streams. */
    close_range(STDERR_FILENO + 1, ~0u, 0);
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
