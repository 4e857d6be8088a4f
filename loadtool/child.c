#include "loadtool/child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int child_init(struct child *child)
{
    int rc = shared_make(&child->memory, "loadtool-child", sizeof(*child->page));

    if (rc == 0)
        child->page = child->memory.at;
    return rc;
}

void child_free(struct child *child)
{
    shared_free(&child->memory);
    child->page = NULL;
}

static void on_process_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    child->is_running = false;
    child->gone(child);
}

static void on_dead(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct child *child = process->data;

    (void)exit_status;
    child->was_killed = term_signal == SIGKILL;
    tally_add(child->world->tally, &child->page->tally);
    /* Its end was the end of every connection that it had. */
    child->world->tally->ended += child->page->tally.opened - child->page->tally.ended;
    uv_close((uv_handle_t *)process, on_process_closed);
}

static void on_failure_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    child->is_closing = false;
}

/* The child has the descriptor under the number of its entry; nothing for -1. */
static uv_stdio_container_t inherit(int fd)
{
    uv_stdio_container_t entry = {.flags = UV_IGNORE};

    if (fd >= 0) {
        entry.flags = UV_INHERIT_FD;
        entry.data.fd = fd;
    }
    return entry;
}

static int spawn(struct child *child, uv_loop_t *loop, int budget_fd)
{
    char path[PATH_MAX];
    size_t length = sizeof(path);
    char *arguments[] = {(char[]){"loadtool"}, (char[]){CHILD_ARGUMENT}, NULL};
    uv_stdio_container_t stdio[CHILD_BUDGET_DESCRIPTOR + 1] = {
        [STDERR_FILENO] = inherit(STDERR_FILENO),
        [CHILD_PAGE_DESCRIPTOR] = inherit(child->memory.fd),
        [CHILD_BUDGET_DESCRIPTOR] = inherit(budget_fd),
    };

    int rc = uv_exepath(path, &length);
    if (rc < 0)
        return rc;
    uv_process_options_t options = {.file = path,
                                    .args = arguments,
                                    .exit_cb = on_dead,
                                    .stdio = stdio,
                                    .stdio_count = CHILD_BUDGET_DESCRIPTOR + 1};
    rc = uv_spawn(loop, &child->process, &options);
    if (rc < 0) {
        /* The handle is the loop's all the same: it must be closed before it is used again. */
        child->is_closing = true;
        uv_close((uv_handle_t *)&child->process, on_failure_closed);
    }
    return rc;
}

int child_start(struct child *child, struct client_world *world, const struct child_orders *orders)
{
    struct child_page *page = child->page;

    if (child->is_closing)
        return -EBUSY;
    memset(page, 0, sizeof(*page));
    page->orders = *orders;
    page->target = *world->target;
    page->seed = world->seed;
    page->dialogue = *world->dialogue;
    if (world->source != NULL)
        page->source = *world->source;
    page->begin_ns = world->begin_ns;
    page->parent_pid = getpid();
    child->world = world;
    child->was_killed = false;
    child->process.data = child;
    int rc = spawn(child, world->loop, orders->budget_fd);
    child->is_running = rc == 0;
    return rc;
}

void child_kill(struct child *child)
{
    if (child->is_running)
        uv_process_kill(&child->process, SIGKILL);
}

void child_stop(struct child *child)
{
    if (child->is_running)
        uv_process_kill(&child->process, SIGSTOP);
}

/* The kernel tells a stop once; libuv does not ask for it. */
bool child_is_stopped(const struct child *child)
{
    siginfo_t told = {.si_pid = 0};

    return child->is_running &&
           waitid(P_PID, (id_t)uv_process_get_pid(&child->process), &told, WSTOPPED | WNOHANG) == 0 &&
           told.si_pid != 0 && told.si_code == CLD_STOPPED;
}

void child_go_on(struct child *child)
{
    atomic_store(&child->page->fresh, 0);
    atomic_fetch_add(&child->page->epoch, 1);
    if (child->is_running)
        uv_process_kill(&child->process, SIGCONT);
}
