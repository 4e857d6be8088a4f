/*
 * wrap: words that are put into lines of a terminal, as --help and the doctor print them.
 */
#ifndef MASTER_WRAP_H
#define MASTER_WRAP_H

#include <stddef.h>
#include <stdio.h>

#define WRAP_LINE_WIDTH 79

/* Spaces up to that column; none when it is reached already. */
void wrap_pad(FILE *out, size_t *column, size_t target);

/* Writes the words from the current column on, with a hanging indent. *column is where it ends. */
void wrap_words(FILE *out, const char *text, size_t *column, size_t indent);

#endif
