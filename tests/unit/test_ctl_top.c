/*
 * `top` in a process of its own, on a terminal of its own (pty(7)). Time passes only while it waits, and what
 * happens during a wait is the test's script; statuses and frames are told, not made.
 */
/* wrap: ctl_find ctl_session_ask ctl_session_ask_json ctl_session_open ctl_session_close */
/* wrap: ctl_frame_print poll __poll_chk clock_gettime tcsetattr read */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "master/ctl_frame.h"
#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { DEADLINE_S = 20, WAITS_MAX = 8, ASKS_MAX = 8, FRAMES_MAX = 16, NO_WAIT = -2, FAIL_CODE = 42 };

#define PATH "/run/some/server.sock"

/* Seen by the test and by the process under test. */
static struct shared {
    unsigned wait_count, ask_count, frame_count, open_count, close_count, found;
    int wait_ms[WAITS_MAX];        /* that were asked for */
    int64_t patience_ms[ASKS_MAX]; /* of each question */
    bool same_server[ASKS_MAX];    /* the session is still about it */
    bool raw;                      /* so was the terminal at the first wait */
    struct frame {
        unsigned width, height;
        bool colors;
        int now, before; /* number of the status, counted from 1; 0: none */
        char trouble[64], hint[32], end_of_line[16];
    } frames[FRAMES_MAX];
} * shared;

/* What happens at each wait, counted from 0: how long to wait in truth for what was done, in milliseconds, or
 * NO_WAIT and `waited` says what the wait comes to. Beyond them: the key q. */
static int (*script[WAITS_MAX])(struct pollfd *keyboard);
static int waited;
static int64_t clock_offset_ms;

static int ask_errors[ASKS_MAX]; /* the outcome of each question; positive: an answer without a status */
static int json_code;            /* of the first questions, until the live ones */
static unsigned json_code_from;  /* the question from which on it holds */
static int find_code, terminal_error;
static int user_fd = -1, terminal_fd = -1; /* the two ends of the terminal */
static char screen[8192], complained[1024];

/* ---- in place of server and clock ---- */

int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options);
int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options)
{
    *session = (struct ctl_session){.path = PATH, .command = options->command, .fd = -1};
    shared->found++;
    return find_code;
}

static json_t *next_status(const struct ctl_session *session, const char *request)
{
    unsigned number = shared->ask_count++;

    if (number >= ASKS_MAX || strcmp(request, "status") != 0)
        _exit(98);
    shared->patience_ms[number] = session->deadline_ms - clock_now_ms();
    shared->same_server[number] =
        strcmp(session->path, PATH) == 0 && session->command && strcmp(session->command, "top") == 0;
    return json_integer(shared->ask_count);
}

int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer);
int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer)
{
    json_t *status = next_status(session, request);
    int error = ask_errors[shared->ask_count - 1];

    *answer = (struct ctl_answer){.code = error > 0, .json = error ? NULL : status};
    if (error)
        json_decref(status);
    return error < 0 ? error : 0;
}

int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json);
int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json)
{
    json_t *status = next_status(session, request);

    if (json_code == 0 || shared->ask_count < json_code_from) {
        *json = status;
        return EXIT_DONE;
    }
    json_decref(status);
    return json_code;
}

int __wrap_ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms);
int __wrap_ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms)
{
    *session = (struct ctl_session){.fd = -1, .deadline_ms = clock_now_ms() + timeout_ms};
    shared->open_count += strcmp(path, PATH) == 0;
    return -ECONNREFUSED; /* as when it fails: the next question says what is the matter */
}

void __wrap_ctl_session_close(struct ctl_session *session);
void __wrap_ctl_session_close(struct ctl_session *session)
{
    memset(session->path, 'x', sizeof session->path); /* nothing of it may be used any more */
    shared->close_count++;
}

