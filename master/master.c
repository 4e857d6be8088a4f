#include "master/master.h"
#include "master/imagepost.h"
#include "worker/board.h"
#include "worker/clock.h"
#include "worker/crash.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/log.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATH_TAKEN_MS_MAX   1000 /* a supervisor that has not seen a death for so long is replaced */
#define SUPERVISOR_UPTIME_MS 1000 /* one that lived shorter is remade after a pause */
#define SUPERVISOR_PAUSE_MS  100
#define DEATHS_PER_TURN_MAX  64
#define MASTER_CHECK_MS      200  /* between two looks at untaken deaths while there are any */
#define MASTER_IDLE_MS       1000 /* between two looks at the supervisor's tick */
#define SUPERVISOR_TICK_MS   3000 /* one that has not ticked for so long hangs or is stopped */
#define NEW_SUPERVISORS_MAX  3    /* a new image that loses so many before one of them ticked is no good */

struct master {
    struct service_setup *setup;
    struct shared_pages *pages;
    pid_t supervisor_pid; /* 0: none */
    uint32_t supervisor_generation;
    int64_t supervisor_start_ms;
    int64_t supervisor_due_ms; /* when the next one is made, while there is none */
    int64_t awake_ms;          /* since when we have been running without a pause that nobody planned */
    int64_t begin_ns;
    uint32_t supervisors_lost; /* of this image */
};

static const int counted_signals[SIGNAL_KIND_COUNT] = {
    [SIGNAL_TERM] = SIGTERM, [SIGNAL_INT] = SIGINT,   [SIGNAL_QUIT] = SIGQUIT, [SIGNAL_HUP] = SIGHUP,
    [SIGNAL_USR1] = SIGUSR1, [SIGNAL_USR2] = SIGUSR2, [SIGNAL_TTIN] = SIGTTIN, [SIGNAL_TTOU] = SIGTTOU};

void master_block_signals(void)
{
    sigset_t all, fatal;
    sigfillset(&all);
    crash_signals(&fatal);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigprocmask(SIG_UNBLOCK, &fatal, NULL);
    /* Whoever started us may have ignored it, which exec hands on: children would be gone before they were
     * told. */
    signal(SIGCHLD, SIG_DFL);
}

/* ---- the supervisor's life ---- */

static void start_supervisor(struct master *m)
{
    uint32_t generation = m->supervisor_generation + 1;
    m->supervisor_start_ms = clock_now_ms();
    pid_t pid = fork();
    if (pid == 0)
        reactor_main(m->setup, generation);
    if (pid < 0) {
        m->supervisor_due_ms = m->supervisor_start_ms + SUPERVISOR_PAUSE_MS;
        log_event(LOG_LEVEL_ERROR, "event=failed what=fork why=%s retry_ms=%d", strerrorname_np(errno),
                  SUPERVISOR_PAUSE_MS);
        return;
    }
    m->supervisor_pid = pid;
    m->supervisor_generation = generation;
    atomic_store(&m->pages->orders.supervisor_generation, generation);
}

/* ---- becoming another image ---- */

/* The image that the supervisor left us to become; 0: none, or it was tried in vain. */
static uint32_t wanted_image(struct master *m)
{
    struct orders *orders = &m->pages->orders;
    uint32_t wanted = atomic_load_explicit(&orders->exec_image, memory_order_acquire);
    bool is_new =
        wanted != atomic_load(&orders->master_image) && wanted != atomic_load(&orders->exec_failed_image);
    return is_new ? wanted : 0;
}

/* In place: the same process number, the same children. What dies meanwhile waits to be reaped. */
static void become_image(struct master *m, uint32_t image)
{
    char role[IMAGE_ROLE_SIZE];
    snprintf(role, sizeof role, "master:%u", image);
    int error = image_exec(m->pages, image, role);
    log_event(LOG_LEVEL_ERROR, "event=failed what=exec_master why=%s", strerrorname_np(-error));
    atomic_store(&m->pages->orders.exec_failed_error, -error);
    atomic_store_explicit(&m->pages->orders.exec_failed_image, image, memory_order_release);
}

/* The image that we were before this one, which is kept until the next upgrade; 0: there is none. */
static uint32_t image_before(struct master *m)
{
    uint32_t own = atomic_load(&m->pages->orders.master_image);
    for (int place = 0; place < IMAGE_PLACE_COUNT; place++) {
        uint32_t number = atomic_load_explicit(&m->pages->orders.images[place].number, memory_order_acquire);
        if (number < own)
            return number;
    }
    return 0;
}

