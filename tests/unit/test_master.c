/*
 * The master in a process of its own, with supervisors that are stood in for: each generation does what its
 * test says. Time is the kernel's and what the test adds to it.
 */
/* wrap: reactor_main fork waitid sigtimedwait clock_gettime image_exec */
#include "tests/support/cmocka_all.h"

#include "master/master.h"
#include "master/options.h"
#include "tests/support/worker_fixture.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/process.h"

#include <errno.h>
#include <fcntl.h>
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
#include <unistd.h>

enum {
    DEADLINE_MS = 10000,
    GENERATIONS_MAX = 4,
    EXIT_CODE = 7,
    WORKER_GENERATION = 5,
    CROWD = 150,
    LINES_LEFT = 600
};

static struct worker_fixture fixture;
static struct shared_pages *pages;
static struct board *board;
static struct options options;
static struct service_setup setup;
static pid_t master_pid;
static char log_path[] = "/tmp/test_master.XXXXXX";
static char log_text[65536];

/* Seen by all processes of a test. */
static struct {
    shared_i64 clock_offset_ms;
    shared_u32 forks_that_fail;
    shared_u32 supervisors;        /* made so far */
    shared_i32 supervisor_pid;     /* of the newest */
    shared_u32 told_before_reaped; /* deaths of the worker that stood on the board when it was reaped */
    shared_u32 master_waits;       /* 1: in the one place where it does */
    shared_u32 images_tried;
    char image_role[32];
    shared_u32 may_go_on; /* what a supervisor waits for that lives until the test has seen something */
    shared_i32 pid;       /* of a process that a supervisor has made */
} * shared;

static bool has_no_log; /* the master */

/* What each generation does, counted from 1; the ones beyond finish the service. */
static void (*script[GENERATIONS_MAX])(void);

/* ---- in place of other modules and of the kernel ---- */

static _Noreturn void finish_service(void)
{
    atomic_store(&pages->orders.exit_code, EXIT_CODE);
    atomic_store(&pages->orders.finished, 1);
    _exit(0);
}

_Noreturn void __wrap_reactor_main(const struct service_setup *given, uint32_t generation);
_Noreturn void __wrap_reactor_main(const struct service_setup *given, uint32_t generation)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (given != &setup)
        _exit(99);
    atomic_store(&shared->supervisor_pid, getpid());
    atomic_fetch_add(&shared->supervisors, 1);
    if (generation < GENERATIONS_MAX && script[generation])
        script[generation]();
    finish_service();
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    if (atomic_load(&shared->forks_that_fail) == 0)
        return __real_fork();
    atomic_fetch_sub(&shared->forks_that_fail, 1);
    errno = EAGAIN;
    return -1;
}

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given)
{
    if ((int32_t)id == atomic_load(&board->worker.pid) &&
        atomic_load(&board->worker_death.generation) == WORKER_GENERATION)
        atomic_fetch_add(&shared->told_before_reaped, 1);
    return __real_waitid(type, id, info, options_given);
}

int __real_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    atomic_store(&shared->master_waits, 1);
    int number = __real_sigtimedwait(set, info, timeout);
    atomic_store(&shared->master_waits, 0);
    return number;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);

    if (clock == CLOCK_MONOTONIC && shared) {
        int64_t ns = now->tv_nsec + atomic_load(&shared->clock_offset_ms) * 1000000;
        now->tv_sec += ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return result;
}

int __wrap_image_exec(struct shared_pages *given, uint32_t number, const char *role);
int __wrap_image_exec(struct shared_pages *given, uint32_t number, const char *role)
{
    (void)given;
    (void)number;
    atomic_fetch_add(&shared->images_tried, 1);
    snprintf(shared->image_role, sizeof shared->image_role, "%s", role);
    return -ENOEXEC;
}

/* ---- setup ---- */

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

static int begin(void **state)
{
    (void)state;
    shared = shared_memory(sizeof *shared);
    memset(script, 0, sizeof script);
    has_no_log = false;
    worker_fixture_open(&fixture, (struct fixture_options){0});
    pages = fixture.pages;
    board = fixture.worker.board;
    snprintf(log_path, sizeof log_path, "/tmp/test_master.XXXXXX");
    int fd = mkstemp(log_path);
    if (fd < 0)
        return -1;
    close(fd);
    options = (struct options){.log_file = log_path};
    setup = (struct service_setup){.pages = pages, .options = &options, .ready_fd = -1};
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (master_pid > 0) {
        kill(master_pid, SIGKILL);
        waitpid(master_pid, NULL, 0);
        master_pid = 0;
    }
    unlink(log_path);
    worker_fixture_close(&fixture);
    void *memory = shared;
    shared = NULL; /* the clock still looks there */
    return munmap(memory, sizeof *shared);
}

