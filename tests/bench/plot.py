"""Curves of cost: their figures as CSV, and as a picture with logarithmic axes."""
import csv
import io
import math
from xml.sax.saxutils import escape

import figures

COLUMNS = ["curve", "x", "server", "rounds", "us", "us_low", "us_high", "messages_per_s", "ours_over_it", "ratio_low",
           "ratio_high"]


def to_csv(points):
    """points: dicts of COLUMNS."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.4g}" if isinstance(value, float) and value < 1000 else
                      round(value) if isinstance(value, float) else value for key, value in point.items()} for point in points)
    return file.getvalue()


def from_csv(text):
    """Numbers as numbers; None for a ratio that is not there because ours failed."""
    return [{key: value if key in ("curve", "server") else float(value) if value else None for key, value in line.items()}
            for line in csv.DictReader(io.StringIO(text))]


class Curve:
    """One chart: the name of its points, its heading, and how a value of its x axis is written."""

    def __init__(self, name, heading, write=lambda x: f"{x:,.0f}"):
        self.name, self.heading, self.write = name, heading, write


def short_bytes(count):
    for unit in ("B", "KB", "MB"):
        if count < 1024 or unit == "MB":
            return f"{count:.0f} {unit}"
        count /= 1024


TITLE = "What a message costs as workers, connections and messages grow"
CURVES = [
    Curve("workers", "Workers (64 B, 500 connections)"),
    Curve("connections", "Connections (64 B, 4 workers)"),
    Curve("size", "Bytes of a message (50 connections, 4 workers)", short_bytes),
]

# Colour, dash and mark tell the servers apart, so that one of them is enough.
SERIES = {"prefork-upper": ("ours", "circle"), "floor": ("floor", "square"), "libuv": ("other", "triangle")}
STYLE = """
text { font: 15px sans-serif; fill: #24292f } .title { font-weight: bold } .paper { fill: #ffffff } .grid { stroke: #d0d7de }
polyline, .range { fill: none; stroke-width: 2 } .floor polyline { stroke-dasharray: 7 4 } .other polyline { stroke-dasharray: 2 4 }
.ours * { stroke: #0969da } .floor * { stroke: #57606a } .other * { stroke: #bc4c00 } .mark { fill: #ffffff; stroke-width: 2 }
.ours .mark { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .paper, .mark { fill: #0d1117 } .grid { stroke: #3d444d }
.ours * { stroke: #4493f8 } .ours .mark { fill: #4493f8 } .floor * { stroke: #9198a1 } .other * { stroke: #db6d28 } }
"""
LEFT, RIGHT, HEIGHT, INSET = 58, 14, 210, 28
HEAD, FOOT = 68, 36  # above a chart its heading, below it the numbers of its axis


def ticks(low, high):
    """The round numbers from the last that is not above `low` to the first that is not below `high`."""
    steps = (1, 1.5, 2, 3, 4, 5, 7) if high / low < 8 else (1, 2, 5) if high / low < 200 else (1,)
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    numbers = [step * 10**exponent for exponent in exponents for step in steps]
    first = max(index for index, number in enumerate(numbers) if number <= low)
    last = min(index for index, number in enumerate(numbers) if number >= high)
    return numbers[first:last + 1]


def scale(low, high, start, end):
    """Where a value lies on a logarithmic axis from `start` to `end`."""
    span = math.log(high / low) if high > low else 1.0
    return lambda value: start + (end - start) * math.log(value / low) / span


def mark(shape, x, y):
    if shape == "circle":
        return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if shape == "square":
        return f'<rect class="mark" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    return f'<path class="mark" d="M{x:.1f} {y - 5:.1f}l5 9h-10z"/>'


def legend(y):
    for x, (name, (kind, shape)) in zip((12, 210, 350), SERIES.items()):
        yield (f'<g class="{kind}"><polyline points="{x},{y} {x + 44},{y}"/>{mark(shape, x + 22, y)}</g>'
               f'<text x="{x + 52}" y="{y + 5}">{escape(name)}</text>')


def axes(curve, xs, across, marks, up, top):
    bottom = top + HEIGHT
    yield f'<text class="title" x="12" y="{top - 40}">{escape(curve.heading)}</text>'
    yield f'<text x="12" y="{top - 18}">µs of processor time a message</text>'
    for value in marks:
        yield f'<line class="grid" x1="{LEFT}" x2="{figures.WIDTH - RIGHT}" y1="{up(value):.1f}" y2="{up(value):.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{up(value) + 5:.1f}" text-anchor="end">{value:,g}</text>'
    for value in xs:
        yield f'<text x="{across(value):.1f}" y="{bottom + 20}" text-anchor="middle">{escape(curve.write(value))}</text>'


def series(points, across, up, kind, shape):
    """A line through the medians, and through each its interval."""
    at = [(across(point["x"]), up(point["us"]), up(point["us_low"]), up(point["us_high"])) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in at)
    yield f'<g class="{kind}"><polyline points="{line}"/>'
    for x, y, low, high in at:
        yield f'<line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>{mark(shape, x, y)}'
    yield "</g>"


def chart(curve, points, top):
    xs = sorted({point["x"] for point in points})
    marks = ticks(min(point["us_low"] for point in points), max(point["us_high"] for point in points))
    across = scale(xs[0], xs[-1], LEFT + INSET, figures.WIDTH - RIGHT - INSET)
    up = scale(marks[0], marks[-1], top + HEIGHT, top)
    yield from axes(curve, xs, across, marks, up, top)
    for name, (kind, shape) in reversed(SERIES.items()):  # ours last: above the others
        own = sorted((point for point in points if point["server"] == name), key=lambda point: point["x"])
        if own:
            yield from series(own, across, up, kind, shape)


def svg(points):
    """A chart for each curve that has points, one below the other, each with axes of its own."""
    parts, top = list(legend(24)), 40 + HEAD
    for curve in CURVES:
        own = [point for point in points if point["curve"] == curve.name]
        if own:
            parts += chart(curve, own, top)
            top += HEIGHT + FOOT + HEAD
    return figures.picture(TITLE, STYLE, top - HEAD + 4, parts)
