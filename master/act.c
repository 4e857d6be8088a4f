#include "master/checker.h"
#include "master/listener.h"
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/keeper.h"
#include "worker/log.h"
#include "worker/process.h"
#include "worker/worker.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- making processes ---- */

static void write_settings(const struct reactor *r, uint32_t slot)
{
    const struct service_settings *settings = &r->settings;
    const struct slot_memory *memory = &r->state.slots[slot];
    shared_board(r->pages, slot)->settings = (struct worker_settings){
        .connection_count_max = settings->connection_count_max,
        .connection_room = r->setup->connection_count_max,
        .idle_timeout_ms = settings->idle_timeout_ms,
        .write_timeout_ms = settings->write_timeout_ms,
        .drain_timeout_ms = settings->drain_timeout_ms,
        .service_index = settings->service_index,
        .listener_is_unix = r->setup->listener_is_unix,
        .listener_is_passed = r->setup->listener_is_passed,
        .batch = settings->batch,
        .core = settings->core,
        .gated = memory->gated,
        .sandbox = r->setup->sandbox,
        .recover_how = memory->recover_how,
        .suspect = memory->suspect,
        .incident_bytes = settings->incident_bytes,
    };
}

/* A later success withdraws a failure that the policy has not been told yet. */
static void note_clone(struct reactor *r, uint32_t slot, int error)
{
    r->clone_failed[slot] = error < 0; /* an event for the next look */
    if (error >= 0)
        return;
    log_event(LOG_LEVEL_ERROR, "event=failed what=clone slot=%u why=%s retry_ms=%d", slot,
              strerrorname_np(-error), SPAWN_RETRY_MS);
}

/* Of the image that the service is on its way to, if that is not ours. */
_Noreturn static void be_lone_worker(struct shared_pages *pages, const struct supervisor_action *action)
{
    unsigned slot = action->slot;
    uint32_t generation = action->generation;
    atomic_store(&shared_board(pages, slot)->highest, 0); /* a fresh table */
    atomic_store(&pages->loads.cells[slot].connection_count, 0);
    if (worker_prepare_table() < 0)
        _exit(WORKER_EXIT_SETUP);
    if (action->image != atomic_load(&pages->orders.master_image)) {
        char role[IMAGE_ROLE_SIZE];
        snprintf(role, sizeof role, "worker:%u:%u", slot, generation);
        image_exec(pages, action->image, role);
        _exit(WORKER_EXIT_SETUP);
    }
    worker_main(pages, slot, generation);
}

static void spawn_lone_worker(struct reactor *r, const struct supervisor_action *action)
{
    struct birth_cell *cell = &shared_board(r->pages, action->slot)->worker;
    if (board_was_made(cell, action->generation))
        return;
    int pid = process_clone(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, cell, action->generation);
    if (pid == 0)
        be_lone_worker(r->pages, action);
    note_clone(r, action->slot, pid);
}

static void make_first_keeper(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    if (board_was_made(&board->keepers[KEEPER_A], action->generation))
        return;
    atomic_store(&board->highest, 0); /* a fresh table */
    int pid = process_clone(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, &board->keepers[KEEPER_A],
                            action->generation);
    if (pid == 0)
        keeper_first_main(r->pages, action->slot, action->generation,
                          FIRST_CONNECTION + r->setup->connection_count_max + DESCRIPTOR_RESERVE);
    note_clone(r, action->slot, pid);
}

/* ---- keepers ---- */

/* SIGCONT first: a keeper that somebody stopped would not look. */
static void wake_keeper(struct reactor *r, uint32_t slot, enum keeper_letter letter, uint32_t generation)
{
    struct board *board = shared_board(r->pages, slot);
    process_signal(&board->keepers[letter], &board->keeper_deaths[letter], generation, SIGCONT);
    process_signal(&board->keepers[letter], &board->keeper_deaths[letter], generation, KEEPER_WAKE_SIGNAL);
}

static void order(struct reactor *r, const struct supervisor_action *action, shared_u64 *word)
{
    atomic_store_explicit(word, keeper_order(action->letter, action->keeper_generation, action->generation),
                          memory_order_release);
    wake_keeper(r, action->slot, action->letter, action->keeper_generation);
}

/* What a worker that is made now is for. */
static enum worker_order standing_order(const struct reactor *r, uint32_t slot)
{
    if (r->state.stage == STAGE_DRAINING)
        return ORDER_DRAIN;
    return r->state.slots[slot].out ? ORDER_LEAVE : ORDER_SERVE;
}

static void act_spawn(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    write_settings(r, action->slot);
    atomic_store_explicit(&board->order, standing_order(r, action->slot), memory_order_release);
    if (r->state.protect)
        order(r, action, &board->order_spawn);
    else
        spawn_lone_worker(r, action);
}

static void leave_keeper(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    atomic_store_explicit(&board->leave_generation[action->letter], action->generation, memory_order_release);
    wake_keeper(r, action->slot, action->letter, action->generation);
}

static void kill_keeper(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    if (process_signal(&board->keepers[action->letter], &board->keeper_deaths[action->letter],
                       action->generation, SIGKILL) == 0)
        log_event(LOG_LEVEL_WARN, "event=keeper_killed slot=%u keeper=%c why=\"did not obey\"", action->slot,
                  action->letter == KEEPER_A ? 'a' : 'b');
}

/* ---- workers ---- */

static void kill_worker(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    if (process_signal(&board->worker, &board->worker_death, action->generation, SIGKILL) < 0)
        return;
    if (action->reason != KILL_STOP)
        log_event(LOG_LEVEL_WARN, "event=worker_killed slot=%u generation=%u why=%s", action->slot,
                  action->generation, kill_reason_name(action->reason));
}

