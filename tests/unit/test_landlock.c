/* What a child can do no more after it gave everything up; and kernels that know nothing of it. */
/* wrap: syscall */
#include "tests/support/cmocka_all.h"

#include "worker/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    long number; /* of the system call that fails */
    int error;
    long abi; /* that the kernel says; 0: the true one */
    int let_pass;
    bool says_none; /* it is there, and has no version */
    bool obeys;     /* without anything that follows of it */
} bend;

static uint64_t asked[3]; /* the last ruleset */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    va_list arguments;
    long a[4];

    va_start(arguments, number);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_landlock_create_ruleset && a[0] == 0 && bend.abi)
        return bend.abi;
    if (number == SYS_landlock_create_ruleset && a[0] == 0 && bend.says_none)
        return 0;
    if (number == SYS_landlock_restrict_self && bend.obeys)
        return 0;
    if (number == bend.number && bend.let_pass-- == 0) {
        errno = bend.error;
        return -1;
    }
    if (number == SYS_landlock_create_ruleset && a[0])
        for (int i = 0; i < 3; i++)
            asked[i] = ((const uint64_t *)a[0])[i];
    return __real_syscall(number, a[0], a[1], a[2], a[3]);
}

static int begin(void **state)
{
    (void)state;
    bend = (__typeof__(bend)){0};
    return 0;
}

static int version(void)
{
    return (int)__real_syscall(SYS_landlock_create_ruleset, 0L, 0L, 1L);
}

static int errno_of(int result)
{
    return result < 0 ? errno : 0;
}

static int connect_to_discard(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to);
}

static int open_file(void)
{
    return open("/dev/null", O_RDONLY);
}

static int signal_parent(void)
{
    return kill(getppid(), 0);
}

/* With which errno does that fail afterwards? */
static int forbidden_with(int (*attempt)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(landlock_obey(landlock_make_rules(landlock_abi())) < 0 ? 255 : errno_of(attempt()));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void everything_given_up__no_file_no_port_no_signal(void **state)
{
    (void)state;
    if (version() < 1)
        skip();
    assert_int_equal(forbidden_with(open_file), EACCES);
    if (version() >= 4)
        assert_int_equal(forbidden_with(connect_to_discard), EACCES);
    if (version() >= 6)
        assert_int_equal(forbidden_with(signal_parent), EPERM);
}

/* In a child, since what is given up does not come back. */
static int given_up(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int abi = landlock_abi();
        _exit(landlock_obey(landlock_make_rules(abi)) ? 99 : abi);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void older_or_newer_kernel__what_both_know(void **state)
{
    (void)state;
    if (version() < 1)
        skip();
    bend.abi = 1;
    assert_int_equal(landlock_abi(), 1);
    assert_int_equal(given_up(), 1);
    bend.abi = 99;
    assert_int_equal(landlock_abi(), LANDLOCK_ABI_KNOWN);
    if (version() >= LANDLOCK_ABI_KNOWN)
        assert_int_equal(given_up(), LANDLOCK_ABI_KNOWN);
}

static void versions__rights_add_up(void **state)
{
    const uint64_t wanted[][3] = {{0x1fff, 0, 0}, {0x3fff, 0, 0}, {0x7fff, 0, 0},
                                  {0x7fff, 3, 0}, {0xffff, 3, 0}, {0xffff, 3, 3}};

    (void)state;
    for (int abi = 1; abi <= LANDLOCK_ABI_KNOWN && abi <= version(); abi++) {
        int rules = landlock_make_rules(abi);
        assert_true(rules >= 0);
        close(rules);
        assert_memory_equal(asked, wanted[abi - 1], sizeof asked);
    }
}

static void kernel_without__its_error(void **state)
{
    (void)state;
    bend.number = SYS_landlock_create_ruleset;
    bend.error = ENOSYS;
    assert_int_equal(landlock_abi(), -ENOSYS);
    bend.let_pass = 0;
    bend.error = EMFILE;
    assert_int_equal(landlock_make_rules(1), -EMFILE);
    assert_true(landlock_obey(-1) < 0);
}

static void kernel_says__any_version__the_highest_that_both_know(void **state)
{
    (void)state;
    bend.abi = 3;
    assert_int_equal(landlock_abi(), 3);
    bend.abi = LANDLOCK_ABI_KNOWN + 1;
    assert_int_equal(landlock_abi(), LANDLOCK_ABI_KNOWN);
    bend.abi = 0;
    bend.says_none = true;
    assert_int_equal(landlock_abi(), -EOPNOTSUPP);
    bend.obeys = true;
    assert_int_equal(landlock_obey(7), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(everything_given_up__no_file_no_port_no_signal),
        TEST(older_or_newer_kernel__what_both_know),
        TEST(versions__rights_add_up),
        TEST(kernel_without__its_error),
        TEST(kernel_says__any_version__the_highest_that_both_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
