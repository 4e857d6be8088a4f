/* What a successor does about the journal while it takes over: whose it is, what the report shows of it, and when it is free. */
/* wrap: recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/bent_connection.h"
#include "worker/heritage.h"
#include "worker/journal.h"
#include "worker/loop.h"
#include "worker/recover.h"
#include "worker/serve.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { SECOND_SLICE = FIRST_CONNECTION + RECOVER_SLICE_COUNT };

static struct worker *const w = &bent.fixture.worker;
static int other, other_client; /* a connection that has nothing to do with the journal */

static void leave_other_behind(void)
{
    other = worker_fixture_pair(&bent.fixture, &other_client);
    worker_fixture_leave_behind(&bent.fixture, other);
}

static int leave_both_behind(void)
{
    worker_fixture_leave_behind(&bent.fixture, bent.server);
    leave_other_behind();
    return 0;
}

static int open_left(void **state)
{
    bent_open_tcp(state);
    return leave_both_behind();
}

static int open_unix(void **state)
{
    bent_open_unix(state);
    return leave_both_behind();
}

/* The bent connection is in the second slice, the other one in the first. */
static int open_large(void **state)
{
    (void)state;
    bent_open((struct fixture_options){.connection_count_max = 2 * RECOVER_SLICE_COUNT});
    assert_int_equal(dup2(bent.server, SECOND_SLICE), SECOND_SLICE);
    close(bent.server);
    bent.server = SECOND_SLICE;
    return leave_both_behind();
}

static void recover_all(void)
{
    worker_fixture_recover(&bent.fixture);
}

static void expect_other_served(void)
{
    socket_send_text(other_client, "me, too");
    worker_fixture_serve_until_readable(&bent.fixture, other_client, 7);
    socket_expect_text(other_client, "ME, TOO");
}

/* ---- whose it is ---- */

static void owner__taken_over__answered_and_then_nobodys(void **state)
{
    (void)state;
    bent_hold("hello", "HE", true);
    recover_all();
    assert_int_equal(bent_owner(), bent.server);
    serve_ready(w);
    bent_expect_answer("HELLO");
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(atomic_load(&w->board->recovered.redone), 1);
    expect_other_served();
}

/* Its worker died between its close and the note that the journal is free. */
static void owner__not_open_any_more__nobodys(void **state)
{
    (void)state;
    bent_hold("hello", "HELLO", true);
    close(bent.server);
    recover_all();
    assert_int_equal(bent_owner(), 0);
    expect_other_served();
}

/* Until then it may be one of those that are still to come. */
static void owner__in_a_later_slice__its_own_until_then(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    socket_send_text(other_client, "me, too");
    socket_wait_queued(other, 7);
    recover_begin(w);
    assert_true(recover_slice(w));
    loop_answer(w);
    socket_expect_text(other_client, "ME, TOO");
    assert_int_equal(bent_owner(), SECOND_SLICE);
    assert_false(recover_slice(w));
    assert_int_equal(bent_owner(), SECOND_SLICE);
    serve_ready(w);
    bent_expect_answer("HELLO");
    assert_int_equal(bent_owner(), 0);
}

/* It has asked again, so it is met before its slice: what it asked first is answered first. */
static void owner__asks_before_its_slice__answered_in_order(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    bent_send("again");
    recover_begin(w);
    assert_true(recover_slice(w));
    loop_answer(w);
    bent_expect_answer("HELLOAGAIN");
    assert_int_equal(bent_owner(), 0);
    assert_false(recover_slice(w));
    assert_int_equal(atomic_load(&w->board->recovered.continued), 2);
}

/* The dead worker wrote that number, and it may have written anything. */
static void owner__number_that_is_no_connection__nobodys(void **state)
{
    const int numbers[] = {-1,
                           1,
                           FD_LISTENER,
                           FIRST_CONNECTION - 1,
                           FIRST_CONNECTION + 50,
                           FIRST_CONNECTION + (int)w->conns.capacity,
                           1000000,
                           INT32_MAX,
                           INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        memset(w->conns.conns, 0, w->conns.capacity * sizeof(struct conn)); /* the next one's memory */
        w->conns.open_count = 0;
        atomic_store(&w->board->journal_fd, numbers[i]);
        journal_fill(w->board, UINT32_MAX);
        recover_all();
        assert_int_equal(bent_owner(), 0);
        assert_int_equal(w->conns.open_count, 2);
        assert_int_equal(w->conns.ready_count, 0);
        assert_true(socket_is_open(FD_LISTENER));
    }
    expect_other_served();
}

