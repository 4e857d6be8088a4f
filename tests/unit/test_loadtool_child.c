/* wrap: memfd_create ftruncate mmap uv_spawn uv_exepath */
/* The child that owns connections: its life, and every call of its start that can fail. */
#include "loadtool/child.h"

#include <signal.h>
#include <sys/mman.h>

#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_world.h"
#include "tests/unit/test_loadtool_wrap.h"

static const char *failing;

static bool fails(const char *call)
{
    if (failing == NULL || strcmp(failing, call) != 0)
        return false;
    failing = NULL;
    errno = ENOMEM;
    return true;
}

WRAP(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
WRAP(int, ftruncate, (int fd, off_t length), (fd, length), -1)
WRAP(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset), MAP_FAILED)
/* A spawn fails inside libuv, so that the handle is left as libuv leaves it. */
int __real_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options);
int __wrap_uv_spawn(uv_loop_t *loop, uv_process_t *process, const uv_process_options_t *options)
{
    uv_process_options_t changed = *options;

    if (fails("uv_spawn"))
        changed.file = "/nonexistent/loadtool";
    return __real_uv_spawn(loop, process, &changed);
}

WRAP(int, uv_exepath, (char *path, size_t *length), (path, length), UV_EINVAL)

static struct {
    struct server server;
    uv_loop_t loop;
    uv_timer_t timer;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct child child;
    struct shared budget;
    int gone;
    int signal; /* that ends the child */
} trial;

