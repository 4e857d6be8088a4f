/*
 * The files that a run writes beside its text: one list, an option each.
 *
 * All are opened before the run, since a path that cannot be written must not cost a run. "-" is standard output, for
 * one of them; the text goes to stderr then.
 */
#ifndef LOADTOOL_OUTPUTS_H
#define LOADTOOL_OUTPUTS_H

#include <stdbool.h>
#include <stdio.h>

/* id, option, what it is called */
#define OUTPUTS(X)                                                                                           \
    X(JSON, "json", "JSON")                                                                                  \
    X(CSV, "csv", "CSV")                                                                                     \
    X(HDR, "hdr", "HdrHistogram log")                                                                        \
    X(JUNIT, "junit", "JUnit file")                                                                          \
    X(MD, "md", "Markdown")                                                                                  \
    X(PROM, "prom", "Prometheus file")                                                                       \
    X(HTML, "html", "HTML")

#define X(id, option, name) OUTPUT_##id,
enum output { OUTPUTS(X) OUTPUT_COUNT };
#undef X

struct outputs {
    FILE *files[OUTPUT_COUNT]; /* owned, but for stdout; NULL = not asked for */
};

struct report;

/* "json" */
const char *outputs_option(enum output output);

/* Paths as typed, NULL where none was. -EIO after a line on stderr; what was opened stays so. */
int outputs_open(struct outputs *outputs, const char *const paths[OUTPUT_COUNT]);

/* Is one of them standard output? */
bool outputs_use_stdout(const struct outputs *outputs);

/* Write those that are written after the run. The first error, after a line on stderr for each. */
int outputs_write(const struct outputs *outputs, const struct report *report);

/* Flush and close. The first error, after a line on stderr for each: -EIO. */
int outputs_close(struct outputs *outputs, const char *const paths[OUTPUT_COUNT]);

#endif