void __wrap_ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line);
void __wrap_ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line)
{
    if (shared->frame_count >= FRAMES_MAX)
        _exit(97);
    struct frame *seen = &shared->frames[shared->frame_count++];
    seen->width = frame->width;
    seen->height = frame->height;
    seen->colors = frame->colors;
    seen->now = (int)json_integer_value(frame->now);
    seen->before = (int)json_integer_value(frame->before);
    snprintf(seen->trouble, sizeof seen->trouble, "%s", frame->trouble ? frame->trouble : "");
    snprintf(seen->hint, sizeof seen->hint, "%s", frame->hint ? frame->hint : "");
    snprintf(seen->end_of_line, sizeof seen->end_of_line, "%s", end_of_line);
    fprintf(out, "<frame %u>", shared->frame_count);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = 1000 + clock_offset_ms / 1000,
                             .tv_nsec = clock_offset_ms % 1000 * 1000000};
    return 0;
}

int __real_tcsetattr(int fd, int when, const struct termios *terminal);
int __wrap_tcsetattr(int fd, int when, const struct termios *terminal);
int __wrap_tcsetattr(int fd, int when, const struct termios *terminal)
{
    errno = terminal_error;
    return terminal_error ? -1 : __real_tcsetattr(fd, when, terminal);
}

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

static int press(const char *keys)
{
    if (write(user_fd, keys, strlen(keys)) != (ssize_t)strlen(keys))
        _exit(96);
    return DEADLINE_S * 1000;
}

static int press_q(struct pollfd *keyboard)
{
    (void)keyboard;
    return press("q");
}

static int press_large_q(struct pollfd *keyboard)
{
    (void)keyboard;
    return press("Q");
}

static int press_ctrl_c(struct pollfd *keyboard)
{
    (void)keyboard;
    return press("\003");
}

static int press_others(struct pollfd *keyboard)
{
    (void)keyboard;
    return press("xyz\033[A");
}

static int nothing_happens(struct pollfd *keyboard)
{
    (void)keyboard;
    return 0;
}

static int signal_comes(int number)
{
    raise(number);
    errno = EINTR;
    waited = -1;
    return NO_WAIT;
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

static void set_size(unsigned short columns, unsigned short rows)
{
    const struct winsize size = {.ws_col = columns, .ws_row = rows};

    if (ioctl(user_fd, TIOCSWINSZ, &size) < 0)
        _exit(95);
}

static int terminal_grows(struct pollfd *keyboard)
{
    (void)keyboard;
    set_size(150, 50);
    return signal_comes(SIGWINCH);
}

static int terminal_hangs_up(struct pollfd *keyboard)
{
    keyboard->revents = POLLHUP;
    waited = 1;
    return NO_WAIT;
}

static int false_alarm(struct pollfd *keyboard)
{
    keyboard->revents = POLLIN;
    waited = 1;
    return NO_WAIT;
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
    waited = 1;
    return NO_WAIT;
}

static int machine_sleeps(struct pollfd *keyboard)
{
    (void)keyboard;
    clock_offset_ms += 60000;
    waited = 0;
    return NO_WAIT;
}

static bool is_raw(void)
{
    struct termios terminal;

    return tcgetattr(terminal_fd, &terminal) == 0 && !(terminal.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG));
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    unsigned number = shared->wait_count++;

    if (number >= WAITS_MAX)
        _exit(93);
    shared->wait_ms[number] = timeout_ms;
    if (number == 0)
        shared->raw = is_raw();
    int patience_ms = count == 0 ? 0 : script[number] ? script[number](polled) : press_q(polled);
    if (patience_ms == NO_WAIT)
        return waited;
    int ready = __real_poll(polled, count, patience_ms);
    clock_offset_ms += ready == 0 ? timeout_ms : 0;
    return ready;
}

/* What poll is called where the compiler does not see how long its array is (feature_test_macros(7)). */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

/* ---- setup ---- */

