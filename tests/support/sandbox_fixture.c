#include "tests/support/sandbox_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/crash.h"
#include "worker/sandbox_filter.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct sandbox_fixture confined = {.plan = {.mode = SANDBOX_ON}};

/* ---- the calls ---- */

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
    errno = confined.bend.error;
    if (number == confined.bend.number)
        return -1;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __real_mprotect(void *from, size_t size, int protection);
int __wrap_mprotect(void *from, size_t size, int protection);
int __wrap_mprotect(void *from, size_t size, int protection)
{
    errno = confined.bend.error;
    return confined.bend.mprotect ? -1 : __real_mprotect(from, size, protection);
}

int __real_setrlimit(int resource, const struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit)
{
    errno = confined.bend.error;
    return confined.bend.setrlimit ? -1 : __real_setrlimit(resource, limit);
}

int __real_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    errno = confined.bend.error;
    return confined.bend.prctl ? -1 : __real_prctl(option, a, b, c, d);
}

long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
    return name == _SC_PAGESIZE && confined.bend.page_size ? confined.bend.page_size : __real_sysconf(name);
}

/* ---- life ---- */

int confined_begin(void **state)
{
    (void)state;
    memset(&confined.bend, 0, sizeof confined.bend);
    confined.pages =
        mmap(NULL, sizeof *confined.pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (confined.pages == MAP_FAILED)
        return -1;
    confined.board = shared_board(confined.pages, CONFINED_SLOT);
    return 0;
}

int confined_finish(void **state)
{
    (void)state;
    return munmap(confined.pages, sizeof *confined.pages);
}

/* ---- children in the sandbox ---- */

bool confined_has_seccomp(void)
{
    return !sandbox_unfit() && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 &&
           sandbox_filter_build(SANDBOX_ON) == 0;
}

static void confine(void)
{
    const struct rlimit none = {0};

    __real_setrlimit(RLIMIT_CORE, &none);
    crash_handler_install(confined.board, CONFINED_GENERATION);
    sandbox_prepare((enum sandbox_mode)confined.plan.mode);
    atomic_store(&confined.board->sandbox_outcome,
                 sandbox_apply(confined.pages, CONFINED_SLOT, &confined.plan, confined.core_allowed));
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

int confined_signal_of(int (*step)(void))
{
    int status = status_of(step);

    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int confined_code_of(int (*step)(void))
{
    int status = status_of(step);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

enum sandbox_result confined_result_of(enum sandbox_step step)
{
    return sandbox_result_of(atomic_load(&confined.board->sandbox_outcome), step);
}

int confined_do_nothing(void)
{
    return CONFINED_SURVIVED;
}
