/* The live line: one line on a terminal's stderr that overwrites itself; nothing at all elsewhere. */
#ifndef LOADTOOL_PROGRESS_H
#define LOADTOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/engine.h"

/* Columns of the terminal behind the descriptor; 0 if it is none. */
int progress_columns(int fd);

/* Write the line's text. Pure but for the engine's counters. */
void progress_format(char *out, size_t size, const struct engine *engine, uint64_t now_ns);

/* For engine.show_progress: show the line, at most four times a second. */
void progress_show(const struct engine *engine, uint64_t now_ns);

/* Take the line away. */
void progress_clear(void);

#endif
