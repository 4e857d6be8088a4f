/* The child's side of child.h: clients that serve until the process is killed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "loadtool/child.h"
#include "loadtool/limits.h"
#include "loadtool/units.h"

enum { EXIT_TROUBLE = 1 };

/* One connection, which has had a reply or not. */
struct owned {
    struct client client;
    struct child_page *page;
    struct budget *budget; /* NULL = no limit */
    bool is_serving;
    uint32_t epoch; /* of its last reply */
};

struct brood {
    struct child_page *page;
    struct owned *list;
};

/* As for every victim, the first message is sent in any case. */
static void on_opened(struct client *client)
{
    struct owned *owned = client->owner;

    schedule_spend(owned->budget, 1);
    client_send(client, 1);
}

static void send_next(struct owned *owned)
{
    uint32_t depth = owned->page->orders.depth == 0 ? 1 : owned->page->orders.depth;

    while (owned->client.state == CLIENT_OPEN && client_outstanding_count(&owned->client) < depth &&
           schedule_take(owned->budget, false))
        client_send(&owned->client, 1);
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
    uint32_t epoch = atomic_load(&owned->page->epoch);
    if (owned->epoch != epoch) {
        owned->epoch = epoch;
        atomic_fetch_add(&owned->page->fresh, 1);
    }
    if (owned->page->orders.interval_ns == 0)
        send_next(owned);
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct owned *owned = client->owner;

    (void)fault;
    (void)where;
    atomic_fetch_add(&owned->page->unexpected_ends, 1);
    if (owned->is_serving)
        atomic_fetch_sub(&owned->page->serving, 1);
    if (owned->is_serving && owned->epoch == atomic_load(&owned->page->epoch) && owned->epoch > 0)
        atomic_fetch_sub(&owned->page->fresh, 1);
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

    for (uint32_t i = 0; i < brood->page->orders.clients; i++)
        if (brood->list[i].is_serving)
            send_next(&brood->list[i]);
}

static void on_sweep(uv_timer_t *timer)
{
    struct brood *brood = timer->data;
    uint64_t now_ns = uv_hrtime();

    for (uint32_t i = 0; i < brood->page->orders.clients; i++) {
        struct client *client = &brood->list[i].client;
        uint64_t waited_ns = client_waited_ns(client, now_ns);
        if (client->state == CLIENT_CONNECTING && waited_ns > brood->page->orders.connect_timeout_ns)
            client_fail(client, FAULT_TIMEOUT, WHERE_CONNECT, "no connection within the connect time-out");
        else if (client->state == CLIENT_OPEN && waited_ns > brood->page->orders.timeout_ns)
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

static int serve(struct child_page *page, struct budget *budget, struct owned *list)
{
    struct brood brood = {.page = page, .list = list};
    struct client_world world = {.target = &page->target,
                                 .seed = page->seed,
                                 .dialogue = &page->dialogue,
                                 .source = &page->source,
                                 .begin_ns = page->begin_ns,
                                 .tally = &page->tally};
    uv_loop_t loop;
    uv_timer_t sweep, pace;

    if (uv_loop_init(&loop) < 0)
        return EXIT_TROUBLE;
    world.loop = &loop;
    if (client_world_init(&world, page->orders.check) < 0)
        return EXIT_TROUBLE;
    start_timer(&sweep, &loop, &brood, on_sweep, LIMIT_TICK_MS * LIMIT_SWEEP_TICKS);
    if (page->orders.interval_ns > 0)
        start_timer(&pace, &loop, &brood, on_pace, page->orders.interval_ns / NS_PER_MS + 1);
    for (uint32_t i = 0; i < page->orders.clients; i++) {
        list[i].page = page;
        list[i].budget = budget;
        list[i].client.owner = &list[i];
        list[i].client.group = "victim in a child";
        client_open(&list[i].client, &world, &events, page->orders.first_serial + i);
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
    struct child_page *page = shared_map(CHILD_PAGE_DESCRIPTOR, sizeof(*page));
    struct budget *budget = NULL;
    if (page == NULL)
        return EXIT_TROUBLE;
    /* The parent may have died before the request to die with it was made: then look once. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != page->parent_pid || page->orders.clients > LIMIT_CHILD_CLIENTS)
        return EXIT_TROUBLE;
    if (page->orders.budget_fd >= 0 &&
        (budget = shared_map(CHILD_BUDGET_DESCRIPTOR, sizeof(*budget))) == NULL)
        return EXIT_TROUBLE;
    struct owned *list = calloc(page->orders.clients, sizeof(*list));
    if (list == NULL)
        return EXIT_TROUBLE;
    int code = serve(page, budget, list);
    free(list);
    return code;
}
