/* The child's side of child.h: clients that serve until the process is killed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "loadtool/child.h"
#include "loadtool/limits.h"

enum { PAGE_DESCRIPTOR = 3, EXIT_TROUBLE = 1 };

/* One connection, which has had a reply or not. */
struct owned {
    struct client client;
    struct child_page *page;
    bool is_serving;
};

struct brood {
    struct child_page *page;
    struct owned *list;
};

static void on_opened(struct client *client)
{
    client_send(client, 1);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    struct owned *owned = client->owner;

    (void)count;
    (void)right;
    if (!owned->is_serving) {
        owned->is_serving = true;
        atomic_fetch_add(&owned->page->serving, 1);
    }
    if (owned->page->interval_ns == 0 && !client_is_waiting(client))
        client_send(client, 1);
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct owned *owned = client->owner;

    (void)fault;
    (void)where;
    atomic_fetch_add(&owned->page->unexpected_ends, 1);
    if (owned->is_serving)
        atomic_fetch_sub(&owned->page->serving, 1);
    owned->is_serving = false;
}

/* A lost connection stays lost: its end has been told, and the child dies soon. */
static void on_closed(struct client *client)
{
    (void)client;
}

static const struct client_events events = {
    .opened = on_opened, .answered = on_answered, .ended = on_ended, .closed = on_closed};

static void on_pace(uv_timer_t *timer)
{
    struct brood *brood = timer->data;

    for (uint32_t i = 0; i < brood->page->clients; i++)
        if (brood->list[i].is_serving && !client_is_waiting(&brood->list[i].client))
            client_send(&brood->list[i].client, 1);
}

static void on_sweep(uv_timer_t *timer)
{
    struct brood *brood = timer->data;
    uint64_t now_ns = uv_hrtime();

    for (uint32_t i = 0; i < brood->page->clients; i++) {
        struct client *client = &brood->list[i].client;
        uint64_t waited_ns = client_waited_ns(client, now_ns);
        if (client->state == CLIENT_CONNECTING && waited_ns > brood->page->connect_timeout_ns)
            client_fail(client, FAULT_TIMEOUT, WHERE_CONNECT, "no connection within the connect time-out");
        else if (client->state == CLIENT_OPEN && waited_ns > brood->page->timeout_ns)
            client_fail(client, FAULT_UNANSWERED, WHERE_REPLY, "no reply within the time-out");
    }
}

static void start_timer(uv_timer_t *timer, uv_loop_t *loop, struct brood *brood, uv_timer_cb call,
                        uint64_t every_ms)
{
    uv_timer_init(loop, timer);
    timer->data = brood;
    uv_timer_start(timer, call, every_ms, every_ms);
}

static int serve(struct child_page *page, struct owned *list)
{
    struct brood brood = {.page = page, .list = list};
    struct client_world world = {.target = &page->target,
                                 .seed = page->seed,
                                 .size_bytes = page->size_bytes,
                                 .begin_ns = page->begin_ns,
                                 .next_serial = page->first_serial,
                                 .tally = &page->tally};
    uv_loop_t loop;
    uv_timer_t sweep, pace;

    if (uv_loop_init(&loop) < 0)
        return EXIT_TROUBLE;
    world.loop = &loop;
    if (client_world_init(&world, page->check) < 0)
        return EXIT_TROUBLE;
    start_timer(&sweep, &loop, &brood, on_sweep, LIMIT_TICK_MS * LIMIT_SWEEP_TICKS);
    if (page->interval_ns > 0)
        start_timer(&pace, &loop, &brood, on_pace, page->interval_ns / 1000000 + 1);
    for (uint32_t i = 0; i < page->clients; i++) {
        list[i].page = page;
        list[i].client.owner = &list[i];
        list[i].client.group = "victim in a child";
        client_open(&list[i].client, &world, &events);
    }
    return uv_run(&loop, UV_RUN_DEFAULT);
}

bool child_is_wanted(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], CHILD_ARGUMENT) == 0;
}

int child_run(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; how the child dies is the parent's business */
    struct child_page *page =
        mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, PAGE_DESCRIPTOR, 0);
    if (page == MAP_FAILED)
        return EXIT_TROUBLE;
    /* The parent may have died before the request to die with it was made: then look once. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != page->parent_pid || page->clients > LIMIT_CHILD_CLIENTS)
        return EXIT_TROUBLE;
    struct owned *list = calloc(page->clients, sizeof(*list));
    if (list == NULL)
        return EXIT_TROUBLE;
    int code = serve(page, list);
    free(list);
    return code;
}
