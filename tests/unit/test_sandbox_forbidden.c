/* What a confined worker must not call: it ends by SIGSYS, and the board says which call it was. */
/* wrap: syscall mprotect setrlimit prctl sysconf */
#include "tests/support/cmocka_all.h"

#include "tests/support/sandbox_fixture.h"
#include "worker/heritage.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int __real_mprotect(void *from, size_t size, int protection);
int __real_setrlimit(int resource, const struct rlimit *limit);
int __real_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

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
    struct iovec bytes = {.iov_base = &confined.plan, .iov_len = 1};

    return (int)process_vm_writev(getppid(), &bytes, 1, &bytes, 1, 0);
}

static int allow_writing(void)
{
    return __real_mprotect(confined.pages, BOARD_BYTES, PROT_READ | PROT_WRITE);
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
    return madvise(confined.pages, BOARD_BYTES, MADV_REMOVE);
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

/* Whoever took what is told to it would keep another slot waiting. */
static int read_poke_of_another(void)
{
    uint64_t value;

    return (int)read(FD_POKE + CONFINED_SLOT + 1, &value, sizeof value);
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
    return (int)syscall(SYS_futex, &confined.pages->orders.version, FUTEX_WAKE_OP, 0, 0,
                        &confined.pages->orders.version, 0);
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
    {"read", read_poke_of_another},
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
    if (!confined_has_seccomp())
        skip();
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        atomic_store(&confined.board->fault_call, 0);
        if (confined_signal_of(forbidden[i].attempt) != SIGSYS)
            fail_msg("%s (row %zu) was not forbidden", forbidden[i].call, i);
        sandbox_call_name(atomic_load(&confined.board->fault_call) - 1, name, sizeof name);
        assert_string_equal(name, forbidden[i].call);
        assert_int_equal(atomic_load(&confined.board->fault_signal), SIGSYS);
        assert_int_equal(atomic_load(&confined.board->fault_generation), CONFINED_GENERATION);
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
    if (!confined_has_seccomp())
        skip();
    assert_int_equal(confined_signal_of(call_as_32_bits), SIGSYS);
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
    return CONFINED_SURVIVED;
}

static void sigsys__sent__no_call_is_named(void **state)
{
    (void)state;
    if (!confined_has_seccomp())
        skip();
    atomic_store(&confined.board->fault_call, 77);
    assert_int_equal(confined_signal_of(raise_sigsys), SIGSYS);
    assert_int_equal(atomic_load(&confined.board->fault_call), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, confined_begin, confined_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forbidden_call__sigsys_and_the_board_says_which),
        TEST(other_architecture__sigsys),
        TEST(sigsys__sent__no_call_is_named),
    };

    return cmocka_run_group_tests_name("sandbox_forbidden", tests, NULL, NULL);
}
