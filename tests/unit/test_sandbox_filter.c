/* The list of calls as a program for the kernel: how it is made, and each call that may fail on the way. It is not
 * installed here. (What it allows and forbids: test_sandbox_allowed.c, test_sandbox_forbidden.c.) */
/* wrap: seccomp_init seccomp_attr_set seccomp_rule_add seccomp_syscall_priority seccomp_rule_add_array __read_chk */
/* wrap: seccomp_export_bpf pipe2 read syscall */
#include "tests/support/cmocka_all.h"

#include "worker/sandbox_filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *failing; /* the call that fails with EFAULT, or whose outcome is another one */
static int calls_before;    /* that work before it */
static unsigned installed_count;

static bool fails(const char *call)
{
    errno = EFAULT;
    return failing && strcmp(failing, call) == 0 && calls_before-- <= 0;
}

#define WRAP(name, arguments, values)                                                                        \
    int __real_##name arguments;                                                                             \
    int __wrap_##name arguments;                                                                             \
    int __wrap_##name arguments                                                                              \
    {                                                                                                        \
        return fails(#name) ? -EFAULT : __real_##name values;                                                \
    }

WRAP(seccomp_attr_set, (scmp_filter_ctx context, enum scmp_filter_attr attribute, uint32_t value),
     (context, attribute, value))
WRAP(seccomp_syscall_priority, (scmp_filter_ctx context, int call, uint8_t priority),
     (context, call, priority))
WRAP(seccomp_rule_add_array,
     (scmp_filter_ctx context, uint32_t action, int call, unsigned count,
      const struct scmp_arg_cmp *arguments),
     (context, action, call, count, arguments))
WRAP(seccomp_export_bpf, (const scmp_filter_ctx context, int fd), (context, fd))

scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action)
{
    return fails("seccomp_init") ? NULL : __real_seccomp_init(action);
}

int __real_seccomp_rule_add(scmp_filter_ctx context, uint32_t action, int call, unsigned count, ...);
int __wrap_seccomp_rule_add(scmp_filter_ctx context, uint32_t action, int call, unsigned count, ...);
int __wrap_seccomp_rule_add(scmp_filter_ctx context, uint32_t action, int call, unsigned count, ...)
{
    assert_int_equal(count, 0);
    if (fails("no_such_rule"))
        return -EINVAL;
    return fails("seccomp_rule_add") ? -EFAULT : __real_seccomp_rule_add(context, action, call, 0);
}

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags)
{
    return fails("pipe2") ? -1 : __real_pipe2(ends, flags);
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (fails("read"))
        return -1;
    return fails("long_list") ? (ssize_t)size : __real_read(fd, bytes, size);
}

/* What read is called where the compiler does not see how long its array is (feature_test_macros(7)). */
ssize_t __wrap___read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *bytes, size_t size, size_t room)
{
    (void)room;
    return __wrap_read(fd, bytes, size);
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    assert_int_equal(number, SYS_seccomp);
    installed_count++;
    return fails("syscall") ? -1 : 0;
}

static int begin(void **state)
{
    (void)state;
    failing = NULL;
    calls_before = 0;
    installed_count = 0;
    return 0;
}

static void build__each_call_fails__its_error_and_nothing_to_install(void **state)
{
    static const struct {
        const char *call;
        int before, error;
    } cases[] = {{"seccomp_init", 0, -EOPNOTSUPP},
                 {"seccomp_attr_set", 0, -EFAULT},
                 {"seccomp_attr_set", 1, -EFAULT},
                 {"seccomp_rule_add", 0, -EFAULT},
                 {"seccomp_rule_add", 3, -EFAULT},
                 {"seccomp_syscall_priority", 0, -EFAULT},
                 {"seccomp_rule_add_array", 0, -EFAULT},
                 {"seccomp_export_bpf", 0, -EFAULT},
                 {"pipe2", 0, -EFAULT},
                 {"read", 0, -EFAULT},
                 {"long_list", 0, -E2BIG},
                 {"no_such_rule", 0, -EPROTO}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        failing = cases[i].call;
        calls_before = cases[i].before;
        assert_int_equal(sandbox_filter_build(SANDBOX_ON), cases[i].error);
        assert_int_equal(sandbox_filter_install(getpid(), 0), -ENODATA);
    }
    assert_int_equal(installed_count, 0);
}

static void build__for_trial_or_earnest__installed_or_why_not(void **state)
{
    (void)state;
    int trial = sandbox_filter_build(SANDBOX_LOG); /* which older kernels do not know */
    assert_true(trial == 0 || trial == -EOPNOTSUPP);
    assert_int_equal(sandbox_filter_build(SANDBOX_ON), 0);
    assert_int_equal(sandbox_filter_install(getpid(), 0), 0);
    failing = "syscall";
    assert_int_equal(sandbox_filter_install(getpid(), 0), -EFAULT);
    assert_int_equal(installed_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(build__each_call_fails__its_error_and_nothing_to_install, begin),
        cmocka_unit_test_setup(build__for_trial_or_earnest__installed_or_why_not, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
