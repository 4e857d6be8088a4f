/*
 * A worker's whole life in a process of its own; the test plays keeper, supervisor, client, and a kernel that
 * has nothing more to give.
 */
/* wrap: mmap madvise conn_table_init epoll_ctl nanosleep sandbox_apply */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/service.h"
#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { INHERITED_CORE_BYTES = 12345 };

static struct worker_fixture fixture;
static struct board *board;
static shared_u32 *capacity_seen; /* of the worker's table of connections */
static shared_u32 *pauses_seen;   /* between its tries to start */
static shared_u32 *second_slice;  /* SECOND_SLICE met ... */

enum { NOT_MET, MET_BEFORE_READY, MET_READY };
enum { SECOND_SLICE = FIRST_CONNECTION + RECOVER_SLICE_COUNT };

/* What the process under test finds broken. */
static struct {
    const char *call; /* fails with `error`; NULL: none */
    int error;
    int number;     /* epoll_ctl: for this descriptor alone */
    unsigned count; /* so often; 0: always */
} bend;

static bool fails(const char *call)
{
    errno = bend.error;
    if (!bend.call || strcmp(bend.call, call) != 0)
        return false;
    if (bend.count > 0 && --bend.count == 0)
        bend.call = NULL;
    return true;
}

uint32_t __real_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core);
uint32_t __wrap_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core);

uint32_t __wrap_sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan,
                              bool core)
{
    return fails("sandbox_apply") ? 0 : __real_sandbox_apply(pages, slot, plan, core);
}

void *__real_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    return fails("mmap") ? MAP_FAILED : __real_mmap(at, length, protection, flags, fd, offset);
}

int __real_madvise(void *at, size_t length, int advice);
int __wrap_madvise(void *at, size_t length, int advice);

int __wrap_madvise(void *at, size_t length, int advice)
{
    return fails("madvise") ? -1 : __real_madvise(at, length, advice);
}

int __real_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);
int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);

int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts)
{
    atomic_store(capacity_seen, capacity);
    return fails("conn_table_init") ? -bend.error : __real_conn_table_init(table, capacity, timeouts);
}

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (fd == SECOND_SLICE && operation == EPOLL_CTL_MOD)
        atomic_store(second_slice, atomic_load(&board->ready_generation) == FIXTURE_GENERATION
                                       ? MET_READY
                                       : MET_BEFORE_READY);
    bool is_bent = fd == bend.number && operation == EPOLL_CTL_ADD && fails("epoll_ctl");
    return is_bent ? -1 : __real_epoll_ctl(set, operation, fd, event);
}

/* Nobody has time for that here. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    assert_int_equal(wanted->tv_nsec, 100000000);
    atomic_fetch_add(pauses_seen, 1);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    memset(&bend, 0, sizeof bend);
    capacity_seen =
        mmap(NULL, 3 * sizeof *capacity_seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (capacity_seen == MAP_FAILED)
        return -1;
    pauses_seen = capacity_seen + 1;
    second_slice = capacity_seen + 2;
    worker_fixture_open(&fixture, (struct fixture_options){.slot_count = 3, .slot = 2});
    board = fixture.worker.board;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    memset(&bend, 0, sizeof bend);
    worker_fixture_close(&fixture);
    return munmap(capacity_seen, 3 * sizeof *capacity_seen);
}

/* A child that the fixture ends, should the test not come to its end. */
static bool in_child(void)
{
    fflush(NULL);
    fixture.loop_pid = fork();
    assert_true(fixture.loop_pid >= 0);
    if (fixture.loop_pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return fixture.loop_pid == 0;
}

/* Exit code, or the signal's number with a minus; an end that does not come fails the test. */
static int end_of_child(void)
{
    int pidfd = pidfd_open(fixture.loop_pid, 0);

    assert_true(pidfd >= 0);
    socket_wait_events(pidfd, POLLIN);
    close(pidfd);
    int status = worker_fixture_join_loop(&fixture);
    assert_false(WIFSIGNALED(status) && WCOREDUMP(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- a life ---- */

static void start_worker(void)
{
    if (in_child()) {
        close_range(FIXTURE_CLIENT_FIRST, ~0u, 0); /* the clients' ends are the parent's */
        worker_main(fixture.pages, fixture.options.slot, FIXTURE_GENERATION);
    }
}

/* What a worker announces, it announces by waking the supervisor. */
static void wait_ready(void)
{
    socket_wait_events(FD_SUPERVISOR, POLLIN);
    assert_int_equal(atomic_load(&board->ready_generation), FIXTURE_GENERATION);
}

static void order_to_leave(void)
{
    atomic_store(&board->order, ORDER_LEAVE);
    heritage_poke(fixture.options.slot, POKE_LOOK);
}

static void expect_left(void)
{
    assert_int_equal(end_of_child(), WORKER_EXIT_LEFT);
    assert_int_equal(atomic_load(&board->left_generation), FIXTURE_GENERATION);
}

static void life__serves_until_told_to_leave(void **state)
{
    (void)state;
    start_worker();
    wait_ready();
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
    order_to_leave();
    close(client);
    expect_left();
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_accepted), 1);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_closed_fin), 1);
}

