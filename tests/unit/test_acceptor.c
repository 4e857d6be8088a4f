/* Accepting: who takes a connection, and what becomes of the listener. The other workers are figures on the
 * loads page. */
/* wrap: accept4 epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/acceptor.h"
#include "worker/heritage.h"
#include "worker/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

enum { ME = 0, OTHER = 1, THIRD = 2 };

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int accept_error;         /* with which the next accepts fail */
static unsigned accept_failures; /* so many of them */
static int add_error;            /* with which the next registration of the listener fails; 0: none */
static int admit_error;          /* with which every registration of a connection fails; 0: none */
static char listener_calls[16];  /* what was done with the listener's registration: A(dd), D(el) */

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    if (accept_failures == 0)
        return __real_accept4(fd, peer, length, flags);
    accept_failures--;
    errno = accept_error;
    return -1;
}

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    size_t count = strlen(listener_calls);

    if (fd == FD_LISTENER && count < sizeof listener_calls - 1)
        listener_calls[count] = operation == EPOLL_CTL_ADD ? 'A' : 'D';
    if (fd == FD_LISTENER && operation == EPOLL_CTL_ADD && add_error) {
        errno = add_error;
        add_error = 0;
        return -1;
    }
    if (fd >= FIRST_CONNECTION && admit_error) {
        errno = admit_error;
        return -1;
    }
    return __real_epoll_ctl(set, operation, fd, event);
}

static void forget_calls(void)
{
    memset(listener_calls, 0, sizeof listener_calls);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    accept_failures = 0;
    add_error = admit_error = 0;
    acceptor_start(w);
    forget_calls();
    return 0;
}

static int open_alone(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true});
}

static int open_among_three(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.slot_count = 3, .slot = ME});
}

static int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

/* ---- the world of a worker ---- */

static void set_load(unsigned slot, uint32_t connection_count)
{
    struct load_cell *cell = &fixture.pages->loads.cells[slot];

    atomic_store(&cell->connection_count, connection_count);
    atomic_store(&cell->accepting_generation, FIXTURE_GENERATION);
}

static void set_full(unsigned slot)
{
    atomic_store(&fixture.pages->loads.cells[slot].full, 1);
}

/* What the others were poked with since the last look. */
static uint64_t pokes_of(unsigned slot)
{
    uint64_t value = 0;

    return read(FD_POKE + (int)slot, &value, sizeof value) == sizeof value ? value : 0;
}

static uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&fixture, which);
}

static bool listener_is_watched(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = FD_LISTENER};

    if (__real_epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_LISTENER, &event) == 0) {
        __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL);
        return false;
    }
    return errno == EEXIST;
}

static void expect_state(enum listener_state state)
{
    assert_int_equal(w->acceptor.state, state);
    assert_int_equal(listener_is_watched(), state == LISTENER_IN);
}

static void connect_clients(int count)
{
    for (int i = 0; i < count; i++)
        worker_fixture_connect(&fixture);
    socket_wait_events(FD_LISTENER, POLLIN);
}

static void fail_accepts(int error, unsigned count)
{
    accept_error = error;
    accept_failures = count;
}

static unsigned log_lines_with(const char *text)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];
    unsigned count = 0;

    while (worker_fixture_read_log(line, sizeof line))
        count += strstr(line, text) != NULL;
    return count;
}

/* ---- start ---- */

static void start__registration_of_an_earlier_worker__replaced(void **state)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 999};

    (void)state;
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL);
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_LISTENER, &event);
    acceptor_start(w);
    expect_state(LISTENER_IN);
    connect_clients(1);
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1);
    assert_int_equal(event.data.u64, FD_LISTENER);
}

/* epoll_ctl(2): only an exclusive registration refuses to be modified. */
static void start__listener__one_worker_woken_for_a_connection(void **state)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = FD_LISTENER};

    (void)state;
    assert_int_equal(__real_epoll_ctl(FD_EPOLL, EPOLL_CTL_MOD, FD_LISTENER, &event), -1);
    assert_int_equal(errno, EINVAL);
}

static void start__told_to_the_others(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&w->cell->accepting_generation), FIXTURE_GENERATION);
    assert_true(board_accepting(w->board, w->cell));
}

