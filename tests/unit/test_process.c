/* Making a process whose pid stands on the board before it runs, and ending it without ever meeting another.
 */
/* wrap: pidfd_open pidfd_send_signal syscall read __read_chk */
#include "tests/support/cmocka_all.h"

#include "worker/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_CHILD (CLONE_PARENT_SETTID | SIGCHLD)

/* Shared with the children. */
static struct cells {
    struct birth_cell birth;
    struct death_cell death;
    shared_i32 pid_seen; /* by the child, on the board, first of all */
} * cells;

static struct {
    int clone_error, open_error, send_error;
    bool dies_in_between; /* the death is told between the opening and the signal */
    int sent_count;
} bend;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    va_list arguments;
    long a[5];

    va_start(arguments, number);
    for (int i = 0; i < 5; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_clone && bend.clone_error) {
        errno = bend.clone_error;
        return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
}

int __real_pidfd_open(pid_t pid, unsigned flags);
int __wrap_pidfd_open(pid_t pid, unsigned flags);

int __wrap_pidfd_open(pid_t pid, unsigned flags)
{
    if (bend.dies_in_between)
        atomic_store(&cells->death.generation, atomic_load(&cells->birth.generation));
    if (bend.open_error) {
        errno = bend.open_error;
        return -1;
    }
    return __real_pidfd_open(pid, flags);
}

int __real_pidfd_send_signal(int fd, int signal_number, siginfo_t *info, unsigned flags);
int __wrap_pidfd_send_signal(int fd, int signal_number, siginfo_t *info, unsigned flags);

int __wrap_pidfd_send_signal(int fd, int signal_number, siginfo_t *info, unsigned flags)
{
    bend.sent_count++;
    if (bend.send_error) {
        errno = bend.send_error;
        return -1;
    }
    return __real_pidfd_send_signal(fd, signal_number, info, flags);
}

static const char *stat_text; /* of every process; NULL: the truth */

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (!stat_text)
        return __real_read(fd, bytes, size);
    memcpy(bytes, stat_text, strlen(stat_text));
    return (ssize_t)strlen(stat_text);
}

/* What read is called where the compiler does not see how long its array is (feature_test_macros(7)). */
ssize_t __wrap___read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *bytes, size_t size, size_t room)
{
    (void)room;
    return __wrap_read(fd, bytes, size);
}

static int begin(void **state)
{
    (void)state;
    bend = (__typeof__(bend)){0};
    cells = mmap(NULL, sizeof *cells, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cells == MAP_FAILED ? -1 : 0;
}

static int finish(void **state)
{
    (void)state;
    return munmap(cells, sizeof *cells);
}

/* A child of that generation, waiting for a signal. */
static pid_t make_waiting(uint32_t generation)
{
    int pid = process_clone(OWN_CHILD, &cells->birth, generation);

    if (pid == 0) {
        atomic_store(&cells->pid_seen, atomic_load(&cells->birth.pid));
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static int wait_status(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    wait_status(pid);
}

static int send_signal(uint32_t generation, int signal_number)
{
    return process_signal(&cells->birth, &cells->death, generation, signal_number);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++) {
        int copy = dup(fd);

        count += copy >= 0;
        if (copy >= 0)
            close(copy);
    }
    return count;
}

/* ---- births ---- */

static void clone__child__has_its_pid_on_the_board_before_it_runs(void **state)
{
    (void)state;
    for (uint32_t generation = 1; generation <= 50; generation++) {
        int pid = process_clone(OWN_CHILD, &cells->birth, generation);

        if (pid == 0)
            _exit(atomic_load(&cells->birth.pid) == getpid() ? 7 : 8);
        assert_true(pid > 0);
        assert_int_equal(atomic_load(&cells->birth.pid), pid);
        assert_int_equal(atomic_load(&cells->birth.generation), generation);
        assert_int_equal(WEXITSTATUS(wait_status(pid)), 7);
    }
}

static void clone__fails__generation_noted_and_nobody_made(void **state)
{
    (void)state;
    atomic_store(&cells->birth.pid, 4321); /* of the one before */
    bend.clone_error = EAGAIN;
    assert_int_equal(process_clone(OWN_CHILD, &cells->birth, 6), -EAGAIN);
    assert_int_equal(atomic_load(&cells->birth.generation), 6);
    assert_int_equal(atomic_load(&cells->birth.pid), 0);
    assert_int_equal(board_living_pid(&cells->birth, &cells->death), 0);
}

/* ---- signals ---- */

static void signal__living_generation__arrives(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    assert_int_equal(send_signal(1, SIGTERM), 0);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGTERM);
}

static void signal__whatever_happens__no_descriptor_is_left(void **state)
{
    int before = open_descriptors();
    pid_t pid = make_waiting(1);

    (void)state;
    assert_int_equal(send_signal(1, SIGCONT), 0);
    bend.send_error = EPERM;
    assert_int_equal(send_signal(1, SIGCONT), -EPERM);
    bend.dies_in_between = true;
    assert_int_equal(send_signal(1, SIGCONT), -ESRCH);
    assert_int_equal(open_descriptors(), before);
    end(pid);
}

/* Its number may be anybody's by now. */
static void signal__death_is_told__nothing_is_sent(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    atomic_store(&cells->death.generation, 1);
    assert_int_equal(send_signal(1, SIGKILL), -ESRCH);
    assert_int_equal(bend.sent_count, 0);
    end(pid);
}

static void signal__death_is_told_after_the_opening__nothing_is_sent(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    bend.dies_in_between = true;
    assert_int_equal(send_signal(1, SIGKILL), -ESRCH);
    assert_int_equal(bend.sent_count, 0);
    end(pid);
}

static void signal__older_or_newer_generation__nothing_is_sent(void **state)
{
    pid_t pid = make_waiting(2);

    (void)state;
    assert_int_equal(send_signal(1, SIGKILL), -ESRCH);
    assert_int_equal(send_signal(3, SIGKILL), -ESRCH);
    assert_int_equal(bend.sent_count, 0);
    end(pid);
}

static void signal__noted_but_not_made__nothing_is_sent(void **state)
{
    (void)state;
    atomic_store(&cells->birth.generation, 1);
    assert_int_equal(send_signal(1, SIGKILL), -ESRCH);
    assert_int_equal(bend.sent_count, 0);
}

/* A supervisor whose limit of descriptors was lowered could not have a dead worker replaced any more. */
static void signal__no_descriptor_to_be_had__arrives_by_number(void **state)
{
    const int wants[] = {EMFILE, ENFILE, ENOMEM};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        pid_t pid = make_waiting(i + 1);

        bend.open_error = wants[i];
        assert_int_equal(send_signal(i + 1, SIGTERM), 0);
        assert_int_equal(WTERMSIG(wait_status(pid)), SIGTERM);
    }
    assert_int_equal(bend.sent_count, 0);
}

