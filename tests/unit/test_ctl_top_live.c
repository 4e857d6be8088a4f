/* `top` while it lives: a frame each second, keys, signals, what becomes of the terminal, and a server that ends. */
/* wrap: ctl_find ctl_session_ask ctl_session_ask_json ctl_session_open ctl_session_close */
/* wrap: ctl_frame_print poll __poll_chk clock_gettime tcsetattr read */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "master/subcommand.h"
#include "tests/support/top_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int read_errno; /* of the next one; 0: it works */

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    errno = read_errno;
    read_errno = 0;
    return errno ? -1 : __real_read(fd, bytes, size);
}

/* ---- what may happen during a wait ---- */

static int nothing_happens(struct pollfd *keyboard)
{
    (void)keyboard;
    return 0;
}

static int press_q(struct pollfd *keyboard)
{
    (void)keyboard;
    return top_press("q");
}

static int press_large_q(struct pollfd *keyboard)
{
    (void)keyboard;
    return top_press("Q");
}

static int press_ctrl_c(struct pollfd *keyboard)
{
    (void)keyboard;
    return top_press("\003");
}

static int press_others(struct pollfd *keyboard)
{
    (void)keyboard;
    return top_press("xyz\033[A");
}

static int signal_comes(int number)
{
    raise(number);
    errno = EINTR;
    top.waited = -1;
    return TOP_NO_WAIT;
}

static int sigterm_comes(struct pollfd *keyboard)
{
    (void)keyboard;
    return signal_comes(SIGTERM);
}

static int sighup_comes(struct pollfd *keyboard)
{
    (void)keyboard;
    return signal_comes(SIGHUP);
}

static int sigint_comes(struct pollfd *keyboard)
{
    (void)keyboard;
    return signal_comes(SIGINT);
}

static int terminal_grows(struct pollfd *keyboard)
{
    (void)keyboard;
    top_set_size(150, 50);
    return signal_comes(SIGWINCH);
}

static int terminal_hangs_up(struct pollfd *keyboard)
{
    keyboard->revents = POLLHUP;
    top.waited = 1;
    return TOP_NO_WAIT;
}

static int false_alarm(struct pollfd *keyboard)
{
    keyboard->revents = POLLIN;
    top.waited = 1;
    return TOP_NO_WAIT;
}

static int read_is_interrupted(struct pollfd *keyboard)
{
    read_errno = EINTR;
    return false_alarm(keyboard);
}

static int another_has_read_the_key(struct pollfd *keyboard)
{
    read_errno = EAGAIN;
    return false_alarm(keyboard);
}

static int keyboard_is_broken(struct pollfd *keyboard)
{
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dup2(folder, STDIN_FILENO) < 0)
        _exit(94);
    keyboard->revents = POLLIN;
    top.waited = 1;
    return TOP_NO_WAIT;
}

static int machine_sleeps(struct pollfd *keyboard)
{
    (void)keyboard;
    top.clock_offset_ms += 60000;
    top.waited = 0;
    return TOP_NO_WAIT;
}

/* ---- the terminal afterwards ---- */

static struct termios terminal_now(void)
{
    struct termios terminal;

    assert_int_equal(tcgetattr(top.terminal_fd, &terminal), 0);
    return terminal;
}

/* The screen was begun and ended, and the keyboard is as it was: it shows and collects lines. */
static void expect_put_back(void)
{
    static const char last[] = "\033[?25h\033[?1049l";
    size_t length = strlen(top.screen);

    assert_int_equal(strncmp(top.screen, "\033[?1049h\033[?25l", 14), 0);
    assert_true(length > sizeof last);
    assert_string_equal(top.screen + length - strlen(last), last);
    assert_int_equal(terminal_now().c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
}

/* ---- live ---- */

static void live__frame_each_second_until_q(void **state)
{
    (void)state;
    top.script[0] = top.script[1] = nothing_happens;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->wait_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(top.shared->wait_ms[i], 1000);
    assert_int_equal(top.shared->frame_count, 3);
    for (int i = 0; i < 3; i++) {
        const struct top_frame *frame = &top.shared->frames[i];
        assert_int_equal(frame->now, i + 1);
        assert_int_equal(frame->before, i);
        assert_int_equal(frame->width, 100);
        assert_int_equal(frame->height, 30);
        assert_true(frame->colors);
        assert_string_equal(frame->hint, "q quits");
        assert_string_equal(frame->trouble, "");
        assert_string_equal(frame->end_of_line, "\r\n\033[K");
    }
    assert_int_equal(top.shared->patience_ms[1], 2000);
    assert_int_equal(top.shared->patience_ms[2], 2000);
    assert_int_equal(top.shared->close_count, 1);
}

static void live__ended_by_a_key__the_terminal_is_put_back(void **state)
{
    static int (*const keys[])(struct pollfd *) = {press_q, press_large_q, press_ctrl_c};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        top.script[0] = keys[i];
        assert_int_equal(top_run_live(), EXIT_DONE);
        assert_true(top.shared->raw);
        assert_int_equal(top.shared->wait_count, 1);
        assert_string_equal(top.screen,
                            "\033[?1049h\033[?25l\033[H\033[K<frame 1>\033[J\033[?25h\033[?1049l");
        expect_put_back();
        top_close(state);
        assert_int_equal(top_open(state), 0);
    }
}

