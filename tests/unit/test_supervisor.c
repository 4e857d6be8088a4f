/* The service as a whole: serving, stopping, giving up, and going on after the supervisor's own death. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

#include <string.h>

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made NOTHING = {0}, WORKER = {.worker = true}, TWIN = {.twin = true},
                                BOTH = {.worker = true, .twin = true};

static int start_serving(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, true);
    return 0;
}

static int start_unprotected(void **state)
{
    (void)state;
    policy_start_serving(&f, 2, false);
    return 0;
}

static void keepers_die(uint32_t slot)
{
    policy_keeper_died(&f, slot, KEEPER_A, BOTH);
    policy_keeper_died(&f, slot, KEEPER_B, WORKER);
}

static void everybody_leaves(uint32_t slot)
{
    policy_worker_died(&f, slot, DEATH_LEFT, true);
    keepers_die(slot);
}

/* ---- serving ---- */

static void serving__every_slot_for_the_first_time__said_once(void **state)
{
    (void)state;
    policy_start(&f, 2, true);
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_worker_ready(&f, 0);
    assert_null(policy_action(&f, ACTION_SERVING, 0));
    policy_keeper_ready(&f, 1, KEEPER_A);
    policy_worker_ready(&f, 1);
    assert_non_null(policy_action(&f, ACTION_SERVING, 0));
    policy_forget(&f);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_ready(&f, 0);
    assert_int_equal(f.seen[ACTION_SERVING], 0);
}

static void serving__two_slots__know_nothing_of_each_other(void **state)
{
    struct slot_memory other = s->slots[1];

    (void)state;
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    assert_memory_equal(&s->slots[1], &other, sizeof other);
}

static void unprotected__worker_died__supervisor_makes_another(void **state)
{
    (void)state;
    policy_worker_died(&f, 1, DEATH_CRASH, true);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 1)->generation, 2);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
}

static void unprotected__clone_fails__same_generation_next_tick(void **state)
{
    (void)state;
    policy_worker_died(&f, 1, DEATH_CRASH, true);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_SPAWN_FAILED, .slot = 1});
    policy_pass(&f, SPAWN_RETRY_MS);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 1)->generation, 2);
    policy_worker_made(&f, 1);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_SPAWN_FAILED, .slot = 1});
    assert_int_equal(s->slots[1].generation, 2);
}

/* ---- hangs ---- */

static void claim_hang(uint32_t slot, enum kill_reason reason)
{
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_HANG,
                                               .slot = slot,
                                               .generation = s->slots[slot].generation,
                                               .hang = reason});
}

static void hang__serving_worker__killed_for_that_reason(void **state)
{
    (void)state;
    claim_hang(1, KILL_HANG_BUSY);
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_HANG_BUSY);
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->generation, 1);
    assert_int_equal(s->slots[1].kill_reason, KILL_HANG_BUSY);
}

static void hang__another_kill_under_way__waits(void **state)
{
    (void)state;
    claim_hang(1, KILL_HANG_BUSY);
    claim_hang(0, KILL_HANG_SILENT);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 1, DEATH_HANG, true);
    claim_hang(0, KILL_HANG_SILENT);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_HANG_SILENT);
}

/* Its connections would depend on a keeper of which nobody knows whether it comes to life. */
static void hang__only_keeper_still_being_made__waits_for_it(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, (struct policy_made){.worker = true, .twin = true});
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_TWIN, 0));
    policy_keeper_died(&f, 0, KEEPER_B, (struct policy_made){.worker = true, .twin = true});
    claim_hang(0, KILL_HANG_BUSY);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    policy_keeper_ready(&f, 0, KEEPER_A);
    claim_hang(0, KILL_HANG_BUSY);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
}

static void hang__only_the_second_keeper_lives__killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    claim_hang(0, KILL_HANG_BUSY);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
}

static void hang__unprotected__killed(void **state)
{
    (void)state;
    claim_hang(1, KILL_HANG_SILENT);
    assert_non_null(policy_action(&f, ACTION_KILL, 1));
}

/* Nobody could take its clients over, but a hung worker serves them no more than a dead one. */
static void hang__of_one_that_lost_its_keepers__killed(void **state)
{
    (void)state;
    keepers_die(0);
    assert_int_equal(s->slots[0].phase, SLOT_LEAVING);
    claim_hang(0, KILL_HANG_BUSY);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
}

