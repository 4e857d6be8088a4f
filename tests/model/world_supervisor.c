/*
 * The supervisor of the world: the loop of reactor.c and the memory of feed.c, with the real look.c and act.c
 * around the real policy. It may end between any two of its steps.
 */
#include "tests/model/world.h"

#include <errno.h>
#include <string.h>

/* ---- its end ---- */

/* The master, between two supervisors: master.c, become_image(). */
static void become_image(void)
{
    struct orders *orders = &world.pages->orders;
    uint32_t value, wanted = atomic_load(&orders->exec_image);

    if (wanted == 0 || wanted == atomic_load(&orders->master_image) ||
        wanted == atomic_load(&orders->exec_failed_image))
        return;
    if (disturbed(DISTURBANCE_failed_exec, &value)) {
        atomic_store(&orders->exec_failed_error, ENOMEM);
        atomic_store(&orders->exec_failed_image, wanted);
        return;
    }
    world_trace("the master becomes image %u", wanted);
    world.counts.execs_of_master++;
    atomic_store(&orders->master_image, wanted);
}

static void forget_supervisor(void)
{
    become_image();
    world.supervisor_lives = world.supervisor_began = false;
    world.supervisor_due_ms = world.now_ms + (world.calm ? 0 : world_random(200));
}

/* Ahead, as after a sleep that only the clock noticed, or back, which no kernel lets it: then all waits longer,
 * and no more may come of it. */
static void jump(void)
{
    uint32_t value;
    int64_t by_ms;

    if (!disturbed(DISTURBANCE_clock_jump, &value))
        return;
    by_ms = 200 + value / 2 % 20000;
    if (value % 2)
        by_ms = by_ms < world_clock_ms() ? -by_ms : 1 - world_clock_ms();
    world_trace("the clock jumps by %lld ms", (long long)by_ms);
    world.counts.clock_jumps++;
    world.clock_ahead_ms += by_ms;
    world.went_back_ms -= by_ms < 0 ? by_ms : 0;
}

void world_point(void)
{
    uint32_t value;

    jump();
    if (!disturbed(DISTURBANCE_end_supervisor, &value))
        return;
    world_trace("the supervisor dies");
    world.counts.supervisor_deaths++;
    longjmp(world.supervisor_end, 1);
}

/* ---- its memory ---- */

void world_store_memory(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    const struct supervisor *before = world_stored();
    uint32_t other = atomic_load(&orders->memory_current) == 1 ? 1 : 0;
    void *room = orders->memory[other];
    struct supervisor_memory *memory = room;

    memory->policy = r->state;
    memory->settings = r->settings;
    world_point();
    atomic_store(&orders->memory_current, other + 1);
    if (before)
        world_note_attended(before, &memory->policy);
    atomic_store(&orders->slot_limit, r->state.slot_limit);
    world_point();
}

bool feed_load_memory(struct reactor *r)
{
    uint32_t current = atomic_load(&r->pages->orders.memory_current);

    if (current == 0)
        return false;

    const void *room = r->pages->orders.memory[current - 1];
    const struct supervisor_memory *memory = room;

    r->state = memory->policy;
    r->settings = memory->settings;
    return true;
}

/* ---- its loop ---- */

static void say_image(struct reactor *r)
{
    struct orders *orders = &r->pages->orders;
    bool failed = atomic_load(&orders->exec_failed_image) == r->state.upgrade.target;

    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_IMAGE,
                .generation = atomic_load(&orders->master_image),
                .why = failed ? "the master failed" : NULL,
            });
}

static void begin(struct reactor *r)
{
    memset(r, 0, sizeof *r);
    r->setup = &world.setup;
    r->pages = world.pages;
    world.supervisor_began = true;
    world.past_count = 0;
    if (feed_load_memory(r)) {
        world_trace("a supervisor resumes");
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_RESUME});
        r->image_untold = true;
        return;
    }
    r->settings = world.setup.settings;
    supervisor_init(&r->state, world.options.worker_count, world.options.protect,
                    world.options.drain_timeout_ms, world_random(1000000));
    say_image(r);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_START});
}

