/* What several reports say of an outage or a disturbance, in the same words. Times count from the beginning of the load. */
#ifndef LOADTOOL_REPORT_WORDS_H
#define LOADTOOL_REPORT_WORDS_H

#include "loadtool/disturbances.h"
#include "loadtool/outages.h"
#include "loadtool/outcome.h"
#include "loadtool/units.h"

enum { REPORT_MODES_BYTES = 256 };

struct report_outage_words {
    struct text from, to, lost;     /* "1.20 s"; clients */
    char afterwards[80];            /* "normal 20 ms after the first reply" */
    char modes[REPORT_MODES_BYTES]; /* "rst, storm": done shortly before */
};

struct report_disturbance_words {
    struct text at, deaths, lost;   /* "0.35 s"; clients; requests */
    struct text last_good;          /* "+1.2 ms" after it, */
    struct text first_good;         /* or "none" */
    struct text afterwards;         /* "normal after 12.0 ms" */
    char modes[REPORT_MODES_BYTES]; /* "rst, storm" */
};

void report_describe_outage(const struct outage *outage, struct report_outage_words *words);
void report_describe_disturbance(const struct disturbance *disturbance,
                                 struct report_disturbance_words *words);

/* A time, or "0": none is none of any unit. */
const char *report_format_time(struct text *out, uint64_t ns);

/* Is there anything to be said of disturbances? */
bool report_has_disturbances(const struct outcome *outcome);

#endif
