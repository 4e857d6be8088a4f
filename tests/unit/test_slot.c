/* One slot under its keepers: who is ordered what, and what follows when anybody of it dies. */
#include "tests/support/cmocka_all.h"

#include "master/slot.h"
#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct slot_memory *const slot = &f.state.slots[0];

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true}, TWIN = {.twin = true},
                                BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    return 0;
}

static int start(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    return 0;
}

static void expect_spawn_by(enum keeper_letter letter)
{
    const struct supervisor_action *spawn = policy_action(&f, ACTION_SPAWN, 0);

    assert_non_null(spawn);
    assert_int_equal(spawn->generation, slot->generation);
    assert_int_equal(spawn->letter, letter);
    assert_int_equal(spawn->keeper_generation, slot->keepers[letter].generation);
}

static void expect_twin(enum keeper_letter letter)
{
    enum keeper_letter maker = letter == KEEPER_A ? KEEPER_B : KEEPER_A;
    const struct supervisor_action *twin = policy_action(&f, ACTION_TWIN, 0);

    assert_non_null(twin);
    assert_int_equal(twin->generation, slot->keepers[letter].generation);
    assert_int_equal(twin->letter, maker);
    assert_int_equal(twin->keeper_generation, slot->keepers[maker].generation);
}

/* ---- the beginning ---- */

static void begin__nothing_there__first_keeper_is_ordered(void **state)
{
    (void)state;
    assert_int_equal(slot->phase, SLOT_KEEPING);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
    assert_int_equal(f.actions.count, 1);
}

static void begin__keeper_ready__worker_and_twin_by_it(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_int_equal(slot->phase, SLOT_STARTING);
    expect_spawn_by(KEEPER_A);
    expect_twin(KEEPER_B);
}

static void begin__worker_ready__serves(void **state)
{
    (void)state;
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_made(&f, 0);
    assert_int_equal(slot->phase, SLOT_STARTING);
    policy_worker_ready(&f, 0);
    assert_int_equal(slot->phase, SLOT_SERVING);
    policy_keeper_ready(&f, 0, KEEPER_B);
    assert_int_equal(f.actions.count, 0);
}

static void begin__first_keeper_dies__another_after_a_pause(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(slot->phase, SLOT_RETRYING);
    assert_null(policy_action(&f, ACTION_KEEPER, 0));
    policy_pass(&f, SPAWN_RETRY_MS);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 2);
}

/* It would be out twice if a later try had made it after all. */
static void begin__clone_fails__same_generation_is_ordered_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(slot->phase, SLOT_KEEPING);
    policy_pass(&f, SPAWN_RETRY_MS);
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
}

static void begin__clone_fails_for_long__not_killed_as_overdue_once_made(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
        policy_pass(&f, 100);
        assert_null(policy_action(&f, ACTION_KEEPER_KILL, 0));
    }
}

static void begin__first_keeper_never_ready__killed(void **state)
{
    (void)state;
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_KEEPER_KILL, 0));
}

/* ---- a worker's death ---- */

static void worker_died__keepers_live__successor_at_once(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_int_equal(slot->generation, 2);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    assert_int_equal(slot->death_count, 1);
}

static void worker_died__told_twice__counts_once(void **state)
{
    const struct supervisor_event again = {
        .kind = SUPERVISOR_DEATH, .generation = 1, .death = {.kind = DEATH_CRASH}};

    (void)state;
    policy_feed(&f, &again);
    policy_feed(&f, &again);
    assert_int_equal(f.actions.count, 0);
    assert_int_equal(slot->generation, 2);
    assert_int_equal(slot->death_count, 1);
}

static void worker_died__before_it_was_ready__successor_too(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->generation, 3);
    expect_spawn_by(KEEPER_A);
}