static void hang__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_ready(&f, 0);
    policy_feed(&f,
                &(struct supervisor_event){.kind = SUPERVISOR_HANG, .generation = 1, .hang = KILL_HANG_BUSY});
    assert_null(policy_action(&f, ACTION_KILL, 0));
}

static void proof__of_an_older_generation__ignored(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_ready(&f, 0);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_PROVEN, .generation = 1});
    assert_int_equal(s->slots[0].proven, 0);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_PROVEN, .generation = 2});
    assert_int_equal(s->slots[0].proven, 1);
}

static void hang__worker_that_starts__has_its_own_limit(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    claim_hang(0, KILL_HANG_SILENT);
    assert_null(policy_action(&f, ACTION_KILL, 0));
}

/* ---- stop ---- */

static void stop__first__every_worker_is_told_to_drain(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->stage, STAGE_DRAINING);
    assert_non_null(policy_action(&f, ACTION_DRAINING, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 1));
    assert_int_equal(s->drain_deadline_ms, f.now_ms + 8000);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 0);
}

static void stop__all_have_left__finished_with_code_0(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    everybody_leaves(0);
    assert_null(policy_action(&f, ACTION_FINISH, 0));
    policy_worker_died(&f, 1, DEATH_LEFT, true);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 1));
    keepers_die(1);
    assert_non_null(policy_action(&f, ACTION_FINISH, 0));
    assert_int_equal(s->exit_code, EXIT_STOPPED);
    assert_int_equal(s->stage, STAGE_FINISHED);
}

static void stop__worker_killed_while_draining__its_clients_are_served_on(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
    assert_int_equal(s->slots[0].phase, SLOT_STARTING);
}

/* Symptom: a successor that did not come to serve during the drain took its clients with it. */
static void stop__worker_stuck_while_draining__its_clients_are_served_on(void **state)
{
    (void)state;
    s->drain_timeout_ms = 60000;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_worker_made(&f, 0);
    policy_pass(&f, WORKER_START_MS_MAX + 200);
    assert_int_equal(s->slots[0].kill_reason, KILL_STUCK);
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_non_null(policy_action(&f, ACTION_SPAWN, 0));
}

static void stop__crash_loop_while_draining__slot_ends(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    for (int death = 0; death < RESTART_REST_COUNT; death++)
        policy_worker_died(&f, 0, DEATH_CRASH, false);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
}

static void stop__not_left_long_after_the_deadline__killed_as_overdue(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_pass(&f, 8000 + LINGER_MS + LEAVE_GRACE_MS - 100);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(policy_action(&f, ACTION_KILL, 0)->reason, KILL_OVERDUE);
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    keepers_die(0);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    keepers_die(1);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__no_drain_timeout__waits_for_ever(void **state)
{
    (void)state;
    s->drain_timeout_ms = 0;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_pass(&f, 100000);
    assert_int_equal(f.seen[ACTION_KILL], 0);
}

static void stop__second__everybody_is_ended(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(s->stage, STAGE_ENDING);
    assert_non_null(policy_action(&f, ACTION_ENDING, 0));
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_STOP);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 1));
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    keepers_die(0);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    keepers_die(1);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop_now__while_serving__as_a_second_stop(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    assert_int_equal(s->stage, STAGE_ENDING);
    assert_int_equal(f.seen[ACTION_KILL], 2);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.actions.count, 0);
}

