#include "master/reactor.h"
#include "master/logsink.h"
#include "master/report.h"
#include "master/spawn.h"
#include "master/supervisor.h"
#include "worker/check.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/title.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define REACTOR_TICK_MS 100
#define TRY_SIZE        (2 * PEER_TEXT_SIZE + 16)
#define PROGRESS_MS     1000 /* between two drain_progress lines */

struct reactor {
    const struct service_setup *setup;
    struct shared_pages *pages;
    struct supervisor state;
    struct supervisor_actions actions;
    struct logsink sink;
    int64_t next_tick_ms;
    int64_t next_progress_ms;
    uint32_t accepts_seen; /* sum over all slots at the last tick */
    uint32_t stray_slot;   /* who is poked next for a connection that nobody takes */
    uint32_t drain_connections;
    uint64_t log_lost_seen;
};

static uint32_t connections(const struct reactor *r)
{
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++)
        if (board_worker_pid(shared_board(r->pages, slot)) != 0)
            sum += atomic_load(&r->pages->loads.cells[slot].connection_count);
    return sum;
}

/* ---- memory ---- */

/* Into the copy that does not hold, then the switch: a death in between leaves the older memory whole. */
static void store_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint32_t other = atomic_load(&orders->memory_current) == 1 ? 1 : 0;
    memcpy(orders->memory[other], &r->state, sizeof r->state);
    atomic_store_explicit(&orders->memory_current, other + 1, memory_order_release);
}

static bool load_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint32_t current = atomic_load_explicit(&orders->memory_current, memory_order_acquire);
    if (current == 0)
        return false;
    memcpy(&r->state, orders->memory[current - 1], sizeof r->state);
    return true;
}

/* ---- actions ---- */

static void poke(unsigned slot, uint64_t value)
{
    ssize_t n = write(FD_POKE + (int)slot, &value, sizeof value);
    (void)n;
}

static void write_settings(const struct reactor *r, struct board *board)
{
    const struct options *options = r->setup->options;
    uint32_t service_index = 0;
    while (service_at(service_index) != options->service)
        service_index++;
    board->settings = (struct worker_settings){
        .slot_count = r->state.slot_count,
        .connection_count_max = r->setup->connection_count_max,
        .idle_timeout_ms = options->idle_timeout_ms,
        .write_timeout_ms = options->write_timeout_ms,
        .drain_timeout_ms = options->drain_timeout_ms,
        .service_index = service_index,
        .log_level = (uint32_t)options->log_level,
        .listener_is_unix = r->setup->listener_is_unix,
        .core = options->core,
    };
}

static void feed(struct reactor *r, const struct supervisor_event *event);

static void act_spawn(struct reactor *r, const struct supervisor_action *action)
{
    write_settings(r, shared_board(r->pages, action->slot));
    int error = spawn_worker(r->pages, action->slot, action->generation);
    if (!error)
        return;
    log_event(LOG_LEVEL_ERROR, "event=failed what=clone slot=%u why=%s retry_ms=%d", action->slot,
              strerrorname_np(-error), SPAWN_RETRY_MS);
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_SPAWN_FAILED, .slot = action->slot, .generation = action->generation});
}

static void act_drain(struct reactor *r, unsigned slot)
{
    struct board *board = shared_board(r->pages, slot);
    int64_t deadline_ms = r->state.drain_deadline_ms;
    int64_t deadline_ns = deadline_ms == INT64_MAX ? INT64_MAX : deadline_ms * 1000000;
    atomic_store_explicit(&board->drain_deadline_ns, deadline_ns, memory_order_release);
    atomic_store_explicit(&board->order, ORDER_DRAIN, memory_order_release);
    poke(slot, POKE_LOOK);
}

