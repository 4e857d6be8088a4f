/* The part of the text that tells of kill modes: what was done, how the server took it, what the others felt.
 */
#include <string.h>

#include "loadtool/report_parts.h"

static void write_mode(const struct page *page, const struct outcome *outcome, enum plan_mode mode)
{
    struct text done, not_done, first;
    char failed[64] = "", why[96] = "";
    char words[LINE_BYTES];

    if (outcome->forestalled[mode] > 0)
        snprintf(why, sizeof(why), ", %s of them since the server had ended the connection",
                 count(&first, outcome->forestalled[mode]));
    if (outcome->not_done[mode] > 0)
        snprintf(failed, sizeof(failed), "  (%s not done", count(&not_done, outcome->not_done[mode]));
    fprintf(page->out, "%*s%-13s%7s  ", INDENT, "", plan_mode_name(mode), count(&done, outcome->done[mode]));
    snprintf(words, sizeof(words), "%s%s%s%s", plan_mode_definition(mode), failed, why,
             outcome->not_done[mode] > 0 ? ")" : "");
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

/* What the control group felt: its latency if there were enough replies to tell, and wrong bytes. */
static size_t format_felt(char *words, size_t size, const struct felt_result *felt)
{
    struct text p99, wrong;
    size_t used = 0;

    if (felt->p99_ratio > 0)
        used += (size_t)snprintf(words, size, "others: p99 %s (%.2f of calm), ",
                                 units_format_ns(&p99, felt->p99_ns), felt->p99_ratio);
    else if (felt->wrong_bytes > 0)
        used += (size_t)snprintf(words, size, "others: ");
    if (used > 0)
        used += (size_t)snprintf(words + used, size - used, "%s wrong byte%s",
                                 count(&wrong, felt->wrong_bytes), plural(felt->wrong_bytes));
    return used;
}

/* How the server took it, and what the control group felt; nothing where there is nothing to tell. */
static void write_taken(const struct page *page, const struct outcome *outcome, enum plan_mode mode)
{
    char took[LINE_BYTES / 2] = "", felt[LINE_BYTES / 2] = "";
    char words[LINE_BYTES + 4];
    size_t used = format_took(took, sizeof(took), outcome->took[mode]);
    size_t more = format_felt(felt, sizeof(felt), &outcome->felt[mode]);

    snprintf(words, sizeof(words), "%s%s%s", took, used > 0 && more > 0 ? ";  " : "", felt);
    if (used + more == 0)
        return;
    fprintf(page->out, "%*s", INDENT + MODE_COLUMN, "");
    report_wrap(page, words, INDENT + MODE_COLUMN, INDENT + MODE_COLUMN);
}

/* What stands beside the modes: calm, and replies that belong to more than one of them. */
static void write_calm(const struct page *page, const struct outcome *outcome)
{
    const struct felt_result *calm = &outcome->calm;
    struct text p99, wrong, shared;

    if (calm->p99_ns > 0 || calm->wrong_bytes > 0)
        report_line(page, "", "others in calm moments: p99 %s, %s wrong byte%s",
                    units_format_ns(&p99, calm->p99_ns), count(&wrong, calm->wrong_bytes),
                    plural(calm->wrong_bytes));
    if (outcome->shared_replies > 0)
        report_line(page, "", "%s repl%s of the others met several modes and count%s for each of them",
                    count(&shared, outcome->shared_replies), outcome->shared_replies == 1 ? "y" : "ies",
                    outcome->shared_replies == 1 ? "s" : "");
}

void report_write_disconnects(const struct page *page, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    struct text total, places, unexpected;

    if (outcome->victims == 0) {
        report_line(page, "disconnects", "none");
        return;
    }
    report_line(page, "disconnects", "%s done, %s victim%s at a time;  %s unexpected end%s",
                count(&total, outcome->done_count), count(&places, outcome->victims),
                plural(outcome->victims), count(&unexpected, outcome->unexpected_ends),
                plural(outcome->unexpected_ends));
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        if (!plan_has(&report->settings->plan, (enum plan_mode)i))
            continue;
        write_mode(page, outcome, (enum plan_mode)i);
        write_taken(page, outcome, (enum plan_mode)i);
    }
    write_calm(page, outcome);
}
