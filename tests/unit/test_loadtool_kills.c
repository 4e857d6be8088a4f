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
        assert_true(mode == PLAN_KILL9 || mode == PLAN_STOP);
        assert_true(!row->prepare && !row->born && !row->live && !row->begin);
        assert_true(!row->step && !row->answered && !row->finished);
    }
    assert_true(kills_find(PLAN_KILL9)->in_child);
}

/* UNIX sockets know no urgent data, windows, states and repairs; all other modes work there too. */
static void find__what_only_tcp_knows__is_for_tcp_alone(void **state)
{
    static const enum plan_mode only[] = {PLAN_OOB, PLAN_RST_UNSPEC, PLAN_HALFCLOSE_RST, PLAN_TINYWIN,
                                          PLAN_VANISH};
    enum { ONLY_COUNT = sizeof(only) / sizeof(only[0]) };
    int count = 0;

    (void)state;
    for (int i = 0; i < ONLY_COUNT; i++)
        assert_true(kills_find(only[i])->tcp_only);
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        count += kills_find((enum plan_mode)mode)->tcp_only;
    assert_int_equal(count, ONLY_COUNT);
}

/* Whoever sends FIN first is done when the server's FIN follows the last reply, not before. */
static void find__modes_that_half_close__wait_for_the_servers_fin(void **state)
{
    (void)state;
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        assert_int_equal(kills_find((enum plan_mode)mode)->finished != NULL,
                         mode == PLAN_HALFCLOSE || mode == PLAN_OOB || mode == PLAN_TINYWIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__every_mode__has_a_way_to_die),
        cmocka_unit_test(find__mode_in_a_child__has_no_hooks),
        cmocka_unit_test(find__what_only_tcp_knows__is_for_tcp_alone),
        cmocka_unit_test(find__modes_that_half_close__wait_for_the_servers_fin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