static int begin(void **state)
{
    char name[64];

    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(script, 0, sizeof script);
    memset(ask_errors, 0, sizeof ask_errors);
    json_code = find_code = terminal_error = 0;
    json_code_from = 1;
    clock_offset_ms = 0;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    user_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (user_fd < 0 || grantpt(user_fd) < 0 || unlockpt(user_fd) < 0 || ptsname_r(user_fd, name, sizeof name))
        return -1;
    terminal_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    set_size(100, 30);
    return shared == MAP_FAILED || terminal_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    close(user_fd);
    close(terminal_fd);
    return munmap(shared, sizeof *shared);
}

/* What the process wrote comes in order, so it is all there when what we write behind it is. */
static void read_screen(void)
{
    static const char mark = '\1';
    struct pollfd more = {.fd = user_fd, .events = POLLIN};
    size_t used = 0;

    assert_int_equal(write(terminal_fd, &mark, 1), 1);
    do {
        assert_true(used < sizeof screen - 1);
        assert_int_equal(__real_poll(&more, 1, DEADLINE_S * 1000), 1);
        ssize_t length = read(user_fd, screen + used, sizeof screen - 1 - used);
        assert_true(length > 0);
        used += (size_t)length;
    } while (screen[used - 1] != mark);
    screen[used - 1] = '\0';
}

/* Exit code of `top`, its standard streams at those descriptors. */
static int run_with(char *option, int in, int out)
{
    char name[] = "top", *argv[] = {name, option, NULL};
    FILE *errors = tmpfile();
    int status = -1;

    assert_non_null(errors);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(DEADLINE_S);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(fileno(errors), STDERR_FILENO);
        _exit(subcommand_top(option ? 2 : 1, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    rewind(errors);
    complained[fread(complained, 1, sizeof complained - 1, errors)] = '\0';
    fclose(errors);
    return WEXITSTATUS(status);
}

static int run_at(int in, int out, bool once)
{
    char option[] = "--once";

    return run_with(once ? option : NULL, in, out);
}

static int run_live(void)
{
    int code = run_at(terminal_fd, terminal_fd, false);

    read_screen();
    return code;
}

static struct termios terminal_now(void)
{
    struct termios terminal;

    assert_int_equal(tcgetattr(terminal_fd, &terminal), 0);
    return terminal;
}

/* The screen was begun and ended, and the keyboard is as it was: it shows and collects lines. */
static void expect_put_back(void)
{
    static const char last[] = "\033[?25h\033[?1049l";
    size_t length = strlen(screen);

    assert_int_equal(strncmp(screen, "\033[?1049h\033[?25l", 14), 0);
    assert_true(length > sizeof last);
    assert_string_equal(screen + length - strlen(last), last);
    assert_int_equal(terminal_now().c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
}

/* ---- one frame ---- */

static void once__two_statuses_a_second_apart__one_frame_of_all_lines(void **state)
{
    FILE *out = tmpfile();
    char text[64];

    (void)state;
    assert_non_null(out);
    assert_int_equal(run_at(STDIN_FILENO, fileno(out), true), EXIT_DONE);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    assert_string_equal(text, "<frame 1>");
    assert_int_equal(shared->ask_count, 2);
    assert_int_equal(shared->wait_ms[0], 1000);
    const struct frame *frame = &shared->frames[0];
    assert_int_equal(frame->before, 1);
    assert_int_equal(frame->now, 2);
    assert_int_equal(frame->width, 80);
    assert_int_equal(frame->height, 0);
    assert_false(frame->colors);
    assert_string_equal(frame->hint, "");
    assert_string_equal(frame->end_of_line, "\n");
    assert_int_equal(shared->close_count, 1);
}

static void once__on_a_terminal__as_wide_but_not_cut_in_height(void **state)
{
    (void)state;
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    assert_int_equal(shared->frames[0].width, 100);
    assert_int_equal(shared->frames[0].height, 0);
    assert_true(shared->frames[0].colors);
    set_size(20, 5);
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    assert_int_equal(shared->frames[1].width, CTL_FRAME_WIDTH_MIN);
    set_size(0, 0); /* a terminal that does not know */
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    assert_int_equal(shared->frames[2].width, 80);
}

static void once__terminal_or_user_without_colors__none(void **state)
{
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    setenv("NO_COLOR", "", 1); /* as if it were not set (no-color.org) */
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    setenv("TERM", "dumb", 1);
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    unsetenv("TERM");
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), EXIT_DONE);
    const bool expected[] = {false, true, false, false};
    for (size_t i = 0; i < sizeof expected; i++)
        assert_int_equal(shared->frames[i].colors, expected[i]);
}

static void once__no_status__its_code_and_no_frame(void **state)
{
    (void)state;
    json_code = FAIL_CODE;
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), FAIL_CODE);
    assert_int_equal(shared->ask_count, 1);
    json_code_from = 3; /* of the next run the second one */
    assert_int_equal(run_at(STDIN_FILENO, terminal_fd, true), FAIL_CODE);
    assert_int_equal(shared->ask_count, 3);
    assert_int_equal(shared->frame_count, 0);
    assert_int_equal(shared->close_count, 2);
}

