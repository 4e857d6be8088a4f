/* What the master is there for: a supervisor at any time, deaths told before they are reaped, an orderly end. */
/* wrap: reactor_main fork waitid sigtimedwait clock_gettime */
#include "tests/support/cmocka_all.h"

#include "tests/support/master_fixture.h"
#include "worker/clock.h"
#include "worker/heritage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 150, LINES_LEFT = 600 };

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options_given)
{
    if ((int32_t)id == atomic_load(&master.board->worker.pid) &&
        atomic_load(&master.board->worker_death.generation) == MASTER_WORKER_GENERATION)
        atomic_fetch_add(&master.shared->told_before_reaped, 1);
    return __real_waitid(type, id, info, options_given);
}

/* ---- the supervisor's life ---- */

static void die_by_sigkill(void)
{
    kill(getpid(), SIGKILL);
}

static void supervisor__finishes__its_exit_code_is_the_services(void **state)
{
    (void)state;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_int_equal(atomic_load(&master.pages->orders.supervisor_generation), 1);
    assert_string_equal(master.log_text, "");
}

static void supervisor__dies__is_said_and_remade(void **state)
{
    (void)state;
    master.script[1] = die_by_sigkill;
    master.script[2] = master_fixture_exit_3;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->supervisors), 3);
    assert_int_equal(atomic_load(&master.pages->orders.supervisor_generation), 3);
    master_fixture_expect_in_log("event=supervisor_died generation=1 pid=");
    master_fixture_expect_in_log("cause=SIGKILL status=9 next=respawn");
    master_fixture_expect_in_log("event=supervisor_died generation=2 pid=");
    master_fixture_expect_in_log("cause=exit status=3 next=respawn");
}

/* A successor of another image, or after it: it counts on. */
static void supervisor__there_were_some_before__generations_go_on(void **state)
{
    (void)state;
    atomic_store(&master.pages->orders.supervisor_generation, 40);
    master_fixture_run();
    assert_int_equal(atomic_load(&master.pages->orders.supervisor_generation), 41);
}

/* One that dies at its start must not keep the processor busy. */
static void supervisor__dies_at_once__is_remade_after_a_pause(void **state)
{
    (void)state;
    master.script[1] = master.script[2] = master.script[3] = master_fixture_exit_3;
    int64_t begin_ms = clock_now_ms();
    master_fixture_run();
    assert_true(clock_now_ms() - begin_ms >= 3 * 100);
}

static void supervisor__cannot_be_forked__is_said_and_tried_again(void **state)
{
    (void)state;
    atomic_store(&master.shared->forks_that_fail, 2);
    int64_t begin_ms = clock_now_ms();
    master_fixture_run();
    assert_int_equal(atomic_load(&master.pages->orders.supervisor_generation), 1);
    assert_int_equal(master_fixture_count_in_log("event=failed what=fork why=EAGAIN retry_ms=100"), 2);
    assert_true(clock_now_ms() - begin_ms >= 2 * 100);
}

/* ---- deaths ---- */

static bool twin_death_is_told(void)
{
    return atomic_load(&master.board->keeper_deaths[KEEPER_B].generation) == 2;
}

static bool sibling_is_gone(void)
{
    return kill(atomic_load(&master.shared->sibling_pid), 0) < 0 && errno == ESRCH;
}

static void lose_a_worker(void)
{
    uint64_t pokes;
    struct pollfd woken = {.fd = FD_SUPERVISOR, .events = POLLIN};

    (void)!read(FD_SUPERVISOR, &pokes, sizeof pokes);
    master_fixture_make_sibling(&master.board->worker, MASTER_WORKER_GENERATION, 42);
    if (poll(&woken, 1, MASTER_DEADLINE_MS) != 1 || !master_fixture_worker_death_is_told() ||
        !master_fixture_wait_until(sibling_is_gone))
        _exit(97);
    master_fixture_take_death();
}

static void death__of_a_worker__told_then_reaped(void **state)
{
    (void)state;
    master.script[1] = lose_a_worker;
    int64_t begin_ns = clock_now_ns();
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_int_equal(atomic_load(&master.board->worker_death.code), CLD_EXITED);
    assert_int_equal(atomic_load(&master.board->worker_death.status), 42);
    assert_true(atomic_load(&master.board->worker_death.time_ns) >= begin_ns);
    assert_true(atomic_load(&master.board->worker_death.rss_kib) > 0);
    assert_int_equal(atomic_load(&master.shared->told_before_reaped), 1);
}

static void lose_a_keeper(void)
{
    master_fixture_make_sibling(&master.board->keepers[KEEPER_B], 2, 43);
    if (!master_fixture_wait_until(twin_death_is_told))
        _exit(97);
}

static void death__of_a_keeper__told_in_its_own_cell(void **state)
{
    (void)state;
    master.script[1] = lose_a_keeper;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_int_equal(atomic_load(&master.board->keeper_deaths[KEEPER_B].status), 43);
    assert_int_equal(atomic_load(&master.board->keeper_deaths[KEEPER_A].generation), 0);
    assert_int_equal(atomic_load(&master.board->worker_death.generation), 0);
}

static void lose_a_crowd_of_strangers(void)
{
    static struct birth_cell nobodys; /* on no board */

    kill(getppid(), SIGSTOP); /* the master finds them all dead at once */
    for (int i = 0; i < CROWD; i++) {
        master_fixture_make_sibling(&nobodys, 1, 0);
        struct pollfd dead = {.fd = pidfd_open(atomic_load(&master.shared->sibling_pid), 0),
                              .events = POLLIN};
        if (poll(&dead, 1, MASTER_DEADLINE_MS) != 1)
            _exit(97);
        close(dead.fd);
    }
    kill(getppid(), SIGCONT);
    if (!master_fixture_wait_until(sibling_is_gone))
        _exit(97);
}

/* As pid 1 of a container; and more of them than are reaped in one turn. */
static void death__of_many_that_are_not_ours__reaped(void **state)
{
    (void)state;
    master.script[1] = lose_a_crowd_of_strangers;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->supervisors), 1);
    assert_int_equal(atomic_load(&master.board->worker_death.generation), 0);
}

/* ---- the end ---- */

static void say_much(void)
{
    for (int i = 0; i < LINES_LEFT; i++)
        log_event(LOG_LEVEL_INFO, "event=left number=%d", i);
}

static void end__supervisor_left_many_lines__all_are_written(void **state)
{
    (void)state;
    master.script[1] = say_much;
    master_fixture_run();
    assert_int_equal(master_fixture_count_in_log("event=left"), LINES_LEFT);
}

static void end__no_log_to_read_from__the_exit_code_all_the_same(void **state)
{
    (void)state;
    master.has_no_log = true;
    master_fixture_run();
    assert_string_equal(master.log_text, "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, master_fixture_open, master_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(supervisor__finishes__its_exit_code_is_the_services),
        TEST(supervisor__dies__is_said_and_remade),
        TEST(supervisor__there_were_some_before__generations_go_on),
        TEST(supervisor__dies_at_once__is_remade_after_a_pause),
        TEST(supervisor__cannot_be_forked__is_said_and_tried_again),
        TEST(death__of_a_worker__told_then_reaped),
        TEST(death__of_a_keeper__told_in_its_own_cell),
        TEST(death__of_many_that_are_not_ours__reaped),
        TEST(end__supervisor_left_many_lines__all_are_written),
        TEST(end__no_log_to_read_from__the_exit_code_all_the_same),
    };

    return cmocka_run_group_tests_name("master", tests, NULL, NULL);
}