static void start_master(void)
{
    fflush(NULL);
    master_pid = __real_fork();
    assert_true(master_pid >= 0);
    if (master_pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (has_no_log)
        close(FD_LOG_READ);
    master_block_signals();
    _exit(master_run(&setup));
}

/* Its end comes by itself, and what it and the supervisors said stands in the log then. */
static void expect_master_ends(void)
{
    struct pollfd ended = {.fd = pidfd_open(master_pid, 0), .events = POLLIN};
    int status = -1;

    assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
    close(ended.fd);
    assert_int_equal(waitpid(master_pid, &status, 0), master_pid);
    master_pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_CODE);
    FILE *log = fopen(log_path, "re");
    assert_non_null(log);
    log_text[fread(log_text, 1, sizeof log_text - 1, log)] = '\0';
    fclose(log);
}

static void run(void)
{
    start_master();
    expect_master_ends();
}

static int count_in_log(const char *text)
{
    int count = 0;

    for (const char *at = log_text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void expect_in_log(const char *text)
{
    if (count_in_log(text) == 0)
        fail_msg("%s is not in the log:\n%s", text, log_text);
}

/* The pages tell nobody of a change, so waiting is looking again at short intervals, to a deadline. In a
 * supervisor a wait that is in vain ends it, and the test sees another generation than it should. */
static bool wait_until(bool (*happened)(void))
{
    const struct timespec interval = {.tv_nsec = 500000};

    for (int i = 0; i < DEADLINE_MS * 2; i++) {
        if (happened())
            return true;
        nanosleep(&interval, NULL);
    }
    return false;
}

static bool may_go_on(void)
{
    return atomic_load(&shared->may_go_on) != 0;
}

static bool first_supervisor_runs(void)
{
    return atomic_load(&shared->supervisors) == 1;
}

static bool second_supervisor_runs(void)
{
    return atomic_load(&shared->supervisors) == 2;
}

static bool tick_or_go_on(void)
{
    atomic_store(&pages->orders.supervisor_tick_ns, clock_now_ns());
    return may_go_on();
}

static void live_until_told(void)
{
    if (!wait_until(tick_or_go_on))
        _exit(98);
}

static void hang_until_told(void)
{
    if (!wait_until(may_go_on))
        _exit(98);
}

/* ---- the supervisor's life ---- */

static void die_by_sigkill(void)
{
    kill(getpid(), SIGKILL);
}

static void exit_3(void)
{
    _exit(3);
}

static void supervisor__finishes__its_exit_code_is_the_services(void **state)
{
    (void)state;
    run();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_int_equal(atomic_load(&pages->orders.supervisor_generation), 1);
    assert_string_equal(log_text, "");
}

static void supervisor__dies__is_said_and_remade(void **state)
{
    (void)state;
    script[1] = die_by_sigkill;
    script[2] = exit_3;
    run();
    assert_int_equal(atomic_load(&shared->supervisors), 3);
    assert_int_equal(atomic_load(&pages->orders.supervisor_generation), 3);
    expect_in_log("event=supervisor_died generation=1 pid=");
    expect_in_log("cause=SIGKILL status=9 next=respawn");
    expect_in_log("event=supervisor_died generation=2 pid=");
    expect_in_log("cause=exit status=3 next=respawn");
}

/* A successor of another image, or after it: it counts on. */
static void supervisor__there_were_some_before__generations_go_on(void **state)
{
    (void)state;
    atomic_store(&pages->orders.supervisor_generation, 40);
    run();
    assert_int_equal(atomic_load(&pages->orders.supervisor_generation), 41);
}

/* One that dies at its start must not keep the processor busy. */
static void supervisor__dies_at_once__is_remade_after_a_pause(void **state)
{
    (void)state;
    script[1] = script[2] = script[3] = exit_3;
    int64_t begin_ms = clock_now_ms();
    run();
    assert_true(clock_now_ms() - begin_ms >= 3 * 100);
}

static void supervisor__cannot_be_forked__is_said_and_tried_again(void **state)
{
    (void)state;
    atomic_store(&shared->forks_that_fail, 2);
    int64_t begin_ms = clock_now_ms();
    run();
    assert_int_equal(atomic_load(&pages->orders.supervisor_generation), 1);
    assert_int_equal(count_in_log("event=failed what=fork why=EAGAIN retry_ms=100"), 2);
    assert_true(clock_now_ms() - begin_ms >= 2 * 100);
}

/* ---- deaths ---- */

/* As a keeper makes it: a child of the master, whose number stands in the cell before it runs. */
static void make_sibling(struct birth_cell *cell, uint32_t generation, int exit_code)
{
    int pid = process_clone(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, cell, generation);

    if (pid == 0)
        _exit(exit_code);
    atomic_store(&shared->pid, pid);
}

static bool worker_death_is_told(void)
{
    return atomic_load(&board->worker_death.generation) == WORKER_GENERATION;
}

static bool twin_death_is_told(void)
{
    return atomic_load(&board->keeper_deaths[KEEPER_B].generation) == 2;
}

static bool sibling_is_gone(void)
{
    return kill(atomic_load(&shared->pid), 0) < 0 && errno == ESRCH;
}

static void take_death(void)
{
    atomic_store(&board->death_taken, WORKER_GENERATION);
}

static void lose_a_worker(void)
{
    uint64_t pokes;
    struct pollfd woken = {.fd = FD_SUPERVISOR, .events = POLLIN};

    (void)!read(FD_SUPERVISOR, &pokes, sizeof pokes);
    make_sibling(&board->worker, WORKER_GENERATION, 42);
    if (poll(&woken, 1, DEADLINE_MS) != 1 || !worker_death_is_told() || !wait_until(sibling_is_gone))
        _exit(97);
    take_death();
}

static void death__of_a_worker__told_then_reaped(void **state)
{
    (void)state;
    script[1] = lose_a_worker;
    int64_t begin_ns = clock_now_ns();
    run();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_int_equal(atomic_load(&board->worker_death.code), CLD_EXITED);
    assert_int_equal(atomic_load(&board->worker_death.status), 42);
    assert_true(atomic_load(&board->worker_death.time_ns) >= begin_ns);
    assert_true(atomic_load(&board->worker_death.rss_kib) > 0);
    assert_int_equal(atomic_load(&shared->told_before_reaped), 1);
}

static void lose_a_keeper(void)
{
    make_sibling(&board->keepers[KEEPER_B], 2, 43);
    if (!wait_until(twin_death_is_told))
        _exit(97);
}

static void death__of_a_keeper__told_in_its_own_cell(void **state)
{
    (void)state;
    script[1] = lose_a_keeper;
    run();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_B].status), 43);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].generation), 0);
    assert_int_equal(atomic_load(&board->worker_death.generation), 0);
}

