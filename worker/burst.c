#include "worker/burst.h"

void burst_init(struct burst *burst, unsigned line_count_max, int64_t window_ms)
{
    *burst = (struct burst){
        .line_count_max = line_count_max,
        .window_ms = window_ms,
        .window_end_ms = INT64_MIN,
    };
}

static void roll_window(struct burst *burst, int64_t now_ms)
{
    if (now_ms < burst->window_end_ms)
        return;
    burst->window_end_ms = now_ms + burst->window_ms;
    burst->line_count = 0;
}

static void count_line(struct burst *burst, uint64_t *suppressed)
{
    burst->line_count++;
    *suppressed = burst->suppressed;
    burst->suppressed = 0;
}

bool burst_allow(struct burst *burst, int64_t now_ms, uint64_t *suppressed)
{
    roll_window(burst, now_ms);
    if (burst->line_count >= burst->line_count_max) {
        burst->suppressed++;
        return false;
    }
    count_line(burst, suppressed);
    return true;
}

bool burst_flush(struct burst *burst, int64_t now_ms, uint64_t *suppressed)
{
    if (burst->suppressed == 0 || now_ms < burst->window_end_ms)
        return false;
    roll_window(burst, now_ms);
    count_line(burst, suppressed);
    return true;
}
