#include "master/metrics_server.h"
#include "master/metrics.h"
#include "worker/clock.h"
#include "worker/fault.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/title.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LIBRARY     "libmicrohttpd.so.12"
#define EXIT_FAILED 1
#define WAIT_MS     10000 /* nothing is due but answers */

#define TEXT_TYPE       "text/plain; charset=utf-8"
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* ---- the library ---- */

#define CALLS(X)                                                                                             \
    X(MHD_start_daemon)                                                                                      \
    X(MHD_run_wait)                                                                                          \
    X(MHD_create_response_from_buffer)                                                                       \
    X(MHD_add_response_header)                                                                               \
    X(MHD_queue_response)                                                                                    \
    X(MHD_destroy_response)

/* Its calls, by their own names and of their own types. */
struct library {
#define X(name) __typeof__(&(name)) name;
    CALLS(X)
#undef X
};

/* dlsym(3): POSIX has a pointer to data hold one to a function; ISO C has no cast for it. */
static bool find(void *handle, const char *name, void *call)
{
    void *found = dlsym(handle, name);
    memcpy(call, &found, sizeof found);
    return found != NULL;
}

/* NULL, or why not. */
static const char *load(struct library *library)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        return why ? why : LIBRARY " cannot be loaded";
    }
#define X(name)                                                                                              \
    if (!find(handle, #name, &library->name))                                                                \
        return LIBRARY " has no " #name;
    CALLS(X)
#undef X
    return NULL;
}

/* ---- answers ---- */

struct server {
    struct library library;
    struct shared_pages *pages;
    const struct service_setup *setup;
    struct metrics_view view;
};

static enum MHD_Result give(struct server *s, struct MHD_Connection *connection, unsigned status,
                            const char *type, char *text, size_t length)
{
    struct MHD_Response *response =
        s->library.MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    s->library.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    s->library.MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        s->library.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = s->library.MHD_queue_response(connection, status, response);
    s->library.MHD_destroy_response(response);
    return result;
}

static enum MHD_Result give_line(struct server *s, struct MHD_Connection *connection, unsigned status,
                                 const char *line)
{
    char *text = NULL;
    int length = asprintf(&text, "%s\n", line);
    return length < 0 ? MHD_NO : give(s, connection, status, TEXT_TYPE, text, (size_t)length);
}

static enum MHD_Result give_metrics(struct server *s, struct MHD_Connection *connection)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return MHD_NO;
    metrics_write(out, &s->view);
    if (fclose(out) != 0) {
        free(text);
        return MHD_NO; /* no memory: the connection is closed, and the scraper comes again */
    }
    return give(s, connection, MHD_HTTP_OK, EXPOSITION_TYPE, text, length);
}

static enum MHD_Result give_whether(struct server *s, struct MHD_Connection *connection, const char *why_not)
{
    return give_line(s, connection, why_not ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
                     why_not ? why_not : "ok");
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    struct server *s = context;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return give_line(s, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD are answered here");
    metrics_look(&s->view, s->pages, s->setup, clock_now_ns());
    if (strcmp(url, "/metrics") == 0)
        return give_metrics(s, connection);
    if (strcmp(url, "/healthz") == 0)
        return give_whether(s, connection, metrics_why_not_healthy(&s->view));
    if (strcmp(url, "/readyz") == 0)
        return give_whether(s, connection, metrics_why_not_ready(&s->view));
    return give_line(s, connection, MHD_HTTP_NOT_FOUND, "/metrics, /healthz and /readyz are here");
}

/* ---- the process ---- */

/* The pages once more, from a descriptor that was opened for reading: no mprotect makes that mapping writable
 * (mprotect(2), EACCES). The other one goes. */
static int map_to_read(struct server *s)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", FD_SHARED);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Not what clients have said. */
    void *region = mmap(NULL, offsetof(struct shared_pages, journals), PROT_READ, MAP_SHARED, fd, 0);
    int error = region == MAP_FAILED ? -errno : 0;
    close(fd);
    if (error)
        return error;
    s->pages = region;
    log_share_level(&s->pages->orders.log_level);
    munmap(s->setup->pages, sizeof *s->pages);
    return 0;
}

/* What it may keep: the streams, both listeners, and the log until it has said that it serves. */
static void close_the_rest(void)
{
    close_range(FD_LOG_READ, FD_METRICS - 1, 0);
    close_range(FD_METRICS + 1, ~0u, 0);
}

_Noreturn static void give_up(const char *why)
{
    char quoted[512];
    log_quote(quoted, sizeof quoted, why);
    log_event(LOG_LEVEL_ERROR, "event=failed what=metrics why=%s", quoted);
    _exit(EXIT_FAILED);
}

static void say_serving(const struct service_setup *setup)
{
    char address[2 * PEER_TEXT_SIZE];
    log_quote(address, sizeof address, setup->metrics_bound);
    log_event(LOG_LEVEL_INFO, "event=metrics_serving address=%s pid=%d", address, (int)getpid());
    close(FD_LOG);
}

_Noreturn void metrics_server_main(const struct service_setup *setup, pid_t supervisor_pid)
{
    static struct server server; /* too large for a stack */
    struct server *s = &server;
    *s = (struct server){.setup = setup};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor_pid)
        _exit(EXIT_FAILED);
    title_set("prefork-upper: metrics");
    fault_disarm();
    int error = map_to_read(s);
    if (error)
        give_up(strerrordesc_np(-error));
    close_the_rest();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const char *why = load(&s->library);
    if (why)
        give_up(why);
    struct MHD_Daemon *daemon = s->library.MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer, s, MHD_OPTION_LISTEN_SOCKET, FD_METRICS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTION_COUNT_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)METRICS_IDLE_S, MHD_OPTION_END);
    if (!daemon)
        give_up("libmicrohttpd does not start");
    say_serving(setup);
    while (s->library.MHD_run_wait(daemon, WAIT_MS) == MHD_YES)
        ;
    _exit(EXIT_FAILED);
}