static void once__nowhere_to_write__1(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(run_at(STDIN_FILENO, full, true), EXIT_FAILED);
    close(full);
}

/* ---- start ---- */

static void start__no_terminal__64_and_no_server_is_looked_for(void **state)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_int_equal(run_at(null, terminal_fd, false), EXIT_USAGE);
    assert_int_equal(run_at(terminal_fd, null, false), EXIT_USAGE);
    assert_string_equal(complained, "prefork-upper top: this is no terminal; --once prints one frame\n");
    assert_int_equal(shared->found, 0);
    close(null);
}

static void start__help_or_wrong_usage__no_server_is_looked_for(void **state)
{
    char help[] = "--help", foreign[] = "--now";

    (void)state;
    assert_int_equal(run_with(help, terminal_fd, terminal_fd), EXIT_DONE);
    assert_int_equal(run_with(foreign, terminal_fd, terminal_fd), EXIT_USAGE);
    assert_int_equal(shared->found, 0);
}

static void start__no_server__its_code(void **state)
{
    (void)state;
    find_code = EXIT_UNAVAILABLE;
    assert_int_equal(run_at(terminal_fd, terminal_fd, false), EXIT_UNAVAILABLE);
    assert_int_equal(shared->ask_count, 0);
    assert_int_equal(shared->close_count, 0);
}

static void start__no_status__its_code_and_the_screen_untouched(void **state)
{
    (void)state;
    json_code = FAIL_CODE;
    assert_int_equal(run_live(), FAIL_CODE);
    assert_string_equal(screen, "");
    assert_int_equal(shared->close_count, 1);
}

static void start__terminal_refuses__1_and_why(void **state)
{
    (void)state;
    terminal_error = EIO;
    assert_int_equal(run_live(), EXIT_FAILED);
    assert_string_equal(complained, "prefork-upper top: the terminal cannot be used: Input/output error\n");
    assert_string_equal(screen, "");
    assert_int_equal(shared->frame_count, 0);
}

/* ---- live ---- */

static void live__frame_each_second_until_q(void **state)
{
    (void)state;
    script[0] = script[1] = nothing_happens;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->wait_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(shared->wait_ms[i], 1000);
    assert_int_equal(shared->frame_count, 3);
    for (int i = 0; i < 3; i++) {
        const struct frame *frame = &shared->frames[i];
        assert_int_equal(frame->now, i + 1);
        assert_int_equal(frame->before, i);
        assert_int_equal(frame->width, 100);
        assert_int_equal(frame->height, 30);
        assert_true(frame->colors);
        assert_string_equal(frame->hint, "q quits");
        assert_string_equal(frame->trouble, "");
        assert_string_equal(frame->end_of_line, "\r\n\033[K");
    }
    assert_int_equal(shared->patience_ms[1], 2000);
    assert_int_equal(shared->patience_ms[2], 2000);
    assert_int_equal(shared->close_count, 1);
}