/* Somebody who owes nothing is named: he is settled as ever, and gets nothing of what is in there. */
static void owner__wrong_connection__gets_nothing(void **state)
{
    (void)state;
    memcpy(w->answerer.journal, "secret", 6);
    journal_open(w->board, bent.server);
    journal_fill(w->board, 6);
    recover_all();
    serve_ready(w);
    assert_string_equal(bent.calls, "L");
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(socket_queued(bent.client), 0);
    expect_other_served();
}

/* ---- the owner is the suspect ---- */

/* The note after a recovery that shows so many bytes at most. */
static const struct suspect_note *suspect_note(uint32_t incident_bytes)
{
    w->settings.suspect = bent.server;
    w->settings.incident_bytes = incident_bytes;
    recover_all();
    assert_int_equal(atomic_load(&w->board->suspect_note.generation), FIXTURE_GENERATION);
    return &w->board->suspect_note;
}

static void expect_queue(const struct suspect_note *note, const char *text)
{
    assert_int_equal(note->queue_bytes, strlen(text));
    assert_memory_equal(note->queue, text, strlen(text));
}

static void suspect__journal_and_queue__both_in_their_order(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("poison", "PO", true);
    bent_send("more");
    note = suspect_note(100);
    expect_queue(note, "isonmore");
    assert_int_equal(note->unread, 8);
    assert_int_equal(note->bytes_received, 10);
    bent_expect_queued(4); /* looked at, not taken */
    assert_int_equal(bent_owner(), bent.server);
}

static void suspect__count_not_known__all_of_the_journal(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("poison", "", false);
    note = suspect_note(100);
    expect_queue(note, "poison");
    assert_int_equal(note->unread, 6);
}

static void suspect__fewer_bytes_wanted__cut_in_the_queue(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("poison", "", true);
    bent_send("more");
    note = suspect_note(8);
    expect_queue(note, "poisonmo");
    assert_int_equal(note->queue[8], 0);
    assert_int_equal(note->unread, 10);
}

static void suspect__fewer_bytes_wanted_than_are_held__cut_in_the_journal(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("poison", "", true);
    bent_send("more");
    note = suspect_note(4);
    expect_queue(note, "pois");
    assert_int_equal(note->queue[4], 0);
    assert_int_equal(note->unread, 10);
}

static void suspect__no_bytes_wanted__none_shown(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("secret", "", true);
    bent_send("more");
    note = suspect_note(0);
    assert_int_equal(note->queue_bytes, 0);
    assert_int_equal(note->queue[0], 0);
    assert_int_equal(note->unread, 10);
}

static void suspect__more_is_held_than_there_is_room__cut(void **state)
{
    char poison[2 * INCIDENT_BYTES_MAX + 1];
    const struct suspect_note *note;

    (void)state;
    memset(poison, 'p', sizeof poison - 1);
    poison[sizeof poison - 1] = '\0';
    bent_hold(poison, "", true);
    note = suspect_note(UINT32_MAX);
    assert_int_equal(note->queue_bytes, INCIDENT_BYTES_MAX);
    assert_int_equal(note->unread, 2 * INCIDENT_BYTES_MAX);
}

static void suspect__journal_can_not_have_it__the_queue_alone(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("secret", "", true);
    bent_send("more");
    journal_fill(w->board, UINT32_MAX);
    note = suspect_note(100);
    expect_queue(note, "more");
    assert_int_equal(note->unread, 4);
}

static void suspect__journal_is_anothers__the_queue_alone(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_send("poison");
    memcpy(w->answerer.journal, "theirs", 6);
    journal_open(w->board, other);
    journal_fill(w->board, 6);
    note = suspect_note(100);
    expect_queue(note, "poison");
    assert_int_equal(note->unread, 6);
    assert_int_equal(bent_owner(), other);
}