static void stop_now__a_slot_rests_and_another_is_being_made__both_end(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_request(&f, OPERATION_SCALE, 3);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    assert_null(policy_action(&f, ACTION_KILL, 2));
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    keepers_die(0);
    keepers_die(1);
    assert_int_equal(s->stage, STAGE_ENDING);
    policy_keeper_ready(&f, 2, KEEPER_A);
    policy_keeper_died(&f, 2, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop_now__keepers_die_first__the_worker_is_waited_for(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    keepers_die(0);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_pass(&f, 100);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

/* Symptom: a second Ctrl-C on a healthy server was answered with errors about lost connections. */
static void stop_now__in_whatever_order_they_die__nothing_is_said_to_be_lost(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    keepers_die(0);
    policy_worker_died(&f, 0, DEATH_ORDER, true);
    policy_keeper_died(&f, 1, KEEPER_A, BOTH);
    policy_worker_died(&f, 1, DEATH_ORDER, true);
    policy_keeper_died(&f, 1, KEEPER_B, WORKER);
    assert_int_equal(f.seen[ACTION_UNPROTECTED], 0);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 0);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop_now__worker_ordered_and_never_made__ends_with_its_keepers(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__keepers_that_do_not_leave__are_killed(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    policy_pass(&f, KEEPER_OBEY_MS_MAX);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, 100);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 2);
}

/* Symptom: the end never came, as it waited for the death of a twin that was never made. */
static void stop__twin_ordered_but_never_made__ends(void **state)
{
    (void)state;
    policy_start_serving(&f, 1, true);
    policy_keeper_died(&f, 0, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_LEFT, true);
    policy_keeper_died(&f, 0, KEEPER_A, WORKER);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

/* Symptom: the same, of a first keeper whose clone fails. */
static void stop__first_keeper_cannot_be_made__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__first_keeper_under_way__leaves_once_it_is_there(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_keeper_ready(&f, 0, KEEPER_A);
    assert_non_null(policy_action(&f, ACTION_KEEPER_LEAVE, 0));
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__first_keeper_dies__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_keeper_died(&f, 0, KEEPER_A, NOTHING);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__lone_worker_cannot_be_made__ends(void **state)
{
    (void)state;
    policy_start(&f, 1, false);
    policy_feed_kind(&f, SUPERVISOR_STOP);
    assert_int_equal(f.seen[ACTION_FINISH], 0);
    policy_feed_kind(&f, SUPERVISOR_SPAWN_FAILED);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
}

static void stop__all_three_of_a_slot_die_while_draining__lost_and_not_begun_anew(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 0, KEEPER_A, TWIN);
    policy_keeper_died(&f, 0, KEEPER_B, NOTHING);
    assert_int_equal(f.seen[ACTION_TABLE_LOST], 1);
    assert_int_equal(f.seen[ACTION_KEEPER], 0);
    assert_int_equal(s->slots[0].phase, SLOT_ENDED);
}

/* ---- giving up ---- */

static void rest__of_all_slots__gives_up_with_70(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    assert_int_equal(s->stage, STAGE_RUNNING);
    policy_crash_until_rest(&f, 1);
    for (uint32_t slot = 0; slot < 2; slot++)
        keepers_die(slot);
    assert_int_equal(f.seen[ACTION_FINISH], 1);
    assert_int_equal(s->exit_code, EXIT_ALL_SLOTS_REST);
}

static void rest__of_one_slot__others_serve_on(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    policy_pass(&f, 1000);
    assert_int_equal(s->stage, STAGE_RUNNING);
    assert_int_equal(s->slots[1].phase, SLOT_SERVING);
    assert_int_equal(s->slot_limit, 2); /* a slot that rests is not replaced: it would crash as well */
}

/* Their keepers are still leaving, so none can be begun anew: no crash loop, and no reason to give up. */
static void rest__of_none__though_every_slot_is_unused__not_given_up(void **state)
{
    (void)state;
    s->slot_limit = SLOT_COUNT_MAX;
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        s->slots[slot] = (struct slot_memory){.phase = SLOT_UNUSED};
        s->slots[slot].keepers[KEEPER_A] = (struct keeper_memory){.phase = KEEPER_LEAVING, .generation = 1};
    }
    policy_feed_kind(&f, SUPERVISOR_NOTHING);
    assert_int_equal(s->stage, STAGE_RUNNING);
    policy_feed(&f, &(struct supervisor_event){.kind = SUPERVISOR_KEEPER_DEATH, .slot = 3, .generation = 1});
    assert_int_equal(s->slots[3].phase, SLOT_KEEPING);
}

/* ---- time ---- */

static void tick__late__nobody_is_to_blame_for_the_gap(void **state)
{
    (void)state;
    policy_pass(&f, 100);
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_keeper_died(&f, 1, KEEPER_B, BOTH);
    policy_pass(&f, 100);
    f.now_ms += 3600000;
    policy_feed_kind(&f, SUPERVISOR_TICK);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 200);
    assert_true(f.seen[ACTION_KEEPER_KILL] > 0);
}

/* Symptom: after a night's sleep a keeper that did not obey was waited for until the next morning. */
static void tick__late__a_wait_that_begins_after_the_gap_is_no_longer(void **state)
{
    (void)state;
    policy_pass(&f, 100);
    f.now_ms += 3600000;
    policy_keeper_died(&f, 1, KEEPER_B, BOTH);
    policy_feed_kind(&f, SUPERVISOR_TICK);
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    policy_pass(&f, KEEPER_OBEY_MS_MAX + 200);
    assert_true(f.seen[ACTION_KEEPER_KILL] > 0);
}

static void tick__late__who_is_to_make_room_has_his_time_again(void **state)
{
    (void)state;
    policy_pass(&f, 100);
    policy_request(&f, OPERATION_RESTART, 0);
    assert_true(s->slots[0].handing);
    f.now_ms += 3600000;
    policy_feed_kind(&f, SUPERVISOR_TICK);
    assert_int_equal(f.seen[ACTION_KILL], 0);
    policy_pass(&f, RENEW_MS_MAX + 200);
    assert_true(f.seen[ACTION_KILL] > 0);
}

/* ---- after the supervisor's own death ---- */

static void resume(void)
{
    policy_forget(&f);
    policy_feed_kind(&f, SUPERVISOR_RESUME);
}

static void resume__nothing_under_way__nothing_but_standing_orders(void **state)
{
    struct supervisor before;

    (void)state;
    policy_feed_kind(&f, SUPERVISOR_TICK);
    before = *s;
    resume();
    assert_int_equal(f.actions.count, 2);
    assert_non_null(policy_action(&f, ACTION_SERVE, 0));
    assert_non_null(policy_action(&f, ACTION_SERVE, 1));
    assert_memory_equal(s->slots, before.slots, sizeof before.slots);
}

static void resume__first_keeper_ordered__ordered_again(void **state)
{
    (void)state;
    policy_start(&f, 1, true);
    resume();
    assert_int_equal(policy_action(&f, ACTION_KEEPER, 0)->generation, 1);
}

static void resume__worker_ordered__ordered_again_of_the_same_keeper(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    resume();
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->generation, 2);
    assert_int_equal(policy_action(&f, ACTION_SPAWN, 0)->letter, KEEPER_A);
    policy_worker_made(&f, 0);
    resume();
    assert_null(policy_action(&f, ACTION_SPAWN, 0));
}

