#include "master/reactor.h"
#include "master/command.h"
#include "master/oom.h"
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/keeper.h"
#include "worker/log.h"
#include "worker/title.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* While a keeper was ordered to do something that the next order waits for: it has no descriptor to wake us
 * with. */
#define REACTOR_KEEPER_WAIT_MS 2

/* ---- time ---- */

/* What we are, and with it whether the master has become what it was told to: an upgrade is done when its
 * supervisor has gone round its loop once, not when it was born (master.c, is_no_good()). */
static void say_image(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    bool failed = atomic_load(&orders->exec_failed_image) == r->state.upgrade.target;
    int error = atomic_load(&orders->exec_failed_error); /* 0: it became that image, and came back */
    const char *why = error ? strerrordesc_np(error) : "its supervisors died or hung at their start";
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_IMAGE,
                .generation = atomic_load(&orders->master_image),
                .why = failed ? why : NULL,
            });
}

static void tick(struct reactor *r)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms < r->next_tick_ms)
        return;
    look_on_tick(r, now_ms);
    announce_progress(r, now_ms);
    r->last_tick_ms = now_ms;
    atomic_store_explicit(&r->pages->orders.supervisor_tick_ns, clock_now_ns(), memory_order_release);
    r->next_tick_ms = now_ms + REACTOR_TICK_MS;
    if (r->image_untold) {
        r->image_untold = false;
        say_image(r);
    }
}

static int wait_ms(const struct reactor *r)
{
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        const struct slot_memory *memory = &r->state.slots[slot];
        if (memory->gated && !memory->made)
            return REACTOR_KEEPER_WAIT_MS;
        for (int letter = 0; letter < KEEPER_COUNT; letter++)
            if (memory->keepers[letter].phase == KEEPER_STARTING ||
                memory->keepers[letter].phase == KEEPER_EXECING)
                return REACTOR_KEEPER_WAIT_MS;
    }
    return REACTOR_TICK_MS;
}

/* ---- the master's death ---- */

/* A pidfd is readable once its process has ended, whether or not its new parent has reaped it. -1: there was none. */
static bool has_ended(int pidfd)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return pidfd < 0 || poll(&ended, 1, 0) == 1;
}

static bool lives(int32_t pid)
{
    int pidfd = pidfd_open(pid, 0);
    bool result = !has_ended(pidfd);
    if (pidfd >= 0)
        close(pidfd);
    return result;
}

/* Of the workers that live, by slot; -1: none. While the pid is fresh, since nobody of ours reaps them any more and the
 * number may be another's later. */
static void hold_workers(struct reactor *r, int pidfds[SLOT_COUNT_MAX])
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        int32_t pid = slot < r->state.slot_limit ? board_worker_pid(shared_board(r->pages, slot)) : 0;
        pidfds[slot] = pid > 0 ? pidfd_open(pid, 0) : -1;
    }
}

/* Who has not left by now hangs: its clients would wait for ever. */
static void kill_workers(struct reactor *r, const int pidfds[SLOT_COUNT_MAX])
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++)
        if (!has_ended(pidfds[slot]) && pidfd_send_signal(pidfds[slot], SIGKILL, NULL, 0) == 0)
            log_event(LOG_LEVEL_WARN, "event=worker_killed slot=%u generation=%u why=overdue", slot,
                      r->state.slots[slot].generation);
}

static bool any_worker_lives(struct reactor *r)
{
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        int32_t pid = board_worker_pid(shared_board(r->pages, slot));
        if (pid > 0 && lives(pid))
            return true;
    }
    return false;
}

/* Nobody reaps for us now, and nobody must be remade. The workers have seen it too and leave by the drain
 * deadline; the log goes on until they have. */
_Noreturn static void outlive_master(struct reactor *r)
{
    int64_t timeout_ms = r->settings.drain_timeout_ms;
    int64_t end_ms = clock_now_ms() + timeout_ms + LINGER_MS + LEAVE_GRACE_MS;
    int pidfds[SLOT_COUNT_MAX];
    hold_workers(r, pidfds);
    if (!r->setup->listener_is_passed)
        shutdown(FD_LISTENER, SHUT_RDWR);
    if (r->setup->control.path[0])
        shutdown(FD_CONTROL, SHUT_RDWR); /* nobody can be told to do anything: its path is free at once too */
    look_end_metrics(r);
    if (r->setup->metrics_bound[0])
        shutdown(FD_METRICS, SHUT_RDWR);
    log_event(LOG_LEVEL_ERROR, "event=master_died connections=%u", announce_connections(r));
    while (any_worker_lives(r) && (timeout_ms == 0 || clock_now_ms() < end_ms)) {
        struct pollfd log_pipe = {.fd = FD_LOG_READ, .events = POLLIN};
        poll(&log_pipe, 1, REACTOR_TICK_MS);
        logsink_drain(&r->sink);
    }
    kill_workers(r, pidfds);
    logsink_drain(&r->sink);
    _exit(1);
}

