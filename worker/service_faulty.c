/*
 * The service with built-in accidents: for trying out what a worker's death does to everybody else.
 *
 * A trigger counts when it stands whole in one chunk (clients send it in one small message). All have the
 * same length and none contains another, so a chunk has at most one meaning per place; the first of the table
 * wins.
 */
#include "worker/service.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIGGER_LENGTH 8
#define EXIT_STATUS    3

static volatile int *volatile nowhere;

/* The undefined-behaviour sanitizer would report the write and end the process in its own way; the accident
 * wanted here is the plain SIGSEGV. The pointer is volatile so that no compiler sees where it points. */
__attribute__((noinline, no_sanitize("undefined"))) static void accident_segv(void)
{
    *nowhere = 1;
}

static void accident_abort(void)
{
    abort();
}

static void accident_exit(void)
{
    _exit(EXIT_STATUS);
}

/* Bounded by nothing: ending it is the supervisor's business. */
static void accident_hang(void)
{
    volatile unsigned long turns = 0;

    for (;;)
        turns = turns + 1;
}

/* What a sandbox forbids. Where there is none nothing comes of them: a file that is closed again, a socket likewise, a
 * program that does not exist, a signal that is none. */
static void forbidden_open(void)
{
    close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void forbidden_connect(void)
{
    close(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void forbidden_exec(void)
{
    char *const nothing[] = {NULL};
    execve("/nonexistent", nothing, nothing);
}

static void forbidden_kill(void)
{
    kill(getppid(), 0);
}

static const struct {
    char text[TRIGGER_LENGTH + 1];
    void (*happen)(void);
} accidents[] = {
    {"!SEGV!!!", accident_segv},  {"!ABRT!!!", accident_abort}, {"!EXIT!!!", accident_exit},
    {"!HANG!!!", accident_hang},  {"!OPEN!!!", forbidden_open}, {"!CONN!!!", forbidden_connect},
    {"!EXEC!!!", forbidden_exec}, {"!KILL!!!", forbidden_kill},
};

static void faulty_transform(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    for (size_t i = 0; i < sizeof accidents / sizeof accidents[0]; i++)
        if (memmem(in, byte_count, accidents[i].text, TRIGGER_LENGTH))
            accidents[i].happen();
    service_upper.transform(out, in, byte_count);
}

const struct service service_faulty = {
    .name = "faulty",
    .summary =
        "upper, for trials: !SEGV!!!, !ABRT!!!, !EXIT!!! or !HANG!!! in a message does that to the worker; "
        "!OPEN!!!, !CONN!!!, !EXEC!!! or !KILL!!! makes it try what its sandbox forbids",
    .transform = faulty_transform,
};
