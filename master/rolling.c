#include "master/rolling.h"

bool rolling_counts(const struct slot_memory *memory)
{
    return memory->phase != SLOT_UNUSED && memory->phase != SLOT_LEAVING && !memory->out;
}

static bool due(const struct supervisor *s, const struct slot_memory *memory)
{
    return memory->phase == SLOT_SERVING && slot_is_outdated(s, memory);
}

static uint32_t count(const struct supervisor *s)
{
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        sum += rolling_counts(&s->slots[slot]);
    return sum;
}

bool rolling_is_settled(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < s->slot_limit; slot++) {
        const struct slot_memory *memory = &s->slots[slot];
        if (!rolling_counts(memory) || memory->phase == SLOT_RESTING)
            continue;
        if (memory->phase != SLOT_SERVING || due(s, memory))
            return false;
    }
    return count(s) == s->wanted_count;
}

/* ---- as many as wanted ---- */

/* One that is going out is the nearest at hand, and its clients need not leave it after all. */
static bool take_back_one(struct policy *p)
{
    for (uint32_t slot = 0; slot < p->state->slot_limit; slot++)
        if (slot_take_back(p, slot))
            return true;
    return false;
}

static void send_out_one(struct policy *p)
{
    for (uint32_t slot = p->state->slot_limit; slot-- > 0;)
        if (rolling_counts(&p->state->slots[slot])) {
            slot_send_out(p, slot);
            return;
        }
}

static void fit_count(struct policy *p)
{
    uint32_t wanted = p->state->wanted_count, now = count(p->state);
    for (; now < wanted; now++)
        if (!take_back_one(p))
            slot_begin_another(p);
    for (; now > wanted; now--)
        send_out_one(p);
}

/* ---- by the newest settings ---- */

/* Has any slot shown that the new image is good for something? */
static bool canary_sings(const struct supervisor *s)
{
    if (s->upgrade.target == s->upgrade.image)
        return true; /* the old one is known */
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (rolling_counts(&s->slots[slot]) && s->slots[slot].image == s->upgrade.target &&
            s->slots[slot].proven)
            return true;
    return false;
}

/* The next one waits for it: it is on its way, or the first one with a new image. */
static bool in_between(const struct supervisor *s, const struct slot_memory *memory)
{
    bool is_canary = memory->phase == SLOT_SERVING && memory->image == s->upgrade.target && !canary_sings(s);
    return memory->handing || is_canary || memory->phase == SLOT_STARTING || memory->phase == SLOT_KEEPING ||
           memory->phase == SLOT_SWAPPING;
}

/* Without keepers an outdated slot goes out, and nothing is won if none can take its place. */
static bool has_room(const struct supervisor *s)
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX && !s->protect; slot++)
        if (slot_is_free(&s->slots[slot]))
            return true;
    return s->protect;
}

static void renew_next(struct policy *p)
{
    const struct supervisor *s = p->state;
    if (!has_room(s))
        return;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (rolling_counts(&s->slots[slot]) && in_between(s, &s->slots[slot]))
            return;
    for (uint32_t slot = 0; slot < s->slot_limit; slot++)
        if (rolling_counts(&s->slots[slot]) && due(s, &s->slots[slot])) {
            slot_renew(p, slot);
            return;
        }
}

void rolling_step(struct policy *p)
{
    if (p->state->stage != STAGE_RUNNING)
        return;
    fit_count(p);
    renew_next(p);
    fit_count(p); /* without keepers another slot is begun beside one that makes room */
}
