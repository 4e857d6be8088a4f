#include "tests/model/world_shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 20000 };

static const char *failure_kind; /* what is looked for: another finding is another story */

/* Keeps `tape` and the rest of `plan` if they fail alike. */
static bool try(struct shrunk *shrunk, const struct world_plan *plan, const struct tape *tape)
{
    struct world_plan attempt = *plan;

    if (shrunk->runs == RUNS_MAX)
        return false;
    shrunk->runs++;
    attempt.tape = tape;
    if (world_run(&attempt) || world.failure_kind != failure_kind)
        return false;
    memcpy(shrunk->failure, world.failure, sizeof shrunk->failure);
    shrunk->plan = attempt;
    if (tape != &shrunk->tape)
        shrunk->tape = *tape;
    shrunk->plan.tape = &shrunk->tape;
    return true;
}

/* ---- leaving out ---- */

static void cut(struct tape *tape, const struct tape *from, uint32_t first, uint32_t count)
{
    tape->count = from->count - count;
    memcpy(tape->items, from->items, first * sizeof *tape->items);
    memcpy(tape->items + first, from->items + first + count, (tape->count - first) * sizeof *tape->items);
}

/* Every run of so many. True: some could go. */
static bool leave_out(struct shrunk *shrunk, uint32_t size)
{
    static struct tape rest;
    bool any = false;

    for (uint32_t first = 0; first < shrunk->tape.count;) {
        uint32_t left = shrunk->tape.count - first;

        cut(&rest, &shrunk->tape, first, size < left ? size : left);
        if (try(shrunk, &shrunk->plan, &rest))
            any = true;
        else
            first += size;
    }
    return any;
}

static bool leave_out_all(struct shrunk *shrunk)
{
    bool any = false;

    for (uint32_t size = shrunk->tape.count; size > 0; size /= 2)
        while (leave_out(shrunk, size))
            any = true;
    return any;
}

/* ---- plainer ---- */

static bool set_value(struct shrunk *shrunk, uint32_t i, uint32_t value)
{
    static struct tape other;

    if (shrunk->tape.items[i].value <= value)
        return false;
    other = shrunk->tape;
    other.items[i].value = value;
    return try(shrunk, &shrunk->plan, &other);
}

/* Zero, or a small number, or half of it. */
static bool plainer_value(struct shrunk *shrunk, uint32_t i)
{
    for (uint32_t value = 0; value < 8; value++)
        if (set_value(shrunk, i, value))
            return true;
    return set_value(shrunk, i, shrunk->tape.items[i].value / 2);
}

static bool plainer_place(struct shrunk *shrunk, uint32_t i)
{
    static struct tape other;

    if (shrunk->tape.items[i].place == 0)
        return false;
    other = shrunk->tape;
    other.items[i].place = 0;
    return try(shrunk, &shrunk->plan, &other);
}

/* It begins to be calm right after the last disturbance. */
static bool sooner_calm(struct shrunk *shrunk)
{
    struct world_plan plan = shrunk->plan;
    uint32_t count = shrunk->tape.count;

    plan.faulty_turns = count ? shrunk->tape.items[count - 1].turn + 1 : 1;
    return (plan.faulty_turns < shrunk->plan.faulty_turns || !shrunk->plan.faulty_turns) &&
           try(shrunk, &plan, &shrunk->tape);
}

static bool evener(struct shrunk *shrunk)
{
    struct world_plan plan = shrunk->plan;

    plan.even = true;
    return !shrunk->plan.even && try(shrunk, &plan, &shrunk->tape);
}

static bool plainer(struct shrunk *shrunk)
{
    bool any = evener(shrunk);

    any |= sooner_calm(shrunk);
    for (uint32_t i = 0; i < shrunk->tape.count; i++) {
        any |= plainer_value(shrunk, i);
        any |= plainer_place(shrunk, i);
    }
    return any;
}

/* ---- */

bool world_shrink(const struct world_plan *plan, struct shrunk *shrunk)
{
    static struct tape all;

    all = *tape_recorded();
    failure_kind = world.failure_kind;
    memset(shrunk, 0, sizeof *shrunk);
    shrunk->count_before = all.count;
    if (all.overflown || !try(shrunk, plan, &all))
        return false;
    do {
        leave_out_all(shrunk);
    } while (plainer(shrunk) && shrunk->runs < RUNS_MAX);
    return true;
}

void shrunk_print(const struct shrunk *shrunk)
{
    const struct world_plan *plan = &shrunk->plan;
    size_t size = tape_write(&shrunk->tape, NULL, 0) + 1;
    char *text = malloc(size);

    if (!text)
        return;
    tape_write(&shrunk->tape, text, size);
    printf("%s\n  of %u disturbances these %u are enough (%u runs); to see all that happens:\n",
           shrunk->failure, shrunk->count_before, shrunk->tape.count, shrunk->runs);
    printf("  make sim SEED=%llu ONLY='%s'", (unsigned long long)plan->seed, text);
    if (plan->faulty_turns)
        printf(" TURNS=%u", plan->faulty_turns);
    printf("%s", plan->even ? " EVEN=1" : "");
    if (plan->mutant)
        printf(" MUTANT=%d", (int)plan->mutant);
    printf("\n");
    free(text);
}