static void life__told_to_leave_with_a_client__leaves_after_it(void **state)
{
    (void)state;
    start_worker();
    wait_ready();
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
    order_to_leave();
    socket_send_text(client, "still there?");
    socket_expect_text(client, "STILL THERE?");
    assert_int_equal(waitpid(fixture.loop_pid, NULL, WNOHANG), 0);
    assert_int_equal(atomic_load(&board->left_generation), 0);
    close(client);
    expect_left();
}

/* Nobody pokes it: it looks by itself. */
static void birth__order_given_before__is_obeyed(void **state)
{
    (void)state;
    atomic_store(&board->order, ORDER_LEAVE);
    start_worker();
    expect_left();
}

/* Whether this generation was of any use is judged by what was answered after its start. */
static void birth__announced__with_time_and_counts(void **state)
{
    (void)state;
    counter_add(fixture.worker.cell, COUNTER_answered, 41);
    atomic_store(&fixture.worker.cell->connection_count, 17); /* of the last one, who died */
    start_worker();
    wait_ready();
    assert_true(atomic_load(&board->ready_ns) > 0);
    assert_int_equal(atomic_load(&board->answered_at_start), 41);
    assert_int_equal(atomic_load(&fixture.worker.cell->connection_count), 0);
    assert_int_equal(atomic_load(&fixture.worker.cell->accepting_generation), FIXTURE_GENERATION);
}

static void birth__settings_say_another_service__it_serves_that(void **state)
{
    (void)state;
    board->settings.service_index = 1;
    assert_string_equal(service_at(1)->name, "echo");
    start_worker();
    wait_ready();
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "hello");
}

/* One number more than connections: the client too many is told so, not left waiting. */
static void birth__settings_say_one_connection__the_second_is_reset(void **state)
{
    (void)state;
    board->settings.connection_count_max = 1;
    start_worker();
    wait_ready();
    int first = worker_fixture_connect(&fixture);
    socket_send_text(first, "one");
    socket_expect_text(first, "ONE");
    socket_expect_reset(worker_fixture_connect(&fixture));
    socket_send_text(first, "two");
    socket_expect_text(first, "TWO");
}

/* A reload may have lowered the limit: the connections of before still need their places. */
static void birth__settings_say_less_than_the_table_holds__room_for_all(void **state)
{
    (void)state;
    board->settings.connection_room = 20;
    board->settings.connection_count_max = 7;
    start_worker();
    wait_ready();
    assert_int_equal(atomic_load(capacity_seen), 20 + 1);
}

static void birth__settings_say_more_than_the_table_held__room_for_all(void **state)
{
    (void)state;
    board->settings.connection_room = 5;
    board->settings.connection_count_max = 7;
    start_worker();
    wait_ready();
    assert_int_equal(atomic_load(capacity_seen), 7 + 1);
}

static void start_on_large_table(enum recover_how how)
{
    board->settings.connection_room = 2 * RECOVER_SLICE_COUNT;
    board->settings.recover_how = how;
    atomic_store(&board->highest, SECOND_SLICE + 1);
    start_worker();
    wait_ready();
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
}

