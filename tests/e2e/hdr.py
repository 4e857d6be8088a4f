"""Reads HdrHistogram's log with nothing but its format: no code of the load tool, and none of HdrHistogram's."""

import base64
import struct
import zlib


class Histogram:
    """Counts by the largest value of their bucket: 3 digits, values from 1."""

    def __init__(self):
        self.counts = {}

    def add(self, other):
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count

    def total(self):
        return sum(self.counts.values())

    def percentile(self, percent):
        rank, seen = max(1, -(-percent * self.total() // 100)), 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= rank:
                return value
        return 0


def top_of(index):
    """The largest value of a bucket: 2048 of one each, then 1024 for each power of two."""
    if index < 2048:
        return index
    shift = index // 1024 - 1
    return ((index - shift * 1024 + 1) << shift) - 1


def counts_of(payload):
    """ZigZag LEB128, of nine bytes at most; a negative one is so many empty buckets."""
    at = 0
    while at < len(payload):
        value = 0
        for i in range(9):
            byte = payload[at]
            at += 1
            value |= (byte if i == 8 else byte & 0x7F) << 7 * i
            if byte < 0x80:
                break
        yield (value >> 1) ^ -(value & 1)


def decode(text):
    packed = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack(">II", packed[:8])
    assert cookie == 0x1C849314 and length == len(packed) - 8, "a compressed V2 histogram"
    plain = zlib.decompress(packed[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack(">IIIIqqd", plain[:40])
    assert cookie == 0x1C849313 and length == len(plain) - 40, "a V2 histogram"
    assert (offset, digits, lowest, ratio) == (0, 3, 1, 1.0) and highest == 3600 * 10**9
    histogram, index = Histogram(), 0
    for count in counts_of(plain[40:]):
        if count < 0:
            index -= count
            continue
        if count:
            histogram.counts[top_of(index)] = count
        index += 1
    return histogram


def read_log(path):
    """(seconds from the start, length, maximum in ms, histogram) of every line."""
    with open(path) as file:
        lines = file.read().splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert "#[Histogram log format version 1.3]" in head and any(line.startswith("#[StartTime: ") for line in head)
    rows = lines[len(head):]
    assert rows[0] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    for row in rows[1:]:
        begin, length, longest, histogram = row.split(",")
        yield float(begin), float(length), float(longest), decode(histogram)
