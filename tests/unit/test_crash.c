/* The fatal-signal handler: children crash in every way, the board and the wait status say how. */
/* wrap: sigaltstack sigaction */
#include "tests/support/cmocka_all.h"

#include "worker/board.h"
#include "worker/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GENERATION = 11 };

static struct board *board;
static char *forbidden; /* a page that may not be touched */
static size_t page_bytes;
static int sigaltstack_error, sigaction_error;

int __real_sigaltstack(const stack_t *stack, stack_t *old);
int __wrap_sigaltstack(const stack_t *stack, stack_t *old);
int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);

int __wrap_sigaltstack(const stack_t *stack, stack_t *old)
{
    errno = sigaltstack_error;
    return sigaltstack_error ? -1 : __real_sigaltstack(stack, old);
}

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    errno = sigaction_error;
    return sigaction_error ? -1 : __real_sigaction(number, action, old);
}

static int open_board(void **state)
{
    (void)state;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    sigaltstack_error = sigaction_error = 0;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    forbidden = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED || forbidden == MAP_FAILED ? -1 : 0;
}

static int close_board(void **state)
{
    (void)state;
    munmap(forbidden, page_bytes);
    return munmap(board, sizeof *board);
}

/* The signal that ended a child in which the step ran; 0: none did. */
static int signal_of(void (*step)(void))
{
    const struct rlimit none = {0};
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        if (crash_handler_install(board, GENERATION) < 0)
            _exit(1);
        step();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void expect_note(int number, uintptr_t address)
{
    assert_int_equal(atomic_load(&board->fault_signal), number);
    assert_int_equal(atomic_load(&board->fault_address), address);
    assert_int_equal(atomic_load(&board->fault_generation), GENERATION);
}

static void write_to_forbidden_page(void)
{
    *(volatile char *)(forbidden + 24) = 1;
}

static void segv__signal_and_address_on_the_board(void **state)
{
    (void)state;
    assert_int_equal(signal_of(write_to_forbidden_page), SIGSEGV);
    expect_note(SIGSEGV, (uintptr_t)forbidden + 24);
}

static void read_beyond_the_file(void)
{
    int fd = memfd_create("empty", 0);
    volatile char *page = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, 0);

    atomic_store(&board->ready_ns, (int64_t)(uintptr_t)page); /* tells the parent where */
    (void)*page;
}

static void bus__signal_and_address_on_the_board(void **state)
{
    (void)state;
    assert_int_equal(signal_of(read_beyond_the_file), SIGBUS);
    expect_note(SIGBUS, (uintptr_t)atomic_load(&board->ready_ns));
}

static void call_abort(void)
{
    abort();
}

/* The address field of a signal that was sent holds the sender. */
static void abort__signal_without_address(void **state)
{
    (void)state;
    assert_int_equal(signal_of(call_abort), SIGABRT);
    expect_note(SIGABRT, 0);
}

static int number_to_raise;

static void raise_it(void)
{
    raise(number_to_raise);
}

static void every_fatal_signal__sent__noted_and_true_wait_status(void **state)
{
    const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
    sigset_t set;

    (void)state;
    crash_signals(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(sigismember(&set, numbers[i]), 1);
        number_to_raise = numbers[i];
        assert_int_equal(signal_of(raise_it), numbers[i]);
        expect_note(numbers[i], 0);
    }
}

static volatile unsigned depth_max = UINT32_MAX;

static unsigned recurse(unsigned depth)
{
    volatile char frame[1024];

    frame[depth % sizeof frame] = 1;
    return depth < depth_max ? recurse(depth + 1) + (unsigned)frame[0] : 0;
}

static void overflow_stack(void)
{
    depth_max = recurse(0);
}

static void stack_overflow__noted_from_a_stack_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(signal_of(overflow_stack), SIGSEGV);
    assert_int_equal(atomic_load(&board->fault_signal), SIGSEGV);
    assert_int_not_equal(atomic_load(&board->fault_address), 0);
    assert_int_equal(atomic_load(&board->fault_generation), GENERATION);
}

static void end_in_order(void)
{
    _exit(0);
}

static void no_crash__nothing_noted(void **state)
{
    (void)state;
    assert_int_equal(signal_of(end_in_order), 0);
    assert_int_equal(atomic_load(&board->fault_generation), 0);
}

static void signals__only_fatal_ones(void **state)
{
    const int others[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGALRM};
    sigset_t set;

    (void)state;
    crash_signals(&set);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(sigismember(&set, others[i]), 0);
}

static void install__refused__negative_errno(void **state)
{
    (void)state;
    sigaltstack_error = ENOMEM;
    assert_int_equal(crash_handler_install(board, GENERATION), -ENOMEM);
    sigaltstack_error = 0;
    sigaction_error = EINVAL;
    assert_int_equal(crash_handler_install(board, GENERATION), -EINVAL);
}

/* A filter that forbids one call, which nothing else makes; and that call. */
static void make_forbidden_call(void)
{
    struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(0);
    syscall(SYS_getpgrp);
}

/* Where there are no filters nobody is ended by one. */
static void sigsys__of_a_filter__the_call_on_the_board(void **state)
{
    (void)state;
    int number = signal_of(make_forbidden_call);
    assert_true(number == SIGSYS || number == 0);
    assert_int_equal(atomic_load(&board->fault_call), number == SIGSYS ? SYS_getpgrp + 1 : 0);
}

static void send_sigsys(void)
{
    kill(getpid(), SIGSYS);
}

static void sigsys__sent__no_call_on_the_board(void **state)
{
    (void)state;
    assert_int_equal(signal_of(send_sigsys), SIGSYS);
    assert_int_equal(atomic_load(&board->fault_call), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_board, close_board)
    const struct CMUnitTest tests[] = {
        TEST(segv__signal_and_address_on_the_board),
        TEST(bus__signal_and_address_on_the_board),
        TEST(abort__signal_without_address),
        TEST(every_fatal_signal__sent__noted_and_true_wait_status),
        TEST(stack_overflow__noted_from_a_stack_of_its_own),
        TEST(no_crash__nothing_noted),
        TEST(signals__only_fatal_ones),
        TEST(install__refused__negative_errno),
        TEST(sigsys__of_a_filter__the_call_on_the_board),
        TEST(sigsys__sent__no_call_on_the_board),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
