#include "tests/support/keeper_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/keeper.h"
#include "worker/process.h"
#include "worker/worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_MS = 5000 };

struct keeper_fixture kept;

/* ---- in place of the kernel and of other modules ---- */

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
    if (number == SYS_clone && a[0] & CLONE_FILES) {
        atomic_fetch_add(&kept.bend->clone_tries, 1);
        errno = atomic_load(&kept.bend->clone_error);
        if (errno)
            return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
}

int __real_worker_prepare_table(void);
int __wrap_worker_prepare_table(void);

int __wrap_worker_prepare_table(void)
{
    int error = atomic_load(&kept.bend->table_error);

    return error ? error : __real_worker_prepare_table();
}

/* In place of execve, with all that it does to a keeper: the table becomes a private copy, as small as may
 * be, and the new image begins anew. */
int __wrap_image_exec(struct shared_pages *pages, uint32_t number, const char *role);
int __wrap_image_exec(struct shared_pages *pages, uint32_t number, const char *role)
{
    int error = atomic_load(&kept.bend->exec_error);
    unsigned slot, letter, generation, image;

    snprintf(kept.bend->role, sizeof kept.bend->role, "%s", role);
    atomic_fetch_add(&kept.bend->exec_tries, 1);
    if (error)
        return -error;
    unshare(CLONE_FILES);
    if (sscanf(role, "keeper:%u:%u:%u:%u", &slot, &letter, &generation, &image) == 4 && image == number)
        keeper_resume_main(pages, slot, (enum keeper_letter)letter, generation, image, 2 * KEPT_TABLE_SIZE);
    _exit(99);
}

/* ---- the stand-in for the master ---- */

static bool tell_if(struct birth_cell *birth, struct death_cell *death, pid_t pid, const siginfo_t *info)
{
    if (board_living_pid(birth, death) != pid)
        return false;
    atomic_store(&death->code, info->si_code);
    atomic_store(&death->status, info->si_status);
    atomic_store(&death->generation, atomic_load(&birth->generation));
    return true;
}

/* Reaps and tells whoever has died. False: nobody. */
static bool reap(void)
{
    siginfo_t info = {0};

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return false;
    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        if (tell_if(&kept.board->keepers[letter], &kept.board->keeper_deaths[letter], info.si_pid, &info))
            return true;
    tell_if(&kept.board->worker, &kept.board->worker_death, info.si_pid, &info);
    return true;
}

/* The board tells nobody of a change, so waiting is looking again at short intervals, to a deadline. */
void kept_wait_until(bool (*happened)(uint32_t), uint32_t argument)
{
    const struct timespec interval = {.tv_nsec = 500000};

    for (int i = 0; i < DEADLINE_MS * 2; i++) {
        while (reap())
            ;
        if (happened(argument))
            return;
        nanosleep(&interval, NULL);
    }
    fail_msg("did not happen within %d ms", DEADLINE_MS);
}

bool kept_a_is_ready(uint32_t generation)
{
    return atomic_load(&kept.board->keeper_ready[KEEPER_A]) == generation;
}

bool kept_b_is_ready(uint32_t generation)
{
    return atomic_load(&kept.board->keeper_ready[KEEPER_B]) == generation;
}

bool kept_a_is_dead(uint32_t generation)
{
    return atomic_load(&kept.board->keeper_deaths[KEEPER_A].generation) == generation;
}

bool kept_b_is_dead(uint32_t generation)
{
    return atomic_load(&kept.board->keeper_deaths[KEEPER_B].generation) == generation;
}

bool kept_a_runs(uint32_t image)
{
    return atomic_load(&kept.board->keeper_image[KEEPER_A]) == image &&
           atomic_load(&kept.board->keeper_ready[KEEPER_A]) == 1;
}

bool kept_worker_is_ready(uint32_t generation)
{
    return atomic_load(&kept.board->ready_generation) == generation;
}

static bool worker_is_dead(uint32_t generation)
{
    return atomic_load(&kept.board->worker_death.generation) == generation;
}

/* ---- the stand-in for the supervisor ---- */

pid_t kept_pid_of(enum keeper_letter letter)
{
    return atomic_load(&kept.board->keepers[letter].pid);
}

void kept_make_first_keeper(void)
{
    int pid = process_clone(CLONE_PARENT_SETTID | SIGCHLD, &kept.board->keepers[KEEPER_A], 1);

    if (pid == 0)
        keeper_first_main(kept.fixture.pages, 0, 1, KEPT_TABLE_SIZE);
    assert_true(pid > 0);
}

void kept_wake(enum keeper_letter letter)
{
    assert_int_equal(kill(kept_pid_of(letter), KEEPER_WAKE_SIGNAL), 0);
}

void kept_order_worker(enum keeper_letter letter, uint32_t keeper_generation, uint32_t generation)
{
    atomic_store(&kept.board->order_spawn, keeper_order(letter, keeper_generation, generation));
    kept_wake(letter);
}

void kept_order_twin(enum keeper_letter maker, uint32_t maker_generation, uint32_t generation)
{
    atomic_store(&kept.board->order_twin, keeper_order(maker, maker_generation, generation));
    kept_wake(maker);
}

void kept_order_exec(enum keeper_letter letter, uint32_t keeper_generation, uint32_t image)
{
    atomic_store(&kept.board->order_exec, keeper_order(letter, keeper_generation, image));
    kept_wake(letter);
}

void kept_order_leave(enum keeper_letter letter, uint32_t generation)
{
    atomic_store(&kept.board->leave_generation[letter], generation);
    kept_wake(letter);
}

void kept_start_both(void)
{
    kept_make_first_keeper();
    kept_wait_until(kept_a_is_ready, 1);
    kept_order_twin(KEEPER_A, 1, 1);
    kept_wait_until(kept_b_is_ready, 1);
}

int kept_start_with_client(void)
{
    kept_start_both();
    kept_order_worker(KEEPER_A, 1, 1);
    kept_wait_until(kept_worker_is_ready, 1);
    return worker_fixture_connect(&kept.fixture);
}

void kept_kill_worker(uint32_t generation)
{
    assert_int_equal(kill(atomic_load(&kept.board->worker.pid), SIGKILL), 0);
    kept_wait_until(worker_is_dead, generation);
}

/* ---- what is to be seen of a process ---- */

long kept_status_of(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key) + 1, NULL, 10);
    fclose(file);
    return value;
}

/* ---- life ---- */

int kept_begin(void **state)
{
    sigset_t all;

    (void)state;
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    sigprocmask(SIG_SETMASK, &all, NULL);
    alarm(30);
    kept.bend = mmap(NULL, sizeof *kept.bend, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    worker_fixture_open(&kept.fixture, (struct fixture_options){0});
    kept.fixture.pages->orders.master_pid = getpid();
    atomic_store(&kept.fixture.pages->orders.master_image, 1);
    kept.board = kept.fixture.worker.board;
    return kept.bend == MAP_FAILED ? -1 : 0;
}

static void end_if_living(struct birth_cell *birth, struct death_cell *death)
{
    int32_t pid = board_living_pid(birth, death);

    if (pid > 0)
        kill(pid, SIGKILL);
}

int kept_finish(void **state)
{
    (void)state;
    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        end_if_living(&kept.board->keepers[letter], &kept.board->keeper_deaths[letter]);
    end_if_living(&kept.board->worker, &kept.board->worker_death);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    worker_fixture_close(&kept.fixture);
    munmap(kept.bend, sizeof *kept.bend);
    return 0;
}