static void resume__twin_ordered__ordered_again(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    resume();
    assert_int_equal(policy_action(&f, ACTION_TWIN, 0)->generation, 2);
}

static void resume__kill_decided__killed_for_the_same_reason(void **state)
{
    (void)state;
    claim_hang(1, KILL_HANG_SILENT);
    resume();
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_HANG_SILENT);
}

static void resume__both_keepers_dead__told_to_leave_again(void **state)
{
    (void)state;
    keepers_die(0);
    resume();
    assert_non_null(policy_action(&f, ACTION_LEAVE, 0));
}

static void resume__draining__told_to_drain_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    resume();
    assert_non_null(policy_action(&f, ACTION_DRAIN, 0));
    assert_non_null(policy_action(&f, ACTION_DRAIN, 1));
}

static void resume__ending__killed_and_told_to_leave_again(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP_NOW);
    resume();
    assert_int_equal(f.seen[ACTION_KILL], 2);
    assert_int_equal(f.seen[ACTION_KEEPER_LEAVE], 4);
}

static void resume__finished__finishes(void **state)
{
    (void)state;
    policy_feed_kind(&f, SUPERVISOR_STOP);
    everybody_leaves(0);
    everybody_leaves(1);
    resume();
    assert_int_equal(f.seen[ACTION_FINISH], 1);
    assert_int_equal(f.actions.count, 1);
}

/* Symptom: who waited for the ready descriptor waited for ever. */
static void resume__serving_decided_but_not_said__said(void **state)
{
    (void)state;
    policy_start(&f, 1, false);
    policy_worker_ready(&f, 0);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 1);
    policy_feed_kind(&f, SUPERVISOR_TICK);
    resume();
    assert_int_equal(f.seen[ACTION_SERVING], 0);
}

/* Symptom: the first thing that a new supervisor did was to kill keepers that had done their work. */
static void resume__after_a_long_gap__nobody_is_overdue(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_pass(&f, 100);
    f.now_ms += 10 * KEEPER_OBEY_MS_MAX;
    resume();
    assert_int_equal(f.seen[ACTION_KEEPER_KILL], 0);
    assert_int_equal(f.seen[ACTION_TWIN], 1);
}

static void resume__memory_copied_elsewhere__decides_the_same(void **state)
{
    struct policy_fixture copy;

    (void)state;
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    copy = f;
    policy_worker_died(&f, 0, DEATH_CRASH, false);
    policy_worker_died(&copy, 0, DEATH_CRASH, false);
    assert_memory_equal(&f.state, &copy.state, sizeof copy.state);
}

