/* What the parent left open and what all processes share, looked at in children: cmocka's own descriptors
 * stay. */
/* wrap: open __open_2 pipe2 eventfd pidfd_open socketpair fcntl */
#include "tests/support/cmocka_all.h"

#include "master/inherit.h"
#include "worker/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NUMBER_COUNT = 700,
    STRAY = 11,
    HIGH_STRAY = 650,
    READY = 20,
    HIGH_READY = 600,
    LISTENER = 300,
    CONTROL = 301
};

static const char *failing; /* the call that fails, in the child */
static int calls_before;    /* that work before it */

static bool fails(const char *call)
{
    errno = EPERM;
    if (!failing || strcmp(failing, call) != 0)
        return false;
    calls_before--;
    return calls_before < 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    return fails("open") ? -1 : __real_open(path, flags);
}

/* What open is called where the compiler does not see which flags it is given (feature_test_macros(7)). */
int __wrap___open_2(const char *path, int flags);
int __wrap___open_2(const char *path, int flags)
{
    return __wrap_open(path, flags);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    int value = va_arg(arguments, int);
    va_end(arguments);
    return command == F_DUPFD && fails("fcntl") ? -1 : __real_fcntl(fd, command, value);
}

#define WRAP(name, arguments, values)                                                                        \
    int __real_##name arguments;                                                                             \
    int __wrap_##name arguments;                                                                             \
    int __wrap_##name arguments                                                                              \
    {                                                                                                        \
        return fails(#name) ? -1 : __real_##name values;                                                     \
    }

WRAP(pipe2, (int ends[2], int flags), (ends, flags))
WRAP(eventfd, (unsigned value, int flags), (value, flags))
WRAP(pidfd_open, (pid_t pid, unsigned flags), (pid, flags))
WRAP(socketpair, (int family, int type, int protocol, int ends[2]), (family, type, protocol, ends))

/* ---- in the child ---- */

/* Children have no cmocka: what is wrong is written to the test, as long as that descriptor is open. */
#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            dprintf(report_fd, "%s:%d: %s", __FILE__, __LINE__, #condition);                                 \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static int report_fd = -1; /* closed by tidying: from then on the exit code tells */

static bool is_open(int fd)
{
    return __real_fcntl(fd, F_GETFD) >= 0;
}

static bool none_is_open(int first, int last)
{
    for (int fd = first; fd <= last; fd++)
        if (is_open(fd) && fd != report_fd)
            return false;
    return true;
}

static bool is_null(int fd)
{
    struct stat here, null;

    return fstat(fd, &here) == 0 && stat("/dev/null", &null) == 0 && here.st_rdev == null.st_rdev &&
           S_ISCHR(here.st_mode);
}

/* Runs the step in a child whose report comes back by a pipe, and fails the test with its text. */
static void in_child(void (*step)(void))
{
    char text[512] = "";
    int ends[2], status = -1;

    assert_int_equal(__real_pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(10); /* a call that waits is a failure */
        report_fd = dup2(ends[1], NUMBER_COUNT);
        step();
        _exit(0);
    }
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("%s (status %d)", length > 0 ? text : "a step failed", status);
}

/* ---- what the parent left open ---- */

static void tidy_strays(void)
{
    int none = -1;

    dup2(STDIN_FILENO, STRAY);
    dup2(STDIN_FILENO, HIGH_STRAY);
    EXPECT(inherit_tidy(&none, 0) == 0);
    _exit(none == -1 && is_open(0) && is_open(1) && is_open(2) && none_is_open(3, NUMBER_COUNT) ? 0 : 2);
}

static void tidy__strays__are_closed_and_standard_streams_kept(void **state)
{
    (void)state;
    in_child(tidy_strays);
}

static void tidy_passed(void)
{
    int none = -1;

    for (int fd = 3; fd <= 6; fd++)
        dup2(STDIN_FILENO, fd);
    EXPECT(inherit_tidy(&none, 2) == 0);
    _exit(is_open(3) && is_open(4) && none_is_open(5, NUMBER_COUNT) ? 0 : 7);
}

static void tidy__descriptors_are_passed__they_are_spared(void **state)
{
    (void)state;
    in_child(tidy_passed);
}

/* What is written to it must still arrive, and nothing else be left. */
static void tidy_with_ready_at(int number)
{
    int ends[2], ready = number;
    char byte = 0;

    EXPECT(pipe(ends) == 0);
    EXPECT(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    EXPECT(dup2(ends[1], number) == number);
    int error = inherit_tidy(&ready, 0);
    bool is_right = error == 0 && ready == FIRST_CONNECTION && none_is_open(3, FIRST_CONNECTION - 1) &&
                    none_is_open(FIRST_CONNECTION + 1, NUMBER_COUNT) && write(ready, "r", 1) == 1 &&
                    read(STDIN_FILENO, &byte, 1) == 1 && byte == 'r';
    _exit(is_right ? 0 : 3);
}

static void tidy_low_ready(void)
{
    tidy_with_ready_at(READY);
}

static void tidy_high_ready(void)
{
    tidy_with_ready_at(HIGH_READY);
}

static void tidy__ready_descriptor__is_above_all_of_ours(void **state)
{
    (void)state;
    in_child(tidy_low_ready);
    in_child(tidy_high_ready);
}

/* Its own number is taken by itself: it goes one up. */
static void tidy_ready_in_the_way(void)
{
    int ready = FIRST_CONNECTION;

    EXPECT(dup2(STDIN_FILENO, FIRST_CONNECTION) == FIRST_CONNECTION);
    EXPECT(dup2(STDIN_FILENO, FIRST_CONNECTION + 2) == FIRST_CONNECTION + 2);
    int error = inherit_tidy(&ready, 0);
    _exit(error == 0 && ready == FIRST_CONNECTION + 1 && none_is_open(3, ready - 1) && is_open(ready) &&
                  none_is_open(ready + 1, NUMBER_COUNT)
              ? 0
              : 4);
}

static void tidy__ready_descriptor_at_the_first_such_number__moves_up(void **state)
{
    (void)state;
    in_child(tidy_ready_in_the_way);
}

static void tidy_ready_is_stderr(void)
{
    int ready = STDERR_FILENO;
    int error = inherit_tidy(&ready, 0);

    _exit(error == 0 && ready == STDERR_FILENO && none_is_open(3, NUMBER_COUNT) ? 0 : 5);
}

static void tidy__ready_descriptor_is_a_standard_stream__stays(void **state)
{
    (void)state;
    in_child(tidy_ready_is_stderr);
}

static void tidy_without_streams(void)
{
    int none = -1;

    close_range(0, 2, 0);
    int error = inherit_tidy(&none, 0);
    _exit(error == 0 && is_null(0) && is_null(1) && is_null(2) && write(2, "x", 1) == 1 &&
                  none_is_open(3, NUMBER_COUNT)
              ? 0
              : 6);
}

/* Or else the first socket would be somebody's standard error. */
static void tidy__streams_closed__are_made(void **state)
{
    (void)state;
    in_child(tidy_without_streams);
}

static void tidy_impossible(void)
{
    int none = -1, not_open = READY;

    close(READY);
    EXPECT(inherit_tidy(&not_open, 0) == -EBADF);
    EXPECT(not_open == READY);
    failing = "open";
    EXPECT(inherit_tidy(&none, 0) == -EPERM);
    calls_before = 1; /* to see that it is there */
    close(STDIN_FILENO);
    EXPECT(inherit_tidy(&none, 0) == -EPERM);
    failing = NULL;
}

static void tidy__no_such_descriptor_or_no_null__is_told(void **state)
{
    (void)state;
    in_child(tidy_impossible);
}

/* ---- what all processes share ---- */

static int socket_at(int number)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd != number) {
        dup2(fd, number);
        close(fd);
    }
    return number;
}

