/*
 * What each step of the sandbox asks of the kernel, and what is made of each refusal. No call is really made here, so the
 * process stays free; the file is compiled into the test, for builds whose workers cannot be confined. (What a confined
 * process can do no more: test_sandbox_forbidden.c.)
 */
/* wrap: mprotect setrlimit prctl syscall sysconf heritage_place */
/* wrap: landlock_abi landlock_make_rules landlock_obey sandbox_filter_build sandbox_filter_install */
#include "tests/support/cmocka_all.h"

#undef SANDBOX_UNFIT
#include "worker/sandbox.c"

#include <fcntl.h>
#include <stdarg.h>

/* The failures, as negative errno; 0: it works. */
static struct {
    int mprotect[4], setrlimit[2], prctl, setgroups, setresgid, setresuid;
    int abi, rules, obey[2], build, install;
    long page_bytes;
} kernel;
static unsigned mprotect_count, setrlimit_count, obey_count, dumpable_count, placed_count;
static struct shared_pages *pages;

static int outcome_of(int error)
{
    errno = -error;
    return error ? -1 : 0;
}

int __wrap_mprotect(void *from, size_t size, int protection);
int __wrap_mprotect(void *from, size_t size, int protection)
{
    const struct {
        void *from;
        size_t size;
        int protection;
    } expected[] = {
        {&pages->orders, offsetof(struct shared_pages, journals) - offsetof(struct shared_pages, orders),
         PROT_READ},
        {&shared_board(pages, 1)->current, BOARD_BYTES, PROT_READ | PROT_WRITE},
        {pages->journals, CHUNK_BYTES_MAX, PROT_NONE},
        {pages->journals[2], sizeof pages->journals - 2 * (size_t)CHUNK_BYTES_MAX, PROT_NONE},
    };

    assert_in_range(mprotect_count, 0, 3);
    assert_ptr_equal(from, expected[mprotect_count].from);
    assert_int_equal(size, expected[mprotect_count].size);
    assert_int_equal(protection, expected[mprotect_count].protection);
    return outcome_of(kernel.mprotect[mprotect_count++]);
}

int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *values);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *values)
{
    assert_int_equal(resource, setrlimit_count == 0 ? RLIMIT_NPROC : RLIMIT_FSIZE);
    assert_int_equal(values->rlim_cur + values->rlim_max, 0);
    return outcome_of(kernel.setrlimit[setrlimit_count++]);
}

int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
    dumpable_count += option == PR_SET_DUMPABLE;
    return option == PR_SET_NO_NEW_PRIVS ? outcome_of(kernel.prctl) : 0;
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    assert_true(number == SYS_setgroups || number == SYS_setresgid || number == SYS_setresuid);
    return outcome_of(number == SYS_setgroups   ? kernel.setgroups
                      : number == SYS_setresgid ? kernel.setresgid
                                                : kernel.setresuid);
}

long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
    return kernel.page_bytes && name == _SC_PAGESIZE ? kernel.page_bytes : __real_sysconf(name);
}

int __wrap_heritage_place(int fd, int number);
int __wrap_heritage_place(int fd, int number)
{
    assert_int_equal(number, FD_RULESET);
    placed_count++;
    return close(fd);
}

int __wrap_landlock_abi(void);
int __wrap_landlock_abi(void)
{
    return kernel.abi;
}

