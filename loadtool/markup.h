/*
 * Words of the user and of the system, made safe inside a file that has a syntax of its own. Pure.
 *
 * What is no UTF-8, and control characters, which XML cannot hold at all, become U+FFFD.
 */
#ifndef LOADTOOL_MARKUP_H
#define LOADTOOL_MARKUP_H

#include <stdio.h>

/* For text and attributes of XML and HTML. Line ends and tabs stay. */
void markup_write_xml(FILE *out, const char *words);

/* For a cell of a Markdown table: one line, nothing that Markdown or HTML would act on. */
void markup_write_cell(FILE *out, const char *words);

/* For the value of a Prometheus label, without the quotes. */
void markup_write_label(FILE *out, const char *words);

/* The same words as UTF-8 without control characters, in one line, cut at `size`. For what escapes by itself. */
const char *markup_clean(char *made, size_t size, const char *words);

#endif
