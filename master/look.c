#include "master/oom.h"
#include "master/reactor_state.h"
#include "master/report.h"
#include "master/request.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKER_OOM_SCORE  "500"
#define OOM_SAMPLE_MS     1000
#define LISTENER_DRAIN_MS 200 /* by then every worker has taken what was queued */
#define PING_TICKS        5   /* a ping every half second: a quarter of the usual hang timeout */

/* ---- workers ---- */

/* Did the kernel end a process for want of memory just now? (The count is taken once a second.) */
static bool memory_was_short(const struct reactor *r)
{
    return oom_kill_count() > r->oom_kills_before;
}

static void sample_oom_kills(struct reactor *r, int64_t now_ms)
{
    if (now_ms < r->next_oom_ms)
        return;
    r->next_oom_ms = now_ms + OOM_SAMPLE_MS;
    r->oom_kills_before = r->oom_kills_seen;
    r->oom_kills_seen = oom_kill_count();
}

static void take_death(struct reactor *r, uint32_t slot, uint32_t generation)
{
    struct slot_memory *memory = &r->state.slots[slot];
    struct board *board = shared_board(r->pages, slot);
    struct supervisor_event event = {.kind = SUPERVISOR_DEATH, .slot = slot, .generation = generation};
    struct death_report report;
    report_collect(&report, board, &r->pages->loads.cells[slot], generation,
                   (enum kill_reason)memory->kill_reason);
    if (report.facts.kind == DEATH_KILL && memory_was_short(r))
        report.facts.kind = DEATH_OOM;
    if (!r->state.protect)
        report.facts.suspect = 0; /* it died with its worker: nothing is left to blame */
    event.death = report.facts;
    struct incident last_one = r->incidents[slot];
    incident_settle(&last_one, board); /* before the successor begins these fields anew */
    feed_decide(r, &event);
    report_death(&report, slot, generation, memory, r->state.protect);
    bool last = r->state.stage == STAGE_FINISHED; /* carrying that out does not return */
    if (!last)
        feed_carry_out(r); /* the successor first, the paper after */
    incident_flush(&last_one, settings_incident_dir(&r->settings));
    incident_begin(&r->incidents[slot], settings_incident_dir(&r->settings), incident_ring_of(r->pages),
                   &report, slot, generation, memory);
    if (last)
        feed_carry_out(r);
}

static void look_for_death(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    uint32_t generation = atomic_load_explicit(&board->worker_death.generation, memory_order_acquire);
    if (generation == atomic_load(&board->death_taken))
        return;
    if (generation == r->state.slots[slot].generation) /* else our predecessor knew of it already */
        take_death(r, slot, generation);
    atomic_store_explicit(&board->death_taken, generation, memory_order_release);
}

/* When memory is short the kernel should take a worker, which costs nobody anything, rather than a keeper or
 * the master. Raising the score needs no privilege (proc(5)). */
static void raise_oom_score(struct board *board, uint32_t generation)
{
    char path[40];
    int32_t pid = board_worker_pid(board);
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    int fd = pid > 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (board_worker_pid(board) == pid && atomic_load(&board->worker.generation) == generation)
        (void)!write(fd, WORKER_OOM_SCORE, strlen(WORKER_OOM_SCORE));
    close(fd);
}

/* When the worker died whom this generation follows; 0: it follows none. A supervisor that was made since
 * knows only what the board still says. */
static int64_t death_before(struct reactor *r, uint32_t slot, uint32_t generation)
{
    struct board *board = shared_board(r->pages, slot);
    int64_t known_ns = incident_ready(&r->incidents[slot], board, generation);
    int64_t told_ns = atomic_load(&board->worker_death.time_ns);
    bool still =
        atomic_load_explicit(&board->worker_death.generation, memory_order_acquire) == generation - 1;
    return known_ns == 0 && generation > 1 && still ? told_ns : known_ns;
}

