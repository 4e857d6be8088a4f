/*
 * What is shown while a run lasts, on stderr: the live view on a terminal (one line where it is narrow); elsewhere
 * nothing, or with
 * --progress a line a second.
 */
#ifndef LOADTOOL_PROGRESS_H
#define LOADTOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/engine.h"

/* Columns of the terminal behind the descriptor; 0 if it is none. */
int progress_columns(int fd);

/* Write the text of the line for narrow terminals. Pure but for the engine's counters. */
void progress_format(char *out, size_t size, const struct engine *engine, uint64_t now_ns);

/* For engine.show_progress: show it, at most four times a second. */
void progress_show(const struct engine *engine, uint64_t now_ns);

/* Take it away. */
void progress_clear(void);

#endif