/* A command that talks to the server, for whoever reads its first line and has never seen it before. */
static void how_to_try(const struct service_setup *setup, char out[TRY_SIZE])
{
    const char *bound = setup->bound, *port = strrchr(bound, ':');
    char host[PEER_TEXT_SIZE];
    if (setup->listener_is_unix) {
        const char *name = bound + strlen("unix:");
        snprintf(out, TRY_SIZE, "nc -U %s", name);
        return;
    }
    bool brackets = *bound == '[';
    snprintf(host, sizeof host, "%s", brackets ? bound + 1 : bound);
    host[strcspn(host, brackets ? "]" : ":")] = '\0';
    bool any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    snprintf(out, TRY_SIZE, "nc %s %s", any ? "localhost" : host, port ? port + 1 : "");
}

static void say_serving(struct reactor *r)
{
    const struct service_setup *setup = r->setup;
    const struct options *options = setup->options;
    char bound[2 * PEER_TEXT_SIZE], how[TRY_SIZE], how_quoted[2 * TRY_SIZE], line[PEER_TEXT_SIZE + 1];
    log_quote(bound, sizeof bound, setup->bound);
    how_to_try(setup, how);
    log_quote(how_quoted, sizeof how_quoted, how);
    log_event(LOG_LEVEL_INFO,
              "event=serving address=%s workers=%u pid=%d service=%s max_connections=%u backlog=%d try=%s "
              "stop=\"Ctrl-C or kill -TERM %d\"",
              bound, options->worker_count, r->pages->orders.master_pid, options->service->name,
              setup->connection_count_max, setup->backlog_granted, how_quoted, r->pages->orders.master_pid);
    if (setup->ready_fd < 0)
        return;
    int length = snprintf(line, sizeof line, "%s\n", setup->bound);
    if (write(setup->ready_fd, line, (size_t)length) != length)
        log_event(LOG_LEVEL_WARN, "event=failed what=ready_fd why=%s", strerrorname_np(errno));
    close(setup->ready_fd);
    union sigval none = {0};
    sigqueue(r->pages->orders.master_pid, SIGRTMIN, none); /* so that the master lets go of it too */
}

static void say_draining(struct reactor *r)
{
    r->drain_connections = connections(r);
    r->next_progress_ms = clock_now_ms() + PROGRESS_MS;
    log_event(LOG_LEVEL_INFO, "event=draining connections=%u deadline_ms=%lld hint=\"again to end at once\"",
              r->drain_connections, (long long)r->state.drain_timeout_ms);
}

_Noreturn static void finish(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    uint64_t by_deadline = 0;
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++)
        by_deadline += counter_get(&r->pages->loads.cells[slot], COUNTER_closed_drain);
    if (r->drain_connections > 0)
        log_event(LOG_LEVEL_INFO, "event=drained by_client=%lld by_deadline=%llu",
                  (long long)r->drain_connections - (long long)by_deadline, (unsigned long long)by_deadline);
    if (r->state.exit_code == EXIT_ALL_SLOTS_REST)
        log_event(LOG_LEVEL_ERROR,
                  "event=all_slots_rest why=\"every worker died again and again without an answer\"");
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++)
        report_slot_summary(&r->pages->loads.cells[slot], slot, r->state.slots[slot].death_count);
    log_event(LOG_LEVEL_INFO, "event=stopped exit=%d uptime_ms=%lld", r->state.exit_code,
              (long long)((clock_now_ns() - orders->start_ns) / 1000000));
    atomic_store(&orders->exit_code, r->state.exit_code);
    atomic_store_explicit(&orders->finished, 1, memory_order_release);
    while (logsink_drain(&r->sink) >= LOGSINK_RECORDS_PER_TURN)
        ;
    _exit(0);
}