static void on_gone(struct child *child)
{
    assert_false(child->is_running);
    trial.gone++;
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    server_start(&trial.server, SERVER_UPPER, 0);
    world_make(&trial.world, &trial.server, &trial.loop, &trial.target, &trial.dialogue, &trial.tally);
    trial.world.begin_ns = uv_hrtime();
    trial.child.gone = on_gone;
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    assert_int_equal(child_init(&trial.child), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    child_free(&trial.child);
    shared_free(&trial.budget);
    server_stop(&trial.server);
    return 0;
}

static int start(uint64_t interval_ns)
{
    struct child_orders orders = {.clients = 4,
                                  .first_serial = 10,
                                  .check = ORACLE_UPPER,
                                  .timeout_ns = 1000000000,
                                  .connect_timeout_ns = 1000000000,
                                  .interval_ns = interval_ns,
                                  .budget_fd = trial.budget.at == NULL ? -1 : trial.budget.fd};

    return child_start(&trial.child, &trial.world, &orders);
}

static void on_tick(uv_timer_t *timer)
{
    if (atomic_load(&trial.child.page->serving) + atomic_load(&trial.child.page->unexpected_ends) < 4)
        return;
    if (trial.signal == SIGKILL)
        child_kill(&trial.child);
    else
        uv_process_kill(&trial.child.process, trial.signal);
    uv_close((uv_handle_t *)timer, NULL);
}

/* Let the child serve (or fail), then end it. */
static void live_and_die(int signal)
{
    trial.signal = signal;
    uv_timer_init(&trial.loop, &trial.timer);
    uv_timer_start(&trial.timer, on_tick, 5, 5);
    assert_int_equal(uv_run(&trial.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(trial.gone, 1);
}

static void kill__four_connections__die_with_the_child_and_leave_their_counts(void **state)
{
    (void)state;
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
    assert_true(trial.child.was_killed);
    assert_int_equal(trial.child.page->serving, 4);
    assert_int_equal(trial.child.page->unexpected_ends, 0);
    assert_int_equal(trial.tally.opened, 4);
    assert_int_equal(trial.tally.ended, 4);
    assert_true(trial.tally.messages_right >= 4);
    assert_int_equal(trial.tally.found_bytes[FINDING_WRONG], 0);
}

static void pace__long_interval__sends_little(void **state)
{
    (void)state;
    assert_int_equal(start(3600000000000), 0);
    live_and_die(SIGKILL);
    assert_int_equal(trial.tally.messages_right, 4);
}

/* Children once sent as if there were no budget. */
static void budget__of_ten_messages__is_spent_and_not_passed(void **state)
{
    (void)state;
    assert_int_equal(shared_make(&trial.budget, "budget", sizeof(struct budget)), 0);
    schedule_fill(trial.budget.at, 10, 0);
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
    struct budget *budget = trial.budget.at;
    assert_in_range(trial.tally.messages_right, 4, 10);
    assert_int_equal(trial.tally.messages_sent, 10 - atomic_load(&budget->left));
}

static void budget__spent_before__leaves_each_client_its_first_message(void **state)
{
    (void)state;
    assert_int_equal(shared_make(&trial.budget, "budget", sizeof(struct budget)), 0);
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
    assert_int_equal(trial.tally.messages_sent, 4);
}

static void end__by_another_signal__was_no_kill(void **state)
{
    (void)state;
    assert_int_equal(start(0), 0);
    live_and_die(SIGTERM);
    assert_false(trial.child.was_killed);
}

static void serve__server_closes__counts_each_end_once(void **state)
{
    (void)state;
    trial.server.fault = SERVER_CLOSE;
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
    assert_int_equal(trial.child.page->serving, 0);
    assert_int_equal(trial.child.page->unexpected_ends, 4);
    assert_int_equal(trial.tally.faults[FAULT_CLOSED][WHERE_REPLY].count, 4);
    assert_int_equal(trial.tally.opened, trial.tally.ended);
}

static void serve__wrong_bytes__reach_the_parent(void **state)
{
    (void)state;
    trial.server.fault = SERVER_FLIP;
    trial.server.after = 1;
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
    assert_true(trial.tally.found_bytes[FINDING_WRONG] > 0);
    assert_true(trial.tally.examples[FINDING_WRONG].is_set);
    assert_in_range(trial.tally.examples[FINDING_WRONG].connection, 10, 13);
}

static void start__fails__is_told_and_nothing_runs(void **state)
{
    (void)state;
    failing = "uv_exepath";
    assert_int_equal(start(0), UV_EINVAL);
    failing = "uv_spawn";
    assert_int_equal(start(0), UV_ENOENT);
    assert_false(trial.child.is_running);
    child_kill(&trial.child); /* harmless */
    assert_int_equal(start(0), -EBUSY);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(start(0), 0);
    live_and_die(SIGKILL);
}

static void init__any_call_fails__is_told_and_can_be_freed(void **state)
{
    static const char *const calls[] = {"memfd_create", "ftruncate", "mmap"};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct child child = {.page = NULL};
        failing = calls[i];
        assert_int_equal(child_init(&child), -ENOMEM);
        assert_null(failing);
        child_free(&child);
        assert_null(child.page);
    }
}

static void is_wanted__only_by_its_own_argument(void **state)
{
    char *child[] = {(char[]){"loadtool"}, (char[]){CHILD_ARGUMENT}};
    char *user[] = {(char[]){"loadtool"}, (char[]){":80"}};

    (void)state;
    assert_true(child_is_wanted(2, child));
    assert_false(child_is_wanted(2, user));
    assert_false(child_is_wanted(1, user));
}

/* Descriptor 3 is no page here: mmap of it fails, or it holds other orders. */
static void run__without_a_page__ends_in_trouble(void **state)
{
    (void)state;
    failing = "mmap";
    assert_int_equal(child_run(), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(kill__four_connections__die_with_the_child_and_leave_their_counts),
        TEST(pace__long_interval__sends_little),
        TEST(budget__of_ten_messages__is_spent_and_not_passed),
        TEST(budget__spent_before__leaves_each_client_its_first_message),
        TEST(end__by_another_signal__was_no_kill),
        TEST(serve__server_closes__counts_each_end_once),
        TEST(serve__wrong_bytes__reach_the_parent),
        TEST(start__fails__is_told_and_nothing_runs),
        TEST(init__any_call_fails__is_told_and_can_be_freed),
        cmocka_unit_test(is_wanted__only_by_its_own_argument),
        cmocka_unit_test(run__without_a_page__ends_in_trouble),
    };

    if (child_is_wanted(argc, argv))
        return child_run();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool child", tests, NULL, NULL);
}
