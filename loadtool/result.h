/*
 * A report of an earlier run, read back from its JSON. Whatever is wrong with the file is one line on stderr that names
 * the file and the place in it.
 */
#ifndef LOADTOOL_RESULT_H
#define LOADTOOL_RESULT_H

#include <jansson.h>

#include "loadtool/histogram.h"
#include "loadtool/series.h"

enum { RESULT_LATENCY, RESULT_LATENCY_SENT, RESULT_CONNECT, RESULT_HISTOGRAMS };

struct result {
    const char *path; /* not owned */
    json_t *json;     /* owned: all of it */
    int exit_code;
    const char *verdict;                        /* in json */
    struct histogram *times[RESULT_HISTOGRAMS]; /* owned */
    struct series series;                       /* owned; without bands and modes */
};

/* "latency", ...: the names within `histograms`. */
const char *result_histogram_name(int which);

/* "-" is standard input. 0; -EINVAL: no such report; -EIO: not to be read; -ENOMEM. A line on stderr was written then,
 * and there is nothing to free. */
int result_read(struct result *result, const char *path);
void result_free(struct result *result);

#endif
