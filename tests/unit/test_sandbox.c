/* The steps of the sandbox and what becomes of each: applied, left out, unknown to the kernel, failed; who one is
 * afterwards; and the words for all that. */
/* wrap: syscall mprotect setrlimit prctl sysconf */
#include "tests/support/cmocka_all.h"

#include "tests/support/sandbox_fixture.h"
#include "worker/heritage.h"
#include "worker/landlock.h"
#include "worker/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* ---- what became of the steps ---- */

static void all_steps__on__applied_but_for_the_user(void **state)
{
    (void)state;
    if (!confined_has_seccomp())
        skip();
    assert_int_equal(confined_code_of(confined_do_nothing), CONFINED_SURVIVED);
    uint32_t outcome = atomic_load(&confined.board->sandbox_outcome);
    assert_true(outcome & SANDBOX_TOLD);
    assert_int_equal(sandbox_mode_of(outcome), SANDBOX_ON);
    assert_int_equal(confined_result_of(SANDBOX_PAGES), SANDBOX_APPLIED);
    assert_int_equal(confined_result_of(SANDBOX_RLIMITS), SANDBOX_APPLIED);
    assert_int_equal(confined_result_of(SANDBOX_USER), SANDBOX_LEFT_OUT);
    assert_int_equal(confined_result_of(SANDBOX_NO_NEW_PRIVS), SANDBOX_APPLIED);
    assert_int_equal(confined_result_of(SANDBOX_SECCOMP), SANDBOX_APPLIED);
    assert_true((confined_result_of(SANDBOX_LANDLOCK) == SANDBOX_APPLIED) ==
                (sandbox_landlock_abi(outcome) > 0));
}

static int open_works(void)
{
    struct rlimit limit = {0};
    int fd = open("/dev/null", O_RDONLY);

    getrlimit(RLIMIT_FSIZE, &limit);
    atomic_store(&confined.pages->orders.finished, 1); /* and the pages are as they were */
    return fd >= 0 && limit.rlim_cur != 0 ? CONFINED_SURVIVED : 1;
}

static void off__nothing_is_taken(void **state)
{
    (void)state;
    confined.plan.mode = SANDBOX_OFF;
    assert_int_equal(confined_code_of(open_works), CONFINED_SURVIVED);
    assert_int_equal(atomic_load(&confined.board->sandbox_outcome), SANDBOX_TOLD);
    confined.plan.mode = SANDBOX_ON;
}

static void log__list_is_there_and_nothing_is_forbidden(void **state)
{
    (void)state;
    if (!confined_has_seccomp())
        skip();
    confined.plan.mode = SANDBOX_LOG;
    assert_int_equal(confined_code_of(open_works), CONFINED_SURVIVED);
    assert_int_equal(sandbox_mode_of(atomic_load(&confined.board->sandbox_outcome)), SANDBOX_LOG);
    assert_int_equal(confined_result_of(SANDBOX_SECCOMP), SANDBOX_APPLIED);
    assert_int_equal(confined_result_of(SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    assert_int_equal(confined_result_of(SANDBOX_PAGES), SANDBOX_LEFT_OUT);
    confined.plan.mode = SANDBOX_ON;
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
    if (!confined_has_seccomp())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        confined.bend.number = cases[i].number;
        confined.bend.error = cases[i].error;
        assert_int_equal(confined_code_of(confined_do_nothing), CONFINED_SURVIVED);
        assert_int_equal(confined_result_of(cases[i].step), SANDBOX_UNSUPPORTED);
    }
}

static void step__fails__said_and_the_worker_lives(void **state)
{
    (void)state;
    if (!confined_has_seccomp())
        skip();
    confined.bend.error = ENOMEM;
    confined.bend.mprotect = confined.bend.setrlimit = confined.bend.prctl = true;
    confined.bend.number = SYS_seccomp;
    assert_int_equal(confined_code_of(confined_do_nothing), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_PAGES), SANDBOX_FAILED);
    assert_int_equal(confined_result_of(SANDBOX_RLIMITS), SANDBOX_FAILED);
    assert_int_equal(confined_result_of(SANDBOX_NO_NEW_PRIVS), SANDBOX_FAILED);
    assert_int_equal(confined_result_of(SANDBOX_SECCOMP), SANDBOX_FAILED);
}

static int open_fails(void)
{
    return open("/dev/null", O_RDONLY) < 0 && errno == EACCES ? CONFINED_SURVIVED : 1;
}

