#include "master/checker.h"
#include "master/facts.h"
#include "master/imagefile.h"
#include "master/imagepost.h"
#include "worker/clock.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/title.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_FORMAT "prefork-upper-image layout=%016llx build=%016llx"
#define OUTPUT_SIZE 256
#define IMAGE_FD    (STDERR_FILENO + 1) /* in the process that is checked: all else is closed */

struct check {
    struct shared_pages *pages;
    const char *path;
    uint32_t number;
    int image_fd;
    uint64_t build;
    char why[IMAGE_WHY_SIZE];
    char output[OUTPUT_SIZE]; /* of the program that is checked, first line */
};

int checker_line(char out[], size_t size)
{
    return snprintf(out, size, LINE_FORMAT, (unsigned long long)facts_layout(),
                    (unsigned long long)image_build());
}

__attribute__((format(printf, 2, 3))) static int refuse(struct check *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->why, sizeof c->why, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* ---- the run ---- */

/* What hangs in its check dies with the checker, which may be killed itself. */
_Noreturn static void be_checked(const struct check *c, int output, pid_t checker)
{
    char path[32];
    char role[] = IMAGE_ROLE "check", name[] = "prefork-upper";
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != checker)
        _exit(1);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC),
        image = fcntl(c->image_fd, F_DUPFD, FIRST_CONNECTION);
    dup2(nothing, STDIN_FILENO); /* nothing of ours is for a program of which nothing is known */
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    dup2(image, IMAGE_FD);
    close_range(IMAGE_FD + 1, ~0u, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", IMAGE_FD);
    int error = image_exec_path(path, name, role, title_arguments());
    dprintf(STDOUT_FILENO, "%s", strerrordesc_np(-error));
    _exit(127);
}

/* The first line, or as much of it as comes in time. False: time is over. */
static bool read_output(struct check *c, int fd)
{
    int64_t end_ms = clock_now_ms() + CHECK_RUN_MS_MAX;
    size_t used = 0;
    for (;;) {
        int64_t left_ms = end_ms - clock_now_ms();
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&polled, 1, (int)left_ms) < 1)
            return false;
        char piece[OUTPUT_SIZE];
        ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0)
            break;
        size_t room = sizeof c->output - 1 - used, taken = (size_t)n < room ? (size_t)n : room;
        memcpy(c->output + used, piece, taken);
        used += taken;
    }
    c->output[strcspn(c->output, "\n")] = '\0';
    return true;
}

/* Something may hold the pipe open beyond its end, and something may end without having closed it. */
static int run(struct check *c, int *status)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t checker = getpid(), pid = fork();
    if (pid == 0)
        be_checked(c, ends[1], checker);
    close(ends[1]);
    bool in_time = pid > 0 && read_output(c, ends[0]);
    close(ends[0]);
    if (pid < 0)
        return -EAGAIN;
    if (!in_time)
        kill(pid, SIGKILL);
    waitpid(pid, status, 0);
    return in_time ? 0 : refuse(c, "its check did not end within %d s", CHECK_RUN_MS_MAX / 1000);
}

static int judge_line(struct check *c)
{
    unsigned long long layout, build;
    if (sscanf(c->output, LINE_FORMAT, &layout, &build) != 2)
        return refuse(c, "it is no prefork-upper");
    if (layout != facts_layout())
        return refuse(c, "it lays out what processes share in another way: it needs a restart");
    c->build = build;
    return 0;
}

static int judge(struct check *c)
{
    int status = 0;
    int error = run(c, &status);
    if (error)
        return c->why[0] ? error : refuse(c, "it cannot be run: %s", strerrordesc_np(-error));
    if (WIFSIGNALED(status))
        return refuse(c, "it died of SIG%s when it was checked", sigabbrev_np(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 127)
        return refuse(c, "it cannot be executed: %.100s", c->output);
    if (WEXITSTATUS(status) != 0)
        return refuse(c, "it is no prefork-upper, or does not run here: its check exited with %d%s%.70s",
                      WEXITSTATUS(status), c->output[0] ? " and said: " : "", c->output);
    return judge_line(c);
}

/* ---- the checker ---- */

/* Keepers find the copy in the master's /proc/PID/fd, which the kernel shows only to whom it would let trace
 * it (proc(5)). */
static bool sees_master(const struct check *c)
{
    char path[48], target[2];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)c->pages->orders.master_pid, FD_SHARED);
    return readlink(path, target, sizeof target) > 0;
}

static int check(struct check *c)
{
    char why[IMAGE_WHY_SIZE / 2];
    if (image_find(c->pages, atomic_load(&c->pages->orders.master_image)) < 0)
        return refuse(c, "the server has no copy of itself to go back to");
    if (!sees_master(c))
        return refuse(c,
                      "the kernel lets nobody look at the master's descriptors (does the program have file "
                      "capabilities?): it needs a restart");
    c->image_fd = imagefile_copy(c->path, why, sizeof why);
    if (c->image_fd < 0)
        return refuse(c, "%s", why);
    int error = judge(c);
    if (error)
        return error;
    error = imagepost_send(c->pages, c->image_fd, c->number, c->build);
    return error ? refuse(c, "the master does not take it: %s", strerrordesc_np(-error)) : 0;
}

_Noreturn static void checker_main(struct check *c, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    title_set("prefork-upper: checker");
    fault_disarm();
    struct check_cell *cell = &c->pages->orders.check;
    cell->is_good = check(c) == 0;
    memcpy(cell->why, c->why, sizeof cell->why);
    atomic_store_explicit(&cell->number, c->number, memory_order_release);
    heritage_wake_supervisor();
    _exit(0);
}

pid_t checker_start(struct shared_pages *pages, const char *path, uint32_t number)
{
    struct check c = {.pages = pages, .path = path, .number = number, .image_fd = -1};
    pid_t parent = getpid();
    atomic_store(&pages->orders.check.number, 0);
    pid_t pid = fault_fails(FAULT_fork) ? -1 : fork();
    if (pid == 0)
        checker_main(&c, parent);
    return pid < 0 ? -errno : pid;
}
