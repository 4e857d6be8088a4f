/*
 * A confined worker: children apply the sandbox and try what it forbids; the board and the wait status say what became of
 * it. And kernels that do not know a step, or fail in it.
 */
/* wrap: syscall mprotect setrlimit prctl sysconf */
#include "tests/support/cmocka_all.h"

#include "worker/board.h"
#include "worker/crash.h"
#include "worker/heritage.h"
#include "worker/landlock.h"
#include "worker/sandbox.h"
#include "worker/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOT = 1, GENERATION = 3, SURVIVED = 0, NOBODY = 65534 };

static struct shared_pages *pages;
static struct board *board;

static struct {
    long number; /* of the system call that fails; 0: none */
    bool mprotect, setrlimit, prctl;
    int error;
    long page_size; /* 0: the true one */
} bend;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    va_list arguments;
    long a[6];

    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    errno = bend.error;
    if (number == bend.number)
        return -1;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __real_mprotect(void *from, size_t size, int protection);
int __wrap_mprotect(void *from, size_t size, int protection);
int __wrap_mprotect(void *from, size_t size, int protection)
{
    errno = bend.error;
    return bend.mprotect ? -1 : __real_mprotect(from, size, protection);
}

int __real_setrlimit(int resource, const struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit)
{
    errno = bend.error;
    return bend.setrlimit ? -1 : __real_setrlimit(resource, limit);
}

int __real_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    errno = bend.error;
    return bend.prctl ? -1 : __real_prctl(option, a, b, c, d);
}

long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
    return name == _SC_PAGESIZE && bend.page_size ? bend.page_size : __real_sysconf(name);
}

static int begin(void **state)
{
    (void)state;
    bend = (__typeof__(bend)){0};
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return -1;
    board = shared_board(pages, SLOT);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    return munmap(pages, sizeof *pages);
}

/* ---- children in the sandbox ---- */

static struct sandbox_plan plan = {.mode = SANDBOX_ON};
static bool core_allowed;

/* Has it one here at all? */
static bool has_seccomp(void)
{
    return !sandbox_unfit() && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 &&
           sandbox_filter_build(SANDBOX_ON) == 0;
}

static void confine(void)
{
    const struct rlimit none = {0};

    __real_setrlimit(RLIMIT_CORE, &none);
    crash_handler_install(board, GENERATION);
    sandbox_prepare((enum sandbox_mode)plan.mode);
    atomic_store(&board->sandbox_outcome, sandbox_apply(pages, SLOT, &plan, core_allowed));
}

