#include "worker/deadlines.h"

#define NOBODY       1u
#define INDEX_OFFSET 2u

static struct deadline_link *link_at(const struct deadlines *deadlines, uint32_t index)
{
    void *link = (char *)deadlines->links + index * deadlines->stride_bytes;

    return link;
}

static uint32_t as_neighbour(uint32_t index)
{
    return index == DEADLINES_NONE ? NOBODY : index + INDEX_OFFSET;
}

static uint32_t as_index(uint32_t neighbour)
{
    return neighbour == NOBODY ? DEADLINES_NONE : neighbour - INDEX_OFFSET;
}

void deadlines_init(struct deadlines *deadlines, struct deadline_link *first_link, size_t stride_bytes,
                    uint32_t timeout_ticks)
{
    *deadlines = (struct deadlines){
        .links = first_link,
        .stride_bytes = stride_bytes,
        .head = DEADLINES_NONE,
        .tail = DEADLINES_NONE,
        .timeout_ticks = timeout_ticks,
    };
}

bool deadlines_armed(const struct deadlines *deadlines, uint32_t index)
{
    return link_at(deadlines, index)->previous != 0;
}

void deadlines_disarm(struct deadlines *deadlines, uint32_t index)
{
    if (!deadlines_armed(deadlines, index))
        return;

    struct deadline_link *link = link_at(deadlines, index);
    uint32_t previous = as_index(link->previous);
    uint32_t next = as_index(link->next);

    if (previous == DEADLINES_NONE)
        deadlines->head = next;
    else
        link_at(deadlines, previous)->next = link->next;
    if (next == DEADLINES_NONE)
        deadlines->tail = previous;
    else
        link_at(deadlines, next)->previous = link->previous;
    *link = (struct deadline_link){0};
    deadlines->count--;
}

void deadlines_arm(struct deadlines *deadlines, uint32_t index, uint32_t now_tick)
{
    if (deadlines->timeout_ticks == 0)
        return;
    deadlines_disarm(deadlines, index);
    *link_at(deadlines, index) = (struct deadline_link){
        .previous = as_neighbour(deadlines->tail),
        .next = NOBODY,
        .due_tick = now_tick + deadlines->timeout_ticks,
    };
    if (deadlines->tail == DEADLINES_NONE)
        deadlines->head = index;
    else
        link_at(deadlines, deadlines->tail)->next = as_neighbour(index);
    deadlines->tail = index;
    deadlines->count++;
}

uint32_t deadlines_expired(struct deadlines *deadlines, uint32_t now_tick)
{
    uint32_t index = deadlines->head;

    /* The signed difference is right across the wrap-around of either tick. */
    if (index == DEADLINES_NONE || (int32_t)(now_tick - link_at(deadlines, index)->due_tick) < 0)
        return DEADLINES_NONE;
    deadlines_disarm(deadlines, index);
    return index;
}