/* ---- names ---- */

static void names__every_phase_and_reason__has_its_word(void **state)
{
    (void)state;
    assert_string_equal(slot_phase_name(SLOT_UNUSED), "unused");
    assert_string_equal(slot_phase_name(SLOT_ENDED), "ended");
    assert_string_equal(kill_reason_name(KILL_NONE), "none");
    assert_string_equal(kill_reason_name(KILL_STUCK), "stuck");
}

int main(void)
{
#define UNPROTECTED(test) cmocka_unit_test_setup(test, start_unprotected)
#define TEST(test)        cmocka_unit_test_setup(test, start_serving)
    const struct CMUnitTest tests[] = {
        TEST(serving__every_slot_for_the_first_time__said_once),
        TEST(serving__two_slots__know_nothing_of_each_other),
        cmocka_unit_test_setup(unprotected__worker_died__supervisor_makes_another, start_unprotected),
        cmocka_unit_test_setup(unprotected__clone_fails__same_generation_next_tick, start_unprotected),
        TEST(hang__serving_worker__killed_for_that_reason),
        TEST(hang__another_kill_under_way__waits),
        TEST(hang__only_keeper_still_being_made__waits_for_it),
        TEST(hang__only_the_second_keeper_lives__killed),
        UNPROTECTED(hang__unprotected__killed),
        TEST(hang__of_one_that_lost_its_keepers__killed),
        TEST(hang__of_an_older_generation__ignored),
        TEST(hang__worker_that_starts__has_its_own_limit),
        TEST(stop__first__every_worker_is_told_to_drain),
        TEST(stop__all_have_left__finished_with_code_0),
        TEST(stop__worker_killed_while_draining__its_clients_are_served_on),
        TEST(stop__worker_stuck_while_draining__its_clients_are_served_on),
        TEST(stop__crash_loop_while_draining__slot_ends),
        TEST(stop__not_left_long_after_the_deadline__killed_as_overdue),
        TEST(stop__no_drain_timeout__waits_for_ever),
        TEST(stop__second__everybody_is_ended),
        TEST(stop_now__while_serving__as_a_second_stop),
        TEST(stop_now__a_slot_rests_and_another_is_being_made__both_end),
        TEST(stop_now__keepers_die_first__the_worker_is_waited_for),
        TEST(stop_now__in_whatever_order_they_die__nothing_is_said_to_be_lost),
        TEST(stop_now__worker_ordered_and_never_made__ends_with_its_keepers),
        TEST(stop__keepers_that_do_not_leave__are_killed),
        TEST(stop__twin_ordered_but_never_made__ends),
        TEST(stop__first_keeper_cannot_be_made__ends),
        TEST(stop__first_keeper_under_way__leaves_once_it_is_there),
        TEST(stop__first_keeper_dies__ends),
        TEST(stop__lone_worker_cannot_be_made__ends),
        TEST(stop__all_three_of_a_slot_die_while_draining__lost_and_not_begun_anew),
        TEST(rest__of_all_slots__gives_up_with_70),
        TEST(rest__of_one_slot__others_serve_on),
        TEST(tick__late__nobody_is_to_blame_for_the_gap),
        TEST(tick__late__a_wait_that_begins_after_the_gap_is_no_longer),
        TEST(tick__late__who_is_to_make_room_has_his_time_again),
        TEST(resume__nothing_under_way__nothing_but_standing_orders),
        TEST(resume__first_keeper_ordered__ordered_again),
        TEST(resume__worker_ordered__ordered_again_of_the_same_keeper),
        TEST(resume__twin_ordered__ordered_again),
        TEST(resume__kill_decided__killed_for_the_same_reason),
        TEST(resume__both_keepers_dead__told_to_leave_again),
        TEST(resume__draining__told_to_drain_again),
        TEST(resume__ending__killed_and_told_to_leave_again),
        TEST(resume__finished__finishes),
        TEST(resume__serving_decided_but_not_said__said),
        TEST(resume__after_a_long_gap__nobody_is_overdue),
        TEST(resume__memory_copied_elsewhere__decides_the_same),
        TEST(names__every_phase_and_reason__has_its_word),
        TEST(rest__of_none__though_every_slot_is_unused__not_given_up),
        TEST(proof__of_an_older_generation__ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