static void act(struct reactor *r, const struct supervisor_action *action)
{
    switch (action->kind) {
    case ACTION_SPAWN:
        act_spawn(r, action);
        break;
    case ACTION_KILL:
        spawn_kill_worker(r->pages, action->slot, action->generation);
        break;
    case ACTION_DRAIN:
        act_drain(r, action->slot);
        break;
    case ACTION_SERVING:
        say_serving(r);
        break;
    case ACTION_RESTS:
        log_event(LOG_LEVEL_ERROR, "event=slot_rests slot=%u for_ms=%lld deaths_in_a_row=%u", action->slot,
                  (long long)action->rest_ms, r->state.slots[action->slot].restart.deaths_in_a_row);
        break;
    case ACTION_DRAINING:
        say_draining(r);
        break;
    case ACTION_ENDING:
        log_event(LOG_LEVEL_INFO, "event=ending_at_once connections=%u", connections(r));
        break;
    case ACTION_FINISH:
        finish(r);
    }
}

/* Remember what was decided, then act. The actions are copied, since an action may feed the next event. */
static void carry_out(struct reactor *r)
{
    struct supervisor_actions actions = r->actions;
    store_memory(r);
    for (uint32_t i = 0; i < actions.count; i++)
        act(r, &actions.items[i]);
}

static void feed(struct reactor *r, const struct supervisor_event *event)
{
    supervisor_step(&r->state, event, clock_now_ms(), &r->actions);
    carry_out(r);
}

/* ---- events ---- */

static void take_death(struct reactor *r, uint32_t slot, uint32_t generation)
{
    struct slot_memory *memory = &r->state.slots[slot];
    struct supervisor_event event = {.kind = SUPERVISOR_DEATH, .slot = slot, .generation = generation};
    struct death_report report;
    report_collect(&report, shared_board(r->pages, slot), &r->pages->loads.cells[slot], generation,
                   (enum kill_reason)memory->kill_reason);
    event.death = report.facts;
    supervisor_step(&r->state, &event, clock_now_ms(), &r->actions);
    report_death(&report, slot, generation, memory);
    carry_out(r);
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

static void look_for_ready(struct reactor *r, uint32_t slot)
{
    struct board *board = shared_board(r->pages, slot);
    struct slot_memory *memory = &r->state.slots[slot];
    uint32_t ready = atomic_load_explicit(&board->ready_generation, memory_order_acquire);
    if (memory->phase != SLOT_STARTING || ready != memory->generation)
        return;
    report_ready(board, slot, ready);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_READY, .slot = slot, .generation = ready});
}

static void look_for_signals(struct reactor *r)
{
    static const enum supervisor_event_kind meaning[SIGNAL_KIND_COUNT] = {
        [SIGNAL_TERM] = SUPERVISOR_STOP, [SIGNAL_INT] = SUPERVISOR_STOP, [SIGNAL_QUIT] = SUPERVISOR_STOP_NOW};
    for (int i = 0; i < SIGNAL_KIND_COUNT; i++) {
        uint32_t count = atomic_load_explicit(&r->pages->orders.signals[i], memory_order_acquire);
        while (r->state.signals_seen[i] != count) {
            r->state.signals_seen[i]++;
            if (meaning[i] != SUPERVISOR_START)
                feed(r, &(struct supervisor_event){.kind = meaning[i]});
        }
    }
}

static void look_around(struct reactor *r)
{
    look_for_signals(r);
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++) {
        /* A worker may have been ready and died before we looked. */
        look_for_ready(r, slot);
        look_for_death(r, slot);
    }
}

/* ---- time ---- */

/* A worker that stopped between its wake-up and its accept leaves a connection that nobody will be woken for.
 */
static void rescue_stray(struct reactor *r)
{
    uint32_t accepts = 0;
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++)
        accepts += atomic_load(&r->pages->loads.cells[slot].accept_count);
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};
    bool stray = accepts == r->accepts_seen && poll(&listener, 1, 0) == 1 && listener.revents == POLLIN;
    r->accepts_seen = accepts;
    if (!stray || r->state.stage != STAGE_RUNNING)
        return;
    r->stray_slot = (r->stray_slot + 1) % r->state.slot_count;
    poke(r->stray_slot, POKE_ACCEPT);
}

