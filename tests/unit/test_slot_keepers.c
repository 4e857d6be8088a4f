/*
 * The keepers of a slot: orders given again, patience, leaving, and who makes whom. What their deaths mean
 * for worker and connections is in test_slot_keeper_deaths.c; the way to another image in test_slot_swap.c.
 */
#include "tests/support/cmocka_all.h"

#include "master/slot_parts.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true},
                                BOTH = {.worker = true, .twin = true};

static int start(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    return 0;
}

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
}

static uint32_t count_actions(enum supervisor_action_kind kind)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < f.actions.count; i++)
        count += f.actions.items[i].kind == kind && f.actions.items[i].slot == 0;
    return count;
}

/* ---- what is asked of two of them ---- */

static void gone_and_ready__of_both__by_their_phases(void **state)
{
    (void)state;
    for (enum keeper_phase a = KEEPER_NONE; a <= KEEPER_EXECING; a++)
        for (enum keeper_phase b = KEEPER_NONE; b <= KEEPER_EXECING; b++) {
            const struct slot_memory memory = {.keepers = {{.phase = a}, {.phase = b}}};

            assert_int_equal(keepers_gone(&memory), a == KEEPER_NONE && b == KEEPER_NONE);
            assert_int_equal(keepers_ready(&memory), a == KEEPER_READY && b == KEEPER_READY);
        }
}

/* ---- reminders ---- */

static void first__not_made_yet__ordered_again_every_tick(void **state)
{
    (void)state;
    for (int tick = 0; tick < 3; tick++) {
        policy_pass(&f, 100);
        assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
    }
}

static void twin__not_made_yet__ordered_again_every_tick_of_the_same_maker(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    for (int tick = 0; tick < 3; tick++) {
        const struct supervisor_action *twin;

        policy_pass(&f, 100);
        twin = policy_action(&f, ACTION_TWIN, 0);
        assert_non_null(twin);
        assert_int_equal(twin->letter, KEEPER_B);
        assert_int_equal(twin->keeper_generation, 1);
        assert_int_equal(twin->generation, 2);
    }
}

/* Nobody can be told to make it: it was made already, by one that is dead now. */
static void twin__its_maker_is_dead__not_ordered_again(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 300);
    assert_int_equal(count_actions(ACTION_TWIN), 0);
    assert_int_equal(slot->keepers[KEEPER_B].phase, KEEPER_STARTING);
}

/* With it the connections would go: it may be as slow as it likes. */
static void twin__is_the_only_one_left__never_killed_however_slow(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_forget(&f);
    policy_pass(&f, 10 * KEEPER_OBEY_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    assert_int_equal(slot->keepers[KEEPER_B].phase, KEEPER_STARTING);
}

static void both_ready__nothing_to_remind_of(void **state)
{
    (void)state;
    policy_forget(&f);
    policy_pass(&f, 1000);
    assert_int_equal(f.seen[ACTION_TWIN] + f.seen[ACTION_KEEPER] + f.seen[ACTION_KEEPER_LEAVE], 0);
}

static void leaving__every_tick__told_again(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    assert_int_equal(count_actions(ACTION_KEEPER_LEAVE), 2);
    policy_pass(&f, 100);
    assert_int_equal(count_actions(ACTION_KEEPER_LEAVE), 2);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    assert_int_equal(count_actions(ACTION_KEEPER_LEAVE), 1);
    assert_int_equal(policy_action(&f, ACTION_KEEPER_LEAVE, 0)->letter, KEEPER_B);
}

/* ---- patience ---- */

static void leaving__does_not__both_are_killed_after_their_time(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(count_actions(ACTION_KEEPER_KILL), 2);
    assert_true(slot->keepers[KEEPER_A].killed);
    policy_pass(&f, 100); /* it may have been born after the first try */
    assert_int_equal(count_actions(ACTION_KEEPER_KILL), 2);
}

static void killed__dies_and_is_made_anew__the_mark_is_gone(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 300);
    assert_true(slot->keepers[KEEPER_A].killed);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    assert_false(slot->keepers[KEEPER_A].killed);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 3);
}

