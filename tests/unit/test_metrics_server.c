/* The process that answers for --metrics, in a process of its own, when what it needs is not to be had; what it answers,
 * with a library that is the test's own. (With the real one: tests/e2e/test_metrics.py.) */
/* wrap: dlopen dlsym mmap open open_memstream fclose asprintf __asprintf_chk */
#include "tests/support/cmocka_all.h"

#include "master/metrics_server.h"
#include "worker/board.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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
    if (!fails("open"))
        return __real_open(path, flags, mode);
    missing = NULL;
    return -1;
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

/* ---- a library of the test's own ---- */

/* What is asked, one after the other, and what is to come of it; a status of 0: no answer at all. */
static const struct request {
    const char *method, *url;
    unsigned status;
    const char *begins;
    const char *failing; /* the call that fails then */
} requests[] = {
    {"GET", "/metrics", 200, "# HELP prefork_upper_", NULL},
    {"HEAD", "/healthz", 200, "ok\n", NULL},
    {"GET", "/readyz", 503, "starting\n", NULL},
    {"GET", "/", 404, "/metrics, /healthz and /readyz are here\n", NULL},
    {"POST", "/metrics", 405, "GET and HEAD are answered here\n", NULL},
    {"GET", "/metrics", 0, "", "open_memstream"},
    {"GET", "/metrics", 0, "", "fclose"},
    {"GET", "/healthz", 0, "", "asprintf"},
    {"GET", "/healthz", 0, "", "response"},
};

static bool is_own_library;
static MHD_AccessHandlerCallback handler;
static void *handler_context;
static unsigned status_given, headers_given;
static char body[32768];

FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return fails("open_memstream") ? NULL : __real_open_memstream(text, size);
}

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file)
{
    int result = __real_fclose(file);

    return fails("fclose") ? EOF : result;
}

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    int length = fails("asprintf") ? -1 : vasprintf(text, format, values);
    va_end(values);
    return length;
}

/* What asprintf is called in a build with fortified calls (feature_test_macros(7)). */
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
    va_list values;

    (void)flag;
    va_start(values, format);
    int length = fails("asprintf") ? -1 : vasprintf(text, format, values);
    va_end(values);
    return length;
}

static struct MHD_Daemon *start_own(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
                                    void *policy_context, MHD_AccessHandlerCallback given, void *context, ...)
{
    (void)flags;
    (void)port;
    (void)policy;
    (void)policy_context;
    handler = given;
    handler_context = context;
    return (void *)&handler; /* any place that is one */
}

static struct MHD_Response *create_own(size_t size, void *text, enum MHD_ResponseMemoryMode mode)
{
    (void)mode;
    if (fails("response"))
        return NULL;
    snprintf(body, sizeof body, "%.*s", (int)size, (const char *)text);
    free(text);
    return (void *)&body;
}

static enum MHD_Result add_header_own(struct MHD_Response *response, const char *name, const char *value)
{
    (void)response;
    (void)value;
    headers_given += strcmp(name, "Allow") == 0 ? 10 : 1;
    return MHD_YES;
}

static enum MHD_Result queue_own(struct MHD_Connection *connection, unsigned status,
                                 const struct MHD_Response *response)
{
    (void)connection;
    (void)response;
    status_given = status;
    return MHD_YES;
}

static void destroy_own(struct MHD_Response *response)
{
    (void)response;
}

static bool is_right(const struct request *request)
{
    size_t size = 0;
    void *own = NULL;

    status_given = headers_given = 0;
    body[0] = '\0';
    missing = request->failing;
    enum MHD_Result result =
        handler(handler_context, NULL, request->url, request->method, "HTTP/1.1", NULL, &size, &own);
    missing = NULL;
    return result == (request->status ? MHD_YES : MHD_NO) && status_given == request->status &&
           headers_given == (request->status == 405 ? 12
                             : request->status      ? 2
                                                    : 0) &&
           strncmp(body, request->begins, strlen(request->begins)) == 0;
}

/* All that is asked; then the library gives up. */
static enum MHD_Result run_own(struct MHD_Daemon *daemon, int32_t wait_ms)
{
    static size_t next;

    (void)daemon;
    (void)wait_ms;
    if (next == sizeof requests / sizeof requests[0])
        return MHD_NO;
    if (!is_right(&requests[next++]))
        _exit(10 + (int)next);
    return MHD_YES;
}

/* Its call of that name. */
static void *find_own(const char *name)
{
    static const struct {
        const char *name;
        void (*call)(void);
    } calls[] = {{"MHD_start_daemon", (void (*)(void))start_own},
                 {"MHD_run_wait", (void (*)(void))run_own},
                 {"MHD_create_response_from_buffer", (void (*)(void))create_own},
                 {"MHD_add_response_header", (void (*)(void))add_header_own},
                 {"MHD_queue_response", (void (*)(void))queue_own},
                 {"MHD_destroy_response", (void (*)(void))destroy_own}};
    void *found = NULL;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            memcpy(&found, &calls[i].call, sizeof found);
    return found;
}

void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name)
{
    void *(*nothing)(void) = start_nothing;
    void *found = __real_dlsym(handle, name);

    if (serving && is_own_library)
        return find_own(name);
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
    static const char *const calls[] = {
        "MHD_start_daemon",   "MHD_run_wait",         "MHD_create_response_from_buffer",
        "MHD_queue_response", "MHD_destroy_response", "MHD_add_response_header"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char words[128];
        snprintf(words, sizeof words, "why=\"libmicrohttpd.so.12 has no %s\"", calls[i]);
        expect_failure(calls[i], getpid(), words);
    }
    expect_failure("start", getpid(), "why=\"libmicrohttpd does not start\"");
}

/* It ends with 1 when the library gives up; each request that is answered in another way has an exit code of its own. */
static void server__requests_of_every_kind__answered(void **state)
{
    (void)state;
    atomic_store(&pages->orders.supervisor_tick_ns, clock_now_ns());
    atomic_store(&pages->orders.log_level, LOG_LEVEL_INFO);
    is_own_library = true;
    expect_failure(NULL, getpid(), "event=metrics_serving address=127.0.0.1:9100 pid=");
    is_own_library = false;
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
        TEST(server__requests_of_every_kind__answered),
        TEST(server__supervisor_has_ended_meanwhile__ends_in_silence),
    };

    return cmocka_run_group_tests_name("metrics_server", tests, NULL, NULL);
}
