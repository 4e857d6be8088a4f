#include "tests/support/top_fixture.h"

#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "master/ctl_frame.h"
#include "worker/clock.h"

#include <errno.h>
#include <fcntl.h>
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

#define PATH "/run/some/server.sock"

struct top_fixture top = {.user_fd = -1, .terminal_fd = -1};

/* ---- in place of server and clock ---- */

int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options);
int __wrap_ctl_find(struct ctl_session *session, const struct ctl_options *options)
{
    *session = (struct ctl_session){.path = PATH, .command = options->command, .fd = -1};
    top.shared->found++;
    return top.find_code;
}

static json_t *next_status(const struct ctl_session *session, const char *request)
{
    unsigned number = top.shared->ask_count++;

    if (number >= TOP_ASKS_MAX || strcmp(request, "status") != 0)
        _exit(98);
    top.shared->patience_ms[number] = session->deadline_ms - clock_now_ms();
    top.shared->same_server[number] =
        strcmp(session->path, PATH) == 0 && session->command && strcmp(session->command, "top") == 0;
    return json_integer(top.shared->ask_count);
}

int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer);
int __wrap_ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer)
{
    json_t *status = next_status(session, request);
    int error = top.ask_errors[top.shared->ask_count - 1];

    *answer = (struct ctl_answer){.code = error > 0, .json = error ? NULL : status};
    if (error)
        json_decref(status);
    return error < 0 ? error : 0;
}

int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json);
int __wrap_ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json)
{
    json_t *status = next_status(session, request);

    if (top.json_code == 0 || top.shared->ask_count < top.json_code_from) {
        *json = status;
        return EXIT_DONE;
    }
    json_decref(status);
    return top.json_code;
}

int __wrap_ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms);
int __wrap_ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms)
{
    *session = (struct ctl_session){.fd = -1, .deadline_ms = clock_now_ms() + timeout_ms};
    top.shared->open_count += strcmp(path, PATH) == 0;
    return -ECONNREFUSED; /* as when it fails: the next question says what is the matter */
}

void __wrap_ctl_session_close(struct ctl_session *session);
void __wrap_ctl_session_close(struct ctl_session *session)
{
    memset(session->path, 'x', sizeof session->path); /* nothing of it may be used any more */
    top.shared->close_count++;
}

void __wrap_ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line);
void __wrap_ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line)
{
    if (top.shared->frame_count >= TOP_FRAMES_MAX)
        _exit(97);
    struct top_frame *seen = &top.shared->frames[top.shared->frame_count++];
    seen->width = frame->width;
    seen->height = frame->height;
    seen->colors = frame->colors;
    seen->now = (int)json_integer_value(frame->now);
    seen->before = (int)json_integer_value(frame->before);
    snprintf(seen->trouble, sizeof seen->trouble, "%s", frame->trouble ? frame->trouble : "");
    snprintf(seen->hint, sizeof seen->hint, "%s", frame->hint ? frame->hint : "");
    snprintf(seen->end_of_line, sizeof seen->end_of_line, "%s", end_of_line);
    fprintf(out, "<frame %u>", top.shared->frame_count);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = 1000 + top.clock_offset_ms / 1000,
                             .tv_nsec = top.clock_offset_ms % 1000 * 1000000};
    return 0;
}

int __real_tcsetattr(int fd, int when, const struct termios *terminal);
int __wrap_tcsetattr(int fd, int when, const struct termios *terminal);
int __wrap_tcsetattr(int fd, int when, const struct termios *terminal)
{
    errno = top.terminal_error;
    return top.terminal_error ? -1 : __real_tcsetattr(fd, when, terminal);
}

/* ---- waits ---- */

int top_press(const char *keys)
{
    if (write(top.user_fd, keys, strlen(keys)) != (ssize_t)strlen(keys))
        _exit(96);
    return TOP_DEADLINE_S * 1000;
}

static bool is_raw(void)
{
    struct termios terminal;

    return tcgetattr(top.terminal_fd, &terminal) == 0 &&
           !(terminal.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG));
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    unsigned number = top.shared->wait_count++;

    if (number >= TOP_WAITS_MAX)
        _exit(93);
    top.shared->wait_ms[number] = timeout_ms;
    if (number == 0)
        top.shared->raw = is_raw();
    int patience_ms = count == 0 ? 0 : top.script[number] ? top.script[number](polled) : top_press("q");
    if (patience_ms == TOP_NO_WAIT)
        return top.waited;
    int ready = __real_poll(polled, count, patience_ms);
    top.clock_offset_ms += ready == 0 ? timeout_ms : 0;
    return ready;
}

/* What poll is called where the compiler does not see how long its array is (feature_test_macros(7)). */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

/* ---- life ---- */

void top_set_size(unsigned short columns, unsigned short rows)
{
    const struct winsize size = {.ws_col = columns, .ws_row = rows};

    if (ioctl(top.user_fd, TIOCSWINSZ, &size) < 0)
        _exit(95);
}

int top_open(void **state)
{
    char name[64];

    (void)state;
    top.shared = mmap(NULL, sizeof *top.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(top.script, 0, sizeof top.script);
    memset(top.ask_errors, 0, sizeof top.ask_errors);
    top.json_code = top.find_code = top.terminal_error = 0;
    top.json_code_from = 1;
    top.clock_offset_ms = 0;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    top.user_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (top.user_fd < 0 || grantpt(top.user_fd) < 0 || unlockpt(top.user_fd) < 0 ||
        ptsname_r(top.user_fd, name, sizeof name))
        return -1;
    top.terminal_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    top_set_size(100, 30);
    return top.shared == MAP_FAILED || top.terminal_fd < 0 ? -1 : 0;
}

int top_close(void **state)
{
    (void)state;
    close(top.user_fd);
    close(top.terminal_fd);
    return munmap(top.shared, sizeof *top.shared);
}

/* ---- runs ---- */

/* What the process wrote comes in order, so it is all there when what we write behind it is. */
static void read_screen(void)
{
    static const char mark = '\1';
    struct pollfd more = {.fd = top.user_fd, .events = POLLIN};
    size_t used = 0;

    assert_int_equal(write(top.terminal_fd, &mark, 1), 1);
    do {
        size_t room = used < sizeof top.screen ? sizeof top.screen - 1 - used : 0;
        assert_int_equal(__real_poll(&more, 1, TOP_DEADLINE_S * 1000), 1);
        ssize_t length = read(top.user_fd, top.screen + used, room);
        assert_true(length > 0);
        used += (size_t)length;
    } while (top.screen[used - 1] != mark);
    top.screen[used - 1] = '\0';
}

int top_run_with(char *option, int in, int out)
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
        alarm(TOP_DEADLINE_S);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(fileno(errors), STDERR_FILENO);
        _exit(subcommand_top(option ? 2 : 1, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    rewind(errors);
    top.complained[fread(top.complained, 1, sizeof top.complained - 1, errors)] = '\0';
    fclose(errors);
    return WEXITSTATUS(status);
}

int top_run_at(int in, int out, bool once)
{
    char option[] = "--once";

    return top_run_with(once ? option : NULL, in, out);
}

int top_run_live(void)
{
    int code = top_run_at(top.terminal_fd, top.terminal_fd, false);

    read_screen();
    return code;
}
