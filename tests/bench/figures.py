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


def text_table(head, lines):
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    cells = [head] + lines
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    for line in cells:
        first, rest = line[0].ljust(widths[0]), [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        yield "  ".join([first] + rest).rstrip()


BAR, GAP, LEFT, RIGHT, WIDTH = 16, 6, 210, 190, 860
STYLE = """
text { font: 12px sans-serif; fill: #24292f } .title { font-weight: bold } .bar { fill: #8c959f } .ours { fill: #0969da }
.range { stroke: #24292f; stroke-width: 1.5 } .one { stroke: #cf222e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .range { stroke: #e6edf3 } .bar { fill: #6e7681 } }
"""


def svg(title, charts):
    """Bars of ratios. charts: [(heading, [(name, Ratio)])]; the dashed line is 1."""
    parts, y = [], 30
    for heading, bars in charts:
        parts.append(f'<text class="title" x="0" y="{y}">{escape(heading)}</text>')
        y += 10
        parts += chart(bars, y)
        y += (BAR + GAP) * len(bars) + 30
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img"><title>{escape(title)}</title>'
            f"<style>{STYLE}</style>{''.join(parts)}</svg>\n")


def chart(bars, top):
    scale = (WIDTH - LEFT - RIGHT) / max(max(ratio.high, 1.0) for _, ratio in bars)
    for number, (name, ratio) in enumerate(bars):
        y = top + number * (BAR + GAP)
        middle = y + BAR / 2
        kind = "ours" if name == "prefork-upper" else "bar"
        yield f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{ratio.median * scale:.1f}" height="{BAR}"/>'
        yield (f'<line class="range" x1="{LEFT + ratio.low * scale:.1f}" x2="{LEFT + ratio.high * scale:.1f}" '
               f'y1="{middle}" y2="{middle}"/>')
        yield f'<text x="{LEFT + max(ratio.high, 1.0) * scale + 8:.1f}" y="{middle + 4}">{escape(str(ratio))}</text>'
    bottom = top + len(bars) * (BAR + GAP)
    yield f'<line class="one" x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{top - 4}" y2="{bottom}"/>'
