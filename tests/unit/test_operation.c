/* What an operator asked for: numbers, ends, and what is forgotten. */
#include "tests/support/cmocka_all.h"

#include "master/operation.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct operations all;

static int fresh(void **state)
{
    (void)state;
    memset(&all, 0, sizeof all);
    return 0;
}

static void begin__first__is_number_one_and_runs(void **state)
{
    (void)state;
    struct operation *operation = operation_begin(&all, OPERATION_SCALE, 7);
    assert_int_equal(operation->number, 1);
    assert_int_equal(operation->kind, OPERATION_SCALE);
    assert_int_equal(operation->state, OPERATION_RUNNING);
    assert_int_equal(operation->goal, 7);
    assert_string_equal(operation->why, "");
    assert_ptr_equal(operation_find(&all, 1), operation);
}

static void find__never_begun__is_nobody(void **state)
{
    (void)state;
    assert_null(operation_find(&all, 0)); /* the number of every place that is still empty */
    assert_null(operation_find(&all, 1));
    operation_begin(&all, OPERATION_RELOAD, 0);
    assert_null(operation_find(&all, 0));
    assert_null(operation_find(&all, 2));
    assert_null(operation_find(&all, 1 + OPERATION_COUNT_MAX)); /* the same place */
}

/* Whatever its state: a client that waits for it is told that it is not known any more. */
static void begin__more_than_are_remembered__the_oldest_is_forgotten(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= OPERATION_COUNT_MAX; i++)
        operation_begin(&all, OPERATION_RESTART, i);
    assert_non_null(operation_find(&all, 1));
    operation_failed(operation_find(&all, 1), "of the first");
    struct operation *newest = operation_begin(&all, OPERATION_DRAIN, 99);
    assert_int_equal(newest->number, OPERATION_COUNT_MAX + 1);
    assert_string_equal(newest->why, "");
    assert_null(operation_find(&all, 1));
    for (uint32_t number = 2; number <= OPERATION_COUNT_MAX; number++)
        assert_int_equal(operation_find(&all, number)->goal, number);
}

static void end__done__with_a_remark_or_without(void **state)
{
    (void)state;
    struct operation *plain = operation_begin(&all, OPERATION_RELOAD, 0);
    struct operation *remarked = operation_begin(&all, OPERATION_RELOAD, 0);
    operation_done(plain, NULL);
    operation_done(remarked, "nothing changed");
    assert_int_equal(plain->state, OPERATION_DONE);
    assert_string_equal(plain->why, "");
    assert_int_equal(remarked->state, OPERATION_DONE);
    assert_string_equal(remarked->why, "nothing changed");
}

static void end__failed_for_a_long_reason__is_cut_to_its_room(void **state)
{
    char reason[2 * OPERATION_WHY_SIZE];

    (void)state;
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    struct operation *operation = operation_begin(&all, OPERATION_UPGRADE, 2);
    operation_failed(operation, reason);
    assert_int_equal(operation->state, OPERATION_FAILED);
    assert_int_equal(strlen(operation->why), OPERATION_WHY_SIZE - 1);
    assert_int_equal(operation->goal, 2);
}

/* One outcome each: a second one would be a bug of ours, and a client may have been told the first. */
static void end__twice__is_a_failed_check(void **state)
{
    const struct rlimit none = {0};
    int status = -1;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        struct operation *operation = operation_begin(&all, OPERATION_UNDRAIN, 0);
        operation_done(operation, NULL);
        operation_failed(operation, "after all");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Words of the log and of the control protocol: they stay. */
static void name__each_kind__its_word(void **state)
{
    (void)state;
    assert_string_equal(operation_name(OPERATION_RELOAD), "reload");
    assert_string_equal(operation_name(OPERATION_SCALE), "scale");
    assert_string_equal(operation_name(OPERATION_RESTART), "restart");
    assert_string_equal(operation_name(OPERATION_UPGRADE), "upgrade");
    assert_string_equal(operation_name(OPERATION_DRAIN), "drain");
    assert_string_equal(operation_name(OPERATION_UNDRAIN), "drain_off");
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begin__first__is_number_one_and_runs),
        TEST(find__never_begun__is_nobody),
        TEST(begin__more_than_are_remembered__the_oldest_is_forgotten),
        TEST(end__done__with_a_remark_or_without),
        TEST(end__failed_for_a_long_reason__is_cut_to_its_room),
        TEST(end__twice__is_a_failed_check),
        TEST(name__each_kind__its_word),
    };

    return cmocka_run_group_tests_name("operation", tests, NULL, NULL);
}