/* The table of a slot has the rules; a worker that finds them gone makes its own, and leaves no descriptor. */
static void landlock__with_and_without_rules_in_the_table__no_file(void **state)
{
    (void)state;
    if (sandbox_unfit() || landlock_abi() < 1)
        skip();
    confined.bend.number = SYS_seccomp;
    confined.bend.error = ENOSYS;
    sandbox_prepare(SANDBOX_ON);
    sandbox_prepare_table();
    assert_true(fcntl(FD_RULESET, F_GETFD) == 0);
    assert_int_equal(confined_code_of(open_fails), CONFINED_SURVIVED);
    assert_int_equal(dup2(STDIN_FILENO, FD_RULESET), FD_RULESET);
    assert_int_equal(confined_code_of(open_fails), CONFINED_SURVIVED);
    close(FD_RULESET);
    assert_int_equal(confined_code_of(open_fails), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_LANDLOCK), SANDBOX_APPLIED);
    confined.bend.number = SYS_landlock_restrict_self;
    confined.bend.error = EBADF;
    assert_int_equal(confined_code_of(confined_do_nothing), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_LANDLOCK), SANDBOX_FAILED);
}

static int limits_are_none(void)
{
    struct rlimit processes = {.rlim_max = 1}, bytes = {.rlim_max = 1};

    getrlimit(RLIMIT_NPROC, &processes);
    getrlimit(RLIMIT_FSIZE, &bytes);
    return processes.rlim_max == 0 && bytes.rlim_max == (confined.core_allowed ? RLIM_INFINITY : 0)
               ? CONFINED_SURVIVED
               : 1;
}

/* The list does not allow to ask for them. */
static void rlimits__no_process_and_no_byte_of_a_file(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    confined.bend.number = SYS_seccomp;
    confined.bend.error = ENOSYS;
    assert_int_equal(confined_code_of(limits_are_none), CONFINED_SURVIVED);
}

static void core_dumps_allowed__files_are_left_to_them(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    confined.bend.number = SYS_seccomp;
    confined.bend.error = ENOSYS;
    confined.core_allowed = true;
    assert_int_equal(confined_code_of(limits_are_none), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_LANDLOCK), SANDBOX_LEFT_OUT);
    confined.core_allowed = false;
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
    return getgroups(8, others) == 0 ? CONFINED_SURVIVED : 2;
}

static void user__root_asks_for_another__all_ids_change(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    confined.plan = (struct sandbox_plan){
        .drops = SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, .uid = NOBODY, .gid = NOBODY};
    assert_int_equal(confined_code_of(is_nobody), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_USER), SANDBOX_APPLIED);
    confined.core_allowed = true;
    assert_int_equal(confined_code_of(is_nobody), CONFINED_SURVIVED);
    confined.core_allowed = false;
    confined.plan = (struct sandbox_plan){.mode = SANDBOX_ON};
}

static int says_no(void)
{
    return atomic_load(&confined.board->sandbox_outcome) == 0 ? CONFINED_SURVIVED : 1;
}

static void user__cannot_be_changed__no_outcome(void **state)
{
    const long calls[] = {SYS_setgroups, SYS_setresgid, SYS_setresuid};

    (void)state;
    confined.bend.error = EPERM;
    confined.plan = (struct sandbox_plan){
        .drops = SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, .uid = getuid(), .gid = getgid()};
    for (size_t i = 0; i < 3; i++) {
        confined.bend.number = calls[i];
        if (geteuid() == 0 || i == 0)
            assert_int_equal(confined_code_of(says_no), CONFINED_SURVIVED);
    }
    confined.plan = (struct sandbox_plan){.mode = SANDBOX_ON};
}

/* ---- words and reasons ---- */

static void unfit__library_before_ours__said(void **state)
{
    (void)state;
#ifndef SANDBOX_UNFIT
    assert_null(sandbox_unfit());
    setenv("LD_PRELOAD", "/usr/lib/faketime.so", 1);
    assert_string_equal(sandbox_unfit(), "LD_PRELOAD");
    assert_int_equal(confined_code_of(open_works), CONFINED_SURVIVED);
    assert_int_equal(sandbox_mode_of(atomic_load(&confined.board->sandbox_outcome)), SANDBOX_OFF);
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
    assert_int_equal(sandbox_filter_install(getpid(), CONFINED_SLOT), -ENODATA);
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)sandbox_result_of(sandbox_apply(confined.pages, CONFINED_SLOT, &confined.plan, false),
                                     SANDBOX_SECCOMP));
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), sandbox_unfit() ? SANDBOX_LEFT_OUT : SANDBOX_FAILED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, confined_begin, confined_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list__never_prepared__seccomp_failed),
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

    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
