#include "tests/support/asking_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct asking_fixture asking;

static char directory[] = "/tmp/test_asking.XXXXXX";
static int64_t clock_offset_ms;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);
    now->tv_sec += clock_offset_ms / 1000;
    now->tv_nsec += clock_offset_ms % 1000 * 1000000;
    now->tv_sec += now->tv_nsec / 1000000000;
    now->tv_nsec %= 1000000000;
    return result;
}

int asking_make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(asking.path, sizeof asking.path, "%s/c.sock", directory);
    return 0;
}

int asking_remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* ---- the server ---- */

static bool read_request(int fd, const char *request)
{
    char line[256] = "";
    size_t used = 0;

    while (used < sizeof line - 1 && !strchr(line, '\n')) {
        ssize_t length = recv(fd, line + used, sizeof line - 1 - used, 0);
        if (length <= 0)
            return false;
        used += (size_t)length;
        line[used] = '\0';
    }
    return strlen(request) + 1 == used && strncmp(line, request, used - 1) == 0;
}

_Noreturn static void play(int listener, const struct asking_scene *scenes, size_t count)
{
    alarm(2 * ASKING_DEADLINE_MS / 1000);
    for (size_t i = 0; i < count; i++) {
        int fd = accept(listener, NULL, NULL);
        if (!read_request(fd, scenes[i].request))
            _exit(9);
        send(fd, scenes[i].reply, strlen(scenes[i].reply), MSG_NOSIGNAL);
        if (!scenes[i].stays)
            close(fd);
    }
    for (size_t i = 0; i < count; i++)
        if (scenes[i].stays)
            pause(); /* until the test ends us */
    _exit(0);
}

void asking_serve(const struct asking_scene *scenes, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, asking.path);
    assert_int_equal(bind(listener, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 5), 0);
    asking.server = fork();
    if (asking.server == 0)
        play(listener, scenes, count);
    close(listener);
}

int asking_end_server(bool kill_it)
{
    int status = 0;

    if (kill_it)
        kill(asking.server, SIGKILL);
    assert_int_equal(waitpid(asking.server, &status, 0), asking.server);
    unlink(asking.path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- the client ---- */

static void hear(const char *level, size_t level_length, const char *text)
{
    size_t used = strlen(asking.heard);
    snprintf(asking.heard + used, sizeof asking.heard - used, "%.*s=%s;", (int)level_length, level, text);
    if (asking.left_ms < 0)
        return;
    struct pollfd cut = {.fd = asking.session.fd, .events = POLLRDHUP};
    assert_int_equal(poll(&cut, 1, ASKING_DEADLINE_MS), 1);
    clock_offset_ms += asking.session.deadline_ms - clock_now_ms() - asking.left_ms;
}

void asking_open_session(int64_t timeout_ms)
{
    asking.heard[0] = '\0';
    asking.left_ms = -1;
    assert_int_equal(ctl_session_open(&asking.session, asking.path, timeout_ms), 0);
    asking.session.on_log = hear;
    asking.session.command = "test";
}

int asking_run(const char *request, int64_t timeout_ms)
{
    asking_open_session(timeout_ms);
    int error = ctl_session_ask(&asking.session, request, &asking.answer);
    ctl_session_close(&asking.session);
    return error;
}
