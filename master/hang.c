#include "master/hang.h"

/* Less than this between two looks is a stopped process: a running one uses more to be scheduled at all. */
#define CPU_NOTHING_NS 1000

#define SILENT_FACTOR 3

/* Two pings: a worker that serves has answered by then, even where it waits for a processor. */
#define UNANSWERED_MS_MAX 1000

static int64_t unanswered_ms(const struct hang *hang, const struct hang_look *look, int64_t elapsed_ms,
                             bool on_time)
{
    bool goes_on = hang->in_spell && hang->generation == look->generation && !look->answered;
    if (!goes_on)
        return 0;
    return hang->unanswered_ms + (on_time ? elapsed_ms : 0);
}

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

static enum hang_verdict judge(struct hang *hang, const struct hang_look *look, int64_t elapsed_ms,
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

enum hang_verdict hang_observe(struct hang *hang, const struct hang_look *look, int64_t elapsed_ms,
                               bool on_time, int64_t limit_ms)
{
    int64_t waited_ms = unanswered_ms(hang, look, elapsed_ms, on_time);
    enum hang_verdict verdict = judge(hang, look, elapsed_ms, on_time, limit_ms);
    hang->unanswered_ms = waited_ms; /* a spell that begins anew forgets it */
    return verdict;
}

bool hang_is_silent(const struct hang *hang, uint32_t generation)
{
    return hang->in_spell && hang->generation == generation && hang->unanswered_ms >= UNANSWERED_MS_MAX;
}
