/* wrap: mmap calloc uv_loop_init client_world_init */
/* The child's own side, in a fork of the test: what it refuses to begin with, how it gives up, how it ends.
 */
#include "loadtool/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_server.h"
#include "tests/unit/test_loadtool_wrap.h"

enum {
    CLIENTS = 4,
    MESSAGE_BYTES = 100,
    BUDGET = 1000000,
    DEADLINE_MS = 10000,
    HIGH_FD = 100,
    EXIT_TROUBLE = 1
};

#define NEVER_NS (UINT64_C(3600) * 1000 * NS_PER_MS)

static const char *failing; /* the call that fails, in the child */

static bool fails(const char *call)
{
    return failing != NULL && strcmp(failing, call) == 0;
}

WRAP(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset), MAP_FAILED)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(int, uv_loop_init, (uv_loop_t * loop), (loop), UV_EMFILE)
WRAP(int, client_world_init, (struct client_world * world, enum oracle_check check), (world, check), -ENOMEM)

static struct {
    struct server server;
    bool has_server;
    struct shared memory, budget;
    struct child_page *page;
    bool has_budget; /* at its descriptor, in the child */
    pid_t pid;
} trial;

static void aim_at(uint16_t port)
{
    trial.page->target.length = sizeof(trial.page->target.address.v4);
    trial.page->target.address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void serve(enum server_fault fault)
{
    server_start(&trial.server, fault, 0);
    trial.has_server = true;
    aim_at(trial.server.port);
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    assert_int_equal(shared_make(&trial.memory, "page", sizeof(*trial.page)), 0);
    trial.page = trial.memory.at;
    trial.page->orders = (struct child_orders){.clients = CLIENTS,
                                               .first_serial = 1,
                                               .check = ORACLE_UPPER,
                                               .timeout_ns = NEVER_NS,
                                               .connect_timeout_ns = NEVER_NS,
                                               .budget_fd = -1};
    trial.page->seed = 5;
    dialogue_set_size(&trial.page->dialogue, MESSAGE_BYTES);
    trial.page->begin_ns = uv_hrtime();
    trial.page->parent_pid = getpid();
    return 0;
}

static int end_child(void)
{
    int status = -1;

    kill(trial.pid, SIGKILL);
    assert_int_equal(waitpid(trial.pid, &status, 0), trial.pid);
    trial.pid = 0;
    return status;
}

static int stop(void **state)
{
    (void)state;
    if (trial.pid > 0)
        (void)end_child();
    if (trial.has_server)
        server_stop(&trial.server);
    shared_free(&trial.budget);
    shared_free(&trial.memory);
    return 0;
}

/* As after the parent's spawn: the page and the budget at their descriptors, nothing else that matters. */
static _Noreturn void be_child(void)
{
    int page = fcntl(trial.memory.fd, F_DUPFD, HIGH_FD);
    int budget = trial.has_budget ? fcntl(trial.budget.fd, F_DUPFD, HIGH_FD) : -1;

    alarm(3 * DEADLINE_MS / 1000); /* whatever becomes of the test */
    dup2(page, CHILD_PAGE_DESCRIPTOR);
    close(CHILD_BUDGET_DESCRIPTOR);
    if (budget >= 0)
        dup2(budget, CHILD_BUDGET_DESCRIPTOR);
    _exit(child_run());
}

static void start(void)
{
    trial.pid = fork();
    assert_true(trial.pid >= 0);
    if (trial.pid == 0)
        be_child();
}

/* The page tells nobody of a change, so waiting is looking again at short intervals, to a deadline. */
static void wait_until(bool (*happened)(void))
{
    const struct timespec interval = {.tv_nsec = NS_PER_MS};

    for (int i = 0; i < DEADLINE_MS; i++) {
        if (happened())
            return;
        nanosleep(&interval, NULL);
    }
    fail_msg("did not happen within %d ms", DEADLINE_MS);
}

static bool all_serve(void)
{
    return atomic_load(&trial.page->serving) == trial.page->orders.clients;
}

static bool all_have_ended(void)
{
    return atomic_load(&trial.page->unexpected_ends) == CLIENTS;
}

static uint64_t chunks_wanted;

static bool server_has_answered(void)
{
    return atomic_load(&trial.server.chunks) >= chunks_wanted;
}

static void wait_for_chunks_more(uint64_t count)
{
    chunks_wanted = atomic_load(&trial.server.chunks) + count;
    wait_until(server_has_answered);
}

/* ---- what it refuses to begin with ---- */

/* It must end by itself, having connected to nobody. */
static void expect_trouble(void)
{
    serve(SERVER_UPPER);
    start();
    struct pollfd ended = {.fd = pidfd_open(trial.pid, 0), .events = POLLIN};
    assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
    close(ended.fd);
    int status = end_child();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_TROUBLE);
    assert_int_equal(trial.server.accepted, 0);
    assert_int_equal(trial.page->serving, 0);
    assert_int_equal(trial.page->unexpected_ends, 0);
}