static void worker_died__crashed_twice_on_one__that_one_is_reset(void **state)
{
    struct supervisor_event death = {
        .kind = SUPERVISOR_DEATH,
        .generation = 1,
        .death = {.kind = DEATH_CRASH, .in_service = true, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &death);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    assert_int_equal(slot->suspect, 170);
    death.generation++;
    policy_feed(&f, &death);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
}

/* The successor that was to reset it is killed before it has done so. */
static void worker_died__reset_not_carried_out__ordered_again(void **state)
{
    struct supervisor_event event = {.kind = SUPERVISOR_DEATH,
                                     .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    event.generation = slot->generation;
    policy_feed(&f, &event);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
    policy_worker_made(&f, 0);
    policy_worker_ready(&f, 0);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
}

/* Symptom: a SIGKILL at the right moment saved the poisonous connection, which then cost two more crashes. */
static void worker_died__before_an_ordered_reset_was_carried_out__ordered_again(void **state)
{
    struct supervisor_event hang = {.kind = SUPERVISOR_DEATH,
                                    .generation = 1,
                                    .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &hang);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 170);
    policy_worker_ready(&f, 0);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(slot->recover_how, RECOVER_ALL);
}

static void worker_died__for_another_reset_before_the_ordered_one__the_later_one(void **state)
{
    struct supervisor_event hang = {.kind = SUPERVISOR_DEATH,
                                    .generation = 1,
                                    .death = {.kind = DEATH_HANG, .suspect = 170, .answered = true}};

    (void)state;
    policy_feed(&f, &hang);
    hang.generation = 2;
    hang.death.suspect = 171;
    policy_feed(&f, &hang);
    assert_int_equal(slot->recover_how, RECOVER_RESET_SUSPECT);
    assert_int_equal(slot->suspect, 171);
}

static void worker_died__five_crashes_in_a_row__all_are_reset(void **state)
{
    (void)state;
    for (int death = 0; death < RESTART_RESET_ALL_COUNT; death++)
        policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(slot->recover_how, RECOVER_RESET_ALL);
    assert_int_equal(slot->phase, SLOT_STARTING);
}

static void worker_died__many_kills_in_a_row__successor_held_back_not_dropped(void **state)
{
    (void)state;
    for (int death = 0; death < RESTART_KILLS_FREE_COUNT; death++) {
        policy_worker_died(&f, 0, DEATH_KILL, false);
        expect_spawn_by(KEEPER_A);
    }
    for (int death = 0; death < 10; death++)
        policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(slot->recover_how, RECOVER_ALL);
    policy_pass(&f, RESTART_DELAY_MS_MAX);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
}

static void worker_left__without_being_told__successor_as_well(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    expect_spawn_by(KEEPER_A);
    assert_int_equal(slot->death_count, 0);
}

/* ---- rest ---- */

static void rest__crash_loop__keepers_leave_and_the_slot_waits(void **state)
{
    (void)state;
    f.state.wanted_count = 1;
    policy_start_serving(&f, 2, true);
    policy_crash_until_rest(&f, 0);
    assert_non_null(policy_action(&f, ACTION_RESTS, 0));
    assert_true(policy_action(&f, ACTION_RESTS, 0)->rest_ms > 0);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    assert_int_equal(slot->phase, SLOT_KEEPING);
    assert_int_equal(f.state.slots[1].phase, SLOT_SERVING);
}

static void rest__keepers_still_there__waits_for_them(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, RESTART_REST_MS_MAX);
    assert_int_equal(slot->phase, SLOT_RESTING);
    assert_true(f.seen[ACTION_KEEPER_KILL] > 0);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_pass(&f, 100);
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

/* Symptom: after a crash loop the slot never came back, as it waited for the death of somebody never born. */
static void rest__twin_ordered_but_never_made__slot_comes_back(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    expect_twin(KEEPER_B);
    policy_crash_until_rest(&f, 0);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    policy_pass(&f, 2 * RESTART_REST_MS_MIN);
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

/* ---- a keeper's death ---- */

static void keeper_died__twin_lives__made_anew_within_a_tick(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    expect_twin(KEEPER_A);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 2);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(f.seen[ACTION_UNPROTECTED], 0);
}

static void keeper_died__told_twice__counts_once(void **state)
{
    const struct supervisor_event again = {.kind = SUPERVISOR_KEEPER_DEATH,
                                           .generation = 1,
                                           .letter = KEEPER_A,
                                           .twin_made = true,
                                           .worker_made = true};

    (void)state;
    policy_feed(&f, &again);
    policy_pass(&f, 100);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_feed(&f, &again);
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_READY);
    assert_int_equal(slot->keepers[KEEPER_A].generation, 2);
}

static void keeper_died__with_an_order_not_carried_out__twin_gets_the_order(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    expect_spawn_by(KEEPER_A);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    expect_spawn_by(KEEPER_B);
    assert_int_equal(slot->generation, 2);
}

