/* The process that answers for --metrics, in a process of its own, when what it needs is not to be had; what it answers
 * is seen in tests/e2e/test_metrics.py. */
/* wrap: dlopen dlsym mmap open */
#include "tests/support/cmocka_all.h"

#include "master/metrics_server.h"
#include "worker/board.h"
#include "worker/heritage.h"
#include "worker/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared_pages *pages;
static int log_reading;
static struct service_setup setup;
static const char *missing; /* the call that fails, or the symbol that is not there */
static bool serving;        /* in the process under test */

static bool fails(const char *name)
{
    errno = EPERM;
    return serving && missing && strcmp(missing, name) == 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails("mmap") ? MAP_FAILED : __real_mmap(address, size, protection, flags, fd, offset);
}

void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags)
{
    return __real_dlopen(fails("dlopen") ? "libno-such-library.so" : name, flags);
}

/* In place of MHD_start_daemon. */
static void *start_nothing(void)
{
    return NULL;
}

void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name)
{
    void *(*nothing)(void) = start_nothing;
    void *found = __real_dlsym(handle, name);

    if (fails("start") && strcmp(name, "MHD_start_daemon") == 0)
        memcpy(&found, &nothing, sizeof found);
    return fails(name) ? NULL : found;
}

/* The log's numbers are those of the service, since all others are closed. */
static int begin(void **state)
{
    int ends[2];

    (void)state;
    close_range(STDERR_FILENO + 1, ~0u, 0);
    if (shared_pages_create(&pages) < 0 || pipe2(ends, O_NONBLOCK) < 0)
        return -1;
    log_reading = fcntl(ends[0], F_DUPFD, FIRST_CONNECTION);
    close(ends[0]);
    setup = (struct service_setup){.pages = pages, .metrics_bound = "127.0.0.1:9100"};
    log_init(FD_LOG, LOG_LEVEL_DEBUG);
    return heritage_place(ends[1], FD_LOG);
}

static int end(void **state)
{
    (void)state;
    log_init(-1, LOG_LEVEL_ERROR);
    return munmap(pages, sizeof *pages);
}

static bool read_log(char text[LOG_TEXT_LENGTH_MAX + 1])
{
    struct log_record_header header;

    if (read(log_reading, &header, sizeof header) != sizeof header)
        return false;
    assert_int_equal(read(log_reading, text, header.text_length), header.text_length);
    text[header.text_length] = '\0';
    return true;
}

/* It ends by itself, with 1, after it has said why. */
static void expect_failure(const char *what, pid_t supervisor_pid, const char *words)
{
    char text[LOG_TEXT_LENGTH_MAX + 1] = "";
    int status = -1;

    missing = what;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20);
        serving = true;
        metrics_server_main(&setup, supervisor_pid);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 1 << 8);
    bool said = read_log(text);
    assert_int_equal(said, words != NULL);
    if (words && !strstr(text, words))
        fail_msg("no %s in: %s", words, text);
}

static void server__what_it_needs_is_missing__says_so_and_ends(void **state)
{
    (void)state;
    expect_failure("open", getpid(), "event=failed what=metrics why=\"Operation not permitted\"");
    expect_failure("mmap", getpid(), "event=failed what=metrics why=\"Operation not permitted\"");
    expect_failure("dlopen", getpid(), "event=failed what=metrics why=\"libno-such-library.so: cannot open");
    expect_failure("MHD_run_wait", getpid(), "why=\"libmicrohttpd.so.12 has no MHD_run_wait\"");
    expect_failure("start", getpid(), "why=\"libmicrohttpd does not start\"");
}

static void server__supervisor_has_ended_meanwhile__ends_in_silence(void **state)
{
    (void)state;
    expect_failure(NULL, getpid() + 1, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(server__what_it_needs_is_missing__says_so_and_ends),
        TEST(server__supervisor_has_ended_meanwhile__ends_in_silence),
    };

    return cmocka_run_group_tests_name("metrics_server", tests, NULL, NULL);
}
