/*
 * What is said and what must be answered, word by word: `--send` with `--expect`, or the lines of `--script`.
 *
 * A script is a list of exchanges, gone through again and again; one exchange is one message and its reply.
 * Escapes: \r \n \t \0 \\ \xHH; any other backslash is refused, so that no escape is taken for text. A file
 * has one `send TEXT` or `expect TEXT` a line, the text from the first blank to the end of the line; sends in
 * a row are one message, expects in a row one reply; empty lines and lines that begin with # say nothing. The
 * first word is a send, the last an expect.
 *
 * Plain memory without pointers, so that a child process can have a copy. Pure but for reading the stream.
 */
#ifndef LOADTOOL_SCRIPT_H
#define LOADTOOL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SCRIPT_EXCHANGES_MAX = 256, SCRIPT_BYTES_MAX = 32 * 1024 };

/* All requests, or all replies, one after the other. */
struct script_side {
    uint32_t bytes;
    uint32_t end_of[SCRIPT_EXCHANGES_MAX]; /* where the part of an exchange ends */
    uint8_t text[SCRIPT_BYTES_MAX];
};

struct script {
    uint32_t count; /* exchanges; 0 = there is no script */
    struct script_side requests, replies;
};

/* One exchange. -EINVAL for an unknown escape or an empty text, -ERANGE for a text that is too long. */
int script_make(struct script *script, const char *send, const char *expect);

/* Read a file. -EINVAL, -ERANGE (too long, or too many exchanges) or -EIO, with the number of the line that
 * is to blame. */
int script_read(struct script *script, FILE *in, unsigned *line);

/* Bytes of one round through a side, and the part of it that the k-th message is. */
uint64_t script_part_bytes(const struct script *script, const struct script_side *side, uint64_t k);

/* The bytes offset .. offset + length - 1 of the endless repetition of a side. */
void script_fill(const struct script_side *side, uint64_t offset, uint8_t *out, size_t length);

#endif
