/*
 * Who takes the next connection: the rule by itself, and a small world in which workers follow it.
 *
 * The world: a queue of connections, workers that get their turns in random order, wake-ups that go to whom
 * the kernel likes, pokes that are seen at the poked worker's next turn only. The figures of the rule are the
 * shared ones, so they are as current as the loads page, and a poked worker accepts without asking again.
 */
#include "tests/support/cmocka_all.h"

#include "worker/accept_share.h"
#include "worker/limits.h"

#include <stdbool.h>

#define SLACK          SHARE_SLACK
#define WORLD_SLOT_MAX 16

static struct share_slot slot_with(uint32_t connection_count)
{
    return (struct share_slot){.connection_count = connection_count, .accepting = true};
}

static void check_accepts(const struct share_slot *slots, unsigned slot_count, unsigned my_slot)
{
    assert_int_equal(accept_share_choose(slots, slot_count, my_slot, SLACK).verdict, SHARE_ACCEPT);
}

static void check_hands_on(const struct share_slot *slots, unsigned slot_count, unsigned my_slot,
                           unsigned to_slot, uint32_t poke_count)
{
    struct share_choice choice = accept_share_choose(slots, slot_count, my_slot, SLACK);

    assert_int_equal(choice.verdict, SHARE_HAND_ON);
    assert_int_equal(choice.to_slot, to_slot);
    assert_int_equal(choice.poke_count, poke_count);
}

static void choose__within_slack__accepts(void **state)
{
    struct share_slot slots[] = {slot_with(12), slot_with(10), slot_with(11)};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        check_accepts(slots, 3, i);
    check_accepts(slots, 1, 0);
}

static void choose__above_slack__hands_on_to_the_least(void **state)
{
    struct share_slot slots[] = {slot_with(13), slot_with(11), slot_with(10)};

    (void)state;
    check_hands_on(slots, 3, 0, 2, 2);
    check_accepts(slots, 3, 1);
    check_accepts(slots, 3, 2);
    slots[0].connection_count = 4000000000u;
    check_hands_on(slots, 3, 0, 2, SHARE_POKE_COUNT_MAX);
}

static void choose__several_least__the_first_after_me_going_round(void **state)
{
    struct share_slot slots[] = {slot_with(0), slot_with(9), slot_with(0), slot_with(9)};

    (void)state;
    check_hands_on(slots, 4, 1, 2, 5);
    check_hands_on(slots, 4, 3, 0, 5);
}

static void choose__dead_or_full_slots__are_not_chosen(void **state)
{
    struct share_slot slots[] = {slot_with(9), slot_with(0), slot_with(1), slot_with(5)};

    (void)state;
    slots[1].accepting = false;
    slots[2].full = true;
    check_hands_on(slots, 4, 0, 3, 2);
    slots[3].accepting = false;
    check_accepts(slots, 4, 0);
}

static void choose__full_myself__hands_on_even_to_a_busier_one(void **state)
{
    struct share_slot slots[] = {slot_with(5), slot_with(50), slot_with(60)};

    (void)state;
    slots[0].full = true;
    check_hands_on(slots, 3, 0, 1, 1);
    slots[0].connection_count = 90;
    check_hands_on(slots, 3, 0, 1, SHARE_POKE_COUNT_MAX);
}

static void choose__all_full__one_refuses_and_the_others_hand_on_to_it(void **state)
{
    struct share_slot slots[] = {slot_with(9), slot_with(7), slot_with(7), slot_with(0)};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        slots[i].full = true;
    slots[3].accepting = false;
    check_accepts(slots, 4, 1);
    check_hands_on(slots, 4, 0, 1, 1);
    check_hands_on(slots, 4, 2, 1, 1);
}

static void choose__nobody_accepts__accepts_itself(void **state)
{
    struct share_slot slots[] = {slot_with(9), slot_with(0)};

    (void)state;
    slots[0].accepting = false;
    slots[1].accepting = false;
    check_accepts(slots, 2, 0);
}

struct world {
    struct share_slot slots[WORLD_SLOT_MAX];
    uint32_t pokes[WORLD_SLOT_MAX];
    bool is_waiting[WORLD_SLOT_MAX]; /* handed on, and left the listener */
    unsigned waits_for[WORLD_SLOT_MAX];
    uint32_t seen_accept_count[WORLD_SLOT_MAX]; /* of the one it waits for */
    unsigned slot_count;
    unsigned queue_length;
    uint32_t random;
    unsigned turn_count;
};

static uint32_t draw(struct world *world, uint32_t below)
{
    world->random = world->random * 1664525 + 1013904223;
    return (world->random >> 8) % below;
}

static void accept_one(struct world *world, unsigned slot)
{
    world->queue_length--;
    world->slots[slot].connection_count++;
    world->slots[slot].accept_count++;
}

static void hand_on(struct world *world, unsigned slot, struct share_choice choice)
{
    world->pokes[choice.to_slot] += choice.poke_count;
    world->is_waiting[slot] = true;
    world->waits_for[slot] = choice.to_slot;
    world->seen_accept_count[slot] = world->slots[choice.to_slot].accept_count;
}

static bool still_waits(struct world *world, unsigned slot)
{
    if (world->slots[world->waits_for[slot]].accept_count != world->seen_accept_count[slot])
        world->is_waiting[slot] = false;
    return world->is_waiting[slot];
}