/* The wait status of a child that does this in its sandbox, and exits with what it returns. */
static int status_of(int (*step)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        confine();
        _exit(step());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int signal_of(int (*step)(void))
{
    int status = status_of(step);

    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int code_of(int (*step)(void))
{
    int status = status_of(step);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static enum sandbox_result result_of(enum sandbox_step step)
{
    return sandbox_result_of(atomic_load(&board->sandbox_outcome), step);
}

static int do_nothing(void)
{
    return SURVIVED;
}

/* ---- what is forbidden ---- */

static int open_file(void)
{
    return open("/dev/null", O_RDONLY);
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int connect_out(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(STDIN_FILENO, (struct sockaddr *)&to, sizeof to);
}

static int listen_anew(void)
{
    return listen(FD_LISTENER, 1);
}

static int execute(void)
{
    char *const nothing[] = {NULL};

    return execve("/bin/true", nothing, nothing);
}

static int make_process(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int signal_parent(void)
{
    return kill(getppid(), 0);
}

static int signal_thread_of_parent(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int open_pidfd(void)
{
    return (int)syscall(SYS_pidfd_open, getppid(), 0);
}

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int write_to_parent(void)
{
    struct iovec bytes = {.iov_base = &plan, .iov_len = 1};

    return (int)process_vm_writev(getppid(), &bytes, 1, &bytes, 1, 0);
}

static int allow_writing(void)
{
    return __real_mprotect(pages, BOARD_BYTES, PROT_READ | PROT_WRITE);
}

static int map_file(void)
{
    return mmap(NULL, BOARD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, FD_SHARED, 0) == MAP_FAILED;
}

static int map_code(void)
{
    return mmap(NULL, BOARD_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int punch_hole(void)
{
    return madvise(pages, BOARD_BYTES, MADV_REMOVE);
}

static int write_shared(void)
{
    return (int)write(FD_SHARED, "x", 1);
}

/* The kernel takes the lower half of the argument. */
static int write_shared_by_other_number(void)
{
    return (int)syscall(SYS_write, (1L << 32) + FD_SHARED, "x", 1);
}

/* Journals are among it. */
static int read_shared(void)
{
    char byte;

    return (int)read(FD_SHARED, &byte, 1);
}

static int read_connection(void)
{
    char byte;

    return (int)read(FIRST_CONNECTION, &byte, 1);
}

static int write_standard_output(void)
{
    return (int)write(STDOUT_FILENO, "", 0);
}

static int write_connection(void)
{
    return (int)write(FIRST_CONNECTION, "x", 1);
}

static int write_to_four_gib_and_log(void)
{
    return (int)syscall(SYS_writev, (1L << 32) + FD_LOG, NULL, 0);
}

static int move_descriptor(void)
{
    return dup2(STDIN_FILENO, FD_LISTENER);
}

static int filter_packets(void)
{
    int on = 1;

    return setsockopt(FIRST_CONNECTION, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on);
}

static int set_tcp_option(void)
{
    int on = 1;

    return setsockopt(FIRST_CONNECTION, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on);
}

static int control_terminal(void)
{
    return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static int wake_by_operation(void)
{
    return (int)syscall(SYS_futex, &pages->orders.version, FUTEX_WAKE_OP, 0, 0, &pages->orders.version, 0);
}

static int pass_descriptor(void)
{
    struct msghdr message = {0};

    return (int)sendmsg(FIRST_CONNECTION, &message, 0);
}

static int raise_priority(void)
{
    const struct sched_param high = {.sched_priority = 1};

    return sched_setscheduler(0, SCHED_FIFO, &high);
}

static int batch_for_another(void)
{
    const struct sched_param none = {0};

    return sched_setscheduler(getppid(), SCHED_BATCH, &none);
}

static int undo_limits(void)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

    return __real_setrlimit(RLIMIT_FSIZE, &all);
}

static int change_process(void)
{
    return __real_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int use_ring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int load_program(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int make_file_in_memory(void)
{
    return memfd_create("x", 0);
}

static int remove_file(void)
{
    return unlink("/nonexistent");
}

static int change_user(void)
{
    return (int)syscall(SYS_setresuid, 0, 0, 0);
}

static const struct {
    const char *call;
    int (*attempt)(void);
} forbidden[] = {
    {"openat", open_file},
    {"socket", make_socket},
    {"connect", connect_out},
    {"listen", listen_anew},
    {"execve", execute},
    {"clone", make_process},
    {"kill", signal_parent},
    {"tgkill", signal_thread_of_parent},
    {"pidfd_open", open_pidfd},
    {"ptrace", trace_parent},
    {"process_vm_writev", write_to_parent},
    {"mprotect", allow_writing},
    {"mmap", map_file},
    {"mmap", map_code},
    {"madvise", punch_hole},
    {"read", read_shared},
    {"read", read_connection},
    {"write", write_shared},
    {"write", write_shared_by_other_number},
    {"write", write_standard_output},
    {"write", write_connection},
    {"writev", write_to_four_gib_and_log},
    {"dup2", move_descriptor},
    {"setsockopt", filter_packets},
    {"setsockopt", set_tcp_option},
    {"ioctl", control_terminal},
    {"futex", wake_by_operation},
    {"sendmsg", pass_descriptor},
    {"sched_setscheduler", raise_priority},
    {"sched_setscheduler", batch_for_another},
    {"prlimit64", undo_limits},
    {"prctl", change_process},
    {"io_uring_setup", use_ring},
    {"bpf", load_program},
    {"memfd_create", make_file_in_memory},
    {"unlink", remove_file},
    {"setresuid", change_user},
};

static void forbidden_call__sigsys_and_the_board_says_which(void **state)
{
    char name[32];

    (void)state;
    if (!has_seccomp())
        skip();
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        atomic_store(&board->fault_call, 0);
        if (signal_of(forbidden[i].attempt) != SIGSYS)
            fail_msg("%s (row %zu) was not forbidden", forbidden[i].call, i);
        sandbox_call_name(atomic_load(&board->fault_call) - 1, name, sizeof name);
        assert_string_equal(name, forbidden[i].call);
        assert_int_equal(atomic_load(&board->fault_signal), SIGSYS);
        assert_int_equal(atomic_load(&board->fault_generation), GENERATION);
    }
}

#ifdef __x86_64__
/* getpid of a program of 32 bits, whose numbers mean other calls. */
static int call_as_32_bits(void)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
    return result < 0;
}

static void other_architecture__sigsys(void **state)
{
    (void)state;
    if (!has_seccomp())
        skip();
    assert_int_equal(signal_of(call_as_32_bits), SIGSYS);
}
#else
static void other_architecture__sigsys(void **state)
{
    (void)state;
    skip();
}
#endif

/* A SIGSYS that was sent names no call. */
static int raise_sigsys(void)
{
    raise(SIGSYS);
    return SURVIVED;
}

static void sigsys__sent__no_call_is_named(void **state)
{
    (void)state;
    if (!has_seccomp())
        skip();
    atomic_store(&board->fault_call, 77);
    assert_int_equal(signal_of(raise_sigsys), SIGSYS);
    assert_int_equal(atomic_load(&board->fault_call), 0);
}

/* ---- what a worker does ---- */

static int ends[2];

static int exchange(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = ends[0]};
    char bytes[8];
    int unread = 0, unsent = 0;
    const struct linger none = {.l_onoff = 1};
    socklen_t length = sizeof unread;

    if (epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, ends[0], &event) < 0 || epoll_wait(FD_EPOLL, &event, 1, 1000) != 1)
        return 1;
    if (recv(ends[0], bytes, sizeof bytes, MSG_PEEK) != 5 || send(ends[0], "HELLO", 5, MSG_NOSIGNAL) != 5)
        return 2;
    if (ioctl(ends[0], FIONREAD, &unread) < 0 || ioctl(ends[0], TIOCOUTQ, &unsent) < 0 || unread != 5)
        return 3;
    if (getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &unread, &length) < 0)
        return 4;
    if (setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0 || shutdown(ends[0], SHUT_WR) < 0)
        return 5;
    setsockopt(ends[0], SOL_SOCKET, SO_OOBINLINE, &unread, sizeof unread);
    setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &unread, sizeof unread);
    return close(ends[0]) == 0 ? SURVIVED : 6;
}

static void answering__all_its_calls__are_allowed(void **state)
{
    char bytes[8] = "";

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(heritage_place(epoll_create1(0), FD_EPOLL), 0);
    assert_int_equal(send(ends[1], "hello", 5, 0), 5);
    assert_int_equal(code_of(exchange), SURVIVED);
    assert_int_equal(recv(ends[1], bytes, sizeof bytes, 0), 5);
    assert_string_equal(bytes, "HELLO");
    close(ends[0]);
    close(ends[1]);
    close(FD_EPOLL);
}

/* Poking the first slot and the last, waking the supervisor, a line for the log. */
static int tell_others(void)
{
    const int numbers[] = {FD_LOG, FD_SUPERVISOR, FD_POKE, FD_POKE + SLOT_COUNT_MAX - 1, STDERR_FILENO};

    const int told[] = {FD_TICK, FD_POKE, FD_POKE + SLOT_COUNT_MAX - 1};
    char nothing;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (write(numbers[i], "", 0) < 0 && errno != EBADF && errno != EINVAL)
            return 1;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (read(told[i], &nothing, 0) < 0 && errno != EBADF && errno != EINVAL)
            return 2;
    return SURVIVED;
}

static int use_memory_and_time(void)
{
    const struct timespec moment = {.tv_nsec = 1};
    uint32_t word = 0;
    void *memory =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    void *blocks[64];

    for (size_t i = 0; i < 64; i++)
        blocks[i] = malloc(i << 12);
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    munmap(memory, 1 << 20);
    nanosleep(&moment, NULL);
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, &moment, NULL, 0);
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    return memory == MAP_FAILED || syscall(-1L) != -1;
}

static void other_needs__are_allowed(void **state)
{
    (void)state;
    assert_int_equal(code_of(tell_others), SURVIVED);
    assert_int_equal(code_of(use_memory_and_time), SURVIVED);
}

static int call_abort(void)
{
    abort();
}

static int kill_oneself(void)
{
    raise(SIGKILL);
    return SURVIVED;
}

static void dying__in_its_own_way__true_cause(void **state)
{
    (void)state;
    assert_int_equal(signal_of(call_abort), SIGABRT);
    assert_int_equal(signal_of(kill_oneself), SIGKILL);
}

/* ---- pages ---- */

static int write_own_part(void)
{
    atomic_store(&board->current, 5);
    atomic_store(&board->worker_shots[0], 6);
    atomic_store(&pages->loads.cells[SLOT].counters[0], 7);
    atomic_store(&pages->loads.cells[SLOT_COUNT_MAX - 1].log_lost, 8);
    pages->journals[SLOT][CHUNK_BYTES_MAX - 1] = 9;
    return SURVIVED;
}

static void pages__own_fields__can_be_written(void **state)
{
    (void)state;
    assert_int_equal(code_of(write_own_part), SURVIVED);
    assert_int_equal(atomic_load(&board->current), 5);
    assert_int_equal(atomic_load(&board->worker_shots[0]), 6);
    assert_int_equal(atomic_load(&pages->loads.cells[SLOT].counters[0]), 7);
    assert_int_equal(atomic_load(&pages->loads.cells[SLOT_COUNT_MAX - 1].log_lost), 8);
    assert_int_equal(pages->journals[SLOT][CHUNK_BYTES_MAX - 1], 9);
}

static void *volatile target;

static int write_target(void)
{
    *(volatile char *)target = 1;
    return SURVIVED;
}

/* The number that the supervisor would signal; the order that a keeper would obey; what the supervisor remembers. */
static void pages__fields_of_others__sigsegv(void **state)
{
    void *const targets[] = {
        &board->worker.pid,
        &board->keepers[KEEPER_B].pid,
        &board->order_spawn,
        &board->worker_death,
        &board->settings,
        &board->keeper_shots[FAULT_CALL_COUNT - 1],
        &pages->orders.master_pid,
        pages->orders.memory,
        pages->orders.facts,
        &pages->orders.images,
        pages->incidents,
        &shared_board(pages, SLOT + 1)->current,
        &shared_board(pages, 0)->current,
    };

    (void)state;
    if (sandbox_unfit())
        skip();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        target = targets[i];
        if (signal_of(write_target) != SIGSEGV)
            fail_msg("row %zu can be written", i);
        assert_int_equal(atomic_load(&board->fault_address), (uintptr_t)target);
    }
}

static int read_target(void)
{
    return *(volatile char *)target ? 1 : SURVIVED;
}

static void pages__journals_of_others__cannot_even_be_read(void **state)
{
    void *const targets[] = {pages->journals[0], pages->journals[SLOT - 1] + CHUNK_BYTES_MAX - 1,
                             pages->journals[SLOT + 1],
                             pages->journals[SLOT_COUNT_MAX - 1] + CHUNK_BYTES_MAX - 1};

    (void)state;
    if (sandbox_unfit())
        skip();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        target = targets[i];
        if (signal_of(read_target) != SIGSEGV)
            fail_msg("row %zu can be read", i);
    }
}

static void pages__other_size_of_pages__unsupported(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    bend.page_size = 65536;
    assert_int_equal(code_of(do_nothing), SURVIVED);
    assert_int_equal(result_of(SANDBOX_PAGES), SANDBOX_UNSUPPORTED);
}

/* ---- what became of the steps ---- */

static void all_steps__on__applied_but_for_the_user(void **state)
{
    (void)state;
    if (!has_seccomp())
        skip();
    assert_int_equal(code_of(do_nothing), SURVIVED);
    uint32_t outcome = atomic_load(&board->sandbox_outcome);
    assert_true(outcome & SANDBOX_TOLD);
    assert_int_equal(sandbox_mode_of(outcome), SANDBOX_ON);
    assert_int_equal(result_of(SANDBOX_PAGES), SANDBOX_APPLIED);
    assert_int_equal(result_of(SANDBOX_RLIMITS), SANDBOX_APPLIED);
    assert_int_equal(result_of(SANDBOX_USER), SANDBOX_LEFT_OUT);
    assert_int_equal(result_of(SANDBOX_NO_NEW_PRIVS), SANDBOX_APPLIED);
    assert_int_equal(result_of(SANDBOX_SECCOMP), SANDBOX_APPLIED);
    assert_true((result_of(SANDBOX_LANDLOCK) == SANDBOX_APPLIED) == (sandbox_landlock_abi(outcome) > 0));
}

static int open_works(void)
{
    struct rlimit limit = {0};
    int fd = open("/dev/null", O_RDONLY);

    getrlimit(RLIMIT_FSIZE, &limit);
    atomic_store(&pages->orders.finished, 1); /* and the pages are as they were */
    return fd >= 0 && limit.rlim_cur != 0 ? SURVIVED : 1;
}

static void off__nothing_is_taken(void **state)
{
    (void)state;
    plan.mode = SANDBOX_OFF;
    assert_int_equal(code_of(open_works), SURVIVED);
    assert_int_equal(atomic_load(&board->sandbox_outcome), SANDBOX_TOLD);
    plan.mode = SANDBOX_ON;
}

static void log__list_is_there_and_nothing_is_forbidden(void **state)
{
    (void)state;
    if (!has_seccomp())
        skip();
    plan.mode = SANDBOX_LOG;
    assert_int_equal(code_of(open_works), SURVIVED);
    assert_int_equal(sandbox_mode_of(atomic_load(&board->sandbox_outcome)), SANDBOX_LOG);
    assert_int_equal(result_of(SANDBOX_SECCOMP), SANDBOX_APPLIED);
    assert_int_equal(result_of(SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    assert_int_equal(result_of(SANDBOX_PAGES), SANDBOX_LEFT_OUT);
    plan.mode = SANDBOX_ON;
}

static void step__kernel_does_not_know_it__unsupported_and_the_worker_lives(void **state)
{
    const struct {
        long number;
        int error;
        enum sandbox_step step;
    } cases[] = {
        {SYS_seccomp, ENOSYS, SANDBOX_SECCOMP},
        {SYS_seccomp, EINVAL, SANDBOX_SECCOMP},
        {SYS_landlock_create_ruleset, ENOSYS, SANDBOX_LANDLOCK},
        {SYS_landlock_create_ruleset, EOPNOTSUPP, SANDBOX_LANDLOCK},
        {SYS_landlock_create_ruleset, EPERM, SANDBOX_LANDLOCK},
    };

    (void)state;
    if (!has_seccomp())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bend.number = cases[i].number;
        bend.error = cases[i].error;
        assert_int_equal(code_of(do_nothing), SURVIVED);
        assert_int_equal(result_of(cases[i].step), SANDBOX_UNSUPPORTED);
    }
}

static void step__fails__said_and_the_worker_lives(void **state)
{
    (void)state;
    if (!has_seccomp())
        skip();
    bend.error = ENOMEM;
    bend.mprotect = bend.setrlimit = bend.prctl = true;
    bend.number = SYS_seccomp;
    assert_int_equal(code_of(do_nothing), SURVIVED);
    assert_int_equal(result_of(SANDBOX_PAGES), SANDBOX_FAILED);
    assert_int_equal(result_of(SANDBOX_RLIMITS), SANDBOX_FAILED);
    assert_int_equal(result_of(SANDBOX_NO_NEW_PRIVS), SANDBOX_FAILED);
    assert_int_equal(result_of(SANDBOX_SECCOMP), SANDBOX_FAILED);
}

static int open_fails(void)
{
    return open("/dev/null", O_RDONLY) < 0 && errno == EACCES ? SURVIVED : 1;
}

/* The table of a slot has the rules; a worker that finds them gone makes its own, and leaves no descriptor. */
static void landlock__with_and_without_rules_in_the_table__no_file(void **state)
{
    (void)state;
    if (sandbox_unfit() || landlock_abi() < 1)
        skip();
    bend.number = SYS_seccomp;
    bend.error = ENOSYS;
    sandbox_prepare(SANDBOX_ON);
    sandbox_prepare_table();
    assert_true(fcntl(FD_RULESET, F_GETFD) == 0);
    assert_int_equal(code_of(open_fails), SURVIVED);
    assert_int_equal(dup2(STDIN_FILENO, FD_RULESET), FD_RULESET);
    assert_int_equal(code_of(open_fails), SURVIVED);
    close(FD_RULESET);
    assert_int_equal(code_of(open_fails), SURVIVED);
    assert_int_equal(result_of(SANDBOX_LANDLOCK), SANDBOX_APPLIED);
    bend.number = SYS_landlock_restrict_self;
    bend.error = EBADF;
    assert_int_equal(code_of(do_nothing), SURVIVED);
    assert_int_equal(result_of(SANDBOX_LANDLOCK), SANDBOX_FAILED);
}

static int limits_are_none(void)
{
    struct rlimit processes = {.rlim_max = 1}, bytes = {.rlim_max = 1};

    getrlimit(RLIMIT_NPROC, &processes);
    getrlimit(RLIMIT_FSIZE, &bytes);
    return processes.rlim_max == 0 && bytes.rlim_max == (core_allowed ? RLIM_INFINITY : 0) ? SURVIVED : 1;
}

/* The list does not allow to ask for them. */
static void rlimits__no_process_and_no_byte_of_a_file(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    bend.number = SYS_seccomp;
    bend.error = ENOSYS;
    assert_int_equal(code_of(limits_are_none), SURVIVED);
}

static void core_dumps_allowed__files_are_left_to_them(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    bend.number = SYS_seccomp;
    bend.error = ENOSYS;
    core_allowed = true;
    assert_int_equal(code_of(limits_are_none), SURVIVED);
    assert_int_equal(result_of(SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    core_allowed = false;
}

/* ---- who one is ---- */

static int is_nobody(void)
{
    uid_t user[3];
    gid_t group[3], others[8];

    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    for (int i = 0; i < 3; i++)
        if (user[i] != NOBODY || group[i] != NOBODY)
            return 1;
    return getgroups(8, others) == 0 ? SURVIVED : 2;
}

static void user__root_asks_for_another__all_ids_change(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    plan = (struct sandbox_plan){
        .drops = SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, .uid = NOBODY, .gid = NOBODY};
    assert_int_equal(code_of(is_nobody), SURVIVED);
    assert_int_equal(result_of(SANDBOX_USER), SANDBOX_APPLIED);
    core_allowed = true;
    assert_int_equal(code_of(is_nobody), SURVIVED);
    core_allowed = false;
    plan = (struct sandbox_plan){.mode = SANDBOX_ON};
}

static int says_no(void)
{
    return atomic_load(&board->sandbox_outcome) == 0 ? SURVIVED : 1;
}

static void user__cannot_be_changed__no_outcome(void **state)
{
    const long calls[] = {SYS_setgroups, SYS_setresgid, SYS_setresuid};

    (void)state;
    bend.error = EPERM;
    plan = (struct sandbox_plan){
        .drops = SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, .uid = getuid(), .gid = getgid()};
    for (size_t i = 0; i < 3; i++) {
        bend.number = calls[i];
        if (geteuid() == 0 || i == 0)
            assert_int_equal(code_of(says_no), SURVIVED);
    }
    plan = (struct sandbox_plan){.mode = SANDBOX_ON};
}

/* ---- words and reasons ---- */

static void unfit__library_before_ours__said(void **state)
{
    (void)state;
#ifndef SANDBOX_UNFIT
    assert_null(sandbox_unfit());
    setenv("LD_PRELOAD", "/usr/lib/faketime.so", 1);
    assert_string_equal(sandbox_unfit(), "LD_PRELOAD");
    assert_int_equal(code_of(open_works), SURVIVED);
    assert_int_equal(sandbox_mode_of(atomic_load(&board->sandbox_outcome)), SANDBOX_OFF);
    setenv("LD_PRELOAD", "/usr/lib/valgrind/vgpreload_core.so", 1);
    assert_string_equal(sandbox_unfit(), "valgrind");
    setenv("LD_PRELOAD", "", 1);
    assert_null(sandbox_unfit());
    unsetenv("LD_PRELOAD");
#else
    assert_string_equal(sandbox_unfit(), SANDBOX_UNFIT);
#endif
}

static void words__there_and_back(void **state)
{
    enum sandbox_mode mode = SANDBOX_LOG;

    (void)state;
    for (int i = 0; i < SANDBOX_MODE_COUNT; i++) {
        assert_int_equal(sandbox_mode_parse(sandbox_mode_name((enum sandbox_mode)i), &mode), 0);
        assert_int_equal(mode, i);
    }
    assert_int_equal(sandbox_mode_parse("yes", &mode), -EINVAL);
    assert_int_equal(mode, SANDBOX_ON);
    assert_string_equal(sandbox_mode_name(SANDBOX_MODE_COUNT), "?");
    assert_string_equal(sandbox_result_name(SANDBOX_UNSUPPORTED), "unsupported");
}

static void call_name__unknown__its_number(void **state)
{
    char name[32];

    (void)state;
    sandbox_call_name(SYS_openat, name, sizeof name);
    assert_string_equal(name, "openat");
    sandbox_call_name(99999, name, sizeof name);
    assert_string_equal(name, "99999");
}

/* The first test of all, before any list was built. */
static void list__never_prepared__seccomp_failed(void **state)
{
    (void)state;
    assert_int_equal(sandbox_filter_install(getpid()), -ENODATA);
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)sandbox_result_of(sandbox_apply(pages, SLOT, &plan, false), SANDBOX_SECCOMP));
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), sandbox_unfit() ? SANDBOX_LEFT_OUT : SANDBOX_FAILED);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(list__never_prepared__seccomp_failed),
        TEST(forbidden_call__sigsys_and_the_board_says_which),
        TEST(other_architecture__sigsys),
        TEST(sigsys__sent__no_call_is_named),
        TEST(answering__all_its_calls__are_allowed),
        TEST(other_needs__are_allowed),
        TEST(dying__in_its_own_way__true_cause),
        TEST(pages__own_fields__can_be_written),
        TEST(pages__fields_of_others__sigsegv),
        TEST(pages__journals_of_others__cannot_even_be_read),
        TEST(pages__other_size_of_pages__unsupported),
        TEST(all_steps__on__applied_but_for_the_user),
        TEST(off__nothing_is_taken),
        TEST(log__list_is_there_and_nothing_is_forbidden),
        TEST(step__kernel_does_not_know_it__unsupported_and_the_worker_lives),
        TEST(step__fails__said_and_the_worker_lives),
        TEST(landlock__with_and_without_rules_in_the_table__no_file),
        TEST(rlimits__no_process_and_no_byte_of_a_file),
        TEST(core_dumps_allowed__files_are_left_to_them),
        TEST(user__root_asks_for_another__all_ids_change),
        TEST(user__cannot_be_changed__no_outcome),
        TEST(unfit__library_before_ours__said),
        TEST(words__there_and_back),
        TEST(call_name__unknown__its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