static void look_for_birth(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    struct slot_memory *memory = &r->state.slots[slot];
    if (memory->phase != SLOT_STARTING)
        return;
    uint32_t generation = memory->generation;
    if (!memory->made && board_was_made(&board->worker, generation))
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_MADE, .slot = slot, .generation = generation});
    if (atomic_load_explicit(&board->ready_generation, memory_order_acquire) != generation)
        return;
    raise_oom_score(board, generation);
    report_ready(board, slot, generation, death_before(r, slot, generation));
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_READY, .slot = slot, .generation = generation});
}

/* ---- keepers ---- */

static void report_keeper_death(struct board *board, uint32_t slot, enum keeper_letter letter, bool expected)
{
    struct death_cell *cell = &board->keeper_deaths[letter];
    int status = atomic_load(&cell->status);
    bool by_signal = atomic_load(&cell->code) != CLD_EXITED;
    if (!expected)
        log_event(LOG_LEVEL_WARN, "event=keeper_died slot=%u keeper=%c pid=%d cause=%s%s status=%d", slot,
                  letter == KEEPER_A ? 'a' : 'b', atomic_load(&board->keepers[letter].pid),
                  by_signal ? "SIG" : "exit", by_signal ? sigabbrev_np(status) : "", status);
}

static void look_for_keeper_death(struct reactor *r, uint32_t slot, enum keeper_letter letter)
{
    struct board *board = shared_board(r->pages, slot);
    struct slot_memory *memory = &r->state.slots[slot];
    struct keeper_memory *keeper = &memory->keepers[letter];
    enum keeper_letter other = letter == KEEPER_A ? KEEPER_B : KEEPER_A;
    uint32_t generation =
        atomic_load_explicit(&board->keeper_deaths[letter].generation, memory_order_acquire);
    if (keeper->phase == KEEPER_NONE || generation != keeper->generation)
        return;
    report_keeper_death(board, slot, letter, keeper->phase == KEEPER_LEAVING);
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_KEEPER_DEATH,
                .slot = slot,
                .letter = letter,
                .generation = generation,
                .twin_made = board_was_made(&board->keepers[other], memory->keepers[other].generation),
                .worker_made = board_was_made(&board->worker, memory->generation),
                .plain_kill = atomic_load(&board->keeper_deaths[letter].code) == CLD_KILLED &&
                              atomic_load(&board->keeper_deaths[letter].status) == SIGKILL,
            });
}

static void look_for_keeper(struct reactor *r, uint32_t slot, enum keeper_letter letter)
{
    struct board *board = shared_board(r->pages, slot);
    struct keeper_memory *keeper = &r->state.slots[slot].keepers[letter];
    uint32_t ready = atomic_load_explicit(&board->keeper_ready[letter], memory_order_acquire);
    uint32_t image = atomic_load_explicit(&board->keeper_image[letter], memory_order_acquire);
    bool is_new = keeper->phase == KEEPER_STARTING && ready == keeper->generation;
    bool is_other = keeper->phase == KEEPER_EXECING && image == keeper->asked;
    if (is_new || is_other)
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_KEEPER_READY,
                                           .slot = slot,
                                           .letter = letter,
                                           .generation = keeper->generation,
                                           .image = image});
    look_for_keeper_death(r, slot, letter);
}

/* ---- all ---- */

static uint32_t pending(struct reactor *r, enum order_signal kind)
{
    uint32_t told = atomic_load_explicit(&r->pages->orders.signals[kind], memory_order_acquire);
    uint32_t count = told - r->state.signals_seen[kind];
    r->state.signals_seen[kind] = told;
    return count;
}

/* One by one: what was told is remembered with each. */
static void look_for_stop(struct reactor *r, enum order_signal kind, enum supervisor_event_kind meaning)
{
    uint32_t told = atomic_load_explicit(&r->pages->orders.signals[kind], memory_order_acquire);
    while (r->state.signals_seen[kind] != told) {
        r->state.signals_seen[kind]++;
        feed(r, &(struct supervisor_event){.kind = meaning});
    }
}