static void signal__no_descriptor_and_death_is_told__nothing_is_sent(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    bend.open_error = EMFILE;
    bend.dies_in_between = true;
    assert_int_equal(send_signal(1, SIGKILL), -ESRCH);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    end(pid);
}

static void signal__cannot_be_opened__its_error(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    bend.open_error = ENODEV;
    assert_int_equal(send_signal(1, SIGKILL), -ENODEV);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    end(pid);
}

/* Dead, and its death not told yet: the number is still its own, as nobody has reaped it. */
static void signal__dead_but_not_reaped__harmless(void **state)
{
    pid_t pid = make_waiting(1);
    siginfo_t info;

    (void)state;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(send_signal(1, SIGKILL), 0);
    wait_status(pid);
}

/* A worker that somebody has taken over wrote the number of a stranger on its board. */
static void signal__to_a_stranger__nothing_is_sent(void **state)
{
    int strangers[2];
    pid_t stranger, between;

    (void)state;
    assert_int_equal(pipe(strangers), 0);
    between = fork();
    if (between == 0) {
        stranger = fork();
        if (stranger == 0)
            pause();
        (void)!write(strangers[1], &stranger, sizeof stranger);
        pause();
    }
    assert_int_equal(read(strangers[0], &stranger, sizeof stranger), sizeof stranger);
    close(strangers[0]);
    close(strangers[1]);
    atomic_store(&cells->birth.generation, 1);
    atomic_store(&cells->birth.pid, stranger);
    assert_int_equal(send_signal(1, SIGKILL), -EPERM);
    assert_int_equal(bend.sent_count, 0);
    bend.open_error = EMFILE;
    assert_int_equal(send_signal(1, SIGKILL), -EPERM);
    assert_int_equal(kill(stranger, SIGKILL), 0);
    end(between);
}

/* Whatever its name says of parents. */
static void kin__odd_name__parent_is_found(void **state)
{
    pid_t pid = make_waiting(1);

    (void)state;
    prctl(PR_SET_NAME, "a) S 1 (");
    assert_true(process_is_kin(pid));
    assert_true(process_is_kin(getpid()));
    prctl(PR_SET_NAME, "test_process");
    assert_false(process_is_kin(1));
    end(pid);
}

/* What is dead, or not to be seen, cannot be held against anybody. */
static void kin__nothing_known__taken_for_one(void **state)
{
    (void)state;
    static const char *const odd[] = {"no brackets", "1 (x) S"};
    for (size_t at = 0; at < 2; at++) {
        stat_text = odd[at];
        bool is_kin = process_is_kin(getpid());
        stat_text = NULL;
        assert_false(is_kin);
    }
    assert_true(process_is_kin(-5));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(clone__child__has_its_pid_on_the_board_before_it_runs),
        TEST(clone__fails__generation_noted_and_nobody_made),
        TEST(signal__living_generation__arrives),
        TEST(signal__whatever_happens__no_descriptor_is_left),
        TEST(signal__death_is_told__nothing_is_sent),
        TEST(signal__death_is_told_after_the_opening__nothing_is_sent),
        TEST(signal__older_or_newer_generation__nothing_is_sent),
        TEST(signal__noted_but_not_made__nothing_is_sent),
        TEST(signal__no_descriptor_to_be_had__arrives_by_number),
        TEST(signal__no_descriptor_and_death_is_told__nothing_is_sent),
        TEST(signal__cannot_be_opened__its_error),
        TEST(signal__dead_but_not_reaped__harmless),
        TEST(signal__to_a_stranger__nothing_is_sent),
        TEST(kin__odd_name__parent_is_found),
        TEST(kin__nothing_known__taken_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
