/*
 * `top`: a frame each second, on the alternate screen of a terminal, until q.
 *
 * Keys are read one by one and unseen (termios); whatever ends the program, the terminal is put back first:
 * signals only set a flag. A server that does not answer for a moment, as while its supervisor is replaced,
 * is shown as such.
 */
#include "master/ctl.h"
#include "master/ctl_frame.h"
#include "worker/clock.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    FRAME_MS = 1000,
    PATIENCE_MS = 2000, /* with the server: keys must be heard in between */
    WIDTH_WITHOUT_TERMINAL = 80,
    CTRL_C = 3,
};

#define SCREEN_BEGIN "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define SCREEN_END   "\033[?25h\033[?1049l"
#define FRAME_BEGIN  "\033[H\033[K" /* to the first line, which is cleared */
#define NEXT_LINE    "\r\n\033[K"
#define FRAME_END    "\033[J" /* what an earlier, longer frame left below */

static volatile sig_atomic_t told_to_end, told_to_redraw;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        told_to_redraw = 1;
    else
        told_to_end = 1;
}

static bool may_color(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && terminal && strcmp(terminal, "dumb") != 0;
}

static void measure(struct ctl_frame *frame)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    frame->width = known ? size.ws_col : WIDTH_WITHOUT_TERMINAL;
    frame->height = known ? size.ws_row : 0;
    if (frame->width < CTL_FRAME_WIDTH_MIN)
        frame->width = CTL_FRAME_WIDTH_MIN;
}

/* ---- one frame ---- */

static int once(struct ctl_session *session)
{
    json_t *before = NULL, *now = NULL;
    int code = ctl_session_ask_json(session, "status", &before);
    if (code == EXIT_DONE) {
        poll(NULL, 0, FRAME_MS);
        code = ctl_session_ask_json(session, "status", &now);
    }
    if (code == EXIT_DONE) {
        struct ctl_frame frame = {.now = now, .before = before, .colors = may_color()};
        measure(&frame);
        frame.height = 0; /* all slots: it is not a screen that is looked at but a text */
        ctl_frame_print(stdout, &frame, "\n");
        code = fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    json_decref(before);
    json_decref(now);
    return code;
}

/* ---- live ---- */

struct top {
    struct ctl_session *session;
    struct ctl_frame frame;
    json_t *now, *before;
    struct termios terminal; /* as it was */
    int code;                /* -1: go on */
};

static int begin_screen(struct top *top)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART: a wait ends at once */
    if (tcgetattr(STDIN_FILENO, &top->terminal) < 0)
        return -errno;
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct termios raw = top->terminal;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
        return -errno;
    fputs(SCREEN_BEGIN, stdout);
    return 0;
}

static void end_screen(struct top *top)
{
    fputs(SCREEN_END, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &top->terminal);
}

/* A frame is made whole before it is written, so that the terminal never shows half of one. */
static void draw(struct top *top)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    told_to_redraw = 0;
    if (!memory)
        return;
    measure(&top->frame);
    top->frame.now = top->now;
    top->frame.before = top->before;
    ctl_frame_print(memory, &top->frame, NEXT_LINE);
    if (fclose(memory) == 0) {
        fputs(FRAME_BEGIN, stdout);
        fwrite(text, 1, length, stdout);
        fputs(FRAME_END, stdout);
        fflush(stdout);
    }
    free(text);
}

/* Asks for the next status; an answer that does not come is shown, an end of the server ends us. */
static void fetch(struct top *top)
{
    struct ctl_answer answer;
    top->session->deadline_ms = clock_now_ms() + PATIENCE_MS;
    int error = ctl_session_ask(top->session, "status", &answer);
    top->frame.trouble = NULL;
    if (error == -ECONNREFUSED || error == -ENOENT) {
        top->code = EXIT_UNAVAILABLE;
    } else if (error || !answer.json) {
        char path[CONTROL_PATH_SIZE];
        top->frame.trouble = "the server does not answer";
        memcpy(path, top->session->path, sizeof path);
        const char *command = top->session->command;
        ctl_session_close(top->session); /* what comes late is no answer to the next question */
        ctl_session_open(top->session, path, PATIENCE_MS);
        memcpy(top->session->path, path, sizeof path);
        top->session->command = command;
    } else {
        json_decref(top->before);
        top->before = top->now;
        top->now = answer.json;
        return;
    }
    if (!error)
        json_decref(answer.json);
}

static void take_keys(struct top *top)
{
    char keys[16];
    ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        top->code = EXIT_DONE; /* the terminal is gone */
    for (ssize_t i = 0; i < count; i++)
        if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == CTRL_C)
            top->code = EXIT_DONE;
}

/* Until the next frame is due: keys, and the terminal's new size. */
static void wait_for_next(struct top *top, int64_t due_ms)
{
    for (;;) {
        int64_t left_ms = due_ms - clock_now_ms();
        struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
        if (left_ms <= 0 || top->code >= 0)
            return;
        int ready = poll(&keyboard, 1, (int)left_ms);
        if (told_to_end || (ready == 1 && (keyboard.revents & (POLLHUP | POLLERR | POLLNVAL))))
            top->code = EXIT_DONE;
        else if (ready == 1)
            take_keys(top);
        if (told_to_redraw)
            draw(top);
    }
}

static int live(struct ctl_session *session)
{
    struct top top = {.session = session, .frame = {.colors = may_color(), .hint = "q quits"}, .code = -1};
    int code = ctl_session_ask_json(session, "status", &top.now);
    if (code != EXIT_DONE)
        return code;
    int error = begin_screen(&top);
    if (error) {
        json_decref(top.now);
        fprintf(stderr, "prefork-upper top: the terminal cannot be used: %s\n", strerror(-error));
        return EXIT_FAILED;
    }
    draw(&top);
    for (int64_t due_ms = clock_now_ms() + FRAME_MS; top.code < 0; due_ms += FRAME_MS) {
        wait_for_next(&top, due_ms);
        if (top.code < 0)
            fetch(&top);
        if (top.code < 0)
            draw(&top);
        if (due_ms < clock_now_ms() - FRAME_MS)
            due_ms = clock_now_ms(); /* after a pause no frames are made up for */
    }
    end_screen(&top);
    if (top.code == EXIT_UNAVAILABLE)
        fprintf(stderr, "prefork-upper top: the server has ended\n");
    json_decref(top.now);
    json_decref(top.before);
    return top.code;
}

int subcommand_top(int argc, char **argv)
{
    struct ctl_options options;
    struct ctl_session session;
    int code = ctl_options_parse(&options, argc, argv, CTL_ONCE, CTL_NO_OPERAND);
    if (code >= 0)
        return code;
    bool is_once = options.flags & CTL_ONCE;
    if (!is_once && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fputs("prefork-upper top: this is no terminal; --once prints one frame\n", stderr);
        return EXIT_USAGE;
    }
    code = ctl_find(&session, &options);
    if (code != EXIT_DONE)
        return code;
    code = is_once ? once(&session) : live(&session);
    ctl_session_close(&session);
    return code;
}
