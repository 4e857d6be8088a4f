/* Notes of failed checks: what they say, and where they are left. The checks fail in children. */
#include "tests/support/cmocka_all.h"

#include "worker/board.h"
#include "worker/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct board *board;

static int open_board(void **state)
{
    (void)state;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED ? -1 : 0;
}

static int close_board(void **state)
{
    (void)state;
    return munmap(board, sizeof *board);
}

/* Wait status of a child in which the step runs; its stderr goes to that descriptor. */
static int run_in_child(void (*step)(void), int error_fd)
{
    const struct rlimit none = {0};
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        dup2(error_fd, STDERR_FILENO);
        step();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static bool aborted(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void fail_with_board(void)
{
    check_init(board, 9);
    CHECK(1 + 1 == 3);
}

static void hold(void)
{
    check_init(board, 9);
    CHECK(1 + 1 == 2);
}

static void fail_without_board(void)
{
    check_init(NULL, 0);
    check_failed("some.c", 12, "a < b");
}

static void fail_at_length(void)
{
    char expression[4 * CHECK_NOTE_BYTES];

    memset(expression, 'x', sizeof expression - 1);
    expression[sizeof expression - 1] = '\0';
    check_init(board, 9);
    check_failed("f.c", 1, expression);
}

static void check__holds__nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(hold, STDERR_FILENO), 0);
    assert_int_equal(atomic_load(&board->check_generation), 0);
    assert_string_equal(board->check_note, "");
}

static void check__fails__note_on_the_board_and_abort(void **state)
{
    char file[64], expression[64];
    int line_of_check;

    (void)state;
    assert_true(aborted(run_in_child(fail_with_board, STDERR_FILENO)));
    assert_int_equal(atomic_load(&board->check_generation), 9);
    assert_int_equal(sscanf(board->check_note, "%63[^:]:%d: %63[^\n]", file, &line_of_check, expression), 3);
    assert_string_equal(file, "tests/unit/test_check.c");
    assert_true(line_of_check > 1);
    assert_string_equal(expression, "1 + 1 == 3");
}

static void check__long_expression__cut_and_terminated(void **state)
{
    (void)state;
    assert_true(aborted(run_in_child(fail_at_length, STDERR_FILENO)));
    assert_int_equal(strnlen(board->check_note, CHECK_NOTE_BYTES), CHECK_NOTE_BYTES - 1);
    assert_memory_equal(board->check_note, "f.c:1: xxxx", 11);
}

static void check__no_board__note_on_stderr(void **state)
{
    int ends[2];
    char text[64] = "";

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(aborted(run_in_child(fail_without_board, ends[1])));
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    assert_string_equal(text, "some.c:12: a < b\n");
    assert_int_equal(atomic_load(&board->check_generation), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_board, close_board)
    const struct CMUnitTest tests[] = {
        TEST(check__holds__nothing_happens),
        TEST(check__fails__note_on_the_board_and_abort),
        TEST(check__long_expression__cut_and_terminated),
        TEST(check__no_board__note_on_stderr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
