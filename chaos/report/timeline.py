"""One run as an SVG: lanes of the server, the load, the fault and the recovery over time; below them, from the load's steps,
the rate of right replies and their p99. All of it is drawn with classes, so that the page's colours are its own."""

import html

WIDTH, LABEL, RIGHT = 900, 92, 12
LANE, TOP = 30, 10
CHART = 62

# Events of the server's log, and the lane in which each shows.
LOGGED = {"worker_died": "fault", "keeper_died": "fault", "supervisor_died": "fault", "worker_hangs": "fault", "unprotected": "fault",
          "slot_rests": "fault", "connections_lost": "fault", "operation_failed": "fault", "log_lost": "fault",
          "worker_replaced": "recovery", "operation_done": "recovery", "reloaded": "recovery", "log_reopened": "recovery",
          "draining": "server", "drained": "server"}
LANES = ("server", "load", "fault", "recovery")


def _escape(text):
    return html.escape(str(text), quote=True)


class Scale:
    def __init__(self, begin_ms, end_ms):
        self.begin_ms, self.span_ms = begin_ms, max(end_ms - begin_ms, 1)

    def x(self, at_ms):
        at_ms = min(max(at_ms, self.begin_ms), self.begin_ms + self.span_ms)
        return round(LABEL + (WIDTH - LABEL - RIGHT) * (at_ms - self.begin_ms) / self.span_ms, 1)

    def seconds(self, at_ms):
        return f"{(at_ms - self.begin_ms) / 1000:.3f} s"


def _y(lane):
    return TOP + LANE * LANES.index(lane) + LANE // 2


def _bars(run, end_ms):
    """(lane, begin, end, text): the lives of servers, the lives of loads."""
    since = None
    for fact in run.of_kind("server"):
        if fact.fields[0] == "serves":
            if since:
                yield "server", since, fact.at_ms, "a server"
            since = fact.at_ms
        elif fact.fields[0] == "ended" and since:
            yield "server", since, fact.at_ms, f"it serves, and ends with {fact.fields[1]}"
            since = None
    if since:
        yield "server", since, end_ms, "it serves"
    for load in run.loads:
        yield "load", load.start_ms, load.end_ms or end_ms, f"loadtool {load.arguments}"


def _marks(run):
    """(lane, at, text)"""
    for fact in run.facts:
        if fact.kind == "fault":
            yield "fault", fact.at_ms, fact.fields[0]
        elif fact.kind == "over":
            yield "recovery", fact.at_ms, fact.fields[0]
        elif fact.kind == "answered":
            yield "recovery", fact.at_ms, "a new client is served"
    for at_ms, word, rest in run.events:
        # A server whose clock was stepped says when by its own.
        if word in LOGGED and run.facts[0].at_ms <= at_ms <= run.facts[-1].at_ms:
            yield LOGGED[word], at_ms, f"{word} {rest}"


def _bundle(marks, scale):
    """Marks of a lane that would lie upon each other are one, with their number."""
    bundles = {}
    for lane, at_ms, text in sorted(marks, key=lambda mark: mark[1]):
        bundles.setdefault((lane, int(scale.x(at_ms) / 4)), []).append((at_ms, text))
    for (lane, _), inside in bundles.items():
        more = "" if len(inside) == 1 else f" (and {len(inside) - 1} more)"
        yield lane, inside[0][0], inside[0][1] + more, len(inside)


def _lanes(run, scale, end_ms):
    for lane in LANES:
        y = _y(lane)
        yield f'<text class="label" x="0" y="{y + 5}">{lane}</text><line class="lane" x1="{LABEL}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
    for lane, begin, end, text in _bars(run, end_ms):
        x = scale.x(begin)
        yield (f'<rect class="{lane}" x="{x}" y="{_y(lane) - 7}" width="{max(round(scale.x(end) - x, 1), 2)}" height="14" rx="3">'
               f"<title>{scale.seconds(begin)} to {scale.seconds(end)}: {_escape(text)}</title></rect>")
    for lane, at_ms, text, count in _bundle(_marks(run), scale):
        yield (f'<rect class="mark {lane}" x="{scale.x(at_ms) - 1.5}" y="{_y(lane) - 9 - min(count - 1, 3)}" width="3" '
               f'height="{18 + 2 * min(count - 1, 3)}"><title>{scale.seconds(at_ms)}: {_escape(text)}</title></rect>')


def _chart(scale, points, top, css, label, largest):
    """A line of (ms, value), gaps where the value is None."""
    bottom, path, pen_is_up = top + CHART - 14, [], True
    for at_ms, value in points:
        if value is None:
            pen_is_up = True
            continue
        path.append(f"{'M' if pen_is_up else 'L'}{scale.x(at_ms)} {round(bottom - (CHART - 22) * value / max(largest, 1e-9), 1)}")
        pen_is_up = False
    return (f'<text class="label" x="0" y="{top + CHART // 2 - 2}">{label[0]}</text>'
            f'<text class="small" x="0" y="{top + CHART // 2 + 13}">{label[1]}</text>'
            f'<line class="lane" x1="{LABEL}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/><path class="{css}" d="{" ".join(path)}"/>')


def _charts(run, scale, top):
    rates, p99s = [], []
    for load in run.loads:
        rates += [(load.start_ms, None), *((at_ms, right * 10) for at_ms, right, _ in load.series)]
        p99s += [(load.start_ms, None), *((at_ms, p99 / 1000 if right else None) for at_ms, right, p99 in load.series)]
    most, slowest = (max((value for _, value in points if value is not None), default=0) for points in (rates, p99s))
    yield _chart(scale, rates, top, "rate", ("replies", f"to {most:,}/s"), most)
    yield _chart(scale, p99s, top + CHART, "p99", ("p99", f"to {slowest:.1f} ms"), slowest)


def _axis(scale, bottom):
    step_ms = next((ms for ms in (100, 200, 500, 1000, 2000, 5000, 10000, 20000) if scale.span_ms / ms <= 10), 60000)
    for at_ms in range(0, int(scale.span_ms) + 1, step_ms):
        x = scale.x(scale.begin_ms + at_ms)
        yield (f'<line class="tick" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>'
               f'<text class="small" x="{x}" y="{bottom + 15}" text-anchor="middle">{at_ms / 1000:g} s</text>')


def svg(run, title):
    """None if nothing was noted."""
    if not run.facts:
        return None
    end_ms = run.facts[-1].at_ms
    scale = Scale(run.facts[0].at_ms, end_ms)
    bottom = TOP + LANE * len(LANES)
    charts = []
    if any(load.series for load in run.loads):
        charts = list(_charts(run, scale, bottom))
        bottom += 2 * CHART
    body = [*_axis(scale, bottom), *_lanes(run, scale, end_ms), *charts]
    return (f'<svg viewBox="0 0 {WIDTH} {bottom + 22}" role="img" aria-label="{_escape(title)}">' + "\n".join(body) + "</svg>")
