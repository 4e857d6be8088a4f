/* The service as a whole: serving, workers that hang, giving up, and the time that the policy goes by. */
#include "tests/support/cmocka_all.h"

#include "tests/support/policy_fixture.h"

static struct policy_fixture f;
static struct supervisor *const s = &f.state;

static const struct policy_made BOTH = {.worker = true, .twin = true};

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

/* ---- hangs ---- */

static void hang__serving_worker__killed_for_that_reason(void **state)
{
    (void)state;
    policy_claim_hang(&f, 1, KILL_HANG_BUSY);
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->reason, KILL_HANG_BUSY);
    assert_int_equal(policy_action(&f, ACTION_KILL, 1)->generation, 1);
    assert_int_equal(s->slots[1].kill_reason, KILL_HANG_BUSY);
}

static void hang__another_kill_under_way__waits(void **state)
{
    (void)state;
    policy_claim_hang(&f, 1, KILL_HANG_BUSY);
    policy_claim_hang(&f, 0, KILL_HANG_SILENT);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    policy_worker_died(&f, 1, DEATH_HANG, true);
    policy_claim_hang(&f, 0, KILL_HANG_SILENT);
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
    policy_claim_hang(&f, 0, KILL_HANG_BUSY);
    assert_null(policy_action(&f, ACTION_KILL, 0));
    policy_keeper_ready(&f, 0, KEEPER_A);
    policy_claim_hang(&f, 0, KILL_HANG_BUSY);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
}

static void hang__only_the_second_keeper_lives__killed(void **state)
{
    (void)state;
    policy_keeper_died(&f, 0, KEEPER_A, BOTH);
    policy_claim_hang(&f, 0, KILL_HANG_BUSY);
    assert_non_null(policy_action(&f, ACTION_KILL, 0));
}

static void hang__unprotected__killed(void **state)
{
    (void)state;
    policy_claim_hang(&f, 1, KILL_HANG_SILENT);
    assert_non_null(policy_action(&f, ACTION_KILL, 1));
}

/* Nobody could take its clients over, but a hung worker serves them no more than a dead one. */
static void hang__of_one_that_lost_its_keepers__killed(void **state)
{
    (void)state;
    policy_keepers_die(&f, 0);
    assert_int_equal(s->slots[0].phase, SLOT_LEAVING);
    policy_claim_hang(&f, 0, KILL_HANG_BUSY);
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

static void hang__worker_that_starts__has_its_own_limit(void **state)
{
    (void)state;
    policy_worker_died(&f, 0, DEATH_KILL, true);
    policy_claim_hang(&f, 0, KILL_HANG_SILENT);
    assert_null(policy_action(&f, ACTION_KILL, 0));
}

/* ---- giving up ---- */

static void rest__of_all_slots__gives_up_with_70(void **state)
{
    (void)state;
    policy_crash_until_rest(&f, 0);
    assert_int_equal(s->stage, STAGE_RUNNING);
    policy_crash_until_rest(&f, 1);
    for (uint32_t slot = 0; slot < 2; slot++)
        policy_keepers_die(&f, slot);
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
        TEST(rest__of_all_slots__gives_up_with_70),
        TEST(rest__of_one_slot__others_serve_on),
        TEST(tick__late__nobody_is_to_blame_for_the_gap),
        TEST(tick__late__a_wait_that_begins_after_the_gap_is_no_longer),
        TEST(tick__late__who_is_to_make_room_has_his_time_again),
        TEST(names__every_phase_and_reason__has_its_word),
        TEST(rest__of_none__though_every_slot_is_unused__not_given_up),
        TEST(proof__of_an_older_generation__ignored),
    };

    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
