#include "worker/accept_share.h"

#include "worker/limits.h"

#define NO_SLOT (~0u)

static const struct share_choice accept_it = {.verdict = SHARE_ACCEPT};

/*
 * How many to hand on: half of the difference, rounded up, which makes the two equal. (All of it looks
 * natural, but several workers hand on to the same one at once: in the simulation of the unit test a burst of
 * 500 over 8 workers then ended 2.35 times as full here as there, with the half 1.14 times.)
 */
static struct share_choice hand_on(const struct share_slot *slots, unsigned my_slot, unsigned to_slot)
{
    uint32_t mine = slots[my_slot].connection_count;
    uint32_t theirs = slots[to_slot].connection_count;
    uint32_t difference = mine > theirs ? mine - theirs : 1;
    uint32_t half = difference / 2 + difference % 2;
    uint32_t most = SHARE_POKE_COUNT_MAX;

    return (struct share_choice){
        .verdict = SHARE_HAND_ON,
        .to_slot = to_slot,
        .poke_count = half < most ? half : most,
    };
}

/* The least loaded accepting slot of that fullness, the first of equals counted from first_slot on; NO_SLOT:
 * none. */
static unsigned find_least(const struct share_slot *slots, unsigned slot_count, unsigned first_slot,
                           bool full)
{
    unsigned least = NO_SLOT;

    for (unsigned i = 0; i < slot_count; i++) {
        unsigned slot = (first_slot + i) % slot_count;

        if (!slots[slot].accepting || slots[slot].full != full)
            continue;
        if (least == NO_SLOT || slots[slot].connection_count < slots[least].connection_count)
            least = slot;
    }
    return least;
}

struct share_choice accept_share_choose(const struct share_slot *slots, unsigned slot_count, unsigned my_slot,
                                        uint32_t slack)
{
    const struct share_slot *me = &slots[my_slot];
    unsigned least = find_least(slots, slot_count, my_slot + 1, false);

    if (least == NO_SLOT) { /* all are full */
        unsigned refuser = find_least(slots, slot_count, 0, true);

        return refuser == NO_SLOT || refuser == my_slot ? accept_it : hand_on(slots, my_slot, refuser);
    }
    if (least == my_slot)
        return accept_it;
    if (me->full)
        return hand_on(slots, my_slot, least);

    bool far_above = me->connection_count > slots[least].connection_count &&
                     me->connection_count - slots[least].connection_count > slack;

    return far_above ? hand_on(slots, my_slot, least) : accept_it;
}
