#include "tests/support/acceptor_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/heritage.h"
#include "worker/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct acceptor_fixture accepting;

static struct worker *const w = &accepting.fixture.worker;
static int accept_error;         /* with which the next accepts fail */
static unsigned accept_failures; /* so many of them */

/* ---- the calls ---- */

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
    size_t count = strlen(accepting.listener_calls);

    if (fd == FD_LISTENER && count < sizeof accepting.listener_calls - 1)
        accepting.listener_calls[count] = operation == EPOLL_CTL_ADD ? 'A' : 'D';
    if (fd == FD_LISTENER && operation == EPOLL_CTL_ADD && accepting.add_error) {
        errno = accepting.add_error;
        accepting.add_error = 0;
        return -1;
    }
    if (fd >= FIRST_CONNECTION && accepting.admit_error) {
        errno = accepting.admit_error;
        return -1;
    }
    return __real_epoll_ctl(set, operation, fd, event);
}

/* ---- life ---- */

void accepting_forget_calls(void)
{
    memset(accepting.listener_calls, 0, sizeof accepting.listener_calls);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&accepting.fixture, options);
    accept_failures = 0;
    accepting.add_error = accepting.admit_error = 0;
    acceptor_start(w);
    accepting_forget_calls();
    return 0;
}

int accepting_open_alone(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

int accepting_open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true});
}

int accepting_open_among_three(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.slot_count = 3, .slot = SLOT_ME});
}

int accepting_close(void **state)
{
    (void)state;
    worker_fixture_close(&accepting.fixture);
    return 0;
}

/* ---- the world of a worker ---- */

void accepting_set_load(unsigned slot, uint32_t connection_count)
{
    struct load_cell *cell = &accepting.fixture.pages->loads.cells[slot];

    atomic_store(&cell->connection_count, connection_count);
    atomic_store(&cell->accepting_generation, FIXTURE_GENERATION);
}

void accepting_set_full(unsigned slot)
{
    atomic_store(&accepting.fixture.pages->loads.cells[slot].full, 1);
}

uint64_t accepting_pokes_of(unsigned slot)
{
    uint64_t value = 0;

    return read(FD_POKE + (int)slot, &value, sizeof value) == sizeof value ? value : 0;
}

uint64_t accepting_counter(enum counter which)
{
    return worker_fixture_counter(&accepting.fixture, which);
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

void accepting_expect_state(enum listener_state state)
{
    assert_int_equal(w->acceptor.state, state);
    assert_int_equal(listener_is_watched(), state == LISTENER_IN);
}

void accepting_connect(int count)
{
    for (int i = 0; i < count; i++)
        worker_fixture_connect(&accepting.fixture);
    socket_wait_events(FD_LISTENER, POLLIN);
}

void accepting_fail_accepts(int error, unsigned count)
{
    accept_error = error;
    accept_failures = count;
}

unsigned accepting_log_lines_with(const char *text)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];
    unsigned count = 0;

    while (worker_fixture_read_log(line, sizeof line))
        count += strstr(line, text) != NULL;
    return count;
}

void accepting_hand_on_to_other(void)
{
    accepting_set_load(SLOT_ME, 10);
    accepting_set_load(SLOT_OTHER, 0);
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->acceptor.state, LISTENER_HANDED);
    accepting_pokes_of(SLOT_OTHER);
}
