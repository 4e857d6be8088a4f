#include "loadtool/seconds.h"

#include "loadtool/csv.h"
#include "loadtool/hdr_log.h"
#include "loadtool/series.h"

enum { CATCH_UP_MAX = 3600 };

static const uint64_t second_ns = 1000000000;

void seconds_add_sums(struct seconds_sums *into, const struct seconds_sums *from)
{
    into->sent += from->sent;
    into->right += from->right;
    into->bytes_right += from->bytes_right;
    into->found_bytes += from->found_bytes;
    into->opened += from->opened;
    into->ended += from->ended;
    into->kills += from->kills;
    into->lost += from->lost;
    into->missed += from->missed;
}

void seconds_begin(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns)
{
    if (seconds->step_ns == 0)
        seconds->step_ns = second_ns;
    seconds->begin_ns = now_ns;
    seconds->count = 0;
    seconds->before = *sums;
    seconds->modes = 0;
    histogram_init(&seconds->latency);
    if (seconds->csv != NULL)
        csv_write_header(seconds->csv);
    if (seconds->hdr != NULL)
        hdr_log_begin(seconds->hdr);
}

static struct seconds_sums difference(const struct seconds_sums *now, const struct seconds_sums *before)
{
    return (struct seconds_sums){.sent = now->sent - before->sent,
                                 .right = now->right - before->right,
                                 .bytes_right = now->bytes_right - before->bytes_right,
                                 .found_bytes = now->found_bytes - before->found_bytes,
                                 .opened = now->opened - before->opened,
                                 .ended = now->ended - before->ended,
                                 .kills = now->kills - before->kills,
                                 .lost = now->lost - before->lost,
                                 .missed = now->missed - before->missed};
}

static void hand_on(struct seconds *seconds, const struct seconds_sums *sums, uint64_t length_ns)
{
    struct second second = {.number = seconds->count + 1,
                            .begin_ns = seconds->count * seconds->step_ns,
                            .length_ns = length_ns,
                            .sums = difference(sums, &seconds->before),
                            .latency = &seconds->latency,
                            .modes = seconds->modes};

    if (seconds->csv != NULL && length_ns == seconds->step_ns)
        csv_write_second(seconds->csv, &second);
    if (seconds->hdr != NULL)
        hdr_log_add(seconds->hdr, &second);
    if (seconds->series != NULL)
        series_add(seconds->series, &second);
    seconds->count++;
    seconds->before = *sums;
    seconds->modes = 0;
    histogram_init(&seconds->latency);
}

void seconds_step(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns)
{
    if (seconds->begin_ns == 0)
        return;
    for (int i = 0; i < CATCH_UP_MAX && now_ns - seconds->begin_ns >= (seconds->count + 1) * seconds->step_ns;
         i++)
        hand_on(seconds, sums, seconds->step_ns);
}

void seconds_end(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns)
{
    seconds_step(seconds, sums, now_ns);
    if (seconds->begin_ns == 0 || now_ns - seconds->begin_ns <= seconds->count * seconds->step_ns)
        return;
    if (sums->sent > seconds->before.sent || sums->right > seconds->before.right ||
        seconds->latency.count > 0)
        hand_on(seconds, sums, now_ns - seconds->begin_ns - seconds->count * seconds->step_ns);
    seconds->begin_ns = 0;
}