int __wrap_landlock_make_rules(int abi);
int __wrap_landlock_make_rules(int abi)
{
    assert_int_equal(abi, kernel.abi);
    return kernel.rules < 0 ? kernel.rules : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_landlock_obey(int rules);
int __wrap_landlock_obey(int rules)
{
    assert_int_equal(rules == FD_RULESET, obey_count == 0);
    return kernel.obey[obey_count++];
}

int __wrap_sandbox_filter_build(enum sandbox_mode mode);
int __wrap_sandbox_filter_build(enum sandbox_mode mode)
{
    assert_true(mode != SANDBOX_OFF);
    return kernel.build;
}

int __wrap_sandbox_filter_install(pid_t self, unsigned slot);
int __wrap_sandbox_filter_install(pid_t self, unsigned slot)
{
    assert_int_equal(self, getpid());
    assert_int_equal(slot, 1);
    return kernel.install;
}

/* ---- help ---- */

static int begin(void **state)
{
    (void)state;
    unsetenv("LD_PRELOAD");
    memset(&kernel, 0, sizeof kernel);
    kernel.abi = 3;
    prepared_list = prepared_abi = -ENODATA;
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    return munmap(pages, sizeof *pages);
}

static uint32_t apply(enum sandbox_mode mode, uint32_t drops, bool core)
{
    const struct sandbox_plan plan = {.mode = mode, .drops = drops, .uid = 4321, .gid = 4322};

    mprotect_count = setrlimit_count = obey_count = dumpable_count = placed_count = 0;
    sandbox_prepare(mode);
    sandbox_prepare_table();
    return sandbox_apply(pages, 1, &plan, core);
}

/* Of all steps of a sandbox that is on, that one comes to this; those beside it are applied, but for the user. */
static void expect_only(enum sandbox_step bent, enum sandbox_result result)
{
    uint32_t outcome = apply(SANDBOX_ON, 0, false);

    assert_true(outcome & SANDBOX_TOLD);
    for (enum sandbox_step step = 0; step < SANDBOX_STEP_COUNT; step++)
        assert_int_equal(sandbox_result_of(outcome, step), step == bent           ? result
                                                           : step == SANDBOX_USER ? SANDBOX_LEFT_OUT
                                                                                  : SANDBOX_APPLIED);
    assert_int_equal(sandbox_landlock_abi(outcome), bent == SANDBOX_LANDLOCK ? 0 : 3);
    begin(NULL);
}

/* ---- the steps ---- */

static void on__kernel_has_everything__all_applied(void **state)
{
    (void)state;
    expect_only(SANDBOX_STEP_COUNT, SANDBOX_APPLIED);
    apply(SANDBOX_ON, 0, false);
    assert_int_equal(placed_count, 1);
    assert_int_equal(mprotect_count, 4);
    assert_int_equal(setrlimit_count, 2);
}

static void on__each_step_refused__said_and_the_others_go_on(void **state)
{
    (void)state;
    kernel.page_bytes = 65536;
    expect_only(SANDBOX_PAGES, SANDBOX_UNSUPPORTED);
    for (int i = 0; i < 4; i++) {
        kernel.mprotect[i] = -ENOMEM;
        expect_only(SANDBOX_PAGES, SANDBOX_FAILED);
    }
    for (int i = 0; i < 2; i++) {
        kernel.setrlimit[i] = -EPERM;
        expect_only(SANDBOX_RLIMITS, SANDBOX_UNSUPPORTED);
    }
    kernel.prctl = -EINVAL;
    expect_only(SANDBOX_NO_NEW_PRIVS, SANDBOX_UNSUPPORTED);
    kernel.build = -EOPNOTSUPP;
    expect_only(SANDBOX_SECCOMP, SANDBOX_UNSUPPORTED);
    kernel.install = -EFAULT;
    expect_only(SANDBOX_SECCOMP, SANDBOX_FAILED);
}

static void landlock__rules_of_the_table_are_gone__own_ones(void **state)
{
    static const int gone[] = {-EBADF, -EBADFD};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kernel.obey[0] = gone[i];
        expect_only(SANDBOX_STEP_COUNT, SANDBOX_APPLIED);
        kernel.obey[0] = gone[i];
        kernel.obey[1] = -E2BIG;
        expect_only(SANDBOX_LANDLOCK, SANDBOX_FAILED);
        kernel.obey[0] = gone[i];
        kernel.rules = -EMFILE;
        expect_only(SANDBOX_LANDLOCK, SANDBOX_FAILED);
    }
    kernel.obey[0] = -E2BIG; /* they are there, and cannot be obeyed */
    expect_only(SANDBOX_LANDLOCK, SANDBOX_FAILED);
    kernel.abi = -ENOSYS;
    expect_only(SANDBOX_LANDLOCK, SANDBOX_UNSUPPORTED);
}

static void core_dumps__wanted__files_are_left_to_them(void **state)
{
    (void)state;
    uint32_t outcome = apply(SANDBOX_ON, 0, true);
    assert_int_equal(sandbox_result_of(outcome, SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    assert_int_equal(sandbox_result_of(outcome, SANDBOX_RLIMITS), SANDBOX_APPLIED);
    assert_int_equal(setrlimit_count, 1);
    assert_int_equal(obey_count, 0);
}

static void user__wanted__changed_or_no_outcome(void **state)
{
    static const uint32_t both = SANDBOX_DROPS_GROUP | SANDBOX_DROPS_USER;

    (void)state;
    assert_int_equal(sandbox_result_of(apply(SANDBOX_OFF, both, false), SANDBOX_USER), SANDBOX_APPLIED);
    assert_int_equal(dumpable_count, 0);
    assert_int_equal(sandbox_result_of(apply(SANDBOX_ON, both, true), SANDBOX_USER), SANDBOX_APPLIED);
    assert_int_equal(dumpable_count, 1);
    kernel.setresgid = -EPERM;
    assert_int_equal(apply(SANDBOX_ON, both, false), 0);
    assert_int_not_equal(apply(SANDBOX_ON, SANDBOX_DROPS_USER, false), 0);
    kernel.setresuid = -EPERM;
    assert_int_equal(apply(SANDBOX_ON, SANDBOX_DROPS_USER, false), 0);
    kernel.setresgid = 0;
    assert_int_not_equal(apply(SANDBOX_ON, SANDBOX_DROPS_GROUP, false), 0);
    kernel.setgroups = -EPERM;
    assert_int_equal(apply(SANDBOX_OFF, both, false), 0);
}

static void modes__off_log_or_unfit__less(void **state)
{
    (void)state;
    uint32_t outcome = apply(SANDBOX_OFF, 0, false);
    assert_int_equal(outcome, SANDBOX_TOLD);
    outcome = apply(SANDBOX_LOG, 0, false);
    assert_int_equal(sandbox_result_of(outcome, SANDBOX_SECCOMP), SANDBOX_APPLIED);
    assert_int_equal(sandbox_result_of(outcome, SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    assert_int_equal(mprotect_count + setrlimit_count + obey_count, 0);
    static const char *const preloads[] = {"libfaketime.so.1", "/usr/lib/vgpreload_core.so", ""};
    for (size_t i = 0; i < 3; i++) {
        setenv("LD_PRELOAD", preloads[i], 1);
        assert_int_equal(apply(SANDBOX_ON, 0, false) == SANDBOX_TOLD, i < 2);
    }
    assert_string_equal(sandbox_step_name(SANDBOX_STEP_COUNT), "?");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(on__kernel_has_everything__all_applied),
        TEST(on__each_step_refused__said_and_the_others_go_on),
        TEST(landlock__rules_of_the_table_are_gone__own_ones),
        TEST(core_dumps__wanted__files_are_left_to_them),
        TEST(user__wanted__changed_or_no_outcome),
        TEST(modes__off_log_or_unfit__less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
