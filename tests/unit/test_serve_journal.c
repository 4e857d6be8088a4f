/* Connections and the journal: who is answered by it, who waits in it, and that it is nobody's again when the owner is done. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/bent_connection.h"
#include "worker/heritage.h"
#include "worker/journal.h"
#include "worker/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct worker *const w = &bent.fixture.worker;

static struct conn *conn(void)
{
    return conn_find(&w->conns, bent.server);
}

static uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&bent.fixture, which);
}

static int open_impatient(void **state)
{
    (void)state;
    bent_open((struct fixture_options){.idle_timeout_ms = 1000, .write_timeout_ms = 1000});
    assert_true(serve_admit(w, bent.server));
    return 0;
}

static int open_admitted(void **state)
{
    bent_open_tcp(state);
    assert_true(serve_admit(w, bent.server));
    return 0;
}

static void expect_state(int state)
{
    assert_true(worker_fixture_state_is(&bent.fixture, bent.server, state));
}

/* ---- who is answered by it ---- */

static void event__message__fetched(void **state)
{
    (void)state;
    bent_send("hello");
    worker_fixture_turn(&bent.fixture);
    assert_string_equal(bent.calls, "FG");
    bent_expect_answer("HELLO");
    assert_int_equal(w->conns.ready_count, 0);
    assert_false(conn()->flags & CONN_UNSETTLED);
}

/* Without room there is no answer, and the journal would not be free for others; the two others say that one short chunk
 * may not be all. */
static void event__no_room_or_more_may_be_there__looked_at_until_empty(void **state)
{
    const uint32_t events[] = {EPOLLIN, EPOLLIN | EPOLLOUT | EPOLLRDHUP, EPOLLIN | EPOLLOUT | EPOLLPRI};

    (void)state;
    for (int i = 0; i < 3; i++) {
        bent_straighten();
        bent_send("hello");
        serve_event(w, bent.server, events[i]);
        assert_string_equal(bent.calls, "LGTL");
        bent_expect_answer("HELLO");
    }
}

static void event__writable_again__looked_at_until_empty(void **state)
{
    (void)state;
    bent_send("hello");
    conn()->flags |= CONN_BLOCKED;
    serve_event(w, bent.server, EPOLLIN | EPOLLOUT);
    assert_string_equal(bent.calls, "LGTL");
}

/* ---- who waits in it ---- */

/* So many gives fail for want of room. */
static void owe(int failure_count)
{
    bent.give = (struct bend){.error = EAGAIN, .failure_count = failure_count};
    bent_send("hello");
    serve_event(w, bent.server, EPOLLIN | EPOLLOUT);
    assert_string_equal(bent.calls, "FG");
    assert_true(conn()->flags & CONN_UNSETTLED);
    assert_int_equal(bent_owner(), bent.server);
    assert_int_equal(w->conns.ready_count, 1);
}

static void owing__next_turn__answered_and_goes_on(void **state)
{
    (void)state;
    owe(1);
    serve_ready(w);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(counter(COUNTER_redone), 0); /* nobody has died */
    assert_int_equal(atomic_load(&w->board->recovered.redone), 0);
    assert_false(conn()->flags & (CONN_UNSETTLED | CONN_BLOCKED | CONN_OWING));
    bent_straighten();
    bent_send("again");
    worker_fixture_turn(&bent.fixture);
    assert_string_equal(bent.calls, "FG");
    bent_expect_answer("AGAIN");
    bent_expect_counters(2, 10);
}

/* The edge of what came meanwhile may have been the one that led to the turn that owes. */
static void owing__more_came_meanwhile__answered_in_the_same_turn(void **state)
{
    (void)state;
    owe(1);
    bent_send("more");
    serve_ready(w);
    bent_expect_answer("HELLOMORE");
    bent_expect_counters(2, 9);
}

static void owing__another_asks__is_looked_at(void **state)
{
    int client, server = worker_fixture_admit(&bent.fixture, &client);

    (void)state;
    owe(1);
    socket_send_text(client, "me, too");
    socket_wait_queued(server, 7);
    serve_event(w, server, EPOLLIN | EPOLLOUT);
    socket_expect_text(client, "ME, TOO");
    assert_int_equal(bent_owner(), bent.server);
    serve_ready(w);
    bent_expect_answer("HELLO");
}