static void birth__large_table__ready_after_its_first_slice(void **state)
{
    (void)state;
    start_on_large_table(RECOVER_ALL);
    assert_int_equal(atomic_load(second_slice), MET_READY);
}

/* Should it die before it has obeyed, the next one must be told again: the policy does so for one that was not ready. */
static void birth__large_table_and_a_reset__ready_after_all(void **state)
{
    (void)state;
    start_on_large_table(RECOVER_RESET_SUSPECT);
    assert_int_equal(atomic_load(second_slice), MET_BEFORE_READY);
}

/* Who crashes it again must not be forgiven for what others were answered early. */
static void birth__large_table_and_a_suspect__ready_after_all(void **state)
{
    (void)state;
    board->settings.suspect = FIRST_CONNECTION;
    start_on_large_table(RECOVER_ALL);
    assert_int_equal(atomic_load(second_slice), MET_BEFORE_READY);
}

/* ---- the gate ---- */

static void arrange_gate(pid_t master_pid)
{
    board->settings.gated = 1;
    fixture.pages->orders.master_pid = master_pid;
    atomic_store(&board->go_generation, FIXTURE_GENERATION - 1); /* the last one's */
}

/* Somebody still holds a copy of the table: nothing of it may be touched, nor anybody accepted. */
static void gate__closed__nothing_is_done_until_it_opens(void **state)
{
    struct pollfd supervisor = {.fd = FD_SUPERVISOR, .events = POLLIN};

    (void)state;
    arrange_gate(getpid());
    start_worker();
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    assert_int_equal(poll(&supervisor, 1, 50), 0);
    assert_int_equal(atomic_load(&board->ready_generation), 0);
    atomic_store(&board->go_generation, FIXTURE_GENERATION); /* without a wake-up: it looks by itself */
    wait_ready();
    socket_expect_text(client, "HELLO");
}

static void gate__opened_before__is_passed(void **state)
{
    (void)state;
    arrange_gate(0); /* waiting would end it */
    atomic_store(&board->go_generation, FIXTURE_GENERATION);
    start_worker();
    wait_ready();
}

static void gate__master_is_dead__leaves(void **state)
{
    (void)state;
    arrange_gate(getppid());
    start_worker();
    assert_int_equal(end_of_child(), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&board->ready_generation), 0);
}

/* ---- signals ---- */

static uint64_t status_mask(const char *key)
{
    char path[64], line[256];
    uint64_t mask = 0;

    snprintf(path, sizeof path, "/proc/%d/status", fixture.loop_pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            mask = strtoull(line + strlen(key) + 1, NULL, 16);
    fclose(file);
    return mask;
}

static bool has(uint64_t mask, int number)
{
    return mask >> (number - 1) & 1;
}

static void signals__of_the_service__are_not_the_workers(void **state)
{
    const int blocked[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,  SIGUSR1,
                           SIGUSR2, SIGTTIN, SIGTTOU, SIGALRM, SIGCHLD};
    const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

    (void)state;
    start_worker();
    wait_ready();
    for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++)
        assert_true(has(status_mask("SigBlk"), blocked[i]));
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        assert_false(has(status_mask("SigBlk"), fatal[i]));
        assert_true(has(status_mask("SigCgt"), fatal[i]));
    }
    assert_true(has(status_mask("SigIgn"), SIGPIPE));
}

static void signals__a_fatal_one__is_noted_and_ends_it(void **state)
{
    (void)state;
    start_worker();
    wait_ready();
    assert_int_equal(kill(fixture.loop_pid, SIGSEGV), 0);
    assert_int_equal(end_of_child(), -SIGSEGV);
    assert_int_equal(atomic_load(&board->fault_signal), SIGSEGV);
    assert_int_equal(atomic_load(&board->fault_generation), FIXTURE_GENERATION);
}

