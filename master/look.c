#include "master/oom.h"
#include "master/reactor_state.h"
#include "master/report.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/process.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKER_OOM_SCORE "500"
#define OOM_SAMPLE_MS    1000

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
    incident_flush(&last_one);
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
    bool still = board_worker_pid(board) == pid && atomic_load(&board->worker.generation) == generation;
    if (still && process_is_kin(pid))
        (void)!write(fd, WORKER_OOM_SCORE, strlen(WORKER_OOM_SCORE));
    close(fd);
}

/* When the worker died, or made room, whom this generation follows; 0: it follows none. A supervisor that was made since
 * knows only what the board still says. */
static int64_t death_before(struct reactor *r, uint32_t slot, uint32_t generation)
{
    struct board *board = shared_board(r->pages, slot);
    int64_t known_ns = incident_ready(&r->incidents[slot], board, generation);
    int64_t told_ns = atomic_load(&board->worker_death.time_ns);
    bool still =
        atomic_load_explicit(&board->worker_death.generation, memory_order_acquire) == generation - 1;
    if (r->state.slots[slot].fresh)
        return 0;
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
    report_sandbox(r->pages, slot, generation);
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

void look_on_tick(struct reactor *r, int64_t now_ms)
{
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_TICK});
    look_for_hangs(r, now_ms);
    look_after_listener(r, now_ms);
    report_clone_errors(r);
    sum_lost_lines(r);
    sample_oom_kills(r, now_ms);
    look_for_metrics(r, now_ms);
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        incident_tick(&r->incidents[slot], shared_board(r->pages, slot), now_ms);
}
