/*
 * roff: a man page, written with the macros of man(7).
 *
 * Texts are plain; whatever roff(7) would read as its own is written so that it shows as it is. Pure but for the stream,
 * whose errors the caller finds with ferror(3).
 */
#ifndef MASTER_PACKAGE_ROFF_H
#define MASTER_PACKAGE_ROFF_H

#include <stdio.h>

/* `name` in lower case, as in NAME(8); no date, so that the same source makes the same page on any day. */
void roff_begin(FILE *out, const char *name, int section, const char *source);

void roff_section(FILE *out, const char *heading);
void roff_subsection(FILE *out, const char *heading);

/* A way to call the program, a line of its own. */
void roff_synopsis(FILE *out, const char *program, const char *arguments);

/* Text on, as a line of its own. */
void roff_text(FILE *out, const char *text);

/* A new paragraph. */
void roff_paragraph(FILE *out, const char *text);

/* A tagged paragraph: `word` bold, `argument` in italics behind a blank (NULL: none), the text indented. */
void roff_item(FILE *out, const char *word, const char *argument, const char *text);

/* A line as it is typed, of a block that roff_begin_example() and roff_end_example() enclose. */
void roff_begin_example(FILE *out);
void roff_example(FILE *out, const char *line);
void roff_end_example(FILE *out);

#endif
