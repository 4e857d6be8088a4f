/* The part of the text that tells of kill modes: what was done, how the server took it, what the others felt.
 */
#include <string.h>

#include "loadtool/report_parts.h"

static void write_mode(const struct page *page, const struct outcome *outcome, enum plan_mode mode)
{
    struct text done, not_done;
    char failed[64] = "";
    char words[LINE_BYTES];

    if (outcome->not_done[mode] > 0)
        snprintf(failed, sizeof(failed), "  (%s not done)", count(&not_done, outcome->not_done[mode]));
    fprintf(page->out, "%*s%-13s%7s  ", INDENT, "", plan_mode_name(mode), count(&done, outcome->done[mode]));
    snprintf(words, sizeof(words), "%s%s", plan_mode_definition(mode), failed);
    report_wrap(page, words, INDENT + MODE_COLUMN, INDENT + MODE_COLUMN);
}

/* How the server took it: what there is of it. */
static size_t format_took(char *words, size_t size, const uint64_t took[TOOK_COUNT])
{
    static const char *const names[] = {
        [TOOK_NOTICED] = "noticed", [TOOK_ANSWERED] = "answered all", [TOOK_TIMED_OUT] = "timed out"};
    size_t used = 0;

    for (int i = TOOK_NOTICED; i < TOOK_COUNT; i++) {
        struct text number;
        if (took[i] > 0)
            used += (size_t)snprintf(words + used, size - used, "%s%s %s",
                                     used > 0 ? ", " : "server: ", count(&number, took[i]), names[i]);
    }
    return used;
}

/* How the server took it, and what the control group felt; nothing where there is nothing to tell. */
static void write_taken(const struct page *page, const struct outcome *outcome, enum plan_mode mode)
{
    const struct felt_result *felt = &outcome->felt[mode];
    struct text p99, wrong;
    char words[LINE_BYTES];
    size_t used = format_took(words, sizeof(words), outcome->took[mode]);

    if (felt->p99_ratio > 0)
        used +=
            (size_t)snprintf(words + used, sizeof(words) - used, "%sothers: p99 %s (%.2f of calm), %s wrong",
                             used > 0 ? ";  " : "", units_format_ns(&p99, felt->p99_ns), felt->p99_ratio,
                             count(&wrong, felt->wrong));
    if (used == 0)
        return;
    fprintf(page->out, "%*s", INDENT + MODE_COLUMN, "");
    report_wrap(page, words, INDENT + MODE_COLUMN, INDENT + MODE_COLUMN);
}

void report_write_disconnects(const struct page *page, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text total, places, unexpected;

    if (outcome->victims == 0) {
        report_line(page, "disconnects", "none");
        return;
    }
    report_line(page, "disconnects", "%s done, %s victims at a time;  %s unexpected ends",
                count(&total, outcome->done_count), count(&places, outcome->victims),
                count(&unexpected, outcome->unexpected_ends));
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        if (!plan_has(&report->settings->plan, (enum plan_mode)i))
            continue;
        write_mode(page, outcome, (enum plan_mode)i);
        write_taken(page, outcome, (enum plan_mode)i);
    }
}