/* The limit on dumps of a worker that was born under another one. */
static rlim_t core_limit(void)
{
    struct rlimit before, found = {0};

    assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
    if (before.rlim_max < INHERITED_CORE_BYTES)
        skip();
    const struct rlimit inherited = {.rlim_cur = INHERITED_CORE_BYTES, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_CORE, &inherited), 0);
    start_worker();
    wait_ready();
    assert_int_equal(setrlimit(RLIMIT_CORE, &before), 0);
    assert_int_equal(prlimit(fixture.loop_pid, RLIMIT_CORE, NULL, &found), 0);
    return found.rlim_cur;
}

/* 1, not 0: 0 would not keep a dump from being piped to a program. */
static void core__not_wanted__limit_of_one_byte(void **state)
{
    (void)state;
    assert_int_equal(core_limit(), 1);
}

static void core__wanted__limit_as_inherited(void **state)
{
    (void)state;
    board->settings.core = 1;
    assert_int_equal(core_limit(), INHERITED_CORE_BYTES);
}

/* ---- how it is scheduled ---- */

/* The policy of a worker that was born under `inherited`. */
static int policy_of_worker(int inherited)
{
    const struct sched_param none = {0};

    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    assert_int_equal(sched_setscheduler(0, inherited, &none), 0);
    start_worker();
    wait_ready();
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
    return sched_getscheduler(fixture.loop_pid);
}

static void schedule__batch__throughput_before_wakeups(void **state)
{
    (void)state;
    board->settings.batch = 1;
    assert_int_equal(policy_of_worker(SCHED_OTHER), SCHED_BATCH);
}

static void schedule__not_batch__as_inherited(void **state)
{
    (void)state;
    board->settings.batch = 0;
    assert_int_equal(policy_of_worker(SCHED_OTHER), SCHED_OTHER);
}

static void schedule__another_policy_inherited__kept(void **state)
{
    (void)state;
    board->settings.batch = 1;
    /* Out of the idle policy a process gets back by itself, since Linux 2.6.39. */
    assert_int_equal(policy_of_worker(SCHED_IDLE), SCHED_IDLE);
}

/* ---- a start that fails ---- */

static void expect_no_start(const char *what, const char *why)
{
    char text[512], expected[512];

    start_worker();
    assert_int_equal(end_of_child(), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&board->ready_generation), 0);
    assert_int_equal(atomic_load(&board->left_generation), 0);
    assert_true(worker_fixture_read_log(text, sizeof text));
    snprintf(expected, sizeof expected, "event=failed what=%s slot=%u why=%s", what, fixture.options.slot,
             why);
    assert_string_equal(text, expected);
}

static void start__no_buffers__said_and_left(void **state)
{
    (void)state;
    bend.call = "mmap";
    expect_no_start("worker_start", "ENOMEM");
}

/* One that was to be another user must not serve as this one. */
static void start__ids_cannot_be_changed__said_and_left(void **state)
{
    (void)state;
    bend.call = "sandbox_apply";
    bend.error = EPERM;
    expect_no_start("user", "EPERM");
}

/* The third try is the last that fails. */
static void expect_late_start(const char *call, int error)
{
    bend.call = call;
    bend.error = error;
    bend.number = FD_TICK;
    bend.count = 3;
    start_worker();
    wait_ready();
    assert_int_equal(atomic_load(pauses_seen), 3);
    int client = worker_fixture_connect(&fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
}

static void start__memory_for_buffers_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("mmap", ENOMEM);
}

static void start__memory_for_its_journal_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("madvise", ENOMEM);
}

static void start__memory_for_its_journal_is_never_there__said_and_left(void **state)
{
    (void)state;
    bend.call = "madvise";
    bend.error = ENOMEM;
    expect_no_start("worker_start", "ENOMEM");
}

static void start__kernel_cannot_be_asked_for_the_journal__serves(void **state)
{
    (void)state;
    bend.call = "madvise";
    bend.error = EINVAL;
    start_worker();
    wait_ready();
    assert_int_equal(atomic_load(pauses_seen), 0);
    order_to_leave();
    expect_left();
}

static void start__memory_for_its_table_is_there_again__serves(void **state)
{
    (void)state;
    expect_late_start("conn_table_init", ENOMEM);
}

