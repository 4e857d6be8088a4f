/* What follows a worker's death: the ladder, blame, delays. */
#include "tests/support/cmocka_all.h"

#include "master/restart.h"

enum { SUSPECT = 200, OTHER = 201 };

static struct restart_decision die(struct restart *r, enum death_kind kind)
{
    return restart_on_death(r, &(struct death_facts){.kind = kind}, 0);
}

static struct restart_decision die_serving(struct restart *r, enum death_kind kind, int32_t suspect)
{
    return restart_on_death(
        r, &(struct death_facts){.kind = kind, .in_service = true, .suspect = suspect, .answered = true}, 0);
}

/* ---- the ladder ---- */

static void ladder__crashes_in_a_row__go_on_then_reset_all_then_rest(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 1; death <= RESTART_REST_COUNT + 3; death++) {
        enum restart_verdict verdict = die(&r, death % 2 ? DEATH_CRASH : DEATH_HANG).verdict;

        if (death < RESTART_RESET_ALL_COUNT)
            assert_int_equal(verdict, RESTART_GO_ON);
        else if (death < RESTART_REST_COUNT)
            assert_int_equal(verdict, RESTART_RESET_ALL);
        else
            assert_int_equal(verdict, RESTART_REST);
    }
}

static void ladder__answered_between__begins_anew(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 1; death < RESTART_REST_COUNT; death++)
        die(&r, DEATH_CRASH);
    assert_int_equal(die_serving(&r, DEATH_CRASH, 0).verdict, RESTART_GO_ON);
    assert_int_equal(r.deaths_in_a_row, 1);
    for (int death = 2; death < RESTART_RESET_ALL_COUNT; death++)
        assert_int_equal(die(&r, DEATH_CRASH).verdict, RESTART_GO_ON);
}

static void ladder__healthy_deaths__never_climb_it(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 0; death < 1000; death++) {
        struct restart_decision decision = die_serving(&r, DEATH_CRASH, 0);

        assert_int_equal(decision.verdict, RESTART_GO_ON);
        assert_int_equal(decision.delay_ms, 0);
    }
}

static void ladder__deaths_that_we_ordered__do_not_count(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 0; death < 100; death++) {
        assert_int_equal(die(&r, DEATH_ORDER).verdict, RESTART_GO_ON);
        assert_int_equal(die(&r, DEATH_LEFT).verdict, RESTART_GO_ON);
    }
    assert_int_equal(r.deaths_in_a_row, 0);
}

/* Symptom: one that had served and went when it was told to inherited its predecessors' place on the ladder.
 */
static void ladder__left_after_many_crashes__replaced_at_once_and_begins_anew(void **state)
{
    struct restart r = {0};
    struct restart_decision decision;

    (void)state;
    for (int death = 1; death < RESTART_REST_COUNT; death++)
        die(&r, DEATH_CRASH);
    for (int kill = 0; kill < 2 * RESTART_KILLS_FREE_COUNT; kill++)
        die(&r, DEATH_KILL);
    decision = die(&r, DEATH_LEFT);
    assert_int_equal(decision.verdict, RESTART_GO_ON);
    assert_int_equal(decision.delay_ms, 0);
    assert_int_equal(decision.suspect, 0);
    assert_int_equal(die(&r, DEATH_CRASH).verdict, RESTART_GO_ON);
    assert_int_equal(r.deaths_in_a_row, 1);
    assert_int_equal(die(&r, DEATH_KILL).delay_ms, 0);
}

/* ---- the back-off ---- */

static int64_t rest_after(uint32_t rest_count, uint32_t random)
{
    struct restart r = {.deaths_in_a_row = RESTART_REST_COUNT, .rest_count = rest_count};

    return restart_on_death(&r, &(struct death_facts){.kind = DEATH_CRASH}, random).rest_ms;
}