/* Where one more would not be taken, as many as there may be. */
static void look_for_scale(struct reactor *r)
{
    int64_t count = (int64_t)r->state.wanted_count + pending(r, SIGNAL_TTIN) - pending(r, SIGNAL_TTOU);
    if (count == r->state.wanted_count)
        return;
    if (count < 1)
        count = 1;
    request_scale(r, (uint32_t)(count > SLOT_COUNT_MAX ? SLOT_COUNT_MAX : count));
}

/* The others mean the same however often they come. */
static void look_for_signals(struct reactor *r)
{
    look_for_stop(r, SIGNAL_TERM, SUPERVISOR_STOP);
    look_for_stop(r, SIGNAL_INT, SUPERVISOR_STOP);
    look_for_stop(r, SIGNAL_QUIT, SUPERVISOR_STOP_NOW);
    look_for_scale(r);
    if (pending(r, SIGNAL_USR1))
        logsink_reopen(&r->sink);
    if (pending(r, SIGNAL_HUP))
        request_reload(r);
    if (pending(r, SIGNAL_USR2))
        request_upgrade(r, NULL);
}

/* ---- the listener that is held ---- */

static bool listens(void)
{
    int listens = 0;
    socklen_t length = sizeof listens;
    return getsockopt(FD_LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens;
}

static bool queue_is_empty(void)
{
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};
    return poll(&listener, 1, 0) == 0;
}

/* Shut down once nobody waits in it any more (a client that does would be reset), in any case after a while.
 */
static void look_after_held_listener(struct reactor *r, int64_t now_ms)
{
    if (!r->state.held || r->state.stage != STAGE_RUNNING || r->listen_untold)
        return;
    if (listens() && (queue_is_empty() || now_ms - r->hold_ms >= LISTENER_DRAIN_MS))
        shutdown(FD_LISTENER, SHUT_RDWR);
    else if (!listens() && announce_connections(r) == 0)
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_EMPTY});
}

static void look_for_listening(struct reactor *r)
{
    if (!r->listen_untold)
        return;
    r->listen_untold = false;
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_LISTENING,
                .why = r->listen_result < 0 ? strerrordesc_np(-r->listen_result) : NULL,
            });
}

static void look_for_failed_clone(struct reactor *r, uint32_t slot)
{
    if (!r->clone_failed[slot])
        return;
    r->clone_failed[slot] = false;
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_SPAWN_FAILED, .slot = slot});
}

void look_around(struct reactor *r)
{
    look_for_signals(r);
    look_for_listening(r);
    look_for_upgrade(r);
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        look_for_failed_clone(r, slot);
        for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
            look_for_keeper(r, slot, letter);
        /* A worker may have been ready and died before we looked. */
        look_for_birth(r, slot);
        look_for_death(r, slot);
    }
}

/* ---- time ---- */

/* A worker that stopped between its wake-up and its accept leaves a connection that nobody will be woken for.
 */
static void rescue_stray(struct reactor *r)
{
    uint32_t accepts = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        accepts += atomic_load(&r->pages->loads.cells[slot].accept_count);
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};
    bool stray = r->state.slot_limit > 0 && accepts == r->accepts_seen && poll(&listener, 1, 0) == 1 &&
                 listener.revents == POLLIN;
    r->accepts_seen = accepts;
    if (!stray || r->state.stage != STAGE_RUNNING)
        return;
    r->stray_slot = (r->stray_slot + 1) % r->state.slot_limit;
    heritage_poke(r->stray_slot, POKE_ACCEPT);
}

static void sum_lost_lines(struct reactor *r)
{
    uint64_t lost = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        lost += atomic_load_explicit(&r->pages->loads.cells[slot].log_lost, memory_order_relaxed);
    uint64_t seen = atomic_load_explicit(&r->pages->orders.log_lost_seen, memory_order_relaxed);
    if (lost > seen)
        logsink_add_lost(&r->sink, lost - seen);
    atomic_store_explicit(&r->pages->orders.log_lost_seen, lost, memory_order_relaxed);
    uint64_t own = log_take_lost();
    if (own > 0)
        logsink_add_lost(&r->sink, own);
}