/* Whatever its slots are worth: nobody decides there any more. */
static bool is_no_good(struct master *m)
{
    int64_t tick_ns = atomic_load_explicit(&m->pages->orders.supervisor_tick_ns, memory_order_acquire);
    return m->supervisors_lost >= NEW_SUPERVISORS_MAX && tick_ns < m->begin_ns && image_before(m) != 0;
}

/* The old image's supervisor finds that this one failed, and takes the slots back too (upgrade.h). */
static void go_back(struct master *m)
{
    struct orders *orders = &m->pages->orders;
    m->supervisors_lost = 0;
    atomic_store(&orders->exec_failed_error, 0);
    atomic_store_explicit(&orders->exec_failed_image, atomic_load(&orders->master_image),
                          memory_order_release);
    become_image(m, image_before(m));
}

static bool finished(const struct master *m)
{
    return atomic_load_explicit(&m->pages->orders.finished, memory_order_acquire);
}

static void supervisor_ended(struct master *m, const siginfo_t *info)
{
    m->supervisor_pid = 0;
    m->supervisors_lost++;
    if (finished(m) || wanted_image(m) != 0)
        return;
    int64_t now_ms = clock_now_ms();
    bool lived = now_ms - m->supervisor_start_ms >= SUPERVISOR_UPTIME_MS;
    m->supervisor_due_ms = now_ms + (lived ? 0 : SUPERVISOR_PAUSE_MS);
    const char *name = info->si_code == CLD_EXITED ? NULL : sigabbrev_np(info->si_status);
    log_event(LOG_LEVEL_ERROR, "event=supervisor_died generation=%u pid=%d cause=%s%s status=%d next=respawn",
              m->supervisor_generation, (int)info->si_pid, name ? "SIG" : "exit", name ? name : "",
              info->si_status);
}

/* ---- deaths ---- */

static void tell_death(struct death_cell *cell, uint32_t generation, const siginfo_t *info,
                       const struct rusage *usage)
{
    int64_t cpu_us = ((int64_t)usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
                     usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    atomic_store_explicit(&cell->code, info->si_code, memory_order_relaxed);
    atomic_store_explicit(&cell->status, info->si_status, memory_order_relaxed);
    atomic_store_explicit(&cell->time_ns, clock_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&cell->cpu_us, cpu_us, memory_order_relaxed);
    atomic_store_explicit(&cell->rss_kib, usage->ru_maxrss, memory_order_relaxed);
    atomic_store_explicit(&cell->generation, generation, memory_order_release);
    heritage_wake_supervisor();
}

/* True: it was that process. */
static bool tell_if(struct birth_cell *birth, struct death_cell *death, const siginfo_t *info,
                    const struct rusage *usage)
{
    if (board_living_pid(birth, death) != info->si_pid)
        return false;
    tell_death(death, atomic_load(&birth->generation), info, usage);
    return true;
}

static void tell(struct master *m, const siginfo_t *info, const struct rusage *usage)
{
    if (info->si_pid == m->supervisor_pid) {
        supervisor_ended(m, info);
        return;
    }
    for (unsigned slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        struct board *board = shared_board(m->pages, slot);
        if (tell_if(&board->worker, &board->worker_death, info, usage))
            return;
        for (int letter = 0; letter < KEEPER_COUNT; letter++)
            if (tell_if(&board->keepers[letter], &board->keeper_deaths[letter], info, usage))
                return;
    }
    /* As pid 1 of a container we also inherit orphans of others: reaped, and nobody's business. */
}

/* One dead child: told, then reaped. False: there is none. The glibc wrapper of waitid has no rusage. */
static bool reap_one(struct master *m)
{
    siginfo_t info = {0};
    struct rusage usage = {0};
    if (syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, &usage) < 0 || info.si_pid == 0)
        return false;
    tell(m, &info, &usage);
    siginfo_t reaped = {0};
    waitid(P_PID, (id_t)info.si_pid, &reaped, WEXITED | WNOHANG);
    return true;
}

/* True: there may be more. (Their SIGCHLDs have merged into one, so none would come again.) */
static bool reap(struct master *m)
{
    int count = 0;
    while (count < DEATHS_PER_TURN_MAX && reap_one(m))
        count++;
    return count == DEATHS_PER_TURN_MAX;
}

/* A death that the supervisor does not take is a supervisor that hangs, if it had the time. Returns true while any
 * is untaken. */