/* ---- alone ---- */

/* Out and in again: the kernel wakes the first of its queue, so whoever accepted goes to its end. */
static void event__connections__one_a_wake_up_and_to_the_end_of_the_queue(void **state)
{
    (void)state;
    connect_clients(2);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_string_equal(listener_calls, "DA");
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(counter(COUNTER_accepted), 2);
    assert_int_equal(atomic_load(&w->cell->accept_count), 2);
    expect_state(LISTENER_IN);
}

static void event__accepted__logged_with_peer(void **state)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    connect_clients(1);
    acceptor_event(w);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_memory_equal(line, "event=accepted slot=0 ", 22);
    assert_non_null(strstr(line, " peer=127.0.0.1:"));
}

static void event__burst__few_lines_and_then_a_count(void **state)
{
    (void)state;
    connect_clients(ACCEPT_LOG_COUNT_MAX + 3);
    for (int i = 0; i < ACCEPT_LOG_COUNT_MAX + 2; i++)
        acceptor_event(w);
    assert_int_equal(log_lines_with("event=accepted"), ACCEPT_LOG_COUNT_MAX);
    w->acceptor.log.window_end_ms = 0; /* a second later */
    acceptor_event(w);
    assert_int_equal(log_lines_with("count=2"), 1);
}

/* The last of a burst are told although nobody comes any more. */
static void tick__burst_is_over__rest_told_once(void **state)
{
    (void)state;
    connect_clients(ACCEPT_LOG_COUNT_MAX + 3);
    for (int i = 0; i < ACCEPT_LOG_COUNT_MAX + 3; i++)
        acceptor_event(w);
    acceptor_tick(w);
    assert_int_equal(log_lines_with("count="), 0);
    w->acceptor.log.window_end_ms = 0; /* a second later */
    acceptor_tick(w);
    acceptor_tick(w);
    assert_int_equal(log_lines_with("count=3"), 1);
}

static void event__client_name_like_a_log_line__quoted(void **state)
{
    const char name[] = "\0x\nevent=forged a=b";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof name - 1;
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    memcpy(address.sun_path, name, sizeof name - 1);
    assert_int_equal(bind(client, (struct sockaddr *)&address, length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&fixture.address, fixture.address_length), 0);
    acceptor_event(w);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_non_null(strstr(line, "peer=\"unix:@x\\nevent=forged a=b\""));
}

/* ---- sharing ---- */

static void event__other_far_below__handed_on(void **state)
{
    (void)state;
    set_load(ME, 10);
    set_load(OTHER, 0);
    set_load(THIRD, 5);
    connect_clients(1);
    acceptor_event(w);
    expect_state(LISTENER_HANDED);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(acceptor_timeout_ms(w), SHARE_WAIT_MS);
    uint64_t handed_on = counter(COUNTER_handed_on);
    assert_true(handed_on >= 1);
    assert_int_equal(pokes_of(OTHER), handed_on * POKE_ACCEPT);
    assert_int_equal(pokes_of(THIRD), 0);
}

static void event__other_little_below__accepted_here(void **state)
{
    (void)state;
    set_load(ME, SHARE_SLACK);
    set_load(OTHER, 0);
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(pokes_of(OTHER), 0);
}

