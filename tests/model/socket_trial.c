#include "tests/model/socket_trial.h"

#include "tests/model/socket_kernel.h"
#include "tests/model/socket_prng.h"
#include "worker/board.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A trial that passes more points than this does not come to rest. */
#define POINT_COUNT_MAX 400000
/* Time that may pass while somebody waits for a deadline. */
#define TRIAL_NS_MAX (INT64_C(60) * 1000000000)

enum life_end { LIFE_BEGINS, LIFE_KILLED, LIFE_LEFT, TRIAL_ENDS };

static struct shared_pages pages;

static struct {
    const struct trial_plan *plan;
    struct trial_result *result;
    bool trace;
    jmp_buf life;
    uint32_t generation;
    struct prng prng;
    struct socket_client clients[SOCKET_KERNEL_CLIENT_COUNT_MAX];
    unsigned next_client;
    int64_t begin_ns, drain_ns;
    bool is_ordered;
} trial;

bool trial_is_unix(void)
{
    return trial.plan->is_unix;
}

/* ---- ends ---- */

void trial_fail(const char *format, ...)
{
    va_list arguments;
    size_t used;

    va_start(arguments, format);
    vsnprintf(trial.result->why, sizeof trial.result->why, format, arguments);
    va_end(arguments);
    used = strlen(trial.result->why);
    used += (size_t)snprintf(trial.result->why + used, sizeof trial.result->why - used,
                             " (at point %u, after %u deaths)", trial.result->points, trial.result->deaths);
    for (unsigned i = 0; i < trial.plan->client_count && used + 160 < sizeof trial.result->why; i++) {
        if (socket_client_done(&trial.clients[i]))
            continue;
        used += (size_t)snprintf(trial.result->why + used, sizeof trial.result->why - used,
                                 "\n      client %u: ", i);
        socket_client_describe(&trial.clients[i], trial.result->why + used, sizeof trial.result->why - used);
        used = strlen(trial.result->why);
    }
    trial.result->passed = false;
    longjmp(trial.life, TRIAL_ENDS);
}

static bool all_done(void)
{
    for (unsigned i = 0; i < trial.plan->client_count; i++)
        if (!socket_client_done(&trial.clients[i]))
            return false;
    return true;
}

static void judge_whole(void)
{
    struct load_cell *cell = &pages.loads.cells[0];

    if (socket_kernel_open_count() > 0)
        trial_fail("%u descriptors are left open", socket_kernel_open_count());
    if (atomic_load(&cell->connection_count) > 0)
        trial_fail("%u connections are counted that are gone", atomic_load(&cell->connection_count));
    if (counter_get(cell, COUNTER_recover_closed) > 0)
        trial_fail("recovery closed a connection");
    if (!trial.plan->is_unix && counter_get(cell, COUNTER_recover_reset) > 0)
        trial_fail("recovery reset a connection");
}

/* The supervisor tells the worker to leave. */
static void give_order(void)
{
    struct board *board = &pages.slots[0].board;

    trial.is_ordered = true;
    trial.drain_ns = socket_kernel_now_ns() + trial.plan->drain_ms * 1000000;
    atomic_store(&board->drain_deadline_ns, trial.drain_ns);
    atomic_store(&board->order, trial.plan->order);
    socket_kernel_write(FD_POKE, POKE_LOOK);
}

void trial_rest(bool time_may_pass)
{
    if (all_done()) {
        judge_whole();
        trial.result->passed = true;
        longjmp(trial.life, TRIAL_ENDS);
    }
    if (trial.plan->order_point > 0 && !trial.is_ordered) {
        give_order(); /* the point lies beyond the end of this trial */
        return;
    }
    if (!time_may_pass)
        trial_fail("somebody is left unanswered");
    if (socket_kernel_now_ns() - trial.begin_ns > TRIAL_NS_MAX)
        trial_fail("somebody is left unanswered for a minute");
}

/* Whoever was not accepted is refused, or served by other workers; all that were must have had everything. */
void trial_exited(int status)
{
    struct board *board = &pages.slots[0].board;

    if (atomic_load(&board->order) == ORDER_SERVE || status != WORKER_EXIT_LEFT)
        trial_fail("the worker left with %d", status);
    socket_kernel_refuse_queue();
    for (unsigned i = 0; i < trial.plan->client_count; i++)
        if (!trial.clients[i].connected)
            trial.clients[i].is_refused = true;
    for (int i = 0; i < 1000 && trial_step_clients(); i++)
        continue;
    if (!all_done())
        trial_fail("the worker left with work undone");
    judge_whole();
    trial.result->passed = true;
    longjmp(trial.life, TRIAL_ENDS);
}

/* ---- what happens at a point ---- */

/* One small step of one client, which need not move anything. */
static void step_by_chance(void)
{
    struct socket_client *c = &trial.clients[prng_below(&trial.prng, trial.plan->client_count)];
    uint64_t count_max = prng_below(&trial.prng, 2) ? UINT64_MAX : 1 + prng_below(&trial.prng, 100);

    switch (prng_below(&trial.prng, 4)) {
    case 0:
        socket_client_receive(c, count_max);
        break;
    case 1:
        socket_client_act(c);
        break;
    case 2:
        socket_client_transmit(c, count_max);
        break;
    default:
        socket_client_step(c);
        break;
    }
}

