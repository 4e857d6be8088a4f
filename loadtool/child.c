#include "loadtool/child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_DESCRIPTOR = 3 };

int child_init(struct child *child)
{
    child->page_fd = memfd_create("loadtool-child", MFD_CLOEXEC);
    if (child->page_fd < 0)
        return -errno;
    if (ftruncate(child->page_fd, sizeof(*child->page)) < 0)
        return -errno;
    void *page = mmap(NULL, sizeof(*child->page), PROT_READ | PROT_WRITE, MAP_SHARED, child->page_fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    child->page = page;
    return 0;
}

void child_free(struct child *child)
{
    if (child->page != NULL)
        munmap(child->page, sizeof(*child->page));
    if (child->page_fd >= 0)
        close(child->page_fd);
    child->page = NULL;
    child->page_fd = -1;
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

static int spawn(struct child *child, uv_loop_t *loop)
{
    char path[PATH_MAX];
    size_t length = sizeof(path);
    char *arguments[] = {(char[]){"loadtool"}, (char[]){CHILD_ARGUMENT}, NULL};
    uv_stdio_container_t stdio[PAGE_DESCRIPTOR + 1] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = child->page_fd},
    };

    int rc = uv_exepath(path, &length);
    if (rc < 0)
        return rc;
    uv_process_options_t options = {.file = path,
                                    .args = arguments,
                                    .exit_cb = on_dead,
                                    .stdio = stdio,
                                    .stdio_count = PAGE_DESCRIPTOR + 1};
    return uv_spawn(loop, &child->process, &options);
}

int child_start(struct child *child, struct client_world *world, uint32_t clients, enum oracle_check check,
                uint64_t timeout_ns, uint64_t connect_timeout_ns, uint64_t interval_ns)
{
    struct child_page *page = child->page;

    memset(page, 0, sizeof(*page));
    page->target = *world->target;
    page->check = check;
    page->seed = world->seed;
    page->size_bytes = world->size_bytes;
    page->begin_ns = world->begin_ns;
    page->first_serial = world->next_serial;
    page->timeout_ns = timeout_ns;
    page->connect_timeout_ns = connect_timeout_ns;
    page->interval_ns = interval_ns;
    page->clients = clients;
    page->parent_pid = getpid();
    world->next_serial += clients;
    child->world = world;
    child->was_killed = false;
    child->process.data = child;
    int rc = spawn(child, world->loop);
    child->is_running = rc == 0;
    return rc;
}

void child_kill(struct child *child)
{
    if (child->is_running)
        uv_process_kill(&child->process, SIGKILL);
}