static ino_t inode(int fd)
{
    struct stat facts = {0};

    return fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

static bool counts_without_waiting(int fd)
{
    uint64_t value = 3, found = 0;
    bool was_empty = read(fd, &found, sizeof found) < 0 && errno == EAGAIN;

    return was_empty && write(fd, &value, sizeof value) == sizeof value &&
           read(fd, &found, sizeof found) == sizeof found && found == 3;
}

static bool is_pidfd_of_us(int fd)
{
    char path[64], text[512] = "", expected[32];

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int info = __real_open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(info, text, sizeof text - 1);
    close(info);
    snprintf(expected, sizeof expected, "\nPid:\t%d\n", getpid());
    return length > 0 && strstr(text, expected);
}

/* An upgrade executes programs: what is shared must stay open then. */
static void expect_open_across_exec(int fd)
{
    EXPECT(is_open(fd));
    EXPECT((__real_fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
}

static void make_all(void)
{
    const int made[] = {FD_LISTENER,   FD_LOG,     FD_LOG_READ, FD_MASTER,
                        FD_SUPERVISOR, FD_CONTROL, FD_IMAGE_IN, FD_IMAGE_OUT};
    char byte = 0;

    close_range(3, NUMBER_COUNT - 1, 0);
    ino_t listener = inode(socket_at(LISTENER)), control = inode(socket_at(CONTROL));
    EXPECT(inherit_make(LISTENER, CONTROL) == 0);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        expect_open_across_exec(made[i]);
    EXPECT(inode(FD_LISTENER) == listener);
    EXPECT(inode(FD_CONTROL) == control);
    EXPECT(read(FD_LOG_READ, &byte, 1) < 0 && errno == EAGAIN);
    EXPECT(write(FD_LOG, "l", 1) == 1 && read(FD_LOG_READ, &byte, 1) == 1 && byte == 'l');
    EXPECT(is_pidfd_of_us(FD_MASTER));
    EXPECT(counts_without_waiting(FD_SUPERVISOR));
    for (int slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        expect_open_across_exec(FD_POKE + slot);
        EXPECT(counts_without_waiting(FD_POKE + slot));
    }
    EXPECT(!is_open(FD_SHARED)); /* made by others, into their free numbers */
    EXPECT(!is_open(FD_EPOLL) && !is_open(FD_TICK) && !is_open(FD_IMAGE) && !is_open(FD_IMAGE + 1));
    EXPECT(none_is_open(FD_POKE + SLOT_COUNT_MAX, NUMBER_COUNT));
}

static void make__everything__at_its_number_and_nothing_else(void **state)
{
    (void)state;
    in_child(make_all);
}

/* As at the start: the listener has the lowest number that was free, which may be that of something else. */
static void make_from_low_numbers(void)
{
    close_range(3, NUMBER_COUNT - 1, 0);
    ino_t listener = inode(socket_at(FD_LOG_READ)), control = inode(socket_at(FD_LISTENER));
    EXPECT(inherit_make(FD_LOG_READ, FD_LISTENER) == 0);
    EXPECT(inode(FD_LISTENER) == listener);
    EXPECT(inode(FD_CONTROL) == control);
    EXPECT(none_is_open(FD_POKE + SLOT_COUNT_MAX, NUMBER_COUNT));
}

static void make__listener_at_somebody_elses_number__is_moved(void **state)
{
    (void)state;
    in_child(make_from_low_numbers);
}

static void make_without_control(void)
{
    close_range(3, NUMBER_COUNT - 1, 0);
    socket_at(LISTENER);
    EXPECT(inherit_make(LISTENER, -1) == 0);
    EXPECT(!is_open(FD_CONTROL));
    EXPECT(!is_open(LISTENER));
}

static void make__no_control_socket__its_number_stays_free(void **state)
{
    (void)state;
    in_child(make_without_control);
}

static void make_in_vain(void)
{
    close_range(3, NUMBER_COUNT - 1, 0);
    socket_at(LISTENER);
    EXPECT(inherit_make(LISTENER, -1) == -EPERM);
}

static void make__any_call_fails__is_told(void **state)
{
    static const char *const calls[] = {"pipe2", "fcntl", "pidfd_open", "eventfd", "socketpair"};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        failing = calls[i];
        in_child(make_in_vain);
        failing = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tidy__strays__are_closed_and_standard_streams_kept),
        cmocka_unit_test(tidy__descriptors_are_passed__they_are_spared),
        cmocka_unit_test(tidy__ready_descriptor__is_above_all_of_ours),
        cmocka_unit_test(tidy__ready_descriptor_at_the_first_such_number__moves_up),
        cmocka_unit_test(tidy__ready_descriptor_is_a_standard_stream__stays),
        cmocka_unit_test(tidy__streams_closed__are_made),
        cmocka_unit_test(tidy__no_such_descriptor_or_no_null__is_told),
        cmocka_unit_test(make__everything__at_its_number_and_nothing_else),
        cmocka_unit_test(make__listener_at_somebody_elses_number__is_moved),
        cmocka_unit_test(make__no_control_socket__its_number_stays_free),
        cmocka_unit_test(make__any_call_fails__is_told),
    };

    return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
