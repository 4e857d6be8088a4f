/* `top` before it lives: one frame that is asked for with --once, and a start that comes to nothing. */
/* wrap: ctl_find ctl_session_ask ctl_session_ask_json ctl_session_open ctl_session_close */
/* wrap: ctl_frame_print poll __poll_chk clock_gettime tcsetattr */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "master/ctl_frame.h"
#include "master/subcommand.h"
#include "tests/support/top_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAIL_CODE = 42 };

/* ---- one frame ---- */

static void once__two_statuses_a_second_apart__one_frame_of_all_lines(void **state)
{
    FILE *out = tmpfile();
    char text[64];

    (void)state;
    assert_non_null(out);
    assert_int_equal(top_run_at(STDIN_FILENO, fileno(out), true), EXIT_DONE);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    assert_string_equal(text, "<frame 1>");
    assert_int_equal(top.shared->ask_count, 2);
    assert_int_equal(top.shared->wait_ms[0], 1000);
    const struct top_frame *frame = &top.shared->frames[0];
    assert_int_equal(frame->before, 1);
    assert_int_equal(frame->now, 2);
    assert_int_equal(frame->width, 80);
    assert_int_equal(frame->height, 0);
    assert_false(frame->colors);
    assert_string_equal(frame->hint, "");
    assert_string_equal(frame->end_of_line, "\n");
    assert_int_equal(top.shared->close_count, 1);
}

static void once__on_a_terminal__as_wide_but_not_cut_in_height(void **state)
{
    (void)state;
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    assert_int_equal(top.shared->frames[0].width, 100);
    assert_int_equal(top.shared->frames[0].height, 0);
    assert_true(top.shared->frames[0].colors);
    top_set_size(20, 5);
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    assert_int_equal(top.shared->frames[1].width, CTL_FRAME_WIDTH_MIN);
    top_set_size(0, 0); /* a terminal that does not know */
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    assert_int_equal(top.shared->frames[2].width, 80);
}

static void once__terminal_or_user_without_colors__none(void **state)
{
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    setenv("NO_COLOR", "", 1); /* as if it were not set (no-color.org) */
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    setenv("TERM", "dumb", 1);
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    unsetenv("TERM");
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), EXIT_DONE);
    const bool expected[] = {false, true, false, false};
    for (size_t i = 0; i < sizeof expected; i++)
        assert_int_equal(top.shared->frames[i].colors, expected[i]);
}

static void once__no_status__its_code_and_no_frame(void **state)
{
    (void)state;
    top.json_code = FAIL_CODE;
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), FAIL_CODE);
    assert_int_equal(top.shared->ask_count, 1);
    top.json_code_from = 3; /* of the next run the second one */
    assert_int_equal(top_run_at(STDIN_FILENO, top.terminal_fd, true), FAIL_CODE);
    assert_int_equal(top.shared->ask_count, 3);
    assert_int_equal(top.shared->frame_count, 0);
    assert_int_equal(top.shared->close_count, 2);
}

static void once__nowhere_to_write__1(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(top_run_at(STDIN_FILENO, full, true), EXIT_FAILED);
    close(full);
}

/* ---- start ---- */

static void start__no_terminal__64_and_no_server_is_looked_for(void **state)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_int_equal(top_run_at(null, top.terminal_fd, false), EXIT_USAGE);
    assert_int_equal(top_run_at(top.terminal_fd, null, false), EXIT_USAGE);
    assert_string_equal(top.complained, "prefork-upper top: this is no terminal; --once prints one frame\n");
    assert_int_equal(top.shared->found, 0);
    close(null);
}

static void start__help_or_wrong_usage__no_server_is_looked_for(void **state)
{
    char help[] = "--help", foreign[] = "--now";

    (void)state;
    assert_int_equal(top_run_with(help, top.terminal_fd, top.terminal_fd), EXIT_DONE);
    assert_int_equal(top_run_with(foreign, top.terminal_fd, top.terminal_fd), EXIT_USAGE);
    assert_int_equal(top.shared->found, 0);
}

static void start__no_server__its_code(void **state)
{
    (void)state;
    top.find_code = EXIT_UNAVAILABLE;
    assert_int_equal(top_run_at(top.terminal_fd, top.terminal_fd, false), EXIT_UNAVAILABLE);
    assert_int_equal(top.shared->ask_count, 0);
    assert_int_equal(top.shared->close_count, 0);
}

static void start__no_status__its_code_and_the_screen_untouched(void **state)
{
    (void)state;
    top.json_code = FAIL_CODE;
    assert_int_equal(top_run_live(), FAIL_CODE);
    assert_string_equal(top.screen, "");
    assert_int_equal(top.shared->close_count, 1);
}

static void start__terminal_refuses__1_and_why(void **state)
{
    (void)state;
    top.terminal_error = EIO;
    assert_int_equal(top_run_live(), EXIT_FAILED);
    assert_string_equal(top.complained,
                        "prefork-upper top: the terminal cannot be used: Input/output error\n");
    assert_string_equal(top.screen, "");
    assert_int_equal(top.shared->frame_count, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, top_open, top_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(once__two_statuses_a_second_apart__one_frame_of_all_lines),
        TEST(once__on_a_terminal__as_wide_but_not_cut_in_height),
        TEST(once__terminal_or_user_without_colors__none),
        TEST(once__no_status__its_code_and_no_frame),
        TEST(once__nowhere_to_write__1),
        TEST(start__no_terminal__64_and_no_server_is_looked_for),
        TEST(start__help_or_wrong_usage__no_server_is_looked_for),
        TEST(start__no_server__its_code),
        TEST(start__no_status__its_code_and_the_screen_untouched),
        TEST(start__terminal_refuses__1_and_why),
    };

    return cmocka_run_group_tests_name("ctl_top", tests, NULL, NULL);
}
