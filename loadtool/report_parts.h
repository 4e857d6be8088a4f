/* What the two files of the text report share: report_text.c and report_modes.c. */
#ifndef LOADTOOL_REPORT_PARTS_H
#define LOADTOOL_REPORT_PARTS_H

#include "loadtool/report.h"
#include "loadtool/units.h"

enum { INDENT = 15, LINE_BYTES = 2048, HEADLINE_INDENT = 6, WIDTH_MIN = 40, MODE_COLUMN = 22 };

struct page {
    FILE *out;
    int width; /* 0 = never wrap */
};

/* Write words with a hanging indent; the first line already holds `column` characters. Runs of blanks stay.
 */
void report_wrap(const struct page *page, const char *words, int column, int indent);

/* A label in its column, and a sentence beside it. */
void report_line(const struct page *page, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline const char *count(struct text *out, uint64_t number)
{
    return units_format_count(out, number);
}

/* "1 client", "2 clients": the ending of what is counted. */
static inline const char *plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

void report_write_disconnects(const struct page *page, const struct report *report);
void report_write_outages(const struct page *page, const struct outcome *outcome);
void report_write_disturbances(const struct page *page, const struct outcome *outcome);

#endif