static void lose_a_crowd_of_strangers(void)
{
    static struct birth_cell nobodys; /* on no board */

    kill(getppid(), SIGSTOP); /* the master finds them all dead at once */
    for (int i = 0; i < CROWD; i++) {
        make_sibling(&nobodys, 1, 0);
        struct pollfd dead = {.fd = pidfd_open(atomic_load(&shared->pid), 0), .events = POLLIN};
        if (poll(&dead, 1, DEADLINE_MS) != 1)
            _exit(97);
        close(dead.fd);
    }
    kill(getppid(), SIGCONT);
    if (!wait_until(sibling_is_gone))
        _exit(97);
}

/* As pid 1 of a container; and more of them than are reaped in one turn. */
static void death__of_many_that_are_not_ours__reaped(void **state)
{
    (void)state;
    script[1] = lose_a_crowd_of_strangers;
    run();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_int_equal(atomic_load(&board->worker_death.generation), 0);
}

/* ---- supervisors that hang ---- */

static void leave_a_death_untaken(void)
{
    make_sibling(&board->worker, WORKER_GENERATION, 0);
    if (!wait_until(worker_death_is_told))
        _exit(97);
    live_until_told();
}

static void take_death_and_finish(void)
{
    take_death();
    finish_service();
}

static uint32_t turns;

static bool turn_is_done(void)
{
    return atomic_load(&pages->orders.signals[SIGNAL_HUP]) >= turns && atomic_load(&shared->master_waits);
}