bool trial_step_clients(void)
{
    for (unsigned i = 0; i < trial.plan->client_count; i++) {
        struct socket_client *c = &trial.clients[trial.next_client];

        trial.next_client = (trial.next_client + 1) % trial.plan->client_count;
        if (socket_client_step(c))
            return true;
    }
    return false;
}

static void let_clients_act(void)
{
    const struct trial_plan *plan = trial.plan;

    if (plan->seed) {
        while (prng_below(&trial.prng, 10000) < plan->step_chance)
            step_by_chance();
    } else if (plan->step_every > 0 && trial.result->points % plan->step_every == 0) {
        trial_step_clients();
    }
}

/* The end of a drain may cut anybody. */
static void note_drain_deadline(void)
{
    if (trial.plan->order == ORDER_DRAIN && trial.is_ordered && socket_kernel_now_ns() >= trial.drain_ns)
        for (unsigned i = 0; i < trial.plan->client_count; i++)
            trial.clients[i].may_be_cut = true;
}

static bool dies_here(void)
{
    const struct trial_plan *plan = trial.plan;

    if (plan->seed)
        return trial.result->deaths < plan->death_count_max &&
               prng_below(&trial.prng, 10000) < plan->death_chance;
    return trial.result->deaths < plan->death_count &&
           plan->death_points[trial.result->deaths] == trial.result->points;
}

void trial_point(const char *where, int fd)
{
    trial.result->points++;
    if (trial.trace)
        printf("%6u %s(%d)\n", trial.result->points, where, fd);
    if (trial.result->points > POINT_COUNT_MAX)
        trial_fail("no rest after %d points", POINT_COUNT_MAX);
    let_clients_act();
    if (trial.plan->order_point > 0 && !trial.is_ordered && trial.result->points >= trial.plan->order_point)
        give_order();
    note_drain_deadline();
    if (!dies_here())
        return;
    trial.result->deaths++;
    if (trial.trace)
        printf("       death %u\n", trial.result->deaths);
    longjmp(trial.life, LIFE_KILLED);
}

void step_reached(enum step step)
{
    static const char *const names[] = {
#define X(name) #name,
        STEP_LIST(X)
#undef X
    };

    trial.result->steps[step]++;
    trial_point(names[step], -1);
}

int trial_fault(const int *errors)
{
    unsigned count = 0;

    while (errors[count])
        count++;
    if (!trial.plan->seed || prng_below(&trial.prng, 10000) >= trial.plan->fault_chance)
        return 0;
    return errors[prng_below(&trial.prng, count)];
}

/* ---- lives ---- */

static void set_up(const struct trial_plan *plan)
{
    unsigned max =
        plan->connection_count_max ? plan->connection_count_max : SOCKET_KERNEL_CONNECTION_COUNT_MAX;

    /* The pages of one slot; the others are never touched. */
    memset(&pages.orders, 0, offsetof(struct orders, memory));
    memset(&pages.loads.cells[0], 0, sizeof pages.loads.cells[0]);
    memset(&pages.slots[0].board, 0, sizeof pages.slots[0].board);
    pages.orders.slot_limit = 1;
    pages.slots[0].board.settings = (struct worker_settings){
        .connection_count_max = max,
        .idle_timeout_ms = plan->idle_timeout_ms,
        .listener_is_unix = plan->is_unix,
        .core = 1,
        .incident_bytes = 16,
    };
    socket_kernel_init(max);
    for (unsigned i = 0; i < plan->client_count; i++)
        socket_client_init(&trial.clients[i], &plan->clients[i], plan->is_unix, i);
    trial.begin_ns = socket_kernel_now_ns();
}

/* What master and supervisor do about a death by SIGKILL: tell it, and let the successor touch the connection
 * that was being worked on last. */
static void tell_death(void)
{
    struct board *board = &pages.slots[0].board;
    uint64_t current = atomic_load(&board->current);
    struct socket_client *cut = socket_kernel_client((int)atomic_load(&board->giving));

    atomic_store(&board->worker_death.generation, trial.generation);
    board->settings.recover_how = RECOVER_ALL;
    board->settings.suspect = (current & 0xff) == PHASE_ANSWERING ? (int32_t)(current >> 8) : 0;
    if (trial.plan->is_unix && cut)
        cut->may_be_cut = true;
}

static enum life_end live(void)
{
    enum life_end end = (enum life_end)setjmp(trial.life);

    if (end == LIFE_BEGINS)
        worker_main(&pages, 0, ++trial.generation);
    return end;
}

static void between_lives(void)
{
    if (trial.plan->seed ? prng_below(&trial.prng, 2) : trial.plan->step_at_death)
        for (int i = 0; i < 1000 && trial_step_clients(); i++)
            continue;
}

static void note_counters(struct trial_result *result)
{
    struct load_cell *cell = &pages.loads.cells[0];

    result->owed = counter_get(cell, COUNTER_owed);
    result->redone = counter_get(cell, COUNTER_redone);
    result->adopted = counter_get(cell, COUNTER_adopted);
    result->continued = counter_get(cell, COUNTER_continued);
}

void trial_run(const struct trial_plan *plan, bool trace, struct trial_result *result)
{
    *result = (struct trial_result){0};
    trial.plan = plan;
    trial.result = result;
    trial.trace = trace;
    trial.generation = 0;
    trial.next_client = 0;
    trial.is_ordered = false;
    prng_init(&trial.prng, plan->seed);
    set_up(plan);
    while (live() == LIFE_KILLED) {
        tell_death();
        between_lives();
    }
    note_counters(result);
}