static void run__any_call_fails__ends_in_trouble(void **state)
{
    static const char *const calls[] = {"mmap", "calloc", "uv_loop_init", "client_world_init"};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        failing = calls[i];
        expect_trouble();
        (void)stop(state);
        (void)fresh(state);
    }
}

/* The parent died before the child could ask to die with it. */
static void run__parent_is_another_one__ends_in_trouble(void **state)
{
    (void)state;
    trial.page->parent_pid = getppid();
    expect_trouble();
}

static void run__more_clients_than_a_child_may_own__ends_in_trouble(void **state)
{
    (void)state;
    trial.page->orders.clients = LIMIT_CHILD_CLIENTS + 1;
    expect_trouble();
}

/* Without it the child would send as if there were no limit. */
static void run__budget_promised_and_not_there__ends_in_trouble(void **state)
{
    (void)state;
    trial.page->orders.budget_fd = 7;
    expect_trouble();
}

/* ---- what it serves ---- */

static void serve__as_many_clients_as_it_may_own__all_are_served(void **state)
{
    (void)state;
    trial.page->orders.clients = LIMIT_CHILD_CLIENTS;
    serve(SERVER_UPPER);
    start();
    wait_until(all_serve);
    (void)end_child();
    assert_int_equal(trial.server.accepted, LIMIT_CHILD_CLIENTS);
    assert_int_equal(trial.page->tally.opened, LIMIT_CHILD_CLIENTS);
    assert_int_equal(trial.page->unexpected_ends, 0);
}

static void give_budget(void)
{
    assert_int_equal(shared_make(&trial.budget, "budget", sizeof(struct budget)), 0);
    schedule_fill(trial.budget.at, BUDGET, 0);
    trial.has_budget = true;
    trial.page->orders.budget_fd = trial.budget.fd;
}

/* It may have died between the two. */
static void expect_taken_what_was_sent(void)
{
    struct budget *budget = trial.budget.at;
    uint64_t sent = trial.page->tally.messages_sent;

    assert_in_range(BUDGET - atomic_load(&budget->left), sent, sent + 1);
}

static void serve__budget__is_taken_from_by_every_message(void **state)
{
    (void)state;
    give_budget();
    serve(SERVER_UPPER);
    start();
    wait_for_chunks_more(50);
    (void)end_child();
    expect_taken_what_was_sent();
}

/* A client that has its reply waits for the next beat. However slow the machine, there are not more of them.
 */
static void serve__interval__a_message_of_each_client_at_each_beat(void **state)
{
    enum { INTERVAL_MS = 20, BEATS = 5 };

    (void)state;
    trial.page->orders.interval_ns = INTERVAL_MS * NS_PER_MS;
    serve(SERVER_UPPER);
    uint64_t begun_ns = uv_hrtime();
    start();
    wait_for_chunks_more(CLIENTS * (1 + BEATS));
    (void)end_child();
    uint64_t beats = (uv_hrtime() - begun_ns) / NS_PER_MS / INTERVAL_MS;
    assert_in_range(trial.page->tally.messages_sent, CLIENTS * (1 + BEATS), CLIENTS * (1 + beats));
}

static void serve__interval_passes_without_a_reply__nothing_more_is_sent(void **state)
{
    (void)state;
    trial.page->orders.interval_ns = 5 * NS_PER_MS;
    trial.page->orders.timeout_ns = 100 * NS_PER_MS;
    serve(SERVER_MUTE);
    trial.server.after = CLIENTS;
    start();
    wait_until(all_have_ended);
    (void)end_child();
    assert_in_range(trial.page->tally.messages_sent, CLIENTS, 2 * CLIENTS);
}

static bool one_has_ended(void)
{
    return atomic_load(&trial.page->unexpected_ends) == 1;
}

static int accept_one(int listener)
{
    const struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)), 0);
    return fd;
}