/* Input does not make room. */
static void owing__still_no_room__waits_until_it_is_writable(void **state)
{
    (void)state;
    owe(2);
    serve_ready(w);
    assert_true(worker_fixture_is_blocked(&bent.fixture, bent.server));
    assert_int_equal(conn()->deadline, DEADLINE_WRITE);
    assert_int_equal(counter(COUNTER_blocked), 1);
    assert_string_equal(bent.calls, "FGG");
    serve_event(w, bent.server, EPOLLIN);
    conn_ready_push(&w->conns, conn());
    serve_ready(w);
    assert_string_equal(bent.calls, "FGG");
    assert_int_equal(bent_owner(), bent.server);
    serve_event(w, bent.server, EPOLLOUT);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
    assert_int_equal(bent_owner(), 0);
    assert_false(worker_fixture_is_blocked(&bent.fixture, bent.server));
    assert_int_equal(conn()->deadline, DEADLINE_IDLE);
}

static void owing__no_memory__tried_again_at_every_turn(void **state)
{
    (void)state;
    owe(1);
    bent.give = (struct bend){.error = ENOMEM, .failure_count = 2};
    for (int i = 0; i < 2; i++) {
        serve_ready(w);
        assert_false(worker_fixture_is_blocked(&bent.fixture, bent.server));
        assert_int_equal(w->conns.ready_count, 1);
    }
    serve_ready(w);
    bent_expect_answer("HELLO");
    bent_expect_counters(1, 5);
}

/* ---- silence ---- */

/* Its queue is empty, but it has asked for something. */
static void idle__owner__answered_not_ended(void **state)
{
    (void)state;
    owe(1);
    worker_fixture_pass_time(&bent.fixture, DEADLINE_IDLE);
    expect_state(CONN_OPEN);
    assert_int_equal(counter(COUNTER_closed_idle), 0);
    serve_ready(w);
    bent_expect_answer("HELLO");
    worker_fixture_pass_time(&bent.fixture, DEADLINE_IDLE);
    assert_int_equal(counter(COUNTER_closed_idle), 1);
}

static void idle__journal_is_anothers__ended(void **state)
{
    (void)state;
    journal_open(w->board, bent.server + 1);
    worker_fixture_pass_time(&bent.fixture, DEADLINE_IDLE);
    expect_state(CONN_LINGERING);
    assert_int_equal(bent_owner(), bent.server + 1);
}

/* ---- the end of the owner ---- */

static void end__broken_while_it_is_given__nobodys(void **state)
{
    (void)state;
    bent.give = (struct bend){.error = ECONNRESET, .failure_count = 1};
    bent_send("hello");
    serve_event(w, bent.server, EPOLLIN | EPOLLOUT);
    expect_state(CONN_CLOSED);
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(counter(COUNTER_closed_reset), 1);
}

static void end__reset_while_it_owes__nobodys(void **state)
{
    (void)state;
    owe(1);
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    worker_fixture_turn(&bent.fixture);
    expect_state(CONN_CLOSED);
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(counter(COUNTER_closed_reset), 1);
}

static void end__write_deadline_while_it_owes__nobodys(void **state)
{
    (void)state;
    owe(2);
    serve_ready(w);
    worker_fixture_pass_time(&bent.fixture, DEADLINE_WRITE);
    expect_state(CONN_CLOSED);
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(counter(COUNTER_closed_write), 1);
}

static void end__drained_while_it_owes__nobodys_with_its_close(void **state)
{
    (void)state;
    owe(2);
    serve_end_all(w);
    expect_state(CONN_LINGERING);
    worker_fixture_pass_time(&bent.fixture, DEADLINE_LINGER);
    expect_state(CONN_CLOSED);
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(0, 0);
    /* What it asked for was not answered, so it is not told that this was all. */
    socket_wait_events(bent.client, POLLERR);
}

static void end__of_another__stays_the_owners(void **state)
{
    int client, server = worker_fixture_admit(&bent.fixture, &client);

    (void)state;
    owe(1);
    close(client);
    socket_wait_events(server, POLLRDHUP);
    serve_event(w, server, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    assert_false(socket_is_open(server));
    assert_int_equal(bent_owner(), bent.server);
    serve_ready(w);
    bent_expect_answer("HELLO");
}

/* ---- taken over from a dead worker ---- */

/* It took the message and gave so much of the answer. */
static void take_over(const char *message, const char *given)
{
    struct epoll_event event;

    worker_fixture_leave_behind(&bent.fixture, bent.server);
    bent_hold(message, given, true);
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, 0), 0); /* no event tells of it */
    assert_true(serve_rearm(w, bent.server, EPOLL_CTL_MOD));
}

