/* control.h: what there is to be counted in the group, looked at from outside. */
#include "loadtool/control.h"

uint64_t control_pending_count(const struct control_group *group)
{
    uint64_t pending = 0;

    for (uint32_t i = 0; i < group->count; i++)
        pending += group->list[i].pace.due_count - group->list[i].pace.begun_count;
    return pending;
}

void control_forget_measures(struct control_group *group)
{
    histogram_init(group->latency);
    if (group->latency_sent != NULL)
        histogram_init(group->latency_sent);
    for (uint32_t i = 0; i < group->opened_count; i++)
        group->list[i].client.silence_ns = 0;
}

bool control_is_alive(const struct control_group *group)
{
    for (uint32_t i = 0; i < group->opened_count; i++)
        if (group->list[i].client.state == CLIENT_OPEN && !group->list[i].is_waiting_too_long)
            return true;
    return false;
}

uint32_t control_waiting_count(const struct control_group *group)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < group->count; i++)
        waiting += client_is_waiting(&group->list[i].client) && !group->list[i].is_waiting_too_long;
    return waiting;
}

uint32_t control_lacking_count(const struct control_group *group, enum control_part part)
{
    uint32_t lacking = 0;

    for (uint32_t i = 0; i < group->count; i++)
        lacking += group->list[i].client.state == CLIENT_OPEN && !group->list[i].proofs[part];
    return lacking;
}

uint32_t control_list_silences_ns(const struct control_group *group, uint64_t *silences_ns)
{
    uint64_t now_ns = uv_hrtime();
    uint32_t count = 0;

    for (uint32_t i = 0; i < group->opened_count; i++)
        if (group->list[i].client.was_opened)
            silences_ns[count++] = client_silence_ns(&group->list[i].client, now_ns);
    return count;
}
