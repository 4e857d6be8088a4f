#include "loadtool/probe.h"

#include "loadtool/limits.h"
#include "loadtool/schedule.h"
#include "loadtool/units.h"

static void on_opened(struct client *client)
{
    client_send(client, 1);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    struct probe *probe = client->owner;

    (void)count;
    if (right > 0) {
        probe->is_right = true;
        probe->took_ns = client->world->now_ns - probe->begin_ns;
    }
    probe->next_ns = uv_hrtime() + LIMIT_RETRY_MS * NS_PER_MS;
    client_close(client);
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    struct probe *probe = client->owner;

    (void)fault;
    (void)where;
    probe->next_ns = uv_hrtime() + LIMIT_RETRY_MS * NS_PER_MS;
}

static void on_closed(struct client *client)
{
    struct probe *probe = client->owner;

    probe->is_out = false;
}

static const struct client_events events = {
    .opened = on_opened, .answered = on_answered, .ended = on_ended, .closed = on_closed};

void probe_init(struct probe *probe, struct client_world *world, uint64_t begin_ns, uint64_t now_ns)
{
    uint64_t recovery_ns = begin_ns + LIMIT_RECOVERY_MS * NS_PER_MS;
    uint64_t one_try_ns = now_ns + LIMIT_RECOVERY_TRY_MS * NS_PER_MS;

    *probe = (struct probe){.world = world, .begin_ns = begin_ns};
    probe->until_ns = recovery_ns > one_try_ns ? recovery_ns : one_try_ns;
    probe->client.owner = probe;
    probe->client.group = "new client after the last disturbance";
}

bool probe_step(struct probe *probe, uint64_t now_ns)
{
    if (probe->is_right || now_ns > probe->until_ns)
        return true;
    if (probe->is_out && now_ns - probe->tried_ns > LIMIT_RECOVERY_TRY_MS * NS_PER_MS)
        client_close(&probe->client);
    if (!probe->is_out && now_ns >= probe->next_ns) {
        probe->is_out = true;
        probe->tried_ns = now_ns;
        client_open(&probe->client, probe->world, &events, SCHEDULE_SERIAL_PROBE + probe->tries++);
    }
    return false;
}

void probe_close(struct probe *probe)
{
    if (probe->is_out)
        client_close(&probe->client);
}