/* A signal makes the master go round its loop: it counts it, looks, and waits again. */
static void let_master_look(void)
{
    turns = atomic_load(&pages->orders.signals[SIGNAL_HUP]) + 1;
    assert_int_equal(kill(master_pid, SIGHUP), 0);
    assert_true(wait_until(turn_is_done));
}

static void pass_ms(int64_t ms)
{
    atomic_fetch_add(&shared->clock_offset_ms, ms);
    let_master_look();
}

/* The same where the service may end by it. */
static void pass_last_ms(int64_t ms)
{
    atomic_fetch_add(&shared->clock_offset_ms, ms);
    assert_int_equal(kill(master_pid, SIGHUP), 0);
}

static void hang__death_not_taken_for_a_second__another_supervisor(void **state)
{
    (void)state;
    script[1] = leave_a_death_untaken;
    script[2] = take_death_and_finish;
    start_master();
    assert_true(wait_until(worker_death_is_told));
    pass_ms(900);
    let_master_look();
    assert_int_equal(atomic_load(&shared->supervisors), 1); /* it may be slow */
    pass_last_ms(900);
    assert_true(wait_until(second_supervisor_runs));
    expect_master_ends();
    expect_in_log("event=supervisor_hangs pid=");
    expect_in_log(" slot=0 untaken_ms=");
    expect_in_log("event=supervisor_died generation=1");
}

/* It has had no time yet to take what its predecessor left. */
static void hang__death_left_by_the_last_one__new_supervisor_gets_its_second(void **state)
{
    (void)state;
    script[1] = leave_a_death_untaken;
    script[2] = live_until_told;
    start_master();
    assert_true(wait_until(worker_death_is_told));
    pass_ms(900);
    pass_ms(900);
    assert_true(wait_until(second_supervisor_runs));
    let_master_look();
    let_master_look();
    take_death();
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 2);
    assert_int_equal(count_in_log("event=supervisor_hangs"), 1);
}

static void lose_a_worker_late(void)
{
    live_until_told();
    atomic_store(&shared->may_go_on, 0);
    leave_a_death_untaken();
    take_death();
}

static void hang__death_of_this_moment__is_not_late_however_old_the_supervisor(void **state)
{
    (void)state;
    script[1] = lose_a_worker_late;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    pass_ms(900);
    pass_ms(900);
    atomic_store(&shared->may_go_on, 1);
    assert_true(wait_until(worker_death_is_told));
    let_master_look();
    let_master_look();
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
}

/* Everything was frozen between a death and the moment when it would have been taken. */
static void hang__time_leaps_over_an_untaken_death__supervisor_gets_its_second_anew(void **state)
{
    (void)state;
    script[1] = leave_a_death_untaken;
    start_master();
    assert_true(wait_until(worker_death_is_told));
    let_master_look();
    pass_ms(3600000);
    pass_ms(900);
    take_death();
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_int_equal(count_in_log("event=supervisor_hangs"), 0);
}

static void hang__no_tick_for_three_seconds__another_supervisor(void **state)
{
    (void)state;
    script[1] = hang_until_told;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    for (int i = 0; i < 3; i++) {
        pass_ms(900);
    }
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    pass_last_ms(900);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 2);
    expect_in_log("event=supervisor_hangs pid=");
    expect_in_log(" silent_ms=3");
}

/* The machine slept, or the master was stopped: then its supervisor had no time either. */
static void hang__time_leaps__supervisor_gets_its_time_anew(void **state)
{
    (void)state;
    script[1] = hang_until_told;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    let_master_look();
    pass_ms(3600000);
    let_master_look();
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
    assert_string_equal(log_text, "");
}

static void hang__ticks_come__none_is_seen(void **state)
{
    (void)state;
    script[1] = hang_until_told;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    for (int i = 0; i < 8; i++) {
        atomic_store(&pages->orders.supervisor_tick_ns, clock_now_ns());
        pass_ms(900);
    }
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
}

/* ---- signals ---- */

static enum order_signal signal_kind;

static bool signal_came(void)
{
    return atomic_load(&pages->orders.signals[signal_kind]) == 1;
}