static void say_progress(struct reactor *r, int64_t now_ms)
{
    if (r->state.stage != STAGE_DRAINING || now_ms < r->next_progress_ms)
        return;
    r->next_progress_ms = now_ms + PROGRESS_MS;
    log_event(LOG_LEVEL_INFO, "event=drain_progress connections=%u", connections(r));
}

static void sum_lost_lines(struct reactor *r)
{
    uint64_t lost = 0;
    for (uint32_t slot = 0; slot < r->state.slot_count; slot++)
        lost += atomic_load_explicit(&r->pages->loads.cells[slot].log_lost, memory_order_relaxed);
    if (lost > r->log_lost_seen)
        logsink_add_lost(&r->sink, lost - r->log_lost_seen);
    r->log_lost_seen = lost;
    uint64_t own = log_take_lost();
    if (own > 0)
        logsink_add_lost(&r->sink, own);
}

static void tick(struct reactor *r)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms < r->next_tick_ms)
        return;
    r->next_tick_ms = now_ms + REACTOR_TICK_MS;
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_TICK});
    rescue_stray(r);
    say_progress(r, now_ms);
    sum_lost_lines(r);
}

/* ---- the master's death ---- */

/* Nobody reaps for us now, and nobody must be remade. The workers have seen it too and leave by the drain
 * deadline; the log goes on until they have. */
_Noreturn static void outlive_master(struct reactor *r)
{
    int64_t patience_ms = r->setup->options->drain_timeout_ms + LINGER_MS + LEAVE_GRACE_MS;
    int64_t end_ms = clock_now_ms() + patience_ms;
    shutdown(FD_LISTENER, SHUT_RDWR);
    log_event(LOG_LEVEL_ERROR, "event=master_died connections=%u", connections(r));
    bool any = true;
    while (any && (r->setup->options->drain_timeout_ms == 0 || clock_now_ms() < end_ms)) {
        struct pollfd log_pipe = {.fd = FD_LOG_READ, .events = POLLIN};
        poll(&log_pipe, 1, REACTOR_TICK_MS);
        logsink_drain(&r->sink);
        any = false;
        for (uint32_t slot = 0; slot < r->state.slot_count; slot++) {
            int32_t pid = board_worker_pid(shared_board(r->pages, slot));
            any |= pid > 0 && kill(pid, 0) == 0;
        }
    }
    logsink_drain(&r->sink);
    _exit(1);
}

/* ---- the process ---- */

static void begin(struct reactor *r, uint32_t generation)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now_ns();
    log_event(LOG_LEVEL_DEBUG, "event=supervisor_started generation=%u pid=%d", generation, (int)getpid());
    if (load_memory(r)) {
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_RESUME});
        return;
    }
    supervisor_init(&r->state, r->setup->options->worker_count, r->setup->options->drain_timeout_ms, seed);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_START});
}

_Noreturn void reactor_main(const struct service_setup *setup, uint32_t generation)
{
    static struct reactor reactor;
    struct reactor *r = &reactor;
    *r = (struct reactor){.setup = setup, .pages = setup->pages};
    setpgid(0, 0); /* a Ctrl-C in the terminal is the master's alone */
    title_set("prefork-upper: supervisor");
    log_init(FD_LOG, setup->options->log_level);
    logsink_init(&r->sink, FD_LOG_READ);
    begin(r, generation);
    for (;;) {
        struct pollfd polled[] = {{.fd = FD_SUPERVISOR, .events = POLLIN},
                                  {.fd = FD_LOG_READ, .events = POLLIN},
                                  {.fd = FD_MASTER, .events = POLLIN}};
        poll(polled, 3, REACTOR_TICK_MS);
        uint64_t pokes;
        ssize_t n = read(FD_SUPERVISOR, &pokes, sizeof pokes);
        (void)n;
        if (polled[2].revents)
            outlive_master(r);
        look_around(r);
        tick(r);
        logsink_drain(&r->sink);
    }
}