static void live__ended_by_a_key__the_terminal_is_put_back(void **state)
{
    static int (*const keys[])(struct pollfd *) = {press_q, press_large_q, press_ctrl_c};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        script[0] = keys[i];
        assert_int_equal(run_live(), EXIT_DONE);
        assert_true(shared->raw);
        assert_int_equal(shared->wait_count, 1);
        assert_string_equal(screen, "\033[?1049h\033[?25l\033[H\033[K<frame 1>\033[J\033[?25h\033[?1049l");
        expect_put_back();
        end(state);
        assert_int_equal(begin(state), 0);
    }
}

static void live__other_keys__nothing(void **state)
{
    (void)state;
    script[0] = press_others;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->wait_count, 2);
    assert_int_equal(shared->frame_count, 1);
    assert_null(strstr(screen, "xyz"));
}

/* A read that waits there would hold frames and signals back. */
static void live__woken_for_no_key__goes_on(void **state)
{
    (void)state;
    script[0] = false_alarm;
    script[1] = read_is_interrupted;
    script[2] = another_has_read_the_key;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->wait_count, 4);
}

static void live__signals__the_terminal_is_put_back(void **state)
{
    static int (*const signals[])(struct pollfd *) = {sigterm_comes, sighup_comes, sigint_comes};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        script[0] = signals[i];
        assert_int_equal(run_live(), EXIT_DONE);
        assert_int_equal(shared->wait_count, 1);
        expect_put_back();
        end(state);
        assert_int_equal(begin(state), 0);
    }
}

static void live__terminal_changes_its_size__drawn_anew_at_once(void **state)
{
    (void)state;
    script[0] = terminal_grows;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->frame_count, 2);
    assert_int_equal(shared->ask_count, 1); /* of the same status */
    assert_int_equal(shared->frames[1].now, 1);
    assert_int_equal(shared->frames[1].width, 150);
    assert_int_equal(shared->frames[1].height, 50);
}

static void live__terminal_hangs_up__ends(void **state)
{
    (void)state;
    script[0] = terminal_hangs_up;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->wait_count, 1);
}

static void live__keyboard_cannot_be_read__ends(void **state)
{
    (void)state;
    script[0] = keyboard_is_broken;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->wait_count, 1);
}

static void live__machine_slept__no_frames_are_made_up_for(void **state)
{
    (void)state;
    script[0] = machine_sleeps;
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->frame_count, 2);
    assert_int_equal(shared->wait_ms[1], 1000);
}

/* ---- the server ---- */

static void server__silent__said_and_asked_anew(void **state)
{
    (void)state;
    script[0] = script[1] = script[2] = nothing_happens;
    ask_errors[1] = -ETIMEDOUT;
    ask_errors[2] = 1; /* refused: no status came */
    assert_int_equal(run_live(), EXIT_DONE);
    assert_int_equal(shared->frame_count, 4);
    assert_string_equal(shared->frames[1].trouble, "the server does not answer");
    assert_int_equal(shared->frames[1].now, 1); /* the last that is known */
    assert_string_equal(shared->frames[2].trouble, "the server does not answer");
    assert_string_equal(shared->frames[3].trouble, "");
    assert_int_equal(shared->frames[3].now, 4);
    assert_int_equal(shared->frames[3].before, 1);
    assert_int_equal(shared->open_count, 2);
    assert_int_equal(shared->close_count, 3);
    for (int i = 0; i < 4; i++)
        assert_true(shared->same_server[i]);
}

static void server__has_ended__said_once_the_terminal_is_put_back(void **state)
{
    static const int errors[] = {-ECONNREFUSED, -ENOENT};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        script[0] = nothing_happens;
        ask_errors[1] = errors[i];
        assert_int_equal(run_live(), EXIT_UNAVAILABLE);
        assert_int_equal(shared->frame_count, 1);
        assert_string_equal(complained, "prefork-upper top: the server has ended\n");
        expect_put_back();
        end(state);
        assert_int_equal(begin(state), 0);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

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

    return cmocka_run_group_tests_name("ctl_top", tests, NULL, NULL);
}
