#include "tests/support/master_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/process.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_CODE = 7 };

struct master_fixture master;

/* ---- in place of other modules and of the kernel ---- */

_Noreturn void master_fixture_finish_service(void)
{
    atomic_store(&master.pages->orders.exit_code, EXIT_CODE);
    atomic_store(&master.pages->orders.finished, 1);
    _exit(0);
}

_Noreturn void __wrap_reactor_main(const struct service_setup *given, uint32_t generation);
_Noreturn void __wrap_reactor_main(const struct service_setup *given, uint32_t generation)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (given != &master.setup)
        _exit(99);
    atomic_fetch_add(&master.shared->supervisors, 1);
    if (generation < MASTER_GENERATIONS_MAX && master.script[generation])
        master.script[generation]();
    master_fixture_finish_service();
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    if (atomic_load(&master.shared->forks_that_fail) == 0)
        return __real_fork();
    atomic_fetch_sub(&master.shared->forks_that_fail, 1);
    errno = EAGAIN;
    return -1;
}

int __real_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    atomic_store(&master.shared->master_waits, 1);
    int number = __real_sigtimedwait(set, info, timeout);
    atomic_store(&master.shared->master_waits, 0);
    return number;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);

    if (clock == CLOCK_MONOTONIC && master.shared) {
        int64_t ns = now->tv_nsec + atomic_load(&master.shared->clock_offset_ms) * 1000000;
        now->tv_sec += ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return result;
}

/* ---- life ---- */

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

int master_fixture_open(void **state)
{
    (void)state;
    master.shared = shared_memory(sizeof *master.shared);
    memset(master.script, 0, sizeof master.script);
    master.has_no_log = false;
    worker_fixture_open(&master.worker, (struct fixture_options){0});
    master.pages = master.worker.pages;
    master.board = master.worker.worker.board;
    snprintf(master.log_path, sizeof master.log_path, "/tmp/test_master.XXXXXX");
    int fd = mkstemp(master.log_path);
    if (fd < 0)
        return -1;
    close(fd);
    master.options = (struct options){.log_file = master.log_path};
    master.setup = (struct service_setup){.pages = master.pages, .options = &master.options, .ready_fd = -1};
    return 0;
}

int master_fixture_close(void **state)
{
    (void)state;
    if (master.pid > 0) {
        kill(master.pid, SIGKILL);
        waitpid(master.pid, NULL, 0);
        master.pid = 0;
    }
    unlink(master.log_path);
    worker_fixture_close(&master.worker);
    void *memory = master.shared;
    master.shared = NULL; /* the clock still looks there */
    return munmap(memory, sizeof *master.shared);
}

void master_fixture_start(void)
{
    fflush(NULL);
    master.pid = __real_fork();
    assert_true(master.pid >= 0);
    if (master.pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (master.has_no_log)
        close(FD_LOG_READ);
    master_block_signals();
    _exit(master_run(&master.setup));
}

void master_fixture_expect_end(void)
{
    struct pollfd ended = {.fd = pidfd_open(master.pid, 0), .events = POLLIN};
    int status = -1;

    assert_int_equal(poll(&ended, 1, MASTER_DEADLINE_MS), 1);
    close(ended.fd);
    assert_int_equal(waitpid(master.pid, &status, 0), master.pid);
    master.pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_CODE);
    FILE *log = fopen(master.log_path, "re");
    assert_non_null(log);
    master.log_text[fread(master.log_text, 1, sizeof master.log_text - 1, log)] = '\0';
    fclose(log);
}

void master_fixture_run(void)
{
    master_fixture_start();
    master_fixture_expect_end();
}

/* ---- waiting ---- */

/* The pages tell nobody of a change, so waiting is looking again at short intervals, to a deadline. */
bool master_fixture_wait_until(bool (*happened)(void))
{
    const struct timespec interval = {.tv_nsec = 500000};

    for (int i = 0; i < MASTER_DEADLINE_MS * 2; i++) {
        if (happened())
            return true;
        nanosleep(&interval, NULL);
    }
    return false;
}

bool master_fixture_first_supervisor_runs(void)
{
    return atomic_load(&master.shared->supervisors) == 1;
}

bool master_fixture_may_go_on(void)
{
    return atomic_load(&master.shared->may_go_on) != 0;
}

bool master_fixture_worker_death_is_told(void)
{
    return atomic_load(&master.board->worker_death.generation) == MASTER_WORKER_GENERATION;
}

static uint32_t turns;

static bool turn_is_done(void)
{
    return atomic_load(&master.pages->orders.signals[SIGNAL_HUP]) >= turns &&
           atomic_load(&master.shared->master_waits);
}

void master_fixture_let_it_look(void)
{
    turns = atomic_load(&master.pages->orders.signals[SIGNAL_HUP]) + 1;
    assert_int_equal(kill(master.pid, SIGHUP), 0);
    assert_true(master_fixture_wait_until(turn_is_done));
}

/* ---- what supervisors do ---- */

void master_fixture_exit_3(void)
{
    _exit(3);
}

static bool tick_or_go_on(void)
{
    atomic_store(&master.pages->orders.supervisor_tick_ns, clock_now_ns());
    return master_fixture_may_go_on();
}

void master_fixture_live_until_told(void)
{
    if (!master_fixture_wait_until(tick_or_go_on))
        _exit(98);
}

void master_fixture_make_sibling(struct birth_cell *cell, uint32_t generation, int exit_code)
{
    int pid = process_clone(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, cell, generation);

    if (pid == 0)
        _exit(exit_code);
    atomic_store(&master.shared->sibling_pid, pid);
}

void master_fixture_take_death(void)
{
    atomic_store(&master.board->death_taken, MASTER_WORKER_GENERATION);
}

/* ---- the log ---- */

int master_fixture_count_in_log(const char *text)
{
    int count = 0;

    for (const char *at = master.log_text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

void master_fixture_expect_in_log(const char *text)
{
    if (master_fixture_count_in_log(text) == 0)
        fail_msg("%s is not in the log:\n%s", text, master.log_text);
}