static bool check_deaths_taken(struct master *m)
{
    bool any = false;
    int64_t runs_since_ms = m->awake_ms > m->supervisor_start_ms ? m->awake_ms : m->supervisor_start_ms;
    int64_t now_ns = clock_now_ns();
    for (unsigned slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        struct board *board = shared_board(m->pages, slot);
        uint32_t told = atomic_load(&board->worker_death.generation);
        if (told == atomic_load_explicit(&board->death_taken, memory_order_acquire))
            continue;
        any = true;
        int64_t age_ms = (now_ns - atomic_load(&board->worker_death.time_ns)) / 1000000;
        bool had_time = clock_now_ms() - runs_since_ms > DEATH_TAKEN_MS_MAX;
        if (age_ms > DEATH_TAKEN_MS_MAX && had_time && m->supervisor_pid > 0) {
            log_event(LOG_LEVEL_ERROR, "event=supervisor_hangs pid=%d slot=%u untaken_ms=%lld",
                      (int)m->supervisor_pid, slot, (long long)age_ms);
            kill(m->supervisor_pid, SIGKILL);
            return true;
        }
    }
    return any;
}

/* ---- signals ---- */

/* The supervisor ticks ten times a second. If we were not running either, as when the machine slept, its time
 * begins anew. */
static void check_supervisor_ticks(struct master *m, int64_t now_ms)
{
    int64_t tick_ms =
        atomic_load_explicit(&m->pages->orders.supervisor_tick_ns, memory_order_acquire) / 1000000;
    int64_t since_ms = tick_ms > m->supervisor_start_ms ? tick_ms : m->supervisor_start_ms;
    if (m->awake_ms > since_ms)
        since_ms = m->awake_ms;
    if (m->supervisor_pid <= 0 || now_ms - since_ms < SUPERVISOR_TICK_MS)
        return;
    log_event(LOG_LEVEL_ERROR, "event=supervisor_hangs pid=%d silent_ms=%lld", (int)m->supervisor_pid,
              (long long)(now_ms - since_ms));
    kill(m->supervisor_pid, SIGKILL);
}

static void take_signal(struct master *m, int signal_number)
{
    for (int i = 0; i < SIGNAL_KIND_COUNT; i++)
        if (counted_signals[i] == signal_number) {
            atomic_fetch_add(&m->pages->orders.signals[i], 1);
            heritage_wake_supervisor();
        }
    if (signal_number == IMAGEPOST_SIGNAL)
        imagepost_receive(m->pages);
    /* SIGRTMIN: serving has been told, and a reader of the ready descriptor waits for its end. */
    if (signal_number == SIGRTMIN && m->setup->ready_fd >= 0) {
        close(m->setup->ready_fd);
        m->setup->ready_fd = -1;
    }
}

static int64_t how_long_to_wait(const struct master *m, int64_t now_ms, bool deaths_left, bool untaken)
{
    if (deaths_left)
        return 0;
    if (m->supervisor_pid == 0)
        return m->supervisor_due_ms > now_ms ? m->supervisor_due_ms - now_ms : 0;
    return untaken ? MASTER_CHECK_MS : MASTER_IDLE_MS;
}

static void wait_for_signal(struct master *m, int64_t wait_ms)
{
    sigset_t all;
    sigfillset(&all);
    int64_t begin_ms = clock_now_ms();
    struct timespec timeout = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    siginfo_t info;
    int signal_number = sigtimedwait(&all, &info, &timeout);
    if (clock_now_ms() - begin_ms > wait_ms + MASTER_IDLE_MS)
        m->awake_ms = clock_now_ms();
    if (signal_number > 0)
        take_signal(m, signal_number);
}

/* ---- the end ---- */

/* What the supervisor could not write any more. */
static void drain_log(const struct service_setup *setup)
{
    static struct logsink sink;
    if (reactor_open_log(&sink, setup) < 0)
        return;
    while (logsink_drain(&sink) >= LOGSINK_RECORDS_PER_TURN)
        ;
    logsink_close(&sink);
}

int master_run(struct service_setup *setup)
{
    struct master m = {
        .setup = setup,
        .pages = setup->pages,
        .supervisor_generation = atomic_load(&setup->pages->orders.supervisor_generation),
        .begin_ns = clock_now_ns(),
    };
    bool untaken = false, deaths_left = false;
    while (!finished(&m) || m.supervisor_pid != 0) {
        if (m.supervisor_pid == 0 && wanted_image(&m) != 0)
            become_image(&m, wanted_image(&m));
        if (m.supervisor_pid == 0 && is_no_good(&m))
            go_back(&m);
        if (m.supervisor_pid == 0 && clock_now_ms() >= m.supervisor_due_ms)
            start_supervisor(&m);
        wait_for_signal(&m, how_long_to_wait(&m, clock_now_ms(), deaths_left, untaken));
        deaths_left = reap(&m);
        untaken = check_deaths_taken(&m);
        check_supervisor_ticks(&m, clock_now_ms());
    }
    drain_log(setup);
    return atomic_load(&setup->pages->orders.exit_code);
}
