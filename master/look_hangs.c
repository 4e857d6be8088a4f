#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PING_TICKS 5 /* a ping every half second: a quarter of the usual hang timeout */

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

bool look_is_silent(const struct reactor *r, uint32_t slot)
{
    const struct slot_memory *memory = &r->state.slots[slot];
    bool is_pinged = memory->phase == SLOT_SERVING || memory->phase == SLOT_LEAVING;
    return is_pinged && board_worker_pid(shared_board(r->pages, slot)) > 0 &&
           hang_is_silent(&r->hangs[slot], memory->generation);
}

/* While one is under way the worker is only told again: whoever asked may have died before he told it, and a worker
 * that nobody told would be taken for one that hangs. */
static void ping(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    uint32_t asked = atomic_load(&board->ping_asked);
    if (atomic_load(&board->ping_answered) == asked) {
        slowest_asked(&r->slowest[slot], r->state.slots[slot].generation, clock_now_ns());
        atomic_store_explicit(&board->ping_asked, asked + 1, memory_order_release);
    }
    heritage_poke(slot, POKE_LOOK);
}

void look_for_hangs(struct reactor *r, int64_t now_ms)
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
