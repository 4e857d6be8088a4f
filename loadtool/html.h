/* What every page of loadtool begins and ends with: one file, no script, no network; for wide and narrow, light and
 * dark, paper. */
#ifndef LOADTOOL_HTML_H
#define LOADTOOL_HTML_H

#include <stdio.h>

#include "loadtool/compare.h"

void html_begin(FILE *out, const char *title);
void html_end(FILE *out);

/* The heading with the verdict's word; `tone` is "good", "bad" or "so-so". */
void html_write_headline(FILE *out, const char *tone, const char *word, const char *words);

/* A cell with foreign words; `css` may be "". */
void html_write_cell(FILE *out, const char *css, const char *words);

/* The page of `loadtool compare --html`. -EIO. */
int html_write_comparison(FILE *out, const struct result *a, const struct result *b,
                          const struct comparison *comparison);

#endif