/* It has answered that one and could not close the journal any more: nothing in there is of interest. */
static void suspect__nothing_is_held__the_queue_alone(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("harmless", "HARMLESS", true);
    bent_send("poison");
    note = suspect_note(100);
    expect_queue(note, "poison");
    assert_int_equal(note->unread, 6);
}

/* The sums of a dead connection are not there any more, so nobody can tell what of the journal is not answered. */
static void suspect__client_has_reset_it__nothing_of_the_journal(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_hold("poison", "", true);
    socket_close_reset(bent.client);
    socket_wait_events(bent.server, POLLERR);
    note = suspect_note(100);
    expect_queue(note, "");
    assert_int_equal(note->unread, 0);
    assert_int_equal(note->peer[0], 0);
}

/* Nobody but somebody who has taken a worker over names a UNIX connection there. */
static void unix_suspect__journal_names_it__the_queue_alone(void **state)
{
    const struct suspect_note *note;

    (void)state;
    bent_send("poison");
    memcpy(w->answerer.journal, "secret", 6);
    journal_open(w->board, bent.server);
    note = suspect_note(100);
    expect_queue(note, "poison");
    assert_int_equal(note->bytes_received, 0);
    serve_ready(w);
    bent_expect_answer("POISON");
    assert_int_equal(bent_owner(), 0);
}

/* ---- connections that are reset ---- */

static void reset_suspect__owner__described_and_the_journal_nobodys(void **state)
{
    (void)state;
    bent_hold("poison", "", true);
    w->settings.recover_how = RECOVER_RESET_SUSPECT;
    expect_queue(suspect_note(100), "poison");
    assert_false(socket_is_open(bent.server));
    assert_int_equal(bent_owner(), 0);
    socket_expect_reset(bent.client);
    expect_other_served();
}

static void reset_suspect__journal_is_anothers__stays_the_owners(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    w->settings.suspect = other;
    w->settings.recover_how = RECOVER_RESET_SUSPECT;
    recover_all();
    assert_false(socket_is_open(other));
    assert_int_equal(bent_owner(), bent.server);
    serve_ready(w);
    bent_expect_answer("HELLO");
}

static void reset_all__owner__nobodys(void **state)
{
    (void)state;
    bent_hold("hello", "", true);
    w->settings.recover_how = RECOVER_RESET_ALL;
    recover_all();
    assert_false(socket_is_open(bent.server));
    assert_int_equal(bent_owner(), 0);
    assert_int_equal(w->conns.ready_count, 0);
    socket_expect_reset(bent.client);
}

int main(void)
{
#define LEFT(test)  cmocka_unit_test_setup_teardown(test, open_left, bent_close)
#define UNIX(test)  cmocka_unit_test_setup_teardown(test, open_unix, bent_close)
#define LARGE(test) cmocka_unit_test_setup_teardown(test, open_large, bent_close)
    const struct CMUnitTest tests[] = {
        LEFT(owner__taken_over__answered_and_then_nobodys),
        LEFT(owner__not_open_any_more__nobodys),
        LARGE(owner__in_a_later_slice__its_own_until_then),
        LARGE(owner__asks_before_its_slice__answered_in_order),
        LEFT(owner__number_that_is_no_connection__nobodys),
        LEFT(owner__wrong_connection__gets_nothing),
        LEFT(suspect__journal_and_queue__both_in_their_order),
        LEFT(suspect__count_not_known__all_of_the_journal),
        LEFT(suspect__fewer_bytes_wanted__cut_in_the_queue),
        LEFT(suspect__fewer_bytes_wanted_than_are_held__cut_in_the_journal),
        LEFT(suspect__no_bytes_wanted__none_shown),
        LEFT(suspect__more_is_held_than_there_is_room__cut),
        LEFT(suspect__journal_can_not_have_it__the_queue_alone),
        LEFT(suspect__journal_is_anothers__the_queue_alone),
        LEFT(suspect__nothing_is_held__the_queue_alone),
        LEFT(suspect__client_has_reset_it__nothing_of_the_journal),
        UNIX(unix_suspect__journal_names_it__the_queue_alone),
        LEFT(reset_suspect__owner__described_and_the_journal_nobodys),
        LEFT(reset_suspect__journal_is_anothers__stays_the_owners),
        LEFT(reset_all__owner__nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
