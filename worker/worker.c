#include "worker/worker.h"
#include "worker/acceptor.h"
#include "worker/check.h"
#include "worker/clock.h"
#include "worker/context.h"
#include "worker/crash.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/loop.h"
#include "worker/recover.h"
#include "worker/sandbox.h"
#include "worker/serve.h"
#include "worker/service.h"
#include "worker/title.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define START_TRIES_MAX 20 /* together less than any patience of the supervisor with a start */
#define START_RETRY_MS  100

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* linux/mman.h, since 5.14 */
#endif

#define GATE_LOOK_MS 50 /* between two looks whether the master still lives */

/* ---- the table ---- */

/* accept takes the lowest free number: with none free below FIRST_CONNECTION, what is above is a connection.
 */
static int fill_low_numbers(void)
{
    int placeholder = open("/dev/null", O_RDONLY);
    if (placeholder < 0)
        return -errno;
    for (int fd = 0; fd < FIRST_CONNECTION; fd++)
        if (fd != placeholder && fcntl(fd, F_GETFD) < 0 && dup2(placeholder, fd) < 0) {
            int error = -errno;
            close(placeholder);
            return error;
        }
    if (placeholder >= FIRST_CONNECTION)
        close(placeholder);
    return 0;
}

int worker_prepare_table(void)
{
    int error = heritage_place(epoll_create1(0), FD_EPOLL);
    if (!error)
        error = heritage_place(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TICK);
    close(FD_LOG_READ);
    close_range(FD_TICK + 1, FD_POKE - 1, 0);
    close_range(FD_POKE + SLOT_COUNT_MAX, ~0u, 0); /* whatever the supervisor has open just now */
    sandbox_prepare_table();
    return error ? error : fill_low_numbers();
}

/* ---- birth ---- */

