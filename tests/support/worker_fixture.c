#include "tests/support/worker_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/loop.h"
#include "worker/recover.h"
#include "worker/serve.h"
#include "worker/service.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_BUFFER_BYTES 4096

static void move_to(int fd, int number)
{
    assert_true(fd >= 0);
    if (fd == number)
        return;
    assert_int_equal(dup2(fd, number), number);
    close(fd);
}

/* ---- the listener ---- */

static void set_option(int fd, int level, int option, int value)
{
    assert_int_equal(setsockopt(fd, level, option, &value, sizeof value), 0);
}

static bool bind_unix(struct worker_fixture *f, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "prefork-upper-unit-%d", getpid());

    memcpy(&f->address, &address, sizeof address);
    f->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return bind(fd, (struct sockaddr *)&f->address, f->address_length) == 0;
}

/* A free port below those that the kernel hands to clients. */
static bool bind_tcp(struct worker_fixture *f, int fd)
{
    for (int try = 0; try < 1000; try++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        address.sin_port = htons((uint16_t)(12000 + (getpid() * 31 + try) % 20000));
        memcpy(&f->address, &address, sizeof address);
        f->address_length = sizeof address;
        if (bind(fd, (struct sockaddr *)&f->address, f->address_length) == 0)
            return true;
        if (errno != EADDRINUSE)
            return false;
    }
    return false;
}

static void open_listener(struct worker_fixture *f)
{
    bool is_unix = f->options.is_unix;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    if (!is_unix) {
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (f->options.small_buffers) {
        set_option(fd, SOL_SOCKET, SO_SNDBUF, SMALL_BUFFER_BYTES);
        if (!is_unix)
            set_option(fd, SOL_SOCKET, SO_RCVBUF, SMALL_BUFFER_BYTES);
    }
    assert_true(is_unix ? bind_unix(f, fd) : bind_tcp(f, fd));
    assert_int_equal(listen(fd, 64), 0);
    move_to(fd, FD_LISTENER);
}

/* ---- life ---- */

static void open_heritage(struct worker_fixture *f)
{
    int log[2];

    close_range(3, ~0u, 0);
    open_listener(f);
    assert_int_equal(pipe2(log, O_NONBLOCK), 0);
    /* Away from the fixed numbers first: the ends may have been given each other's. */
    int log_write = fcntl(log[1], F_DUPFD, FIXTURE_CLIENT_FIRST);
    close(log[1]);
    move_to(log[0], FD_LOG_READ);
    move_to(log_write, FD_LOG);
    move_to(eventfd(0, EFD_NONBLOCK), FD_MASTER);
    move_to(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR);
    move_to(epoll_create1(0), FD_EPOLL);
    move_to(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TICK);
    for (unsigned slot = 0; slot < SLOT_COUNT_MAX; slot++)
        move_to(eventfd(0, EFD_NONBLOCK), FD_POKE + (int)slot);
    for (int fd = 0; fd < FIRST_CONNECTION; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            move_to(open("/dev/null", O_RDWR), fd);
}

static struct worker_settings settings_of(struct fixture_options options)
{
    return (struct worker_settings){
        .connection_count_max = options.connection_count_max ? options.connection_count_max : 100,
        .idle_timeout_ms = options.idle_timeout_ms,
        .write_timeout_ms = options.write_timeout_ms,
        .drain_timeout_ms = 100,
        .listener_is_unix = options.is_unix,
    };
}

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

void worker_fixture_open(struct worker_fixture *f, struct fixture_options options)
{
    memset(f, 0, sizeof *f);
    f->options = options;
    f->pages = shared_memory(sizeof *f->pages);
    f->pages->orders.slot_limit = options.slot_count ? options.slot_count : 1;

    struct worker *w = &f->worker;

    w->slot = options.slot;
    w->generation = FIXTURE_GENERATION;
    w->pages = f->pages;
    w->board = shared_board(f->pages, w->slot);
    w->cell = &f->pages->loads.cells[w->slot];
    w->settings = settings_of(options);
    w->board->settings = w->settings;
    w->drain_deadline_ms = INT64_MAX;
    w->answerer = (struct answerer){.service = &service_upper,
                                    .board = w->board,
                                    .cell = w->cell,
                                    .in = f->in,
                                    .out = f->out,
                                    .journal = f->pages->journals[w->slot],
                                    .is_unix = options.is_unix};
    open_heritage(f);
    log_init(FD_LOG, LOG_LEVEL_INFO);
    assert_int_equal(
        conn_table_init(&w->conns, w->settings.connection_count_max + 1,
                        (struct conn_timeouts){options.idle_timeout_ms, options.write_timeout_ms}),
        0);
}

void worker_fixture_close(struct worker_fixture *f)
{
    if (f->loop_pid) {
        kill(f->loop_pid, SIGKILL);
        waitpid(f->loop_pid, NULL, 0);
    }
    log_init(-1, LOG_LEVEL_ERROR);
    munmap(f->worker.conns.conns, f->worker.conns.capacity * sizeof(struct conn));
    munmap(f->pages, sizeof *f->pages);
    close_range(3, ~0u, 0);
}

/* ---- clients ---- */

int worker_fixture_connect(struct worker_fixture *f)
{
    int fd = socket(f->address.ss_family, SOCK_STREAM, 0);
    int client = fcntl(fd, F_DUPFD, FIXTURE_CLIENT_FIRST);
    const struct timeval deadline = {.tv_sec = FIXTURE_DEADLINE_MS / 1000};

    assert_true(fd >= 0 && client >= 0);
    close(fd);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline), 0);
    if (f->options.small_buffers && !f->options.is_unix)
        set_option(client, SOL_SOCKET, SO_RCVBUF, SMALL_BUFFER_BYTES);
    assert_int_equal(connect(client, (struct sockaddr *)&f->address, f->address_length), 0);
    return client;
}