static void rest__jitter__within_a_quarter_either_way(void **state)
{
    int64_t base_ms = RESTART_REST_MS_MIN;

    (void)state;
    for (uint32_t rests = 0; rests < 40; rests++) {
        for (uint32_t random = 0; random < 2000000; random += 9973) {
            int64_t ms = rest_after(rests, random);

            assert_true(ms >= base_ms - base_ms / 4);
            assert_true(ms < base_ms + base_ms / 4 + 1);
        }
        base_ms = base_ms * 2 < RESTART_REST_MS_MAX ? base_ms * 2 : RESTART_REST_MS_MAX;
    }
}

static void rest__different_random_numbers__different_rests(void **state)
{
    (void)state;
    assert_int_not_equal(rest_after(3, 1), rest_after(3, 500));
    assert_int_equal(rest_after(0, 0), RESTART_REST_MS_MIN - RESTART_REST_MS_MIN / 4);
    assert_int_equal(rest_after(1000000, 0), RESTART_REST_MS_MAX - RESTART_REST_MS_MAX / 4);
}

static void rest__answered_between__shortest_again(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 0; death < RESTART_REST_COUNT + 5; death++)
        die(&r, DEATH_CRASH);
    assert_true(r.rest_count > 1);
    die_serving(&r, DEATH_LEFT, 0);
    assert_int_equal(r.rest_count, 0);
}

/* ---- kills from elsewhere ---- */

static void kills__however_many__never_reset_and_never_rest(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int kill = 0; kill < 10000; kill++) {
        struct restart_decision decision = die(&r, DEATH_KILL);

        assert_int_equal(decision.verdict, RESTART_GO_ON);
        assert_false(decision.reset_suspect);
    }
    assert_int_equal(r.deaths_in_a_row, 0);
}

static void kills__many_in_a_row__delay_more_and_more_to_a_cap(void **state)
{
    struct restart r = {0};
    int64_t last_ms = 0;

    (void)state;
    for (int kill = 1; kill <= RESTART_KILLS_FREE_COUNT; kill++)
        assert_int_equal(die(&r, DEATH_KILL).delay_ms, 0);
    last_ms = die(&r, DEATH_KILL).delay_ms;
    assert_int_equal(last_ms, RESTART_DELAY_MS_MIN);
    for (int kill = 0; kill < 100; kill++) {
        int64_t ms = die(&r, DEATH_KILL).delay_ms;

        assert_int_equal(ms, last_ms * 2 < RESTART_DELAY_MS_MAX ? last_ms * 2 : RESTART_DELAY_MS_MAX);
        last_ms = ms;
    }
    assert_int_equal(last_ms, RESTART_DELAY_MS_MAX);
}

static void kills__answered_between__delay_nothing(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int kill = 0; kill < 1000; kill++)
        assert_int_equal(die_serving(&r, DEATH_KILL, 0).delay_ms, 0);
}

/* A crash loop that also meets kills stays one; the kills themselves decide nothing. */
static void kills__between_crashes__neither_count_nor_forgive(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 1; death < RESTART_RESET_ALL_COUNT; death++) {
        assert_int_equal(die(&r, DEATH_CRASH).verdict, RESTART_GO_ON);
        assert_int_equal(die(&r, DEATH_KILL).verdict, RESTART_GO_ON);
    }
    assert_int_equal(die(&r, DEATH_CRASH).verdict, RESTART_RESET_ALL);
    assert_int_equal(die(&r, DEATH_KILL).verdict, RESTART_GO_ON);
}

/* ---- blame ---- */

static struct restart_decision blame(struct restart *r, enum death_kind kind, int32_t suspect)
{
    return restart_on_death(r, &(struct death_facts){.kind = kind, .in_service = true, .suspect = suspect},
                            0);
}

static void blame__first_crash__suspect_is_served_last(void **state)
{
    struct restart r = {0};
    struct restart_decision decision = blame(&r, DEATH_CRASH, SUSPECT);

    (void)state;
    assert_int_equal(decision.suspect, SUSPECT);
    assert_false(decision.reset_suspect);
}

