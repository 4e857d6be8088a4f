/*
 * What happens, second by second, as comma-separated lines (`--csv`): a header, then one line at the end of
 * each second of the load, or of each step of `--csv-every`. Values are of that second alone; the first column
 * says when it ended, in seconds of the load.
 */
#ifndef LOADTOOL_CSV_H
#define LOADTOOL_CSV_H

#include "loadtool/seconds.h"

void csv_write_header(FILE *out);
void csv_write_second(FILE *out, const struct second *second);

#endif