/* The worker is known to be made by its pid, whoever had no time to tell of it. */
static void keeper_died__with_its_order_carried_out__nothing_is_ordered_again(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_true(slot->made);
}

static void keeper_does_not_obey__twin_ready__killed_then_readdressed(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    expect_spawn_by(KEEPER_A); /* reminded, since a signal may be lost */
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KEEPER_KILL, 0)->letter, KEEPER_A);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    expect_spawn_by(KEEPER_B);
}

static void keeper_does_not_obey__it_is_alone__reminded_never_killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_pass(&f, 60000);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->letter, KEEPER_A);
    for (uint32_t i = 0; i < f.actions.count; i++)
        if (f.actions.items[i].kind == ACTION_KEEPER_KILL)
            assert_int_equal(f.actions.items[i].letter, KEEPER_B); /* the twin that may be half made */
}

/* Symptom: worker dead, first keeper dead, the other slow to be ready: killed for it, and the table with it.
 */
static void keeper_slow_to_be_ready__its_maker_is_dead__not_killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_forget(&f);
    policy_pass(&f, 60000);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_keeper_ready(&f, 0, KEEPER_B);
    expect_spawn_by(KEEPER_B);
    expect_twin(KEEPER_A);
}

static void keeper_slow_to_be_ready__its_maker_lives__killed_and_made_anew(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 300);
    assert_int_equal(policy_action(&f, ACTION_KEEPER_KILL, 0)->letter, KEEPER_B);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    expect_twin(KEEPER_B);
}

static void keeper_died__twin_half_made_by_it__both_are_gone(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    assert_non_null(policy_action(&f, ACTION_UNPROTECTED, 0));
}

/* ---- two and three deaths ---- */

static void both_keepers_died__worker_lives__leaves_and_another_slot_begins(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    assert_int_equal(slot->phase, SLOT_LEAVING);
    assert_non_null(policy_action(&f, ACTION_UNPROTECTED, 0));
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
    assert_non_null(policy_action(&f, ACTION_KEEPER, 1));
    assert_int_equal(f.state.slot_limit, 2);
}

static void leaving__worker_left__slot_is_free_again(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    assert_int_equal(slot->phase, SLOT_UNUSED);
    assert_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_null(policy_action(&f, ACTION_KEEPER, 0));
}

static void leaving__worker_died__its_connections_are_lost_and_said_so(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_int_equal(slot->phase, SLOT_UNUSED);
}

static void all_three_died__worker_first__table_lost_and_begun_anew(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    assert_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_non_null(policy_action(&f, ACTION_TABLE_LOST, 0));
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation,
                     3); /* the second was ordered of the other */
    assert_int_equal(slot->phase, SLOT_KEEPING);
}

static void all_three_died__keepers_first__table_lost_and_another_slot(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
    assert_int_equal(f.state.slots[1].phase, SLOT_KEEPING);
}

static void all_three_died__worker_made_and_never_seen__still_leaving_until_its_death_is_told(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, WORKER);
    assert_int_equal(slot->phase, SLOT_LEAVING);
    policy_worker_died(&f, 0, DEATH_KILL, false);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
}

/* ---- a worker that does not come ---- */

static void worker_of_a_new_image_never_ready__ended_sooner(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    slot->image = f.state.upgrade.image + 1;
    policy_worker_made(&f, 0);
    policy_pass(&f, NEW_START_MS_MAX);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_STUCK);
}

static void worker_made_but_never_ready__ended_as_stuck(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_made(&f, 0);
    policy_pass(&f, WORKER_START_MS_MAX);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_STUCK);
    assert_int_equal(slot->kill_reason, KILL_STUCK);
    policy_pass(&f, 100); /* it may have been born after the first try */
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(slot->kill_reason, KILL_NONE);
    expect_spawn_by(KEEPER_A);
}

static void ready__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_READY, .generation = 1});
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_MADE, .generation = 1});
    assert_int_equal(slot->phase, SLOT_STARTING);
    assert_false(slot->made);
}

static void keeper_ready__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    policy_feed(
        &f, &(struct supervisor_event){.kind = SUPERVISOR_KEEPER_READY, .letter = KEEPER_A, .generation = 1});
    assert_int_equal(slot->keepers[KEEPER_A].phase, KEEPER_STARTING);
}