static void live__other_keys__nothing(void **state)
{
    (void)state;
    top.script[0] = press_others;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->wait_count, 2);
    assert_int_equal(top.shared->frame_count, 1);
    assert_null(strstr(top.screen, "xyz"));
}

/* A read that waits there would hold frames and signals back. */
static void live__woken_for_no_key__goes_on(void **state)
{
    (void)state;
    top.script[0] = false_alarm;
    top.script[1] = read_is_interrupted;
    top.script[2] = another_has_read_the_key;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->wait_count, 4);
}

static void live__signals__the_terminal_is_put_back(void **state)
{
    static int (*const signals[])(struct pollfd *) = {sigterm_comes, sighup_comes, sigint_comes};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        top.script[0] = signals[i];
        assert_int_equal(top_run_live(), EXIT_DONE);
        assert_int_equal(top.shared->wait_count, 1);
        expect_put_back();
        top_close(state);
        assert_int_equal(top_open(state), 0);
    }
}

static void live__terminal_changes_its_size__drawn_anew_at_once(void **state)
{
    (void)state;
    top.script[0] = terminal_grows;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->frame_count, 2);
    assert_int_equal(top.shared->ask_count, 1); /* of the same status */
    assert_int_equal(top.shared->frames[1].now, 1);
    assert_int_equal(top.shared->frames[1].width, 150);
    assert_int_equal(top.shared->frames[1].height, 50);
}

static void live__terminal_hangs_up__ends(void **state)
{
    (void)state;
    top.script[0] = terminal_hangs_up;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->wait_count, 1);
}

static void live__keyboard_cannot_be_read__ends(void **state)
{
    (void)state;
    top.script[0] = keyboard_is_broken;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->wait_count, 1);
}

static void live__machine_slept__no_frames_are_made_up_for(void **state)
{
    (void)state;
    top.script[0] = machine_sleeps;
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->frame_count, 2);
    assert_int_equal(top.shared->wait_ms[1], 1000);
}

/* ---- the server ---- */

static void server__silent__said_and_asked_anew(void **state)
{
    (void)state;
    top.script[0] = top.script[1] = top.script[2] = nothing_happens;
    top.ask_errors[1] = -ETIMEDOUT;
    top.ask_errors[2] = 1; /* refused: no status came */
    assert_int_equal(top_run_live(), EXIT_DONE);
    assert_int_equal(top.shared->frame_count, 4);
    assert_string_equal(top.shared->frames[1].trouble, "the server does not answer");
    assert_int_equal(top.shared->frames[1].now, 1); /* the last that is known */
    assert_string_equal(top.shared->frames[2].trouble, "the server does not answer");
    assert_string_equal(top.shared->frames[3].trouble, "");
    assert_int_equal(top.shared->frames[3].now, 4);
    assert_int_equal(top.shared->frames[3].before, 1);
    assert_int_equal(top.shared->open_count, 2);
    assert_int_equal(top.shared->close_count, 3);
    for (int i = 0; i < 4; i++)
        assert_true(top.shared->same_server[i]);
}

static void server__has_ended__said_once_the_terminal_is_put_back(void **state)
{
    static const int errors[] = {-ECONNREFUSED, -ENOENT};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        top.script[0] = nothing_happens;
        top.ask_errors[1] = errors[i];
        assert_int_equal(top_run_live(), EXIT_UNAVAILABLE);
        assert_int_equal(top.shared->frame_count, 1);
        assert_string_equal(top.complained, "prefork-upper top: the server has ended\n");
        expect_put_back();
        top_close(state);
        assert_int_equal(top_open(state), 0);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, top_open, top_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(live__frame_each_second_until_q),
        TEST(live__ended_by_a_key__the_terminal_is_put_back),
        TEST(live__other_keys__nothing),
        TEST(live__woken_for_no_key__goes_on),
        TEST(live__signals__the_terminal_is_put_back),
        TEST(live__terminal_changes_its_size__drawn_anew_at_once),
        TEST(live__terminal_hangs_up__ends),
        TEST(live__keyboard_cannot_be_read__ends),
        TEST(live__machine_slept__no_frames_are_made_up_for),
        TEST(server__silent__said_and_asked_anew),
        TEST(server__has_ended__said_once_the_terminal_is_put_back),
    };

    return cmocka_run_group_tests_name("ctl_top_live", tests, NULL, NULL);
}