static void signals__each_of_the_services__is_counted_and_told(void **state)
{
    const struct {
        int number;
        enum order_signal kind;
    } signals[] = {{SIGTERM, SIGNAL_TERM}, {SIGINT, SIGNAL_INT},   {SIGQUIT, SIGNAL_QUIT},
                   {SIGHUP, SIGNAL_HUP},   {SIGUSR1, SIGNAL_USR1}, {SIGUSR2, SIGNAL_USR2},
                   {SIGTTIN, SIGNAL_TTIN}, {SIGTTOU, SIGNAL_TTOU}};
    uint64_t pokes = 0;

    (void)state;
    script[1] = live_until_told;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal_kind = signals[i].kind;
        assert_int_equal(kill(master_pid, signals[i].number), 0);
        assert_true(wait_until(signal_came));
        socket_wait_events(FD_SUPERVISOR, POLLIN);
        assert_int_equal(read(FD_SUPERVISOR, &pokes, sizeof pokes), sizeof pokes);
    }
    assert_int_equal(sizeof signals / sizeof signals[0], SIGNAL_KIND_COUNT);
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
}

static void signals__of_other_kinds__are_nothing_to_it(void **state)
{
    const int others[] = {SIGWINCH, SIGPIPE, SIGALRM, SIGCONT, SIGVTALRM, SIGRTMIN, SIGRTMAX};

    (void)state;
    script[1] = live_until_told;
    start_master();
    assert_true(wait_until(first_supervisor_runs));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(kill(master_pid, others[i]), 0);
    for (int i = 0; i < 8; i++)
        let_master_look();
    atomic_store(&pages->orders.signals[SIGNAL_HUP], 0);
    for (int kind = 0; kind < SIGNAL_KIND_COUNT; kind++)
        assert_int_equal(atomic_load(&pages->orders.signals[kind]), 0);
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
    assert_int_equal(atomic_load(&shared->supervisors), 1);
}

static void live_without_the_ready_descriptor(void)
{
    close(setup.ready_fd);
    live_until_told();
}

/* Whoever reads there has been told that it serves, and waits for the end. */
static void signals__serving_was_told__ready_descriptor_is_closed(void **state)
{
    int ready[2];

    (void)state;
    script[1] = live_without_the_ready_descriptor;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    setup.ready_fd = ready[1];
    start_master();
    close(ready[1]);
    assert_true(wait_until(first_supervisor_runs));
    let_master_look();
    struct pollfd end = {.fd = ready[0]};
    assert_int_equal(poll(&end, 1, 0), 0);
    assert_int_equal(kill(master_pid, SIGRTMIN), 0);
    assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
    assert_int_equal(atomic_load(&pages->orders.finished),
                     0); /* it is not the end of the master that was seen */
    close(ready[0]);
    atomic_store(&shared->may_go_on, 1);
    expect_master_ends();
}

/* What exec handed on from whoever started us. */
static void signals__inherited_masks_and_ignored_deaths__are_undone(void **state)
{
    sigset_t mask;
    int status = -1;

    (void)state;
    pid_t pid = __real_fork();
    if (pid == 0) {
        signal(SIGCHLD, SIG_IGN);
        sigfillset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        master_block_signals();
        sigprocmask(SIG_SETMASK, NULL, &mask);
        bool is_right = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD) &&
                        !sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGABRT) &&
                        signal(SIGCHLD, SIG_DFL) == SIG_DFL;
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- becoming another image ---- */

static void give_way_to_image_6(void)
{
    atomic_store(&pages->orders.exec_image, 6);
    _exit(0);
}

/* It serves on as what it is, and says why; it is not tried again. */
static void image__cannot_be_executed__is_said_and_the_service_goes_on(void **state)
{
    (void)state;
    atomic_store(&pages->orders.master_image, 5);
    script[1] = give_way_to_image_6;
    script[2] = exit_3;
    run();
    assert_int_equal(atomic_load(&shared->images_tried), 1);
    assert_string_equal(shared->image_role, "master:6");
    assert_int_equal(atomic_load(&pages->orders.exec_failed_image), 6);
    assert_int_equal(atomic_load(&pages->orders.exec_failed_error), ENOEXEC);
    assert_int_equal(atomic_load(&shared->supervisors), 3);
    expect_in_log("event=failed what=exec_master why=ENOEXEC");
    assert_int_equal(count_in_log("event=supervisor_died"), 1); /* generation 2; the first one gave way */
}

static void give_way_to_image_5(void)
{
    atomic_store(&pages->orders.exec_image, 5);
    _exit(0);
}

