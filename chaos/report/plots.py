"""Small charts of what was measured over a long time, one below the other on one axis of time, as SVG. Drawn with the page's classes."""

import html

from timeline import LABEL, RIGHT, WIDTH, Scale

CHART, AXIS = 84, 24
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


class Chart:
    """`points` and `dots` are (ms, value), in order; `levels` are lines (from ms, to ms, value, what it is)."""

    def __init__(self, name, points, unit="", dots=(), levels=(), leaks=False):
        self.name, self.points, self.unit, self.dots, self.levels, self.leaks = name, points, unit, dots, levels, leaks

    def most(self):
        return max((value for _, value in (*self.points, *self.dots)), default=0)


def number(value):
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _draw(chart, scale, top):
    bottom, most = top + CHART - 10, chart.most()

    def y(value):
        return round(bottom - (CHART - 22) * value / (most or 1), 1)

    path = " ".join(f"{'L' if i else 'M'}{scale.x(at_ms)} {y(value)}" for i, (at_ms, value) in enumerate(chart.points))
    css = "leak" if chart.leaks else "plot"
    yield (f'<text class="label" x="0" y="{bottom - 34}">{html.escape(chart.name)}</text>'
           f'<text class="small" x="0" y="{bottom - 18}">to {number(most)}{chart.unit}</text>'
           f'<line class="lane" x1="{LABEL}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/><path class="{css}" d="{path}"/>')
    for at_ms, value in chart.dots:
        yield f'<circle class="{css}" cx="{scale.x(at_ms)}" cy="{y(value)}" r="2.2"/>'
    for begin_ms, end_ms, value, what in chart.levels:
        yield (f'<line class="level" x1="{scale.x(begin_ms)}" x2="{scale.x(end_ms)}" y1="{y(value)}" y2="{y(value)}">'
               f"<title>{html.escape(what)}: {number(value)}{chart.unit}</title></line>")


def clock(seconds):
    if seconds < 120:
        return f"{seconds} s"
    whole, rest, unit = (*divmod(seconds, 60), "min") if seconds < 7200 else (*divmod(seconds // 60, 60), "h")
    return f"{whole}:{rest:02d} {unit}" if rest else f"{whole} {unit}"


def _axis(scale, bottom):
    step_s = next((step for step in STEPS_S if scale.span_ms / step / 1000 <= 10), STEPS_S[-1])
    for at_s in range(0, int(scale.span_ms / 1000) + 1, step_s):
        x = scale.x(scale.begin_ms + at_s * 1000)
        yield (f'<line class="tick" x1="{x}" x2="{x}" y1="0" y2="{bottom}"/>'
               f'<text class="small" x="{x}" y="{bottom + 16}" text-anchor="middle">{clock(at_s)}</text>')


def svg(title, charts, begin_ms, end_ms):
    scale, bottom, body = Scale(begin_ms, end_ms), CHART * len(charts), []
    for i, chart in enumerate(charts):
        body += _draw(chart, scale, CHART * i)
    return (f'<svg viewBox="0 0 {WIDTH} {bottom + AXIS}" role="img" aria-label="{html.escape(title)}">'
            + "\n".join([*_axis(scale, bottom), *body]) + "</svg>")