static void set_signals(const struct board *board)
{
    sigset_t fatal, all;
    crash_signals(&fatal);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigprocmask(SIG_UNBLOCK, &fatal, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* 1 means none even where dumps are piped to a program; a dump would hold the replacement back. */
    if (!board->settings.core) {
        const struct rlimit none = {.rlim_cur = 1, .rlim_max = 1};
        setrlimit(RLIMIT_CORE, &none);
    }
}

static unsigned char *chunk_buffers(void)
{
    void *memory = fault_mmap((size_t)2 * CHUNK_BYTES_MAX, MAP_POPULATE);
    return memory == MAP_FAILED ? NULL : memory;
}

/* A page that is first touched when a message comes may not be there to be had: then the kernel copies a part, and says
 * neither why nor that the rest is still queued. What is in the pages stays in them. */
static int have_journal(const struct worker *w)
{
    if (w->settings.listener_is_unix)
        return 0;
    if (madvise(w->pages->journals[w->slot], CHUNK_BYTES_MAX, MADV_POPULATE_WRITE) == 0)
        return 0;
    return errno == EINVAL ? 0 : -ENOMEM; /* before Linux 5.14 pages come when they are touched */
}

/* One number more than connections: the one with which a full worker accepts and resets. */
static int have_table(struct worker *w)
{
    const struct worker_settings *settings = &w->settings;
    uint32_t room = settings->connection_room > settings->connection_count_max
                        ? settings->connection_room
                        : settings->connection_count_max;
    if (w->conns.conns)
        return 0;
    return conn_table_init(&w->conns, room + 1,
                           (struct conn_timeouts){settings->idle_timeout_ms, settings->write_timeout_ms});
}

/* May be called again after it failed: what it got it keeps. */
static int init(struct worker *w)
{
    const struct worker_settings *settings = &w->settings;
    unsigned char *buffers = w->answerer.in ? w->answerer.in : chunk_buffers();
    const struct service *service = service_at(settings->service_index);
    CHECK(service != NULL);
    if (!buffers)
        return -ENOMEM;
    w->answerer = (struct answerer){
        .service = service,
        .board = w->board,
        .cell = w->cell,
        .in = buffers,
        .out = buffers + CHUNK_BYTES_MAX,
        .journal = w->pages->journals[w->slot],
        .is_unix = settings->listener_is_unix,
    };
    int error = have_journal(w);
    if (!error)
        error = have_table(w);
    return error ? error : loop_init(w);
}

/* Want of memory passes, and a start that fails counts as a crash: some of them within milliseconds would cost the slot
 * the very connections that wait for us. So we wait a little for memory. */
static int init_patiently(struct worker *w)
{
    const struct timespec pause = {.tv_nsec = START_RETRY_MS * 1000000L};
    int error = init(w);
    for (int tries = 1; (error == -ENOMEM || error == -ENOSPC) && tries < START_TRIES_MAX; tries++) {
        nanosleep(&pause, NULL);
        error = init(w);
    }
    return error;
}

static void say_ready(struct worker *w)
{
    atomic_store_explicit(&w->board->ready_ns, clock_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&w->board->ready_generation, w->generation, memory_order_release);
    heritage_wake_supervisor();
}

/* With a suspect or an order to reset all are taken over first. An answer forgives the deaths before it (restart.h),
 * so who may crash us again must not find that somebody else was answered early; and only of a worker that was not
 * ready the policy knows that it may not have come to what it was ordered. */
static bool may_answer_early(const struct worker *w)
{
    return w->settings.recover_how == RECOVER_ALL && w->recovery.suspect == 0;
}

/* Of a large table whoever asks is answered while the others are taken over. Before that we are ready, since only then a
 * death is blamed on the connection that was answered. Returns whether the supervisor has been told. */
static bool take_over(struct worker *w)
{
    bool is_told = false;
    recover_begin(w);
    while (recover_slice(w)) {
        if (!may_answer_early(w))
            continue;
        if (!is_told)
            say_ready(w);
        is_told = true;
        loop_answer(w);
    }
    return is_told;
}

static void announce(struct worker *w)
{
    atomic_store_explicit(&w->board->answered_at_start, counter_get(w->cell, COUNTER_answered),
                          memory_order_relaxed);
    bool is_told = take_over(w);
    serve_publish(w);
    acceptor_start(w);
    if (!is_told)
        say_ready(w);
    /* An order may have been given before this worker could hear of it. */
    heritage_poke(w->slot, POKE_LOOK);
}

/* Before anything that a predecessor may have prepared for us is looked at. */
static void confine(struct worker *w)
{
    uint32_t outcome = sandbox_apply(w->pages, w->slot, &w->settings.sandbox, w->settings.core);
    if (outcome == 0) {
        log_event(LOG_LEVEL_ERROR, "event=failed what=user slot=%u why=%s", w->slot, strerrorname_np(errno));
        _exit(WORKER_EXIT_SETUP);
    }
    atomic_store_explicit(&w->board->sandbox_outcome, outcome, memory_order_relaxed);
}

/* Somebody still holds a copy of our table: what we close would stay open there, and its client would never
 * be told. So nothing is touched before that one is gone. */
static void wait_at_gate(struct worker *w)
{
    while (w->settings.gated) {
        uint32_t now = atomic_load_explicit(&w->board->go_generation, memory_order_acquire);
        if (now >= w->generation)
            return;
        if (getppid() != w->pages->orders.master_pid)
            _exit(WORKER_EXIT_SETUP);
        const struct timespec patience = {.tv_nsec = GATE_LOOK_MS * 1000000L};
        syscall(SYS_futex, &w->board->go_generation, FUTEX_WAIT, now, &patience, NULL, 0);
    }
}

/* A worker that is woken for every message takes the processor from the very clients that would give it the
 * next ones. Scheduled for throughput it finds several at once. Who chose another policy for the whole server
 * knows better. */
static void schedule_in_batches(void)
{
    const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_BATCH, &none); /* refused: a little slower, that is all */
}

_Noreturn void worker_main(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    static struct worker worker; /* too large for comfort on a stack; zero in every new process */
    struct worker *w = &worker;
    *w = (struct worker){.slot = slot, .generation = generation, .pages = pages};
    w->board = shared_board(pages, slot);
    w->cell = &pages->loads.cells[slot];
    w->settings = w->board->settings;
    w->drain_deadline_ms = INT64_MAX;
    /* What the last one was doing has been read by now; nothing is being done yet. */
    atomic_store_explicit(&w->board->current, 0, memory_order_relaxed);
    atomic_store_explicit(&w->board->in_service, 0, memory_order_relaxed);
    set_signals(w->board);
    check_init(w->board, generation);
    crash_handler_install(w->board, generation);
    fault_arm(pages, FAULT_WORKER, slot, generation);
    title_set("prefork-upper: worker %u", slot);
    log_init(FD_LOG, LOG_LEVEL_INFO);
    log_share_level(&pages->orders.log_level);
    confine(w);
    wait_at_gate(w);
    int error = init_patiently(w);
    if (error) {
        log_event(LOG_LEVEL_ERROR, "event=failed what=worker_start slot=%u why=%s", slot,
                  strerrorname_np(-error));
        _exit(WORKER_EXIT_SETUP);
    }
    if (w->settings.batch)
        schedule_in_batches();
    announce(w);
    loop_run(w);
    atomic_store_explicit(&w->board->left_generation, generation, memory_order_release);
    _exit(WORKER_EXIT_LEFT);
}