static void ready__for_however_long__never_killed(void **state)
{
    (void)state;
    policy_pass(&f, 120000);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
}

/* ---- who makes whom ---- */

static void ready__told_twice__counts_once(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_forget(&f);
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_int_equal(f.actions.count, 0);
}

static void ready__while_leaving__stays_leaving(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_LEAVING);
    assert_int_equal(f.actions.count, 0);
}

static void twin__slot_has_no_use_for_it__not_made(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 300);
    assert_int_equal(count_actions(ACTION_TWIN), 0);
}

static void twin__of_a_slot_that_drains__made_as_ever(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    assert_int_equal(count_actions(ACTION_TWIN), 1);
}

static void twin__ready_before_the_worker_is_made__order_is_not_given_to_two(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_keeper_ready(&f, 0, KEEPER_B);
    assert_int_equal(count_actions(ACTION_SPAWN), 1);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->letter, KEEPER_A);
}

/* ---- the first ---- */

static void first__slot_begins_again__generation_counts_on(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 2);
    assert_int_equal(slot->keepers[KEEPER_B].generation, 1);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_STARTING);
}

static void first__clone_failure_told_late__ignored(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_READY);
    assert_int_equal(slot->phase, SLOT_STARTING);
}

/* RETRYING: it is dead, and another is due at the deadline. */
static void first__clone_failure_told_after_its_death__ignored(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(slot->phase, SLOT_RETRYING);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_NONE);
}

static void first__dies_as_the_service_stops__the_slot_ends(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(slot->phase, SLOT_KEEPING); /* whether it was made is not known yet */
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(slot->phase, SLOT_ENDED);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

/* ---- a death that says more than one thing ---- */

/* The board has the worker's pid, which its maker had no time to tell of. */
static void died__last_of_two_and_worker_was_made__it_lives_on_unprotected(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    assert_int_equal(slot->phase, SLOT_LEAVING);
    assert_int_equal(f.seen[ACTION_UNPROTECTED], 1);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
}

static void died__last_of_two_and_worker_was_not_made__table_lost(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_B, (struct policy_made){.twin = true});
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

static void died__of_a_slot_that_rests__nothing_follows(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    assert_int_equal(f.actions.count, 0);
    assert_int_equal(slot->phase, SLOT_RESTING);
}

int main(void)
{
#define BEGIN(test)   cmocka_unit_test_setup(test, start)
#define SERVING(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        BEGIN(gone_and_ready__of_both__by_their_phases),
        BEGIN(first__not_made_yet__ordered_again_every_tick),
        SERVING(twin__not_made_yet__ordered_again_every_tick_of_the_same_maker),
        SERVING(twin__its_maker_is_dead__not_ordered_again),
        SERVING(twin__is_the_only_one_left__never_killed_however_slow),
        SERVING(both_ready__nothing_to_remind_of),
        SERVING(leaving__every_tick__told_again),
        SERVING(leaving__does_not__both_are_killed_after_their_time),
        SERVING(killed__dies_and_is_made_anew__the_mark_is_gone),
        SERVING(ready__for_however_long__never_killed),
        BEGIN(ready__told_twice__counts_once),
        SERVING(ready__while_leaving__stays_leaving),
        SERVING(twin__slot_has_no_use_for_it__not_made),
        SERVING(twin__of_a_slot_that_drains__made_as_ever),
        BEGIN(twin__ready_before_the_worker_is_made__order_is_not_given_to_two),
        SERVING(first__slot_begins_again__generation_counts_on),
        BEGIN(first__clone_failure_told_late__ignored),
        BEGIN(first__clone_failure_told_after_its_death__ignored),
        BEGIN(first__dies_as_the_service_stops__the_slot_ends),
        SERVING(died__last_of_two_and_worker_was_made__it_lives_on_unprotected),
        SERVING(died__last_of_two_and_worker_was_not_made__table_lost),
        SERVING(died__of_a_slot_that_rests__nothing_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
