"""Medians with their intervals, the table as text, and the same as SVG."""
import statistics
from xml.sax.saxutils import escape

ROUNDS_MIN = 6  # with fewer, not even the smallest and the largest ratio hold the median with 95 %


def interval(values):
    """The 95 % interval of a median: ranks that it lies between with that probability (binomial, p = 1/2)."""
    values, n = sorted(values), len(values)
    cumulative, rank = 0.0, 0
    binomial = 1.0 / 2**n
    while rank < n // 2 and cumulative + binomial <= 0.025:
        cumulative += binomial
        binomial = binomial * (n - rank) / (rank + 1)
        rank += 1
    low = max(rank - 1, 0)
    return values[low], values[n - 1 - low]


class Ratio:
    """Median of paired ratios, and where it lies with 95 %."""

    def __init__(self, over, under):
        ratios = [a / b for a, b in zip(over, under)]
        self.median = statistics.median(ratios)
        self.low, self.high = interval(ratios)

    def __str__(self):
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


def not_cheaper(ratios, names):
    """(name, Ratio) of those that ours costs as much as, or more."""
    return [(name, ratio) for name, ratio in ratios.items() if name in names and ratio.median >= 1]


def not_faster(ratios, names):
    """(name, Ratio) of those whose rate ours does not exceed."""
    return [(name, ratio) for name, ratio in ratios.items() if name in names and ratio.median <= 1]


def text_table(head, lines):
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    cells = [head] + lines
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    for line in cells:
        first, rest = line[0].ljust(widths[0]), [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        yield "  ".join([first] + rest).rstrip()


# Drawn for the width of a text on a screen; on a telephone, at half of it, the letters are still 8 pixels high.
WIDTH = 640
BAR, GAP, LEFT, RIGHT = 16, 8, 218, 190
STYLE = """
text { font: 15px sans-serif; fill: #24292f } .title { font-weight: bold } .bar { fill: #8c959f } .ours { fill: #0969da }
.paper { fill: #ffffff } .range { stroke: #24292f; stroke-width: 1.5 } .one { stroke: #cf222e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .paper { fill: #0d1117 } .range { stroke: #e6edf3 }
.bar { fill: #6e7681 } .ours { fill: #4493f8 } }
"""


def picture(title, style, height, parts):
    """A whole SVG of these parts, on paper of its own: the page around it may be dark when the reader's system is not."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'role="img"><title>{escape(title)}</title><style>{style}</style>\n'
            f'<rect class="paper" width="{WIDTH}" height="{height}" rx="6"/>\n' + "\n".join(parts) + "\n</svg>\n")


def svg(title, charts):
    """Bars of costs. charts: [(heading, [(name, Ratio of ours to it)])]; a bar is as long as the server is costlier than ours,
    the dashed line is ours."""
    parts, y = [], 28
    for heading, bars in charts:
        parts.append(f'<text class="title" x="12" y="{y}">{escape(heading)}</text>')
        y += 12
        parts += chart(bars, y)
        y += (BAR + GAP) * len(bars) + 34
    return picture(title, STYLE, y - 16, parts)


def chart(bars, top):
    scale = (WIDTH - LEFT - RIGHT) / max(max(1 / ratio.low, 1.0) for _, ratio in bars)
    for number, (name, ratio) in enumerate(bars):
        y = top + number * (BAR + GAP)
        middle, kind = y + BAR / 2, "ours" if name == "prefork-upper" else "bar"
        cost, low, high = 1 / ratio.median, 1 / ratio.high, 1 / ratio.low
        said = f"{cost:.2f}" if kind == "ours" else f"{cost:.2f} ({low:.2f} to {high:.2f})"
        yield f'<text x="{LEFT - 8}" y="{middle + 5}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{cost * scale:.1f}" height="{BAR}"/>'
        yield (f'<line class="range" x1="{LEFT + low * scale:.1f}" x2="{LEFT + high * scale:.1f}" '
               f'y1="{middle}" y2="{middle}"/>')
        yield f'<text x="{LEFT + max(high, 1.0) * scale + 8:.1f}" y="{middle + 5}">{said}</text>'
    bottom = top + len(bars) * (BAR + GAP)
    yield f'<line class="one" x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{top - 4}" y2="{bottom}"/>'