/* One turn of a worker: what it was poked for first, then the wake-up of the listener, if it sees one. */
static void take_turn(struct world *world, unsigned slot, bool sees_listener)
{
    world->turn_count++;
    for (; world->pokes[slot] > 0 && world->queue_length > 0; world->pokes[slot]--)
        accept_one(world, slot);
    world->pokes[slot] = 0;
    if (!sees_listener || world->queue_length == 0 || still_waits(world, slot))
        return;

    struct share_choice choice = accept_share_choose(world->slots, world->slot_count, slot, SLACK);

    if (choice.verdict == SHARE_ACCEPT)
        accept_one(world, slot);
    else
        hand_on(world, slot, choice);
}

/* Until the queue is empty. The kernel wakes a favourite four times out of five. */
static void serve_queue(struct world *world)
{
    unsigned turn_count_max = world->turn_count + 200 * (world->queue_length + 1) * world->slot_count;

    while (world->queue_length > 0) {
        unsigned slot = draw(world, world->slot_count);

        take_turn(world, slot, false);
        take_turn(world, draw(world, 5) ? 0 : slot, true);
        assert_true(world->turn_count < turn_count_max); /* nobody is ever stranded */
    }
}

static void connect_burst(struct world *world, unsigned count)
{
    world->queue_length += count;
    serve_queue(world);
}

static void connect_paced(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        connect_burst(world, 1);
}

static struct world make_world(unsigned slot_count, uint32_t seed)
{
    struct world world = {.slot_count = slot_count, .random = seed};

    for (unsigned i = 0; i < slot_count; i++)
        world.slots[i] = slot_with(0);
    return world;
}

static void check_spread(const struct world *world, double ratio_max)
{
    uint32_t least = UINT32_MAX, most = 0;

    for (unsigned i = 0; i < world->slot_count; i++) {
        uint32_t count = world->slots[i].connection_count;

        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    if ((double)most > ratio_max * (double)least)
        fail_msg("%u slots: %u against %u connections, seed after the run %u", world->slot_count, most, least,
                 world->random);
}

static void for_many_worlds(void (*check)(struct world *world))
{
    for (uint32_t seed = 1; seed <= 50; seed++)
        for (unsigned slot_count = 2; slot_count <= 8; slot_count++) {
            struct world world = make_world(slot_count, seed * 7919);

            check(&world);
        }
}

static void check_burst(struct world *world)
{
    connect_burst(world, 500);
    check_spread(world, 1.25);
}

static void check_paced(struct world *world)
{
    connect_paced(world, 500);
    check_spread(world, 1.10);
}

/* A worker dies with its connections, and the clients come again. */
static void lose_one_slot(struct world *world)
{
    world->slots[1].connection_count = 0;
    world->slots[1].accept_count = 0;
}

static void check_restart_and_burst(struct world *world)
{
    unsigned lost;

    connect_burst(world, 500);
    lost = world->slots[1].connection_count;
    lose_one_slot(world);
    connect_burst(world, lost);
    check_spread(world, 1.25);
}

static void check_restart_and_paced(struct world *world)
{
    unsigned lost;

    connect_paced(world, 500);
    lost = world->slots[1].connection_count;
    lose_one_slot(world);
    connect_paced(world, lost);
    check_spread(world, 1.10);
}

static void world__burst_of_500__within_a_quarter(void **state)
{
    (void)state;
    for_many_worlds(check_burst);
}

static void world__500_paced__within_a_tenth(void **state)
{
    (void)state;
    for_many_worlds(check_paced);
}

static void world__one_slot_restarts_and_a_burst_comes__within_a_quarter(void **state)
{
    (void)state;
    for_many_worlds(check_restart_and_burst);
}

static void world__one_slot_restarts_and_500_come_paced__within_a_tenth(void **state)
{
    (void)state;
    for_many_worlds(check_restart_and_paced);
}

/* Without the rule the same world is very uneven: otherwise the four tests above would show nothing. */
static void world__without_handing_on__uneven(void **state)
{
    struct world world = make_world(4, 1);

    (void)state;
    for (int i = 0; i < 500; i++) {
        world.queue_length = 1;
        accept_one(&world, draw(&world, 5) ? 0 : draw(&world, 4));
    }
    assert_true(world.slots[0].connection_count > 5 * world.slots[1].connection_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choose__within_slack__accepts),
        cmocka_unit_test(choose__above_slack__hands_on_to_the_least),
        cmocka_unit_test(choose__several_least__the_first_after_me_going_round),
        cmocka_unit_test(choose__dead_or_full_slots__are_not_chosen),
        cmocka_unit_test(choose__full_myself__hands_on_even_to_a_busier_one),
        cmocka_unit_test(choose__all_full__one_refuses_and_the_others_hand_on_to_it),
        cmocka_unit_test(choose__nobody_accepts__accepts_itself),
        cmocka_unit_test(world__burst_of_500__within_a_quarter),
        cmocka_unit_test(world__500_paced__within_a_tenth),
        cmocka_unit_test(world__one_slot_restarts_and_a_burst_comes__within_a_quarter),
        cmocka_unit_test(world__one_slot_restarts_and_500_come_paced__within_a_tenth),
        cmocka_unit_test(world__without_handing_on__uneven),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