int worker_fixture_pair(struct worker_fixture *f, int *client)
{
    *client = worker_fixture_connect(f);
    socket_wait_queued(FD_LISTENER, 0);
    int server = accept4(FD_LISTENER, NULL, NULL, SOCK_NONBLOCK);
    assert_true(server >= FIRST_CONNECTION);
    return server;
}

int worker_fixture_admit(struct worker_fixture *f, int *client)
{
    int server = worker_fixture_pair(f, client);

    assert_true(serve_admit(&f->worker, server));
    return server;
}

void worker_fixture_leave_behind(struct worker_fixture *f, int server)
{
    struct board *board = f->worker.board;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)server};

    assert_int_equal(epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, server, &event), 0);
    if ((uint32_t)server > atomic_load(&board->highest))
        atomic_store(&board->highest, (uint32_t)server);
}

void worker_fixture_recover(struct worker_fixture *f)
{
    recover_begin(&f->worker);
    while (recover_slice(&f->worker))
        continue;
}

/* ---- the worker's turns ---- */

int worker_fixture_turn(struct worker_fixture *f)
{
    struct epoll_event events[LOOP_EVENT_COUNT_MAX];
    int count = epoll_wait(FD_EPOLL, events, LOOP_EVENT_COUNT_MAX, FIXTURE_DEADLINE_MS);
    int passed = 0;

    assert_true(count > 0);
    for (int i = 0; i < count; i++)
        if (events[i].data.u64 >= FIRST_CONNECTION) {
            serve_event(&f->worker, (int)events[i].data.u64, events[i].events);
            passed++;
        }
    return passed;
}

void worker_fixture_serve_until_readable(struct worker_fixture *f, int client, size_t count)
{
    for (int turn = 0; turn < 10000 && socket_queued(client) < count; turn++) {
        serve_ready(&f->worker);
        if (f->worker.conns.ready_count == 0 && socket_queued(client) < count)
            worker_fixture_turn(f);
    }
    assert_true(socket_queued(client) >= count);
}

bool worker_fixture_is_blocked(struct worker_fixture *f, int fd)
{
    return conn_find(&f->worker.conns, fd)->flags & CONN_BLOCKED;
}

void worker_fixture_fill_until_blocked(struct worker_fixture *f, int server, int client)
{
    for (int round = 0; round < 1000 && !worker_fixture_is_blocked(f, server); round++) {
        socket_fill(client, 'x');
        worker_fixture_turn(f);
        serve_ready(&f->worker);
    }
    assert_true(worker_fixture_is_blocked(f, server));
}

void worker_fixture_stop_clock(struct worker_fixture *f)
{
    f->worker.tick_running = true;
    f->worker.now_tick = 1000;
}

void worker_fixture_pass_time(struct worker_fixture *f, enum conn_deadline kind)
{
    f->worker.now_tick += f->worker.conns.deadlines[kind].timeout_ticks;
    serve_tick(&f->worker);
}

bool worker_fixture_state_is(struct worker_fixture *f, int fd, int state)
{
    return conn_find(&f->worker.conns, fd)->state == state;
}

uint64_t worker_fixture_counter(struct worker_fixture *f, enum counter counter)
{
    return counter_get(f->worker.cell, counter);
}

bool worker_fixture_read_log(char *text, size_t size)
{
    struct log_record_header header;

    if (read(FD_LOG_READ, &header, sizeof header) != sizeof header)
        return false;
    assert_true(header.text_length < size);
    assert_int_equal(read(FD_LOG_READ, text, header.text_length), header.text_length);
    text[header.text_length] = '\0';
    return true;
}

/* ---- the loop in a child ---- */

void worker_fixture_start_loop(struct worker_fixture *f)
{
    fflush(NULL);
    f->loop_pid = fork();
    assert_true(f->loop_pid >= 0);
    if (f->loop_pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(3 * FIXTURE_DEADLINE_MS / 1000);     /* a loop that does not end fails its test */
    close_range(FIXTURE_CLIENT_FIRST, ~0u, 0); /* the parent's, which says when they end */
    loop_run(&f->worker);
    _exit(0);
}

int worker_fixture_join_loop(struct worker_fixture *f)
{
    int status = -1;

    assert_int_equal(waitpid(f->loop_pid, &status, 0), f->loop_pid);
    f->loop_pid = 0;
    return status;
}