static void act_drain(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    int64_t deadline_ms = r->state.drain_deadline_ms;
    int64_t deadline_ns = deadline_ms == INT64_MAX ? INT64_MAX : deadline_ms * 1000000;
    atomic_store_explicit(&board->drain_deadline_ns, deadline_ns, memory_order_release);
    atomic_store_explicit(&board->order, ORDER_DRAIN, memory_order_release);
    heritage_poke(slot, POKE_LOOK);
}

static void act_exec(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    uint64_t word = keeper_order(action->letter, action->keeper_generation, action->generation);
    if (atomic_load(&board->order_exec) !=
        word) /* what failed before, failed before; the keeper has no order now */
        atomic_store(&board->exec_failed[action->letter], 0);
    order(r, action, &board->order_exec);
}

static void act_go(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    atomic_store_explicit(&board->go_generation, action->generation, memory_order_release);
    syscall(SYS_futex, &board->go_generation, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* ---- images ---- */

static void act_check(struct reactor *r, uint32_t number)
{
    r->check_number = number;
    r->check_begin_ms = clock_now_ms();
    r->checker_pid = checker_start(r->pages, r->programs.candidate, number);
}

/* The master goes on from here when we have ended (master.c). */
static void act_exec_master(struct reactor *r, uint32_t image)
{
    atomic_store_explicit(&r->pages->orders.exec_image, image, memory_order_release);
    r->gives_way = true;
}

static void act_order(struct reactor *r, uint32_t slot, enum worker_order order)
{
    atomic_store_explicit(&shared_board(r->pages, slot)->order, order, memory_order_release);
    heritage_poke(slot, POKE_LOOK);
}

static void act_handover(struct reactor *r, const struct supervisor_action *action)
{
    atomic_store_explicit(&shared_board(r->pages, action->slot)->handover_generation, action->generation,
                          memory_order_release);
    heritage_poke(action->slot, POKE_LOOK);
}

/* ---- the listener ---- */

static void act_listen(struct reactor *r)
{
    r->listen_result = listener_open_again(FD_LISTENER, r->setup->backlog_granted);
    r->listen_untold = true; /* an event for the next look */
}

/* ---- what is said ---- */

static void say_rests(const struct reactor *r, const struct supervisor_action *action)
{
    log_event(LOG_LEVEL_ERROR, "event=slot_rests slot=%u for_ms=%lld deaths_in_a_row=%u", action->slot,
              (long long)action->rest_ms, r->state.slots[action->slot].restart.deaths_in_a_row);
}

static void say_unprotected(struct reactor *r, uint32_t slot)
{
    log_event(LOG_LEVEL_ERROR,
              "event=slot_unprotected slot=%u connections=%u why=\"both keepers died\" "
              "next=\"serves what it holds, another slot takes new connections\"",
              slot, atomic_load(&r->pages->loads.cells[slot].connection_count));
}

static void say_table_lost(struct reactor *r, uint32_t slot)
{
    struct load_cell *cell = &r->pages->loads.cells[slot];
    uint32_t lost = atomic_load(&cell->connection_count);
    log_event(LOG_LEVEL_ERROR,
              "event=connections_lost slot=%u lost=%u why=\"the worker and both keepers died\"", slot, lost);
}

_Noreturn static void finish(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    incident_flush_all(r->incidents, r->pages);
    announce_end(r);
    atomic_store(&orders->exit_code, r->state.exit_code);
    atomic_store_explicit(&orders->finished, 1, memory_order_release);
    while (logsink_drain(&r->sink) >= LOGSINK_RECORDS_PER_TURN)
        ;
    control_flush(&r->control);
    look_end_metrics(r);
    _exit(0);
}

void act(struct reactor *r, const struct supervisor_action *action)
{
    struct board *board = shared_board(r->pages, action->slot);
    switch (action->kind) {
    case ACTION_SPAWN:
        act_spawn(r, action);
        break;
    case ACTION_KEEPER:
        make_first_keeper(r, action);
        break;
    case ACTION_TWIN:
        order(r, action, &board->order_twin);
        break;
    case ACTION_KEEPER_LEAVE:
        leave_keeper(r, action);
        break;
    case ACTION_KEEPER_KILL:
        kill_keeper(r, action);
        break;
    case ACTION_KILL:
        kill_worker(r, action);
        break;
    case ACTION_LEAVE:
        act_order(r, action->slot, ORDER_LEAVE);
        break;
    case ACTION_DRAIN:
        act_drain(r, action->slot);
        break;
    case ACTION_SERVE:
        act_order(r, action->slot, ORDER_SERVE);
        break;
    case ACTION_HANDOVER:
        act_handover(r, action);
        break;
    case ACTION_EXEC:
        act_exec(r, action);
        break;
    case ACTION_GO:
        act_go(r, action);
        break;
    case ACTION_CHECK:
        act_check(r, action->generation);
        break;
    case ACTION_EXEC_MASTER:
        act_exec_master(r, action->generation);
        break;
    case ACTION_HOLD:
        r->hold_ms = clock_now_ms();
        break;
    case ACTION_LISTEN:
        act_listen(r);
        break;
    case ACTION_OPERATION:
        announce_operation(r, action);
        break;
    case ACTION_SERVING:
        announce_serving(r);
        break;
    case ACTION_RESTS:
        say_rests(r, action);
        break;
    case ACTION_UNPROTECTED:
        say_unprotected(r, action->slot);
        break;
    case ACTION_TABLE_LOST:
        say_table_lost(r, action->slot);
        break;
    case ACTION_DRAINING:
        announce_draining(r);
        break;
    case ACTION_ENDING:
        announce_ending(r);
        break;
    case ACTION_FINISH:
        finish(r);
    }
}
