/*
 * A histogram as HdrHistogram's other tools read it: its V2 encoding, compressed by zlib, in base64.
 *
 * Our buckets are theirs for values from 1 ns with three digits (2048 sub-buckets), one by one, so nothing is
 * rounded in either direction. The format is that of AbstractHistogram.encodeIntoCompressedByteBuffer in
 * HdrHistogram 2.1: a header of big-endian numbers, then the counts as ZigZag LEB128, a run of k empty
 * buckets as -k. The longest value and the sum are not in it; who needs them exactly keeps them beside it.
 */
#ifndef LOADTOOL_HDR_H
#define LOADTOOL_HDR_H

#include <stdio.h>

#include "loadtool/histogram.h"

/* Write the text, one word without blanks. -ENOMEM; what goes wrong with the stream stays in it (ferror). */
int hdr_write(FILE *out, const struct histogram *histogram);

/* The text as a string that the caller frees; NULL without memory. */
char *hdr_format(const struct histogram *histogram);

/* Read such a text. `max_ns` becomes the top of the highest bucket, `sum_ns` that of the buckets' tops. -EINVAL: it is
 * none, or one of other digits or another range; -ENOMEM. The histogram is untouched then. */
int hdr_read(const char *text, struct histogram *histogram);

#endif