/* The same event once more, a while later: it speaks of a generation that is past, or says nothing new. */
static void repeat_event(struct reactor *r)
{
    uint32_t known = world.past_count < WORLD_PAST_EVENT_COUNT ? world.past_count : WORLD_PAST_EVENT_COUNT;
    struct supervisor_event event;
    uint32_t value;

    if (!disturbed(DISTURBANCE_repeated_event, &value) || known == 0)
        return;
    event = world.past[value % known];
    /* Which image a keeper runs is read off the board each time: that cannot be said again later. */
    if (event.kind == SUPERVISOR_KEEPER_READY &&
        r->state.slots[event.slot].keepers[event.letter].phase == KEEPER_EXECING)
        return;
    world.counts.duplicates++;
    feed(r, &event);
}

/* A hang is told of somebody who may well be healthy. */
static void claim_hang(struct reactor *r, enum disturbance_kind kind, enum kill_reason hang)
{
    uint32_t slot, value;

    if (!disturbed(kind, &value) || r->state.slot_limit == 0)
        return;
    slot = value % r->state.slot_limit;
    if (r->state.slots[slot].phase != SLOT_SERVING && r->state.slots[slot].phase != SLOT_LEAVING)
        return;
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_HANG,
                .slot = slot,
                .generation = r->state.slots[slot].generation,
                .hang = hang,
            });
}

/* What an operator asks for, by control socket or signal. */
static void ask(struct reactor *r)
{
    static const enum operation_kind kinds[] = {OPERATION_UPGRADE, OPERATION_RELOAD, OPERATION_SCALE,
                                                OPERATION_RESTART};
    enum operation_kind kind;
    uint32_t goal, value;

    if (!disturbed(DISTURBANCE_request, &value) || r->state.stage != STAGE_RUNNING)
        return;
    kind = kinds[value % 4];
    if (kind == OPERATION_RELOAD)
        goal = r->state.settings_number + 1;
    else
        goal = (kind == OPERATION_SCALE) + value / 4 % 5;
    world_trace("an operator asks for %s %u", operation_name(kind), goal);
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_REQUEST,
                                       .operation = kind,
                                       .goal = goal,
                                       .drain_timeout_ms = r->state.drain_timeout_ms});
}

static void tick(struct reactor *r)
{
    world.next_tick_ms = world.now_ms + REACTOR_TICK_MS;
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_TICK});
    if (r->image_untold) {
        r->image_untold = false;
        say_image(r);
    }
}

/* What wakes the real one: its eventfd, its tick, and lines in the log pipe. */
static bool wakes_up(void)
{
    bool woken = world.supervisor_woken || world.now_ms >= world.next_tick_ms || world_may(100);

    world.supervisor_woken = false;
    return woken;
}

static void turn(struct reactor *r)
{
    if (!world.supervisor_began)
        begin(r);
    if (wakes_up())
        look_around(r);
    if (r->gives_way)
        longjmp(world.supervisor_end, 1);
    ask(r);
    repeat_event(r);
    claim_hang(r, DISTURBANCE_busy_claim, KILL_HANG_BUSY);
    claim_hang(r, DISTURBANCE_silent_claim, KILL_HANG_SILENT);
    if (world.now_ms >= world.next_tick_ms)
        tick(r);
}

void world_run_supervisor(void)
{
    if (world.finished || world.now_ms < world.supervisor_sleeps_until_ms)
        return;
    if (!world.supervisor_lives && world.now_ms < world.supervisor_due_ms)
        return;
    world.supervisor_lives = true;
    if (setjmp(world.supervisor_end) == 0)
        turn(&world.reactor);
    else
        forget_supervisor();
}
