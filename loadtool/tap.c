#include "loadtool/tap.h"

#include <string.h>

void tap_init(struct tap *tap, struct timeline *timeline, uint32_t loop)
{
    memset(tap, 0, sizeof(*tap));
    tap->timeline = timeline;
    tap->loop = loop;
}

static bool is_on(const struct tap *tap)
{
    return tap->begin_ns != 0 && tap->end_ns == 0;
}

/* -- buckets -- */

/* Requests that were sent so long before the end of the present bucket that their reply would be slow. */
static uint32_t count_overdue(const struct tap *tap)
{
    uint64_t young = 0;
    uint64_t buckets = tap->limit_ns / BUCKET_NS + 1;

    if (tap->limit_ns == 0)
        return 0;
    for (uint64_t i = 0; i < buckets && i < TAP_BUCKETS && i <= tap->number; i++)
        young += tap->sent_in[(tap->number - i) % TAP_BUCKETS];
    if (buckets > TAP_BUCKETS)
        young += tap->ancient; /* for all that is known they are not too old */
    return (uint32_t)(tap->outstanding - young);
}

static void deliver(struct tap *tap, uint64_t upto)
{
    if (!is_on(tap))
        return;
    tap->present.overdue = count_overdue(tap);
    timeline_deliver(tap->timeline, tap->loop, tap->number, &tap->present, upto);
}

/* The bucket of now is the present one. */
static void advance(struct tap *tap, uint64_t now_ns)
{
    uint64_t number = bucket_of(now_ns);

    if (number <= tap->number)
        return;
    if (tap->number > 0)
        deliver(tap, number);
    uint64_t steps =
        tap->number == 0 || number - tap->number > TAP_BUCKETS ? TAP_BUCKETS : number - tap->number;
    for (uint64_t i = 0; i < steps; i++) {
        uint32_t *oldest = &tap->sent_in[(number - i) % TAP_BUCKETS];
        tap->ancient += *oldest;
        *oldest = 0;
    }
    tap->number = number;
    tap->limit_ns = atomic_load_explicit(&tap->timeline->limit_ns, memory_order_relaxed);
    memset(&tap->present, 0, sizeof(tap->present));
}

void tap_begin(struct tap *tap, uint64_t begin_ns)
{
    if (tap->begin_ns != 0)
        return;
    timeline_begin(tap->timeline, begin_ns);
    tap->begin_ns = begin_ns;
    memset(&tap->present, 0, sizeof(tap->present)); /* what came before is no part of it */
    advance(tap, begin_ns);
}

void tap_end(struct tap *tap, uint64_t now_ns)
{
    if (!is_on(tap))
        return;
    advance(tap, now_ns);
    deliver(tap, tap->number); /* it is not over: whether it counts is decided in the end */
    tap->end_ns = now_ns;
    timeline_end(tap->timeline, now_ns);
}

void tap_tick(struct tap *tap, uint64_t now_ns)
{
    advance(tap, now_ns);
}

/* -- requests and replies -- */

void tap_sent(struct tap *tap, uint64_t now_ns)
{
    uint64_t number = bucket_of(now_ns);

    advance(tap, now_ns);
    tap->outstanding++;
    if (number + TAP_BUCKETS > tap->number)
        tap->sent_in[number % TAP_BUCKETS]++;
    else
        tap->ancient++;
}

void tap_settled(struct tap *tap, uint64_t sent_ns)
{
    uint64_t number = bucket_of(sent_ns);

    tap->outstanding--;
    if (number + TAP_BUCKETS > tap->number)
        tap->sent_in[number % TAP_BUCKETS]--;
    else
        tap->ancient--;
}

void tap_reply(struct tap *tap, uint64_t now_ns, uint64_t latency_ns)
{
    struct bucket *present = &tap->present;

    advance(tap, now_ns);
    if (!is_on(tap) || now_ns < tap->begin_ns)
        return;
    uint64_t begin_ns = tap->number * BUCKET_NS;
    uint32_t at_ns = now_ns > begin_ns ? (uint32_t)(now_ns - begin_ns) : 0;
    if (present->replies++ == 0)
        present->first_ns = at_ns;
    present->last_ns = at_ns > present->last_ns ? at_ns : present->last_ns;
    present->slow += latency_ns > tap->limit_ns && tap->limit_ns > 0;
    present->unjudged += tap->limit_ns == 0;
}

void tap_lost(struct tap *tap, uint64_t sent_ns, uint64_t now_ns)
{
    tap_settled(tap, sent_ns);
    if (tap->begin_ns != 0)
        timeline_lose(tap->timeline, sent_ns, now_ns);
}

void tap_ended(struct tap *tap, uint64_t now_ns)
{
    advance(tap, now_ns);
    tap->present.lost++;
}

void tap_death(struct tap *tap, uint64_t now_ns, int mode, uint64_t deaths)
{
    advance(tap, now_ns);
    if (!is_on(tap))
        return;
    tap->present.modes |= UINT32_C(1) << mode;
    timeline_disturb(tap->timeline, now_ns, mode, deaths);
}
