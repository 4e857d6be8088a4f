/* The master and supervisors that hang: which it takes for hung, by untaken deaths and by ticks, and which not. */
/* wrap: reactor_main fork sigtimedwait clock_gettime */
#include "tests/support/cmocka_all.h"

#include "tests/support/master_fixture.h"
#include "worker/clock.h"

#include <signal.h>
#include <unistd.h>

/* ---- what supervisors do ---- */

static void hang_until_told(void)
{
    if (!master_fixture_wait_until(master_fixture_may_go_on))
        _exit(98);
}

static void leave_a_death_untaken(void)
{
    master_fixture_make_sibling(&master.board->worker, MASTER_WORKER_GENERATION, 0);
    if (!master_fixture_wait_until(master_fixture_worker_death_is_told))
        _exit(97);
    master_fixture_live_until_told();
}

static void take_death_and_finish(void)
{
    master_fixture_take_death();
    master_fixture_finish_service();
}

static void lose_a_worker_late(void)
{
    master_fixture_live_until_told();
    atomic_store(&master.shared->may_go_on, 0);
    leave_a_death_untaken();
    master_fixture_take_death();
}

/* ---- time ---- */

static bool second_supervisor_runs(void)
{
    return atomic_load(&master.shared->supervisors) == 2;
}

static void pass_ms(int64_t ms)
{
    atomic_fetch_add(&master.shared->clock_offset_ms, ms);
    master_fixture_let_it_look();
}

/* The same where the service may end by it. */
static void pass_last_ms(int64_t ms)
{
    atomic_fetch_add(&master.shared->clock_offset_ms, ms);
    assert_int_equal(kill(master.pid, SIGHUP), 0);
}

/* ---- deaths that nobody takes ---- */

static void hang__death_not_taken_for_a_second__another_supervisor(void **state)
{
    (void)state;
    master.script[1] = leave_a_death_untaken;
    master.script[2] = take_death_and_finish;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_worker_death_is_told));
    pass_ms(900);
    master_fixture_let_it_look();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1); /* it may be slow */
    pass_last_ms(900);
    assert_true(master_fixture_wait_until(second_supervisor_runs));
    master_fixture_expect_end();
    master_fixture_expect_in_log("event=supervisor_hangs pid=");
    master_fixture_expect_in_log(" slot=0 untaken_ms=");
    master_fixture_expect_in_log("event=supervisor_died generation=1");
}

/* It has had no time yet to take what its predecessor left. */
static void hang__death_left_by_the_last_one__new_supervisor_gets_its_second(void **state)
{
    (void)state;
    master.script[1] = leave_a_death_untaken;
    master.script[2] = master_fixture_live_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_worker_death_is_told));
    pass_ms(900);
    pass_ms(900);
    assert_true(master_fixture_wait_until(second_supervisor_runs));
    master_fixture_let_it_look();
    master_fixture_let_it_look();
    master_fixture_take_death();
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 2);
    assert_int_equal(master_fixture_count_in_log("event=supervisor_hangs"), 1);
}

static void hang__death_of_this_moment__is_not_late_however_old_the_supervisor(void **state)
{
    (void)state;
    master.script[1] = lose_a_worker_late;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    pass_ms(900);
    pass_ms(900);
    atomic_store(&master.shared->may_go_on, 1);
    assert_true(master_fixture_wait_until(master_fixture_worker_death_is_told));
    master_fixture_let_it_look();
    master_fixture_let_it_look();
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
}

/* Everything was frozen between a death and the moment when it would have been taken. */
static void hang__time_leaps_over_an_untaken_death__supervisor_gets_its_second_anew(void **state)
{
    (void)state;
    master.script[1] = leave_a_death_untaken;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_worker_death_is_told));
    master_fixture_let_it_look();
    pass_ms(3600000);
    pass_ms(900);
    master_fixture_take_death();
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_int_equal(master_fixture_count_in_log("event=supervisor_hangs"), 0);
}

/* ---- ticks that do not come ---- */

static void hang__no_tick_for_three_seconds__another_supervisor(void **state)
{
    (void)state;
    master.script[1] = hang_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    for (int i = 0; i < 3; i++) {
        pass_ms(900);
    }
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    pass_last_ms(900);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 2);
    master_fixture_expect_in_log("event=supervisor_hangs pid=");
    master_fixture_expect_in_log(" silent_ms=3");
}

/* The machine slept, or the master was stopped: then its supervisor had no time either. */
static void hang__time_leaps__supervisor_gets_its_time_anew(void **state)
{
    (void)state;
    master.script[1] = hang_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    master_fixture_let_it_look();
    pass_ms(3600000);
    master_fixture_let_it_look();
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_string_equal(master.log_text, "");
}

static void hang__ticks_come__none_is_seen(void **state)
{
    (void)state;
    master.script[1] = hang_until_told;
    master_fixture_start();
    assert_true(master_fixture_wait_until(master_fixture_first_supervisor_runs));
    for (int i = 0; i < 8; i++) {
        atomic_store(&master.pages->orders.supervisor_tick_ns, clock_now_ns());
        pass_ms(900);
    }
    atomic_store(&master.shared->may_go_on, 1);
    master_fixture_expect_end();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, master_fixture_open, master_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hang__death_not_taken_for_a_second__another_supervisor),
        TEST(hang__death_left_by_the_last_one__new_supervisor_gets_its_second),
        TEST(hang__death_of_this_moment__is_not_late_however_old_the_supervisor),
        TEST(hang__no_tick_for_three_seconds__another_supervisor),
        TEST(hang__time_leaps__supervisor_gets_its_time_anew),
        TEST(hang__time_leaps_over_an_untaken_death__supervisor_gets_its_second_anew),
        TEST(hang__ticks_come__none_is_seen),
    };

    return cmocka_run_group_tests_name("master_hangs", tests, NULL, NULL);
}
