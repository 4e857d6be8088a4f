/* A turn of the supervisor's loop: what it does and in which order, how long it waits, and what its clients and
 * its log get to hear, to the last word before it gives way. */
/* wrap: feed feed_load_memory look_around look_on_tick announce_progress keeper_probe oom_kill_count */
/* wrap: control_init control_on_line control_turn control_flush logsink_drain title_set */
/* wrap: poll __poll_chk clock_gettime getrandom */
#include "tests/support/cmocka_all.h"

#include "tests/support/reactor_fixture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CROWD = 700 /* lines, more than two turns of the sink take */ };

/* ---- the loop ---- */

static void loop__each_turn__looks_ticks_writes_and_serves_clients(void **state)
{
    (void)state;
    rig.script[0] = rig.script[1] = rig_go_on;
    assert_int_equal(rig_run(), 0);
    assert_string_equal(rig.seen->calls, "LTPDC"
                                         "LTPDC"
                                         "LDF"); /* and gives way */
    assert_int_equal(rig.seen->control_ms[0], RIG_BEGIN_MS + 100);
    assert_int_equal(rig.seen->control_ms[1], RIG_BEGIN_MS + 200);
    assert_int_equal(rig.seen->polled[0], FD_SUPERVISOR);
    assert_int_equal(rig.seen->polled[1], FD_LOG_READ);
    assert_int_equal(rig.seen->polled[2], FD_MASTER);
}

/* An event cuts a wait short; then it is not time for a tick yet. */
static void poke(struct reactor *r)
{
    (void)r;
    heritage_wake_supervisor();
}

static void note_pokes(struct reactor *r)
{
    if (read(FD_SUPERVISOR, &rig.seen->pokes_left, sizeof rig.seen->pokes_left) < 0)
        rig.seen->pokes_left = 0;
    r->gives_way = true;
}

static void loop__woken_early__looks_but_does_not_tick(void **state)
{
    (void)state;
    rig.script[0] = poke;
    rig.script[1] = rig_go_on;
    rig.script[2] = note_pokes;
    assert_int_equal(rig_run(), 0);
    assert_string_equal(rig.seen->calls, "LTPDC"
                                         "LDC"
                                         "LDF");
    assert_int_equal(rig.seen->pokes_left, 0);
}

static void keep(struct reactor *r)
{
    memcpy(&rig.seen->reactor, r, sizeof *r);
}

static void loop__tick__told_to_the_master(void **state)
{
    (void)state;
    rig.script[0] = rig_go_on;
    rig.script[1] = keep;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->reactor.last_tick_ms, RIG_BEGIN_MS + 100);
    assert_int_equal(rig.seen->reactor.next_tick_ms, RIG_BEGIN_MS + 200);
    assert_true(atomic_load(&rig.pages->orders.supervisor_tick_ns) ==
                (RIG_BEGIN_MS + 200) * INT64_C(1000000));
}

static void nobody_waits(struct reactor *r)
{
    r->state.slot_limit = 2;
    r->state.slots[1].gated = 1;
    r->state.slots[1].made = 1;
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_READY;
    r->state.slots[0].keepers[KEEPER_B].phase = KEEPER_LEAVING;
}

static void keeper_b_starts(struct reactor *r)
{
    r->state.slots[1].keepers[KEEPER_B].phase = KEEPER_STARTING;
}

static void keeper_a_becomes_another_image(struct reactor *r)
{
    r->state.slots[1].keepers[KEEPER_B].phase = KEEPER_READY;
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_EXECING;
}

static void worker_is_made_behind_the_gate(struct reactor *r)
{
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_READY;
    r->state.slots[1].made = 0;
}

static void that_slot_is_no_more(struct reactor *r)
{
    r->state.slot_limit = 1;
}

/* Keepers have no descriptor to wake us with. */
static void loop__while_a_keeper_works__looks_often(void **state)
{
    static const int expected[] = {100, 100, 2, 2, 2, 100};

    (void)state;
    rig.script[0] = nobody_waits;
    rig.script[1] = keeper_b_starts;
    rig.script[2] = keeper_a_becomes_another_image;
    rig.script[3] = worker_is_made_behind_the_gate;
    rig.script[4] = that_slot_is_no_more;
    assert_int_equal(rig_run(), 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(rig.seen->wait_ms[i], expected[i]);
}

/* ---- control and log ---- */

static void control__none__no_listener(void **state)
{
    (void)state;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->control_fd, -1);
    assert_int_equal(rig.seen->polled[3], -1);
}

static void control__path__its_listener_is_waited_on(void **state)
{
    (void)state;
    strcpy(rig.setup.control.path, "/tmp/some.sock");
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->control_fd, FD_CONTROL);
    assert_int_equal(rig.seen->polled[3], FD_CONTROL);
}

static void say_a_word(struct reactor *r)
{
    (void)r;
    log_event(LOG_LEVEL_INFO, "event=word");
}

static void control__event__its_clients_hear_it(void **state)
{
    (void)state;
    rig.script[0] = say_a_word;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig.seen->lines_heard, 1);
    rig_expect_in_log("event=word");
}

static void log__level_of_all_processes__goes_by_it(void **state)
{
    (void)state;
    rig.script[0] = say_a_word;
    atomic_store(&rig.pages->orders.log_level, LOG_LEVEL_ERROR);
    assert_int_equal(rig_run(), 0);
    assert_string_equal(rig.log_text, "");
}

static void log__options__path_format_and_kept_losses(void **state)
{
    struct logsink sink;

    (void)state;
    rig.options.log_format = LOG_FORMAT_JSON;
    assert_int_equal(reactor_open_log(&sink, &rig.setup), 0);
    assert_ptr_equal(sink.lost_kept, &rig.pages->orders.log_lost);
    assert_int_equal(sink.pipe_fd, FD_LOG_READ);
    log_event(LOG_LEVEL_INFO, "event=word");
    assert_int_equal(logsink_drain(&sink), 1);
    logsink_close(&sink);
    rig_read_log();
    assert_int_equal(rig.log_text[0], '{');
}

static void log__no_pipe__error(void **state)
{
    struct logsink sink;

    (void)state;
    close(FD_LOG_READ);
    assert_int_equal(reactor_open_log(&sink, &rig.setup), -EBADF);
}

/* ---- giving way to another image ---- */

static void say_much_and_give_way(struct reactor *r)
{
    for (int i = 0; i < CROWD; i++)
        log_event(LOG_LEVEL_INFO, "event=n");
    r->gives_way = true;
}

static void give_way__all_that_was_said_is_written_first(void **state)
{
    (void)state;
    rig.script[0] = say_much_and_give_way;
    assert_int_equal(rig_run(), 0);
    assert_int_equal(rig_count_in_log("event=n\n"), CROWD);
    assert_int_equal(rig.seen->turn_count, 1);
    assert_string_equal(rig.seen->calls, "LDDDF"); /* and its clients have heard it */
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, rig_begin, rig_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loop__each_turn__looks_ticks_writes_and_serves_clients),
        TEST(loop__woken_early__looks_but_does_not_tick),
        TEST(loop__tick__told_to_the_master),
        TEST(loop__while_a_keeper_works__looks_often),
        TEST(control__none__no_listener),
        TEST(control__path__its_listener_is_waited_on),
        TEST(control__event__its_clients_hear_it),
        TEST(log__level_of_all_processes__goes_by_it),
        TEST(log__options__path_format_and_kept_losses),
        TEST(log__no_pipe__error),
        TEST(give_way__all_that_was_said_is_written_first),
    };

    return cmocka_run_group_tests_name("reactor", tests, NULL, NULL);
}
