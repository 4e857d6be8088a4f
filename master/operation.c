#include "master/operation.h"
#include "worker/check.h"
#include <stdio.h>
#include <string.h>

static struct operation *place_of(struct operations *all, uint32_t number)
{
    return &all->items[number % OPERATION_COUNT_MAX];
}

struct operation *operation_begin(struct operations *all, enum operation_kind kind, uint32_t goal)
{
    uint32_t number = all->last_number + 1;
    while (number < all->last_number + OPERATION_COUNT_MAX &&
           place_of(all, number)->state == OPERATION_RUNNING)
        number++; /* somebody waits for that one */
    if (place_of(all, number)->state == OPERATION_RUNNING)
        number = all->last_number + 1;
    all->last_number = number;
    struct operation *operation = place_of(all, number);
    *operation = (struct operation){
        .number = all->last_number, .kind = kind, .state = OPERATION_RUNNING, .goal = goal};
    return operation;
}

static void end(struct operation *operation, enum operation_state state, const char *why)
{
    CHECK(operation->state == OPERATION_RUNNING);
    operation->state = state;
    snprintf(operation->why, sizeof operation->why, "%s", why ? why : "");
}

void operation_done(struct operation *operation, const char *why)
{
    end(operation, OPERATION_DONE, why);
}

void operation_failed(struct operation *operation, const char *why)
{
    end(operation, OPERATION_FAILED, why);
}

struct operation *operation_find(struct operations *all, uint32_t number)
{
    struct operation *operation = place_of(all, number);
    return number != 0 && operation->number == number ? operation : NULL;
}

const char *operation_name(enum operation_kind kind)
{
    static const char *const names[] = {
#define X(name, word) word,
        OPERATION_KINDS(X)
#undef X
    };
    return names[kind];
}
