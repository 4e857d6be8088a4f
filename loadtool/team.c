#include "loadtool/team.h"

#include <string.h>

void team_init(struct team *team, uint32_t count)
{
    memset(team, 0, sizeof(*team));
    team->count = count;
    pthread_mutex_init(&team->mutex, NULL);
    felt_marks_init(&team->marks);
    for (uint32_t i = 0; i < count; i++)
        team->reports[i].phase = -1;
}

void team_free(struct team *team)
{
    pthread_mutex_destroy(&team->mutex);
    felt_marks_free(&team->marks);
}

void team_post(struct team *team, uint32_t number, const struct team_report *report)
{
    pthread_mutex_lock(&team->mutex);
    team->reports[number] = *report;
    pthread_mutex_unlock(&team->mutex);
}

static void add_report(struct team_report *into, const struct team_report *from)
{
    into->has_ramped = into->has_ramped && from->has_ramped;
    into->is_alive = into->is_alive || from->is_alive;
    into->is_serving = into->is_serving || from->is_serving;
    into->is_pacing = into->is_pacing && from->is_pacing;
    into->control += from->control;
    into->answered += from->answered;
    into->unanswered += from->unanswered;
    into->connect_timeouts += from->connect_timeouts;
    into->gone += from->gone;
    into->lacking += from->lacking;
    into->waiting += from->waiting;
    into->victims += from->victims;
    into->away += from->away;
    into->unexpected_ends += from->unexpected_ends;
    into->done += from->done;
    into->opened += from->opened;
    into->bytes_right += from->bytes_right;
    into->churning += from->churning;
    into->last_done_ns = from->last_done_ns > into->last_done_ns ? from->last_done_ns : into->last_done_ns;
    into->seconds = from->seconds < into->seconds ? from->seconds : into->seconds;
    seconds_add_sums(&into->sums, &from->sums);
}

bool team_sum(struct team *team, struct team_report *sum)
{
    bool is_together = true;

    pthread_mutex_lock(&team->mutex);
    *sum = team->reports[0];
    for (uint32_t i = 0; i < team->count; i++) {
        is_together = is_together && team->reports[i].phase == team->orders.phase;
        if (i > 0)
            add_report(sum, &team->reports[i]);
    }
    pthread_mutex_unlock(&team->mutex);
    return is_together;
}

void team_order(struct team *team, const struct team_orders *orders)
{
    pthread_mutex_lock(&team->mutex);
    team->orders = *orders;
    pthread_mutex_unlock(&team->mutex);
}

struct team_orders team_read_orders(struct team *team)
{
    pthread_mutex_lock(&team->mutex);
    struct team_orders orders = team->orders;
    pthread_mutex_unlock(&team->mutex);
    return orders;
}

void team_end_second(struct team *team, struct histogram *own)
{
    pthread_mutex_lock(&team->mutex);
    if (team->second != NULL)
        histogram_add(team->second, own);
    pthread_mutex_unlock(&team->mutex);
    histogram_init(own);
}
