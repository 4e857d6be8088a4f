/*
 * The results of a run as text for people and as JSON for programs, from one struct. Both write to an open
 * stream and keep nothing.
 */
#ifndef LOADTOOL_REPORT_H
#define LOADTOOL_REPORT_H

#include <stdio.h>

#include "loadtool/outcome.h"
#include "loadtool/settings.h"
#include "loadtool/verdict.h"

/* Of the JSON: raised when a key is renamed or means something else; new keys do not count. */
enum { REPORT_JSON_FORMAT = 1 };

struct report {
    const struct settings *settings;
    const struct outcome *outcome;
    const struct verdict *verdict;
    const char *command; /* repeats the run */
};

/* Lines are wrapped at `width` columns; 0 = never. The first word is the verdict. */
void report_write_text(FILE *out, const struct report *report, int width);

/* One JSON object; its keys are described in README.md. -EIO or -ENOMEM. */
int report_write_json(FILE *out, const struct report *report);

/* For CI servers, for the page of a job, for Prometheus: see the head of each file. -EIO or -ENOMEM. */
int report_write_junit(FILE *out, const struct report *report);
int report_write_md(FILE *out, const struct report *report);
int report_write_prom(FILE *out, const struct report *report);

/* The run as one page. -EIO or -ENOMEM. */
int report_write_html(FILE *out, const struct report *report);

#endif
