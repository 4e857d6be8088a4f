/* The table of kill modes: what each row promises to the life around it. (What the hooks do is seen by the
 * engine's tests, on a server.) */
#include "loadtool/kills.h"

#include "tests/support/cmocka_all.h"

static void find__every_mode__has_a_way_to_die(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        const struct kill_mode *row = kills_find((enum plan_mode)mode);

        assert_non_null(row);
        assert_true(row->in_child || row->begin != NULL);
    }
}

/* A child's connections are out of our reach: a hook would be called with nothing to act on. */
static void find__mode_in_a_child__has_no_hooks(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        const struct kill_mode *row = kills_find((enum plan_mode)mode);

        if (!row->in_child)
            continue;
        assert_int_equal(mode, PLAN_KILL9);
        assert_true(!row->prepare && !row->born && !row->live && !row->begin);
        assert_true(!row->step && !row->answered && !row->finished);
    }
    assert_true(kills_find(PLAN_KILL9)->in_child);
}

/* UNIX sockets know no urgent data; all other modes work there too. */
static void find__urgent_data__is_for_tcp_alone(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        assert_int_equal(kills_find((enum plan_mode)mode)->tcp_only, mode == PLAN_OOB);
}

/* Whoever sends FIN first is done when the server's FIN follows the last reply, not before. */
static void find__modes_that_half_close__wait_for_the_servers_fin(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        assert_int_equal(kills_find((enum plan_mode)mode)->finished != NULL,
                         mode == PLAN_HALFCLOSE || mode == PLAN_OOB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__every_mode__has_a_way_to_die),
        cmocka_unit_test(find__mode_in_a_child__has_no_hooks),
        cmocka_unit_test(find__urgent_data__is_for_tcp_alone),
        cmocka_unit_test(find__modes_that_half_close__wait_for_the_servers_fin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