static void event__other_far_below_and_dead__accepted_here(void **state)
{
    (void)state;
    set_load(ME, 10);
    set_load(OTHER, 0);
    atomic_store(&shared_board(fixture.pages, OTHER)->worker_death.generation, FIXTURE_GENERATION);
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void event__slot_count_of_the_page_beyond_all_bounds__no_slot_outside_read(void **state)
{
    (void)state;
    atomic_store(&fixture.pages->orders.slot_limit, UINT32_MAX);
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void event__reported_before_the_listener_was_left__nothing(void **state)
{
    (void)state;
    set_load(ME, 10);
    set_load(OTHER, 0);
    connect_clients(1);
    acceptor_event(w);
    pokes_of(OTHER);
    forget_calls();
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(pokes_of(OTHER), 0);
    assert_string_equal(listener_calls, "");
}

static void hand_on_to_other(void)
{
    set_load(ME, 10);
    set_load(OTHER, 0);
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->acceptor.state, LISTENER_HANDED);
    pokes_of(OTHER);
}

static void check__the_other_has_accepted__back_at_once(void **state)
{
    (void)state;
    hand_on_to_other();
    w->acceptor.until_ms = INT64_MAX;
    acceptor_check(w);
    expect_state(LISTENER_HANDED);
    atomic_store(&fixture.pages->loads.cells[OTHER].accept_count, 1);
    acceptor_check(w);
    expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_true(pokes_of(OTHER) > 0); /* and it is still the one to ask */
}

static void check__the_other_does_not_come__one_is_ours_and_the_next_is_offered_again(void **state)
{
    (void)state;
    hand_on_to_other();
    connect_clients(1);
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(pokes_of(OTHER), 0);
    set_load(ME, 10);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_true(pokes_of(OTHER) > 0);
}

static void check__the_other_never_comes__left_out_for_a_while(void **state)
{
    (void)state;
    hand_on_to_other();
    w->acceptor.ignored[OTHER] = SHARE_IGNORED_COUNT_MAX - 1;
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    assert_true(w->acceptor.deaf_until_ms[OTHER] > 0);
    acceptor_event(w);
    connect_clients(1);
    set_load(ME, 10);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(pokes_of(OTHER), 0);

    connect_clients(1);
    set_load(ME, 10);
    w->acceptor.deaf_until_ms[OTHER] = 1; /* the while is over */
    acceptor_event(w);
    assert_true(pokes_of(OTHER) > 0);
    assert_int_equal(w->acceptor.deaf_until_ms[OTHER], 0);
}

static void check__no_pause__nothing(void **state)
{
    (void)state;
    acceptor_check(w);
    assert_string_equal(listener_calls, "");
    assert_int_equal(acceptor_timeout_ms(w), -1);
}

/* ---- poked ---- */

static void poked__more_than_there_are__takes_those(void **state)
{
    (void)state;
    connect_clients(3);
    acceptor_poked(w, 2);
    assert_int_equal(w->conns.open_count, 2);
    acceptor_poked(w, 5);
    assert_int_equal(w->conns.open_count, 3);
    assert_int_equal(counter(COUNTER_accept_errors), 0);
}

static void poked__beyond_all_bounds__takes_a_bounded_number(void **state)
{
    (void)state;
    connect_clients(SHARE_POKE_COUNT_MAX + 2);
    acceptor_poked(w, UINT32_MAX);
    assert_int_equal(w->conns.open_count, SHARE_POKE_COUNT_MAX);
}

static void poked__interrupted__goes_on(void **state)
{
    (void)state;
    connect_clients(1);
    fail_accepts(EINTR, 1);
    acceptor_poked(w, 2);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(counter(COUNTER_accept_errors), 0);
}

static void poked__draining__nothing(void **state)
{
    (void)state;
    connect_clients(1);
    w->draining = true;
    acceptor_poked(w, 1);
    assert_int_equal(w->conns.open_count, 0);
}

static void poked__full_and_another_has_room__passed_on(void **state)
{
    (void)state;
    w->settings.connection_count_max = 0;
    set_full(ME);
    set_load(OTHER, 7);
    connect_clients(1);
    acceptor_poked(w, 3);
    assert_int_equal(pokes_of(OTHER), POKE_ACCEPT);
    assert_int_equal(counter(COUNTER_closed_refused), 0);
}

/* ---- full ---- */

static void fill_me(void)
{
    w->settings.connection_count_max = 1;
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(atomic_load(&w->cell->full), 1);
}

static void event__full_and_another_has_room__listener_left_until_one_ends(void **state)
{
    (void)state;
    set_load(OTHER, 0);
    fill_me();
    connect_clients(1);
    acceptor_event(w);
    expect_state(LISTENER_FULL);
    assert_true(pokes_of(OTHER) > 0);
    assert_int_equal(acceptor_timeout_ms(w), -1);
    acceptor_check(w);
    expect_state(LISTENER_FULL);
    w->settings.connection_count_max = 2;
    acceptor_check(w);
    expect_state(LISTENER_IN);
}

static void event__all_full__least_loaded_accepts_and_resets(void **state)
{
    (void)state;
    set_load(OTHER, 5);
    set_full(OTHER);
    fill_me();
    int client = worker_fixture_connect(&fixture);
    socket_wait_events(FD_LISTENER, POLLIN);
    acceptor_event(w);
    socket_expect_reset(client);
    assert_int_equal(counter(COUNTER_closed_refused), 1);
    assert_int_equal(counter(COUNTER_accepted), 1);
    assert_int_equal(w->conns.open_count, 1);
    expect_state(LISTENER_IN);
}

/* It had left the listener to another one, who is full as well by now: nobody else waits for the clients too
 * many. */
static void poked__all_full_and_listener_left__comes_back_and_refuses(void **state)
{
    (void)state;
    set_load(OTHER, 0);
    fill_me();
    connect_clients(1);
    acceptor_event(w);
    expect_state(LISTENER_FULL);
    set_load(OTHER, 5);
    set_full(OTHER);
    forget_calls();
    acceptor_poked(w, 1);
    expect_state(LISTENER_IN);
    assert_string_equal(listener_calls, "A");
    assert_int_equal(counter(COUNTER_closed_refused), 1);
    assert_int_equal(w->conns.open_count, 1);
}

/* ---- accept fails ---- */

static void event__error_that_leaves_it_queued__pauses_and_says_so_once(void **state)
{
    /* With EPERM and EIO the connection stays queued too (net/socket.c asks before it takes one out). */
    const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EIO};

    (void)state;
    connect_clients(1);
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        fail_accepts(errors[i], 1);
        acceptor_event(w);
        expect_state(LISTENER_PAUSED);
        assert_int_equal(acceptor_timeout_ms(w), ACCEPT_PAUSE_MS);
        assert_int_equal(counter(COUNTER_accept_pauses), i + 1);
        assert_int_equal(counter(COUNTER_accept_errors), i + 1);
        w->acceptor.until_ms = INT64_MAX;
        acceptor_check(w);
        expect_state(LISTENER_PAUSED);
        w->acceptor.until_ms = 0;
        acceptor_check(w);
        expect_state(LISTENER_IN);
    }
    assert_int_equal(log_lines_with("event=accept_paused slot=0 why="), 1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* It would never be woken for a connection again. */
static void event__no_memory_to_watch_the_listener__comes_back(void **state)
{
    (void)state;
    connect_clients(2);
    add_error = ENOMEM;
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    expect_state(LISTENER_PAUSED);
    assert_int_equal(acceptor_timeout_ms(w), ACCEPT_PAUSE_MS);
    assert_int_equal(counter(COUNTER_accept_pauses), 1);
    assert_int_equal(log_lines_with("event=accept_paused slot=0 why=ENOMEM"), 1);
    add_error = ENOMEM;
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    expect_state(LISTENER_PAUSED);
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
}

static void check__listener_stands_in_the_set_already__is_in(void **state)
{
    (void)state;
    w->acceptor.state = LISTENER_PAUSED;
    w->acceptor.until_ms = 0;
    add_error = EEXIST;
    acceptor_check(w);
    expect_state(LISTENER_IN);
}

static void poked__no_descriptor_while_away__pauses(void **state)
{
    (void)state;
    hand_on_to_other();
    fail_accepts(EMFILE, 1);
    acceptor_poked(w, 1);
    expect_state(LISTENER_PAUSED);
}

/* accept(2): errors that are already pending on the new socket are passed on by accept. */
static void event__error_of_the_one_connection__next_one_accepted(void **state)
{
    const int errors[] = {ECONNABORTED, EPROTO, EHOSTUNREACH, ENETDOWN};

    (void)state;
    connect_clients(1);
    for (unsigned i = 0; i < 4; i++) {
        fail_accepts(errors[i], 1);
        acceptor_event(w);
        expect_state(LISTENER_IN);
    }
    assert_int_equal(counter(COUNTER_accept_errors), 4);
    assert_int_equal(counter(COUNTER_accept_pauses), 0);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* It is closed, and everybody else is served on. */
static void event__connection_cannot_be_watched__closed_and_not_counted(void **state)
{
    (void)state;
    connect_clients(1);
    admit_error = ENOMEM;
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(counter(COUNTER_accepted), 0);
    assert_false(socket_is_open(FIRST_CONNECTION));
    expect_state(LISTENER_IN);
}

/* Whoever waited in vain for another may be full by the time that it is its turn. */
static void event__own_turn_but_full__refused_like_any_other(void **state)
{
    (void)state;
    connect_clients(1);
    w->acceptor.own_turn = true;
    w->settings.connection_count_max = 0;
    acceptor_event(w);
    assert_int_equal(counter(COUNTER_closed_refused), 1);
    assert_int_equal(counter(COUNTER_accepted), 0);
    assert_false(w->acceptor.own_turn);
}

static void poked__full_and_still_in__refuses_and_stays_in(void **state)
{
    (void)state;
    connect_clients(1);
    w->settings.connection_count_max = 0;
    acceptor_poked(w, 1);
    assert_int_equal(counter(COUNTER_closed_refused), 1);
    expect_state(LISTENER_IN);
    assert_string_equal(listener_calls, "");
}

static void event__another_was_faster__nothing(void **state)
{
    (void)state;
    acceptor_event(w);
    assert_int_equal(counter(COUNTER_accept_errors), 0);
    expect_state(LISTENER_IN);
}

/* A listener that was shut down reports a hang-up for ever. */
static void event__listener_shut_down__left_for_ever(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    expect_state(LISTENER_GONE);
    assert_int_equal(counter(COUNTER_accept_errors), 0);
    forget_calls();
    acceptor_poked(w, 1);
    acceptor_check(w);
    acceptor_check(w);
    assert_string_equal(listener_calls, "");
    assert_int_equal(w->acceptor.state, LISTENER_GONE);
}

/* ---- the end ---- */

static bool connect_is_refused(void)
{
    int fd = socket(fixture.address.ss_family, SOCK_STREAM, 0);
    bool refused =
        connect(fd, (struct sockaddr *)&fixture.address, fixture.address_length) < 0 && errno == ECONNREFUSED;

    close(fd);
    return refused;
}

static void drain__queued_connections__all_taken_then_the_port_is_free(void **state)
{
    (void)state;
    connect_clients(3);
    acceptor_drain(w);
    assert_int_equal(w->conns.open_count, 3);
    expect_state(LISTENER_GONE);
    assert_true(connect_is_refused());
    assert_false(board_accepting(w->board, w->cell));
}

/* A connection still waits to be accepted: the listener was not shut down. */
static unsigned client_waits(void)
{
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};

    return poll(&listener, 1, 0) == 1 && listener.revents == POLLIN;
}

/* An error of one connection says nothing about the next; one without end must not hold the worker for ever. */
static void drain__errors_without_end__gone_all_the_same(void **state)
{
    (void)state;
    fail_accepts(ECONNABORTED, ~0u);
    acceptor_drain(w);
    expect_state(LISTENER_GONE);
    assert_int_equal(counter(COUNTER_accept_errors), DRAIN_ACCEPT_COUNT_MAX);
}

static void drain__full__leaves_the_rest_to_others(void **state)
{
    (void)state;
    w->settings.connection_count_max = 2;
    connect_clients(2);
    int third = worker_fixture_connect(&fixture);
    acceptor_drain(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(counter(COUNTER_closed_refused), 0);
    /* The others may have room for it. */
    assert_int_equal(client_waits(), 1);
    close(third);
}

static void drain__no_descriptor__gone_all_the_same(void **state)
{
    (void)state;
    connect_clients(1);
    fail_accepts(EMFILE, 1);
    acceptor_drain(w);
    expect_state(LISTENER_GONE);
    acceptor_check(w);
    expect_state(LISTENER_GONE);
}

static void leave__listener_stays_the_others(void **state)
{
    (void)state;
    acceptor_leave(w);
    expect_state(LISTENER_GONE);
    assert_false(board_accepting(w->board, w->cell));
    assert_false(connect_is_refused());
}

/* ---- and back ---- */

static void return__after_it_left__accepts_again(void **state)
{
    (void)state;
    acceptor_leave(w);
    acceptor_return(w);
    expect_state(LISTENER_IN);
    assert_true(board_accepting(w->board, w->cell));
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void return__never_left__nothing(void **state)
{
    (void)state;
    acceptor_return(w);
    assert_string_equal(listener_calls, "");
    expect_state(LISTENER_IN);
}

/* It has handed a connection on, and comes back by itself. */
static void return__handed_on_to_another__stays_out(void **state)
{
    (void)state;
    hand_on_to_other();
    forget_calls();
    acceptor_return(w);
    assert_string_equal(listener_calls, "");
    expect_state(LISTENER_HANDED);
}

/* After a drain that was taken back: the supervisor has called listen(2) again by then. */
static void return__listener_was_shut_and_is_open_again__accepts(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    expect_state(LISTENER_GONE);
    assert_int_equal(listen(FD_LISTENER, 16), 0);
    acceptor_return(w);
    connect_clients(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* The order to serve may come before that: it leaves again, and the next order brings it back. */
static void return__listener_is_still_shut__gone_again(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    acceptor_return(w);
    acceptor_event(w);
    expect_state(LISTENER_GONE);
    assert_int_equal(counter(COUNTER_accept_errors), 0);
}

int main(void)
{
#define ALONE(test) cmocka_unit_test_setup_teardown(test, open_alone, close_all)
#define THREE(test) cmocka_unit_test_setup_teardown(test, open_among_three, close_all)
#define UNIX(test)  cmocka_unit_test_setup_teardown(test, open_unix, close_all)
    const struct CMUnitTest tests[] = {
        ALONE(start__registration_of_an_earlier_worker__replaced),
        ALONE(start__listener__one_worker_woken_for_a_connection),
        ALONE(start__told_to_the_others),
        ALONE(event__connections__one_a_wake_up_and_to_the_end_of_the_queue),
        ALONE(event__accepted__logged_with_peer),
        ALONE(event__burst__few_lines_and_then_a_count),
        ALONE(tick__burst_is_over__rest_told_once),
        UNIX(event__client_name_like_a_log_line__quoted),
        THREE(event__other_far_below__handed_on),
        THREE(event__other_little_below__accepted_here),
        THREE(event__other_far_below_and_dead__accepted_here),
        ALONE(event__slot_count_of_the_page_beyond_all_bounds__no_slot_outside_read),
        THREE(event__reported_before_the_listener_was_left__nothing),
        THREE(check__the_other_has_accepted__back_at_once),
        THREE(check__the_other_does_not_come__one_is_ours_and_the_next_is_offered_again),
        THREE(check__the_other_never_comes__left_out_for_a_while),
        ALONE(check__no_pause__nothing),
        ALONE(poked__more_than_there_are__takes_those),
        ALONE(poked__beyond_all_bounds__takes_a_bounded_number),
        ALONE(poked__interrupted__goes_on),
        ALONE(poked__draining__nothing),
        THREE(poked__full_and_another_has_room__passed_on),
        THREE(event__full_and_another_has_room__listener_left_until_one_ends),
        THREE(event__all_full__least_loaded_accepts_and_resets),
        THREE(poked__all_full_and_listener_left__comes_back_and_refuses),
        ALONE(event__error_that_leaves_it_queued__pauses_and_says_so_once),
        ALONE(event__no_memory_to_watch_the_listener__comes_back),
        ALONE(check__listener_stands_in_the_set_already__is_in),
        THREE(poked__no_descriptor_while_away__pauses),
        ALONE(event__error_of_the_one_connection__next_one_accepted),
        ALONE(event__connection_cannot_be_watched__closed_and_not_counted),
        ALONE(event__own_turn_but_full__refused_like_any_other),
        ALONE(poked__full_and_still_in__refuses_and_stays_in),
        ALONE(event__another_was_faster__nothing),
        ALONE(event__listener_shut_down__left_for_ever),
        ALONE(drain__queued_connections__all_taken_then_the_port_is_free),
        ALONE(drain__errors_without_end__gone_all_the_same),
        ALONE(drain__full__leaves_the_rest_to_others),
        ALONE(drain__no_descriptor__gone_all_the_same),
        ALONE(leave__listener_stays_the_others),
        ALONE(return__after_it_left__accepts_again),
        ALONE(return__never_left__nothing),
        THREE(return__handed_on_to_another__stays_out),
        ALONE(return__listener_was_shut_and_is_open_again__accepts),
        ALONE(return__listener_is_still_shut__gone_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