/* ---- what is asked of one ---- */

static void gone__nothing_of_it_runs(void **state)
{
    struct slot_memory memory = {0};

    (void)state;
    for (enum slot_phase phase = SLOT_UNUSED; phase <= SLOT_ENDED; phase++) {
        memory.phase = phase;
        assert_int_equal(slot_is_gone(&memory), phase == SLOT_UNUSED || phase == SLOT_ENDED);
    }
    memory.keepers[KEEPER_B].phase = KEEPER_LEAVING;
    assert_false(slot_is_gone(&memory));
}

static void outdated__other_image_that_failed_too_often__not(void **state)
{
    struct slot_memory memory = {.settings_number = 1, .image = 5};

    (void)state;
    f.state.upgrade.target = 6;
    assert_true(slot_is_outdated(&f.state, &memory));
    memory.swap_tries = SWAP_TRIES_MAX;
    assert_false(slot_is_outdated(&f.state, &memory));
}

int main(void)
{
#define BEGIN(test)   cmocka_unit_test_setup(test, start)
#define SERVING(test) cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        BEGIN(begin__nothing_there__first_keeper_is_ordered),
        BEGIN(begin__keeper_ready__worker_and_twin_by_it),
        BEGIN(begin__worker_ready__serves),
        BEGIN(begin__first_keeper_dies__another_after_a_pause),
        BEGIN(begin__clone_fails__same_generation_is_ordered_again),
        BEGIN(begin__clone_fails_for_long__not_killed_as_overdue_once_made),
        BEGIN(begin__first_keeper_never_ready__killed),
        SERVING(worker_died__keepers_live__successor_at_once),
        SERVING(worker_died__told_twice__counts_once),
        SERVING(worker_died__before_it_was_ready__successor_too),
        SERVING(worker_died__crashed_twice_on_one__that_one_is_reset),
        SERVING(worker_died__reset_not_carried_out__ordered_again),
        SERVING(worker_died__before_an_ordered_reset_was_carried_out__ordered_again),
        SERVING(worker_died__five_crashes_in_a_row__all_are_reset),
        SERVING(worker_died__many_kills_in_a_row__successor_held_back_not_dropped),
        SERVING(worker_left__without_being_told__successor_as_well),
        SERVING(rest__crash_loop__keepers_leave_and_the_slot_waits),
        SERVING(rest__keepers_still_there__waits_for_them),
        SERVING(rest__twin_ordered_but_never_made__slot_comes_back),
        SERVING(keeper_died__twin_lives__made_anew_within_a_tick),
        SERVING(keeper_died__told_twice__counts_once),
        SERVING(keeper_died__with_an_order_not_carried_out__twin_gets_the_order),
        SERVING(keeper_died__with_its_order_carried_out__nothing_is_ordered_again),
        SERVING(keeper_does_not_obey__twin_ready__killed_then_readdressed),
        SERVING(keeper_does_not_obey__it_is_alone__reminded_never_killed),
        SERVING(keeper_slow_to_be_ready__its_maker_is_dead__not_killed),
        SERVING(keeper_slow_to_be_ready__its_maker_lives__killed_and_made_anew),
        SERVING(keeper_died__twin_half_made_by_it__both_are_gone),
        SERVING(both_keepers_died__worker_lives__leaves_and_another_slot_begins),
        SERVING(leaving__worker_left__slot_is_free_again),
        SERVING(leaving__worker_died__its_connections_are_lost_and_said_so),
        SERVING(all_three_died__worker_first__table_lost_and_begun_anew),
        SERVING(all_three_died__keepers_first__table_lost_and_another_slot),
        SERVING(all_three_died__worker_made_and_never_seen__still_leaving_until_its_death_is_told),
        SERVING(worker_of_a_new_image_never_ready__ended_sooner),
        SERVING(worker_made_but_never_ready__ended_as_stuck),
        SERVING(ready__of_an_older_generation__ignored),
        SERVING(keeper_ready__of_an_older_generation__ignored),
        SERVING(worker_died__for_another_reset_before_the_ordered_one__the_later_one),
        SERVING(gone__nothing_of_it_runs),
        SERVING(outdated__other_image_that_failed_too_often__not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
