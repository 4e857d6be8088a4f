#include "tests/model/world_sweep.h"

#include "worker/check.h"

enum { ASKED_AT_TURN = 30, CALM_AFTER_TURNS = 3 };

/* What an operator asks for: nothing, an upgrade, a reload, a stop. */
static const struct disturbance requests[SWEEP_WORLD_COUNT] = {
    {.turn = 1, .kind = DISTURBANCE_more_slots}, /* of which there is no place in that turn: nothing */
    {.turn = ASKED_AT_TURN, .kind = DISTURBANCE_request, .value = 0},
    {.turn = ASKED_AT_TURN, .kind = DISTURBANCE_request, .value = 1},
    {.turn = ASKED_AT_TURN, .kind = DISTURBANCE_stop, .value = 0},
};

/* The supervisor's end at each of its first points in a turn; whoever else, at his one step in it. */
static const struct disturbance alphabet[] = {
    {.kind = DISTURBANCE_kill_worker},
    {.kind = DISTURBANCE_crash_worker},
    {.kind = DISTURBANCE_kill_keeper, .value = 0},
    {.kind = DISTURBANCE_kill_keeper, .value = 1},
    {.kind = DISTURBANCE_end_supervisor, .place = 0},
    {.kind = DISTURBANCE_end_supervisor, .place = 1},
    {.kind = DISTURBANCE_end_supervisor, .place = 2},
    {.kind = DISTURBANCE_end_supervisor, .place = 3},
    {.kind = DISTURBANCE_end_supervisor, .place = 5},
    {.kind = DISTURBANCE_sleeping_supervisor, .value = 700},
    {.kind = DISTURBANCE_failed_clone},
    {.kind = DISTURBANCE_late_birth, .value = 1500},
    {.kind = DISTURBANCE_deaf_worker, .value = 8001},
    {.kind = DISTURBANCE_stopped_keeper, .value = 0},
    {.kind = DISTURBANCE_stopped_keeper, .value = 1},
    {.kind = DISTURBANCE_time_jump, .value = 11000},
    {.kind = DISTURBANCE_clock_jump, .value = 22000},
    {.kind = DISTURBANCE_clock_jump, .value = 22001},
    {.kind = DISTURBANCE_busy_claim},
    {.kind = DISTURBANCE_repeated_event},
    {.kind = DISTURBANCE_late_death, .value = 200},
    {.kind = DISTURBANCE_lost_notice},
    {.kind = DISTURBANCE_twice_told},
};

_Static_assert(sizeof alphabet / sizeof *alphabet == SWEEP_KIND_COUNT, "as the header says");

struct search {
    struct sweep *sweep;
    const struct disturbance *request;
    struct disturbance chosen[SWEEP_DEPTH_MAX];
};

/* Sorted by turn, as a tape is to be. */
static void lay_out(const struct search *s, unsigned count, struct tape *tape)
{
    bool asked = false;

    tape->count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!asked && s->chosen[i].turn >= s->request->turn)
            tape->items[tape->count++] = *s->request;
        asked |= s->chosen[i].turn >= s->request->turn;
        tape->items[tape->count++] = s->chosen[i];
    }
    if (!asked)
        tape->items[tape->count++] = *s->request;
}

static uint32_t last_turn(const struct tape *tape)
{
    return tape->items[tape->count - 1].turn;
}

/* Did all of it strike? The first world's request has no place and is not recorded. */
static bool all_struck(const struct search *s, const struct tape *tape)
{
    bool no_request = s->request == &requests[0];

    return tape_recorded()->count + no_request == tape->count;
}

/* True: go on with longer ones. */
static bool try(struct search *s, unsigned count)
{
    static struct tape tape;
    struct world_plan plan = {.seed = 1, .mutant = s->sweep->mutant, .even = true, .tape = &tape};

    lay_out(s, count, &tape);
    plan.faulty_turns = last_turn(&tape) + CALM_AFTER_TURNS;
    if (!world_run(&plan)) {
        s->sweep->failed = plan;
        return false;
    }
    if (!all_struck(s, &tape))
        return false;
    s->sweep->sequences++;
    return true;
}

/* Appends each disturbance at each offset. False: something failed. */
static bool extend(struct search *s, unsigned count)
{
    uint32_t first = count ? s->chosen[count - 1].turn : 1;
    uint32_t last = count ? first + SWEEP_GAP_TURNS : SWEEP_TURNS;

    for (uint32_t turn = first; turn <= last; turn++)
        for (unsigned kind = 0; kind < SWEEP_KIND_COUNT; kind++) {
            s->chosen[count] = alphabet[kind];
            s->chosen[count].turn = turn;
            if (try(s, count + 1) && count + 1 < s->sweep->depth && !extend(s, count + 1))
                return false;
            if (world.failure[0])
                return false;
        }
    return true;
}

bool world_sweep(struct sweep *sweep)
{
    struct search search = {.sweep = sweep};

    CHECK(sweep->depth >= 1 && sweep->depth <= SWEEP_DEPTH_MAX);
    for (int i = 0; i < SWEEP_WORLD_COUNT; i++) {
        search.request = &requests[i];
        if (!extend(&search, 0))
            return false;
    }
    return true;
}