/* ---- the process ---- */

static bool may_protect(struct reactor *r)
{
    if (!r->setup->options->protect)
        return false;
    int error = keeper_probe();
    /* Want of memory or processes passes, and each clone is tried again later; these do not pass. */
    if (error != -EPERM && error != -EACCES && error != -EINVAL && error != -ENOSYS)
        return true;
    log_event(LOG_LEVEL_ERROR,
              "event=unprotected why=%s what=\"this kernel or sandbox does not let processes share a "
              "descriptor "
              "table; a worker's death ends its connections\"",
              strerrorname_np(-error));
    return false;
}

/* The policy has told the master to become another image; that begins with our end. */
static void give_way(struct reactor *r)
{
    if (!r->gives_way)
        return;
    while (logsink_drain(&r->sink) >= LOGSINK_RECORDS_PER_TURN)
        ;
    control_flush(&r->control);
    look_end_metrics(r);
    _exit(0);
}

static void say_started(const struct reactor *r, uint32_t generation)
{
    uint32_t image = atomic_load(&r->pages->orders.master_image);
    if (r->state.upgrade.stage == UPGRADE_MASTER && image == r->state.upgrade.target)
        log_event(LOG_LEVEL_INFO, "event=upgraded image=%u version=%s", image, PREFORK_UPPER_VERSION);
    else
        log_event(LOG_LEVEL_WARN, "event=supervisor_started generation=%u pid=%d", generation, (int)getpid());
}

static void begin(struct reactor *r, uint32_t generation)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now_ns();
    if (feed_load_memory(r)) {
        say_started(r, generation);
        incident_resume(r->incidents, r->state.slots, r->pages, settings_incident_dir(&r->settings));
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_RESUME});
        r->image_untold = true;
        return;
    }
    r->settings = r->setup->settings;
    supervisor_init(&r->state, r->settings.worker_count, may_protect(r), r->settings.drain_timeout_ms, seed);
    memcpy(r->programs.current, r->setup->program, sizeof r->programs.current);
    say_image(r);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_START});
}

int reactor_open_log(struct logsink *sink, const struct service_setup *setup)
{
    const struct logsink_settings settings = {
        .path = setup->options->log_file,
        .format = setup->options->log_format,
        .lost_kept = &setup->pages->orders.log_lost,
    };
    return logsink_init(sink, FD_LOG_READ, &settings);
}

/* What the supervisor waits for; the places of control clients come last. */
enum { POLL_SUPERVISOR, POLL_LOG, POLL_MASTER, POLL_CONTROL };

static void open_control(struct reactor *r)
{
    control_init(&r->control, r->setup->control.path[0] ? FD_CONTROL : -1, command_calls(r));
    r->sink.on_line = control_on_line;
    r->sink.on_line_context = &r->control;
}

_Noreturn void reactor_main(const struct service_setup *setup, uint32_t generation)
{
    static struct reactor reactor;
    struct reactor *r = &reactor;
    r->setup = setup;
    r->pages = setup->pages;
    r->last_tick_ms = r->hold_ms = clock_now_ms();
    r->oom_kills_seen = r->oom_kills_before = oom_kill_count();
    setpgid(0, 0); /* a Ctrl-C in the terminal is the master's alone */
    title_set("prefork-upper: supervisor");
    fault_arm(r->pages, FAULT_SUPERVISOR, 0, generation);
    log_init(FD_LOG, setup->options->log_level);
    log_share_level(&r->pages->orders.log_level);
    reactor_open_log(&r->sink, setup);
    open_control(r);
    announce_find_manager(r);
    begin(r, generation);
    for (;;) {
        struct pollfd polled[POLL_CONTROL + CONTROL_POLL_COUNT] = {
            [POLL_SUPERVISOR] = {.fd = FD_SUPERVISOR, .events = POLLIN},
            [POLL_LOG] = {.fd = FD_LOG_READ, .events = POLLIN},
            [POLL_MASTER] = {.fd = FD_MASTER, .events = POLLIN}};
        control_poll(&r->control, polled + POLL_CONTROL);
        if (!fault_fails(FAULT_poll)) /* what has not been asked for has not happened */
            poll(polled, POLL_CONTROL + CONTROL_POLL_COUNT, wait_ms(r));
        uint64_t pokes;
        ssize_t n = read(FD_SUPERVISOR, &pokes, sizeof pokes);
        (void)n;
        if (polled[POLL_MASTER].revents)
            outlive_master(r);
        look_around(r);
        give_way(r);
        tick(r);
        announce_to_manager(r, clock_now_ms());
        logsink_drain(&r->sink);
        control_turn(&r->control, polled + POLL_CONTROL, clock_now_ms());
    }
}
