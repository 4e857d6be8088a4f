/*
 * What a connection sends: an endless stream of bytes in which byte i is a function of (seed, serial, i).
 *
 * Because any part of it can be made again at any time, no copy is kept of what was sent, and two connections
 * never send the same stream: a reply that belongs to somebody else is seen. Eight bytes come from one mixed
 * number (little endian), so making a byte costs well below a nanosecond. All 256 byte values occur.
 */
#ifndef LOADTOOL_PAYLOAD_H
#define LOADTOOL_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* The key of the stream of the connection with this serial number. */
uint64_t payload_key(uint64_t seed, uint64_t serial);

/* Write the bytes offset .. offset + length - 1 of the stream to `out`. */
void payload_fill(uint64_t key, uint64_t offset, uint8_t *out, size_t length);

#endif
