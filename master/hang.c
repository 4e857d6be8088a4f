#include "master/hang.h"

/* Less than this between two looks is a stopped process: a running one uses more to be scheduled at all. */
#define CPU_NOTHING_NS 1000

#define SILENT_FACTOR 3

static void begin_spell(struct hang *hang, const struct hang_look *look)
{
    *hang = (struct hang){
        .generation = look->generation,
        .progress = look->progress,
        .cpu_begin_ns = look->cpu_ns,
        .cpu_last_ns = look->cpu_ns,
        .in_spell = !look->answered,
    };
}

enum hang_verdict hang_observe(struct hang *hang, const struct hang_look *look, int64_t elapsed_ms,
                               bool on_time, int64_t limit_ms)
{
    bool same = hang->in_spell && hang->generation == look->generation && hang->progress == look->progress;
    if (look->answered || !on_time || !same || look->traced || limit_ms == 0) {
        begin_spell(hang, look);
        return HANG_NONE;
    }
    if (look->cpu_ns - hang->cpu_last_ns < CPU_NOTHING_NS)
        hang->silent_ms += elapsed_ms;
    else
        hang->silent_ms = 0;
    hang->cpu_last_ns = look->cpu_ns;
    if (look->cpu_ns - hang->cpu_begin_ns >= limit_ms * 1000000)
        return HANG_BUSY;
    return hang->silent_ms >= SILENT_FACTOR * limit_ms ? HANG_SILENT : HANG_NONE;
}