static void blame__second_crash_of_the_same__reset_and_forgotten(void **state)
{
    struct restart r = {0};
    struct restart_decision decision;

    (void)state;
    blame(&r, DEATH_CRASH, SUSPECT);
    decision = blame(&r, DEATH_CRASH, SUSPECT);
    assert_true(decision.reset_suspect);
    assert_int_equal(decision.suspect, SUSPECT);
    assert_int_equal(r.suspect, 0);
    /* The number may be another connection's by now: it begins with a clean slate. */
    assert_false(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
}

static void blame__another_suspect_between__counts_anew(void **state)
{
    struct restart r = {0};

    (void)state;
    blame(&r, DEATH_CRASH, SUSPECT);
    assert_false(blame(&r, DEATH_CRASH, OTHER).reset_suspect);
    r.deaths_in_a_row = 0; /* somebody was answered */
    assert_false(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
    assert_true(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
}

/* The one that comes first is not the suspect of the last death, which is touched last: without a rule for it
 * neither would ever come to its second blame. */
static void blame__two_poisonous_in_turn__both_are_reset_and_nobody_else(void **state)
{
    struct restart r = {0};
    unsigned resets = 0;
    bool alive[2] = {true, true};

    (void)state;
    for (int death = 0; death < 8 && resets < 2; death++) {
        int32_t strikes = r.suspect != SUSPECT && alive[0] ? 0 : 1;
        if (!alive[strikes])
            strikes = !strikes;
        struct restart_decision decision = blame(&r, DEATH_CRASH, strikes == 0 ? SUSPECT : OTHER);
        assert_int_equal(decision.verdict, RESTART_GO_ON);
        if (decision.reset_suspect) {
            alive[strikes] = false;
            resets++;
        }
    }
    assert_int_equal(resets, 2);
}

static void ladder__a_hundred_poisonous_in_a_row__never_more_than_those(void **state)
{
    struct restart r = {0};
    struct restart_decision decision = {0};

    (void)state;
    for (int32_t poison = 0; poison < 100; poison++) {
        assert_int_equal(blame(&r, DEATH_CRASH, SUSPECT + poison).verdict, RESTART_GO_ON);
        decision = blame(&r, DEATH_CRASH, SUSPECT + poison);
        assert_int_equal(decision.verdict, RESTART_GO_ON);
        assert_true(decision.reset_suspect);
    }
    assert_int_equal(decision.delay_ms, RESTART_DELAY_MS_MAX); /* and they do not keep the processor busy */
}

static void blame__suspect_answered_or_closed_since__counts_anew(void **state)
{
    struct restart r = {0};
    struct death_facts facts = {
        .kind = DEATH_CRASH, .in_service = true, .suspect = SUSPECT, .suspect_cleared = true};

    (void)state;
    blame(&r, DEATH_CRASH, SUSPECT);
    assert_false(restart_on_death(&r, &facts, 0).reset_suspect);
    assert_true(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
}

static void blame__death_elsewhere__suspect_is_kept_until_cleared(void **state)
{
    struct restart r = {0};
    struct death_facts elsewhere = {.kind = DEATH_KILL, .suspect = OTHER};

    (void)state;
    blame(&r, DEATH_CRASH, SUSPECT);
    assert_int_equal(restart_on_death(&r, &elsewhere, 0).suspect, SUSPECT);
    elsewhere.suspect_cleared = true;
    assert_int_equal(restart_on_death(&r, &elsewhere, 0).suspect, 0);
    assert_false(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
}

static void blame__crash_outside_the_service__is_nobodys_fault(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 0; death < 3; death++) {
        struct death_facts facts = {.kind = DEATH_CRASH, .suspect = SUSPECT};
        struct restart_decision decision = restart_on_death(&r, &facts, 0);

        assert_false(decision.reset_suspect);
        assert_int_equal(decision.suspect, 0);
    }
}

static void blame__hang__reset_at_once_wherever_it_was(void **state)
{
    struct restart r = {0};
    struct death_facts facts = {.kind = DEATH_HANG, .suspect = SUSPECT};

    (void)state;
    assert_true(restart_on_death(&r, &facts, 0).reset_suspect);
    facts.suspect = 0;
    assert_false(restart_on_death(&r, &facts, 0).reset_suspect);
}

/* A chunk that makes the service use up the memory ends in the kernel's SIGKILL each time. */
static void blame__end_for_want_of_memory_inside_the_service__reset_at_the_fifth_in_a_row(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int kill = 1; kill < BLAME_OOM_COUNT; kill++)
        assert_false(blame(&r, DEATH_OOM, SUSPECT).reset_suspect);
    assert_true(blame(&r, DEATH_OOM, SUSPECT).reset_suspect);
}

static void blame__plain_kills_inside_the_service__never_blame(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int kill = 1; kill < 1000; kill++)
        assert_false(blame(&r, DEATH_KILL, SUSPECT).reset_suspect);
}

static void blame__deaths_that_we_ordered__blame_nobody(void **state)
{
    struct restart r = {0};

    (void)state;
    for (int death = 0; death < 10; death++) {
        assert_int_equal(blame(&r, DEATH_ORDER, SUSPECT).suspect, 0);
        assert_int_equal(blame(&r, DEATH_LEFT, SUSPECT).suspect, 0);
    }
}

static void blame__kills_and_crashes__are_counted_apart(void **state)
{
    struct restart r = {0};

    (void)state;
    blame(&r, DEATH_OOM, SUSPECT);
    assert_false(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
    blame(&r, DEATH_OOM, SUSPECT);
    assert_true(blame(&r, DEATH_CRASH, SUSPECT).reset_suspect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladder__crashes_in_a_row__go_on_then_reset_all_then_rest),
        cmocka_unit_test(ladder__answered_between__begins_anew),
        cmocka_unit_test(ladder__healthy_deaths__never_climb_it),
        cmocka_unit_test(ladder__deaths_that_we_ordered__do_not_count),
        cmocka_unit_test(ladder__left_after_many_crashes__replaced_at_once_and_begins_anew),
        cmocka_unit_test(rest__jitter__within_a_quarter_either_way),
        cmocka_unit_test(rest__different_random_numbers__different_rests),
        cmocka_unit_test(rest__answered_between__shortest_again),
        cmocka_unit_test(kills__however_many__never_reset_and_never_rest),
        cmocka_unit_test(kills__many_in_a_row__delay_more_and_more_to_a_cap),
        cmocka_unit_test(kills__answered_between__delay_nothing),
        cmocka_unit_test(kills__between_crashes__neither_count_nor_forgive),
        cmocka_unit_test(blame__first_crash__suspect_is_served_last),
        cmocka_unit_test(blame__second_crash_of_the_same__reset_and_forgotten),
        cmocka_unit_test(blame__another_suspect_between__counts_anew),
        cmocka_unit_test(blame__two_poisonous_in_turn__both_are_reset_and_nobody_else),
        cmocka_unit_test(ladder__a_hundred_poisonous_in_a_row__never_more_than_those),
        cmocka_unit_test(blame__suspect_answered_or_closed_since__counts_anew),
        cmocka_unit_test(blame__death_elsewhere__suspect_is_kept_until_cleared),
        cmocka_unit_test(blame__crash_outside_the_service__is_nobodys_fault),
        cmocka_unit_test(blame__hang__reset_at_once_wherever_it_was),
        cmocka_unit_test(blame__end_for_want_of_memory_inside_the_service__reset_at_the_fifth_in_a_row),
        cmocka_unit_test(blame__plain_kills_inside_the_service__never_blame),
        cmocka_unit_test(blame__deaths_that_we_ordered__blame_nobody),
        cmocka_unit_test(blame__kills_and_crashes__are_counted_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