/* Keepers use no descriptor, so a clone that failed there stands on the board. */
static void report_clone_errors(struct reactor *r)
{
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        int error = atomic_exchange(&shared_board(r->pages, slot)->clone_error, 0);
        if (error)
            log_event(LOG_LEVEL_ERROR, "event=failed what=clone slot=%u why=%s", slot,
                      strerrorname_np(error));
    }
}

/* ---- hangs ---- */

static int64_t cpu_ns(int32_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* proc(5): the line "TracerPid:" of status, 0 when nobody traces. */
static bool traced(int32_t pid)
{
    char path[32], line[128];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file))
        found = strncmp(line, "TracerPid:", 10) == 0 && strtol(line + 10, NULL, 10) != 0;
    fclose(file);
    return found;
}

static uint64_t progress(struct board *board, struct load_cell *cell)
{
    uint64_t current = atomic_load_explicit(&board->current, memory_order_relaxed);
    return counter_get(cell, COUNTER_answered) * 0x9e3779b97f4a7c15u ^ current;
}

static void look_for_hang(struct reactor *r, uint32_t slot, int64_t elapsed_ms, bool on_time)
{
    struct board *board = shared_board(r->pages, slot);
    int32_t pid = board_worker_pid(board);
    uint32_t asked = atomic_load(&board->ping_asked);
    if (pid <= 0)
        return;
    struct hang_look look = {
        .generation = r->state.slots[slot].generation,
        .answered = atomic_load_explicit(&board->ping_answered, memory_order_acquire) == asked,
        .progress = progress(board, &r->pages->loads.cells[slot]),
    };
    slowest_look(&r->slowest[slot], look.generation,
                 look.answered ? atomic_load(&board->ping_answered_ns) : 0, clock_now_ns());
    if (!look.answered) {
        look.cpu_ns = cpu_ns(pid);
        look.traced = traced(pid);
    }
    enum hang_verdict verdict =
        hang_observe(&r->hangs[slot], &look, elapsed_ms, on_time, r->settings.hang_timeout_ms);
    if (verdict == HANG_NONE)
        return;
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_HANG,
                .slot = slot,
                .generation = look.generation,
                .hang = verdict == HANG_BUSY ? KILL_HANG_BUSY : KILL_HANG_SILENT,
            });
}

static void ping(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    uint32_t asked = atomic_load(&board->ping_asked);
    if (atomic_load(&board->ping_answered) != asked)
        return; /* one is under way */
    slowest_asked(&r->slowest[slot], r->state.slots[slot].generation, clock_now_ns());
    atomic_store_explicit(&board->ping_asked, asked + 1, memory_order_release);
    heritage_poke(slot, POKE_LOOK);
}

static void look_for_hangs(struct reactor *r, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - r->last_tick_ms;
    bool on_time = elapsed_ms < TICK_LATE_MS;
    bool time_to_ping =
        now_ms / (PING_TICKS * REACTOR_TICK_MS) != r->last_tick_ms / (PING_TICKS * REACTOR_TICK_MS);
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        uint32_t phase = r->state.slots[slot].phase;
        if (phase != SLOT_SERVING && phase != SLOT_LEAVING)
            continue;
        look_for_hang(r, slot, elapsed_ms, on_time);
        if (time_to_ping)
            ping(r, slot);
    }
}

void look_on_tick(struct reactor *r, int64_t now_ms)
{
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_TICK});
    look_for_hangs(r, now_ms);
    rescue_stray(r);
    report_clone_errors(r);
    sum_lost_lines(r);
    sample_oom_kills(r, now_ms);
    look_after_held_listener(r, now_ms);
    if (r->state.stage == STAGE_DRAINING && now_ms - r->drain_ms >= LISTENER_DRAIN_MS)
        shutdown(FD_LISTENER, SHUT_RDWR); /* all may have been full */
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        incident_tick(&r->incidents[slot], settings_incident_dir(&r->settings), shared_board(r->pages, slot),
                      now_ms);
}