static void start__epoll_has_room_again__serves(void **state)
{
    (void)state;
    expect_late_start("epoll_ctl", ENOSPC);
}

static void start__memory_is_never_there__tried_for_two_seconds(void **state)
{
    (void)state;
    bend.call = "mmap";
    bend.error = ENOMEM;
    expect_no_start("worker_start", "ENOMEM");
    assert_int_equal(atomic_load(pauses_seen), 19);
}

static void start__no_connection_table__said_and_left(void **state)
{
    (void)state;
    bend.call = "conn_table_init";
    bend.error = EOVERFLOW;
    expect_no_start("worker_start", "EOVERFLOW");
}

static void start__epoll_takes_no_timer__said_and_left(void **state)
{
    (void)state;
    bend.call = "epoll_ctl";
    bend.number = FD_TICK;
    bend.error = ENOSPC;
    expect_no_start("worker_start", "ENOSPC");
}

/* Or else the failed start would be blamed on the connection that the last worker died of. */
static void start__fails__what_the_last_one_was_doing_is_wiped(void **state)
{
    (void)state;
    atomic_store(&board->current, (uint64_t)FIRST_CONNECTION << 8 | PHASE_ANSWERING);
    atomic_store(&board->in_service, 1);
    bend.call = "mmap";
    expect_no_start("worker_start", "ENOMEM");
    assert_int_equal(atomic_load(&board->current), 0);
    assert_int_equal(atomic_load(&board->in_service), 0);
}

/* Settings are the supervisor's: nonsense there is a bug of ours, and the board says which. */
static void start__no_such_service__is_a_failed_check(void **state)
{
    (void)state;
    board->settings.service_index = 1000;
    start_worker();
    assert_int_equal(end_of_child(), -SIGABRT);
    assert_int_equal(atomic_load(&board->check_generation), FIXTURE_GENERATION);
    assert_non_null(strstr(board->check_note, "service != NULL"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(life__serves_until_told_to_leave),
        TEST(life__told_to_leave_with_a_client__leaves_after_it),
        TEST(birth__order_given_before__is_obeyed),
        TEST(birth__announced__with_time_and_counts),
        TEST(birth__large_table__ready_after_its_first_slice),
        TEST(birth__large_table_and_a_reset__ready_after_all),
        TEST(birth__large_table_and_a_suspect__ready_after_all),
        TEST(birth__settings_say_another_service__it_serves_that),
        TEST(birth__settings_say_one_connection__the_second_is_reset),
        TEST(birth__settings_say_less_than_the_table_holds__room_for_all),
        TEST(birth__settings_say_more_than_the_table_held__room_for_all),
        TEST(gate__closed__nothing_is_done_until_it_opens),
        TEST(gate__opened_before__is_passed),
        TEST(gate__master_is_dead__leaves),
        TEST(signals__of_the_service__are_not_the_workers),
        TEST(signals__a_fatal_one__is_noted_and_ends_it),
        TEST(core__not_wanted__limit_of_one_byte),
        TEST(core__wanted__limit_as_inherited),
        TEST(schedule__batch__throughput_before_wakeups),
        TEST(schedule__not_batch__as_inherited),
        TEST(schedule__another_policy_inherited__kept),
        TEST(start__no_buffers__said_and_left),
        TEST(start__memory_for_buffers_is_there_again__serves),
        TEST(start__memory_for_its_journal_is_there_again__serves),
        TEST(start__memory_for_its_journal_is_never_there__said_and_left),
        TEST(start__kernel_cannot_be_asked_for_the_journal__serves),
        TEST(start__memory_for_its_table_is_there_again__serves),
        TEST(start__epoll_has_room_again__serves),
        TEST(start__memory_is_never_there__tried_for_two_seconds),
        TEST(start__no_connection_table__said_and_left),
        TEST(start__epoll_takes_no_timer__said_and_left),
        TEST(start__fails__what_the_last_one_was_doing_is_wiped),
        TEST(start__no_such_service__is_a_failed_check),
        TEST(start__ids_cannot_be_changed__said_and_left),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
