#include "loadtool/thresholds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/units.h"

enum unit { TIME, COUNT, PERCENT };

/* The value, or a negative number when it was not measured. */
typedef double measure_fn(const struct outcome *outcome);

static double percentile(const struct histogram *times, double percent)
{
    return times->count == 0 ? -1 : (double)histogram_percentile_ns(times, percent);
}

#define PERCENTILE(name, times, percent)                                                                     \
    static double name(const struct outcome *outcome)                                                        \
    {                                                                                                        \
        return percentile(&outcome->times, percent);                                                         \
    }
PERCENTILE(p50, latency, 50)
PERCENTILE(p90, latency, 90)
PERCENTILE(p99, latency, 99)
PERCENTILE(p99_9, latency, 99.9)
PERCENTILE(longest, latency, 100)
PERCENTILE(sent_p50, latency_sent, 50)
PERCENTILE(sent_p99, latency_sent, 99)
PERCENTILE(connect_p50, connects, 50)
PERCENTILE(connect_p99, connects, 99)
PERCENTILE(connect_max, connects, 100)

static double silence(const struct outcome *outcome)
{
    return outcome->latency.count == 0 ? -1 : (double)outcome->silence.max_ns;
}

static double outage(const struct outcome *outcome)
{
    return outcome->main_ns == 0 ? -1 : (double)outcome->outages.longest_gap_ms * 1e6;
}

static double recovery(const struct outcome *outcome)
{
    return outcome->recovery.is_ok ? (double)outcome->recovery.ns : -1;
}

static double rate(const struct outcome *outcome)
{
    return outcome->main_ns == 0 ? -1 : outcome->messages_per_s;
}

static double messages(const struct outcome *outcome)
{
    return (double)outcome->tally.messages_right;
}

static double missed(const struct outcome *outcome)
{
    return (double)(outcome->arrivals.missed + outcome->churn.missed);
}

static double not_done(const struct outcome *outcome)
{
    double sum = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        sum += (double)outcome->not_done[i];
    return sum;
}

static double busy(const struct outcome *outcome)
{
    return outcome->self.busy_share * 100;
}

static const struct {
    const char *name;
    enum unit unit;
    measure_fn *measure;
    const char *sentence;
} measures[] = {
    {"p50", TIME, p50, "latency from due (closed loop: from sent)"},
    {"p90", TIME, p90, "likewise, 90th"},
    {"p99", TIME, p99, "likewise, 99th"},
    {"p99.9", TIME, p99_9, "likewise, 99.9th"},
    {"max", TIME, longest, "likewise, the longest"},
    {"sent-p50", TIME, sent_p50, "latency from sent"},
    {"sent-p99", TIME, sent_p99, "likewise"},
    {"connect-p50", TIME, connect_p50, "time to connect"},
    {"connect-p99", TIME, connect_p99, "likewise"},
    {"connect-max", TIME, connect_max, "likewise, the longest"},
    {"silence", TIME, silence, "the longest wait of a control client for a byte"},
    {"outage", TIME, outage, "the longest time without a right reply of anybody"},
    {"recovery", TIME, recovery, "from the last disconnect to a new client's reply"},
    {"rate", COUNT, rate, "right replies per second"},
    {"messages", COUNT, messages, "right replies in all"},
    {"missed", COUNT, missed, "arrivals and short connections never begun"},
    {"not-done", COUNT, not_done, "planned kills that did not happen"},
    {"busy", PERCENT, busy, "share of the time in which a loop had work"},
};

enum { MEASURE_COUNT = sizeof(measures) / sizeof(measures[0]) };

/* -- parsing -- */

static int parse_value(const char *word, enum unit unit, double *value)
{
    static const struct {
        const char *name;
        double ns;
    } times[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    const char *end = NULL;

    if (units_parse_number(word, value, &end) < 0)
        return -EINVAL;
    if (unit == COUNT)
        return *end == '\0' ? 0 : -EINVAL;
    if (unit == PERCENT)
        return strcmp(end, "%") == 0 && *value <= 100 ? 0 : -EINVAL;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (strcmp(end, times[i].name) != 0)
            continue;
        *value *= times[i].ns;
        return 0;
    }
    return -EINVAL;
}

/* MEASURE_COUNT: none has that name. */
static size_t find_measure(const char *name, size_t length)
{
    size_t i = 0;

    while (i < MEASURE_COUNT &&
           (strlen(measures[i].name) != length || strncmp(name, measures[i].name, length) != 0))
        i++;
    return i;
}

bool thresholds_has_measure(const char *name, size_t length)
{
    return find_measure(name, length) < MEASURE_COUNT;
}

int thresholds_add(struct thresholds *thresholds, const char *word)
{
    size_t length = strcspn(word, "<>");
    struct threshold made = {
        .measure = find_measure(word, length), .is_below = word[length] == '<', .word = word};

    if (word[length] == '\0' || made.measure == MEASURE_COUNT)
        return -EINVAL;
    if (thresholds->count == THRESHOLDS_MAX)
        return -ERANGE;
    int rc = parse_value(word + length + 1, measures[made.measure].unit, &made.limit);
    if (rc == 0)
        thresholds->list[thresholds->count++] = made;
    return rc;
}

/* -- judging -- */

static const char *format_value(struct text *out, enum unit unit, double value)
{
    switch (unit) {
    case TIME:
        return units_format_ns(out, (uint64_t)value);
    case COUNT:
        return units_format_count(out, (uint64_t)value);
    case PERCENT:
        break;
    }
    snprintf(out->s, sizeof(out->s), "%.1f %%", value);
    return out->s;
}

bool thresholds_keeps(const struct threshold *threshold, const struct outcome *outcome,
                      char sentence[THRESHOLDS_SENTENCE_BYTES])
{
    double value = measures[threshold->measure].measure(outcome);
    bool is_broken = threshold->is_below ? value < threshold->limit : value > threshold->limit;
    struct text is;

    if (value < 0) {
        snprintf(sentence, THRESHOLDS_SENTENCE_BYTES, "--fail '%s': it could not be measured",
                 threshold->word);
        return false;
    }
    if (is_broken)
        snprintf(sentence, THRESHOLDS_SENTENCE_BYTES, "--fail '%s': it was %s", threshold->word,
                 format_value(&is, measures[threshold->measure].unit, value));
    return !is_broken;
}

void thresholds_write_names(FILE *out)
{
    static const char *const units[] = {[TIME] = "time", [COUNT] = "number", [PERCENT] = "percent"};

    for (size_t i = 0; i < MEASURE_COUNT; i++)
        fprintf(out, "  %-12s %-8s %s\n", measures[i].name, units[measures[i].unit], measures[i].sentence);
}