static void image__it_is_that_one_already__supervisor_is_remade(void **state)
{
    (void)state;
    atomic_store(&pages->orders.master_image, 5);
    script[1] = give_way_to_image_5;
    run();
    assert_int_equal(atomic_load(&shared->images_tried), 0);
    expect_in_log("event=supervisor_died generation=1");
}

/* Image 5 was upgraded to 6: the master begins as that, and both are kept. */
static void upgraded_to_image_6(void)
{
    atomic_store(&pages->orders.master_image, 6);
    atomic_store(&pages->orders.exec_image, 6);
    atomic_store(&pages->orders.images[0].number, 6);
    atomic_store(&pages->orders.images[1].number, 5);
    atomic_store(&pages->orders.supervisor_tick_ns, clock_now_ns()); /* of image 5 */
    script[1] = script[2] = script[3] = exit_3;
}

static void image__its_supervisors_die_before_any_ticked__back_to_the_one_before(void **state)
{
    (void)state;
    upgraded_to_image_6();
    run();
    assert_int_equal(atomic_load(&shared->images_tried), 1);
    assert_string_equal(shared->image_role, "master:5");
}

static void tick_and_exit(void)
{
    atomic_store(&pages->orders.supervisor_tick_ns, clock_now_ns());
    _exit(3);
}

static void image__one_of_its_supervisors_ticked__stays(void **state)
{
    (void)state;
    upgraded_to_image_6();
    script[2] = tick_and_exit;
    run();
    assert_int_equal(atomic_load(&shared->images_tried), 0);
    assert_int_equal(atomic_load(&shared->supervisors), 4);
}

static void image__its_supervisors_die__only_a_newer_one_is_kept__stays(void **state)
{
    (void)state;
    upgraded_to_image_6();
    atomic_store(&pages->orders.images[1].number, 7);
    run();
    assert_int_equal(atomic_load(&shared->images_tried), 0);
    assert_int_equal(atomic_load(&shared->supervisors), 4);
}

/* ---- the end ---- */

static void say_much(void)
{
    for (int i = 0; i < LINES_LEFT; i++)
        log_event(LOG_LEVEL_INFO, "event=left number=%d", i);
}

static void end__supervisor_left_many_lines__all_are_written(void **state)
{
    (void)state;
    script[1] = say_much;
    run();
    assert_int_equal(count_in_log("event=left"), LINES_LEFT);
}

static void end__no_log_to_read_from__the_exit_code_all_the_same(void **state)
{
    (void)state;
    has_no_log = true;
    run();
    assert_string_equal(log_text, "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(supervisor__finishes__its_exit_code_is_the_services),
        TEST(supervisor__dies__is_said_and_remade),
        TEST(supervisor__there_were_some_before__generations_go_on),
        TEST(supervisor__dies_at_once__is_remade_after_a_pause),
        TEST(supervisor__cannot_be_forked__is_said_and_tried_again),
        TEST(death__of_a_worker__told_then_reaped),
        TEST(death__of_a_keeper__told_in_its_own_cell),
        TEST(death__of_many_that_are_not_ours__reaped),
        TEST(hang__death_not_taken_for_a_second__another_supervisor),
        TEST(hang__death_left_by_the_last_one__new_supervisor_gets_its_second),
        TEST(hang__death_of_this_moment__is_not_late_however_old_the_supervisor),
        TEST(hang__no_tick_for_three_seconds__another_supervisor),
        TEST(hang__time_leaps__supervisor_gets_its_time_anew),
        TEST(hang__time_leaps_over_an_untaken_death__supervisor_gets_its_second_anew),
        TEST(hang__ticks_come__none_is_seen),
        TEST(signals__each_of_the_services__is_counted_and_told),
        TEST(signals__of_other_kinds__are_nothing_to_it),
        TEST(signals__serving_was_told__ready_descriptor_is_closed),
        TEST(signals__inherited_masks_and_ignored_deaths__are_undone),
        TEST(image__cannot_be_executed__is_said_and_the_service_goes_on),
        TEST(image__it_is_that_one_already__supervisor_is_remade),
        TEST(image__its_supervisors_die_before_any_ticked__back_to_the_one_before),
        TEST(image__one_of_its_supervisors_ticked__stays),
        TEST(image__its_supervisors_die__only_a_newer_one_is_kept__stays),
        TEST(end__supervisor_left_many_lines__all_are_written),
        TEST(end__no_log_to_read_from__the_exit_code_all_the_same),
    };

    return cmocka_run_group_tests_name("master", tests, NULL, NULL);
}