static void answer_one(int fd)
{
    uint8_t message[MESSAGE_BYTES];

    assert_int_equal(recv(fd, message, sizeof(message), MSG_WAITALL), sizeof(message));
    assert_int_equal(send(fd, message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

/* The test is the server of two, and leaves one of them. */
static void serve__one_was_lost__the_other_goes_on_alone(void **state)
{
    enum { BEATS = 20 };
    uint16_t port;

    (void)state;
    int listener = server_listen(&port);
    aim_at(port);
    trial.page->orders.clients = 2;
    trial.page->orders.check = ORACLE_ECHO;
    give_budget();
    trial.page->orders.interval_ns = 2 * NS_PER_MS;
    start();
    int lost = accept_one(listener), other = accept_one(listener);
    answer_one(lost);
    answer_one(other);
    wait_until(all_serve);
    close(lost);
    wait_until(one_has_ended);
    for (int i = 0; i < BEATS; i++)
        answer_one(other);
    (void)end_child();
    assert_int_equal(trial.page->serving, 1);
    expect_taken_what_was_sent();
    assert_in_range(trial.page->tally.messages_sent, 2 + BEATS,
                    2 + BEATS + 2); /* one each may be on its way */
    close(other);
    close(listener);
}

/* Ctrl-C reaches every process of the terminal; how a child dies is for its parent to say. */
static void serve__interrupt_or_broken_pipe__does_not_end_it(void **state)
{
    (void)state;
    serve(SERVER_UPPER);
    start();
    wait_until(all_serve);
    assert_int_equal(kill(trial.pid, SIGINT), 0);
    assert_int_equal(kill(trial.pid, SIGPIPE), 0);
    wait_for_chunks_more(100);
    int status = end_child();
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* ---- what it gives up ---- */

static void expect_ends(enum fault fault, enum where where)
{
    start();
    wait_until(all_have_ended);
    (void)end_child();
    assert_int_equal(trial.page->serving, 0);
    assert_int_equal(trial.page->unexpected_ends, CLIENTS);
    assert_int_equal(trial.page->tally.faults[fault][where].count, CLIENTS);
}

static void give_up__no_reply_in_time__each_is_unanswered(void **state)
{
    (void)state;
    trial.page->orders.timeout_ns = 30 * NS_PER_MS;
    serve(SERVER_MUTE);
    expect_ends(FAULT_UNANSWERED, WHERE_REPLY);
    assert_non_null(
        strstr(trial.page->tally.faults[FAULT_UNANSWERED][WHERE_REPLY].first, "victim in a child"));
}

static void give_up__reset_after_serving__is_counted_and_serves_no_more(void **state)
{
    (void)state;
    serve(SERVER_RESET);
    trial.server.after = CLIENTS;
    trial.page->orders.interval_ns = 20 * NS_PER_MS; /* all are answered once before the first reset */
    expect_ends(FAULT_RESET, WHERE_REPLY);
    assert_int_equal(trial.page->tally.messages_right, CLIENTS);
}

static void give_up__nobody_listens__each_is_refused(void **state)
{
    uint16_t port;

    (void)state;
    int listener = server_listen(&port);
    close(listener);
    aim_at(port);
    expect_ends(FAULT_REFUSED, WHERE_CONNECT);
    assert_int_equal(trial.page->tally.failed, CLIENTS);
}

/* A full accept queue drops what knocks. */
static int full_listener(int fillers[2])
{
    uint16_t port;
    int listener = server_listen(&port);

    assert_int_equal(listen(listener, 0), 0);
    aim_at(port);
    for (int i = 0; i < 2; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], &trial.page->target.address.any, trial.page->target.length);
    }
    struct pollfd is_full = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&is_full, 1, DEADLINE_MS), 1);
    return listener;
}

static void give_up__no_connection_in_time__each_is_timed_out(void **state)
{
    int fillers[2];

    (void)state;
    int listener = full_listener(fillers);
    trial.page->orders.connect_timeout_ns = 30 * NS_PER_MS;
    expect_ends(FAULT_TIMEOUT, WHERE_CONNECT);
    assert_int_equal(trial.page->tally.opened, 0);
    close(fillers[0]);
    close(fillers[1]);
    close(listener);
}

/* ---- how it ends ---- */

/* The pipe's writing end is the child's alone: its end is the child's. */
static void end__parent_dies__dies_with_it(void **state)
{
    int ends[2];

    (void)state;
    serve(SERVER_UPPER);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        trial.page->parent_pid = getpid();
        if (fork() == 0)
            be_child();
        close(ends[1]);
        pause(); /* till the test kills it */
        _exit(1);
    }
    close(ends[1]);
    wait_until(all_serve);
    struct pollfd end = {.fd = ends[0]};
    assert_int_equal(poll(&end, 1, 0), 0);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
    assert_true(end.revents & POLLHUP);
    close(ends[0]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run__any_call_fails__ends_in_trouble),
        TEST(run__parent_is_another_one__ends_in_trouble),
        TEST(run__more_clients_than_a_child_may_own__ends_in_trouble),
        TEST(run__budget_promised_and_not_there__ends_in_trouble),
        TEST(serve__as_many_clients_as_it_may_own__all_are_served),
        TEST(serve__budget__is_taken_from_by_every_message),
        TEST(serve__interval__a_message_of_each_client_at_each_beat),
        TEST(serve__interval_passes_without_a_reply__nothing_more_is_sent),
        TEST(serve__one_was_lost__the_other_goes_on_alone),
        TEST(serve__interrupt_or_broken_pipe__does_not_end_it),
        TEST(give_up__no_reply_in_time__each_is_unanswered),
        TEST(give_up__reset_after_serving__is_counted_and_serves_no_more),
        TEST(give_up__nobody_listens__each_is_refused),
        TEST(give_up__no_connection_in_time__each_is_timed_out),
        TEST(end__parent_dies__dies_with_it),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool child_run", tests, NULL, NULL);
}
