/* A client of the control socket that waits: for the outcome of an operation, or for the end of the server. */
#include "tests/support/cmocka_all.h"

#include "tests/support/control_fixture.h"

#include <sys/socket.h>

static void outcome__done__events_then_end(void **state)
{
    (void)state;
    int fd = controlled_dial(), other = controlled_dial();
    controlled_say(fd, "scale 7\n");
    operation_done(&controlled.operation, NULL);
    controlled_event(LOG_LEVEL_INFO, "event=worker_started slot=1");
    controlled_event(LOG_LEVEL_DEBUG, "event=not_told");
    controlled_event(LOG_LEVEL_INFO, "event=accepted slot=1");
    controlled_turn();
    controlled_expect(fd, "attempt 7\nlog info event=worker_started slot=1\nend 0\n");
    controlled_event(LOG_LEVEL_ERROR, "event=later");
    controlled_turn();
    controlled_expect(fd, "");
    controlled_expect(other, ""); /* waits for nothing, hears nothing */
}

static void outcome__failed__its_reason(void **state)
{
    (void)state;
    operation_failed(&controlled.operation, "no such slot");
    int fd = controlled_dial();
    controlled_say(fd, "wait 7\n");
    controlled_turn();
    controlled_expect(fd, "attempt 7\nend 1 no such slot\n");
}

static void outcome__operation_not_known__says_so(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "wait 8\n");
    controlled_turn();
    controlled_expect(fd, "attempt 8\nend 1 no such operation, or it ended long ago\n");
}

static void outcome__long_wait_without_events__patience_is_not_asked(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "scale 7\n");
    shutdown(fd, SHUT_WR); /* as "echo scale 7 | nc -NU" does */
    for (int i = 0; i < 10; i++) {
        controlled.now_ms += CONTROL_PATIENCE_MS;
        controlled_turn();
    }
    controlled_expect(fd, "attempt 7\n");
    operation_done(&controlled.operation, "a remark");
    controlled_turn();
    controlled_expect(fd, "end 0 a remark\n");
    controlled_turn();
    controlled_expect_closed(fd);
}

static void outcome__next_request_while_waiting__answered_after_the_end(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "scale 7\nstatus\n");
    controlled_turn();
    controlled_expect(fd, "attempt 7\n");
    operation_done(&controlled.operation, NULL);
    controlled_turn();
    controlled_expect(fd, "end 0\njson {}\nend 0\n");
}

static void end_of_server__who_waits_for_it__hears_events_and_gets_them_flushed(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "stop\n");
    controlled_event(LOG_LEVEL_INFO, "event=stopped exit=0");
    control_flush(&controlled.control);
    controlled_expect(fd, "log info event=stopped exit=0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outcome__done__events_then_end, controlled_begin, controlled_end),
        cmocka_unit_test_setup_teardown(outcome__failed__its_reason, controlled_begin, controlled_end),
        cmocka_unit_test_setup_teardown(outcome__operation_not_known__says_so, controlled_begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(outcome__long_wait_without_events__patience_is_not_asked,
                                        controlled_begin, controlled_end),
        cmocka_unit_test_setup_teardown(outcome__next_request_while_waiting__answered_after_the_end,
                                        controlled_begin, controlled_end),
        cmocka_unit_test_setup_teardown(end_of_server__who_waits_for_it__hears_events_and_gets_them_flushed,
                                        controlled_begin, controlled_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