static void rearm__owner__answered_without_an_event(void **state)
{
    (void)state;
    take_over("hello", "HE");
    assert_int_equal(w->conns.ready_count, 1);
    serve_ready(w);
    assert_string_equal(bent.calls, "GL"); /* and a look whether more has come */
    bent_expect_answer("HELLO");
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(counter(COUNTER_redone), 1);
    assert_false(conn()->flags & CONN_UNSETTLED);
}

static void rearm__journal_is_anothers__waits_for_its_event(void **state)
{
    (void)state;
    worker_fixture_leave_behind(&bent.fixture, bent.server);
    journal_open(w->board, bent.server + 1);
    assert_true(serve_rearm(w, bent.server, EPOLL_CTL_MOD));
    assert_int_equal(w->conns.ready_count, 0);
    assert_int_equal(bent_owner(), bent.server + 1);
}

/* The dead worker gave all and could not close the journal any more. */
static void rearm__owner_owes_nothing__nobodys(void **state)
{
    (void)state;
    take_over("hello", "HELLO");
    serve_ready(w);
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(0, 0);
    expect_state(CONN_OPEN);
}

static void rearm__owner_was_ended_by_us__lingers_and_nobodys(void **state)
{
    (void)state;
    shutdown(bent.server, SHUT_WR);
    take_over("hello", "");
    serve_ready(w);
    expect_state(CONN_LINGERING);
    assert_int_equal(bent_owner(), 0);
    bent_expect_counters(0, 0);
}

static void rearm__journal_can_not_have_it__reset(void **state)
{
    (void)state;
    take_over("hello", "");
    journal_fill(w->board, 3);
    serve_ready(w);
    expect_state(CONN_CLOSED);
    assert_int_equal(bent_owner(), 0);
    socket_expect_reset(bent.client);
}

/* What it had asked for was answered: it was not the cause. */
static void suspect__answered_from_the_journal__cleared(void **state)
{
    (void)state;
    w->settings.suspect = bent.server;
    take_over("hello", "");
    bent.give = (struct bend){.error = EAGAIN, .failure_count = 1};
    serve_ready(w);
    assert_int_equal(atomic_load(&w->board->suspect_cleared), 0); /* not yet: nothing was given */
    serve_event(w, bent.server, EPOLLOUT);
    bent_expect_answer("HELLO");
    assert_int_equal(atomic_load(&w->board->suspect_cleared), FIXTURE_GENERATION);
}

static void suspect__answered_in_part__cleared_by_that(void **state)
{
    (void)state;
    w->settings.suspect = bent.server;
    take_over("hello", "");
    bent.give.limit = 1;
    serve_ready(w);
    assert_true(worker_fixture_is_blocked(&bent.fixture, bent.server));
    assert_int_equal(atomic_load(&w->board->suspect_cleared), FIXTURE_GENERATION);
}

int main(void)
{
#define ADMITTED(test)  cmocka_unit_test_setup_teardown(test, open_admitted, bent_close)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, open_impatient, bent_close)
#define LEFT(test)      cmocka_unit_test_setup_teardown(test, bent_open_tcp, bent_close)
    const struct CMUnitTest tests[] = {
        ADMITTED(event__message__fetched),
        ADMITTED(event__no_room_or_more_may_be_there__looked_at_until_empty),
        ADMITTED(event__writable_again__looked_at_until_empty),
        ADMITTED(owing__next_turn__answered_and_goes_on),
        ADMITTED(owing__more_came_meanwhile__answered_in_the_same_turn),
        ADMITTED(owing__another_asks__is_looked_at),
        IMPATIENT(owing__still_no_room__waits_until_it_is_writable),
        ADMITTED(owing__no_memory__tried_again_at_every_turn),
        IMPATIENT(idle__owner__answered_not_ended),
        IMPATIENT(idle__journal_is_anothers__ended),
        ADMITTED(end__broken_while_it_is_given__nobodys),
        ADMITTED(end__reset_while_it_owes__nobodys),
        IMPATIENT(end__write_deadline_while_it_owes__nobodys),
        ADMITTED(end__drained_while_it_owes__nobodys_with_its_close),
        ADMITTED(end__of_another__stays_the_owners),
        LEFT(rearm__owner__answered_without_an_event),
        LEFT(rearm__journal_is_anothers__waits_for_its_event),
        LEFT(rearm__owner_owes_nothing__nobodys),
        LEFT(rearm__owner_was_ended_by_us__lingers_and_nobodys),
        LEFT(rearm__journal_can_not_have_it__reset),
        LEFT(suspect__answered_from_the_journal__cleared),
        LEFT(suspect__answered_in_part__cleared_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
