"""What a soak left in its folder: was anybody hurt, does anything grow from calm to calm, and how did it look over time? Reads
samples.csv, the load's CSV and JSON, facts and rounds.txt; writes soak.csv (all of it, a line a sample), soak.html and verdict.txt."""

import csv
import datetime
import html
import pathlib
import statistics

import facts
import page
import plots

ROLES = ("master", "supervisor", "keeper", "worker", "other")
LATENCIES = ("right_per_s", "p50_ms", "p99_ms", "max_ms", "silence_ms")
CALMS_MIN = 6  # two in each third
SILENCE_MS_MAX = 10000
END_CHECKS_MIN = 6  # those of nothing_left


def in_all(row, what):
    return sum(row[f"{role}_{what}"] for role in ROLES)


class Quantity:
    """Something that must not grow. By so much, absolute and relative, the kernel's and malloc's habits may move it."""

    def __init__(self, group, name, of, unit="", slack=0, slack_share=0.0):
        self.group, self.name, self.of = group, name, of
        self.unit, self.slack, self.slack_share = unit, slack, slack_share

    @property
    def title(self):
        return f"{self.group}, {self.name}"

    def judge(self, calms):
        return Growth(self, [self.of(row) for row in calms])


def _of(column):
    return lambda row: row[column]


def quantities():
    """Group by group, as they are drawn."""
    names = dict(zip(ROLES, ("master", "supervisor", "keepers", "workers")))
    yield Quantity("descriptors", "in all", lambda row: in_all(row, "descriptors"))
    for role, name in names.items():
        yield Quantity("descriptors", name, _of(f"{role}_descriptors"))
    yield Quantity("memory", "in all", lambda row: in_all(row, "memory_kb"), " KB", 256, 0.05)
    for role, name in names.items():
        yield Quantity("memory", name, _of(f"{role}_memory_kb"), " KB", 64, 0.1)
    yield Quantity("memory", "shared", _of("shared_kb"), " KB", 256, 0.05)
    yield Quantity("kernel", "processes", lambda row: in_all(row, "processes"))
    yield Quantity("kernel", "connections", _of("established"))
    yield Quantity("kernel", "CLOSE_WAIT", _of("close_wait"))


class Growth:
    """The last third of the calms against the first. It leaks if a quarter of the last third at most lies as low as a quarter of
    the first third lies high, and slack: so neither one odd value nor noise makes a leak, and whatever grows for ever is one."""

    def __init__(self, quantity, values):
        third = len(values) // 3
        first, last = sorted(values[:third]), sorted(values[-third:])
        quarter = (third - 1) // 4
        self.quantity = quantity
        self.first, self.last = statistics.median(first), statistics.median(last)
        self.allowed = quantity.slack + quantity.slack_share * self.first
        self.leaks = last[quarter] > first[-1 - quarter] + self.allowed

    def text(self):
        unit = self.quantity.unit
        return f"{self.quantity.title}: {plots.number(self.first)}{unit} in the first third, {plots.number(self.last)}{unit} in the last"


# ---- What was measured -------------------------------------------------------------------------------------------


def _rows(path):
    if not path.exists():
        return []
    with path.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file) if None not in row.values()]


def _steps(run):
    """(end in ms, row) of the steps of the load that stays."""
    load = run.loads[-1] if run.loads else None
    begun = (load.report or {}).get("begun_unix_ms") if load else None
    if not begun:
        return []
    return [(begun + row["second"] * 1000, row) for row in _rows(run.folder / f"load.{len(run.loads)}.csv")]


def _latency(steps):
    """Of the steps of one sample: the median of their medians, the worst p99, the slowest, and how long nobody at all was served."""
    if not steps:
        return dict.fromkeys(LATENCIES, 0.0)
    served = [row for _, row in steps if row["right"]]
    length_ms = (steps[-1][0] - steps[0][0]) / max(len(steps) - 1, 1) or 100
    longest = mute = 0
    for _, row in steps:
        mute = 0 if row["right"] else mute + 1
        longest = max(longest, mute)
    return {"right_per_s": sum(row["right"] for row in served) * 1000 / length_ms / len(steps),
            "p50_ms": statistics.median(row["p50_us"] for row in served) / 1000 if served else 0.0,
            "p99_ms": max((row["p99_us"] for row in served), default=0.0) / 1000,
            "max_ms": max((row["max_us"] for row in served), default=0.0) / 1000, "silence_ms": longest * length_ms}


def _with_latency(samples, steps):
    """Each sample with what the load felt since the one before; those in calm come between two others and have none."""
    at = 0
    for sample in samples:
        inside = []
        if not sample["calm"]:
            while at < len(steps) and steps[at][0] <= sample["at_ms"]:
                inside.append(steps[at])
                at += 1
        yield {**sample, **_latency(inside)}


def _write_csv(path, samples):
    begin_ms = samples[0]["at_ms"]
    columns = ["second", *(column for column in samples[0] if column != "at_ms")]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        for sample in samples:
            row = {"second": (sample["at_ms"] - begin_ms) / 1000, **sample}
            out.writerow(f"{row[column]:.10g}" for column in columns)


# ---- The page ------------------------------------------------------------------------------------------------------

STYLE = """
path.plot { stroke: var(--load) } circle.plot { fill: var(--load) } path.leak { stroke: var(--bad) } circle.leak { fill: var(--bad) }
.level { stroke: var(--ink); stroke-width: 2.5; stroke-dasharray: 5 3 } section h2 { margin-bottom: 8px }
"""
SECTIONS = {
    "latency": ("Latency of the clients that stay", "They feel every disturbance, and what else the machine does. Silence: nobody of them was served."),
    "descriptors": ("Descriptors", "Workers and keepers of a slot share one table, which counts for each of them."),
    "memory": ("Memory", "What is a process's alone; shared: the pages that several have."),
    "kernel": ("Processes and connections", ""),
}
NOTE = "A dot is a moment of calm, when all must be as it was in the calm before; the dashed lines are the medians of the first and the last third of them."


def _growing(growth, samples, calms):
    of, third = growth.quantity.of, len(calms) // 3
    levels = [(part[0]["at_ms"], part[-1]["at_ms"], value, name)
              for part, value, name in ((calms[:third], growth.first, "first third"), (calms[-third:], growth.last, "last third"))]
    return plots.Chart(growth.quantity.name, [(row["at_ms"], of(row)) for row in samples], growth.quantity.unit,
                       [(row["at_ms"], of(row)) for row in calms], levels, growth.leaks)


def _charts(samples, calms, growths):
    """(section, its charts)"""
    felt = [row for row in samples if not row["calm"]]
    yield "latency", [plots.Chart(name, [(row["at_ms"], row[column]) for row in felt], unit)
                      for name, column, unit in (("replies", "right_per_s", "/s"), ("p50", "p50_ms", " ms"), ("p99", "p99_ms", " ms"),
                                                 ("slowest", "max_ms", " ms"), ("silence", "silence_ms", " ms"))]
    for group in dict.fromkeys(growth.quantity.group for growth in growths):
        yield group, [_growing(growth, samples, calms) for growth in growths if growth.quantity.group == group]


def _cells(growth):
    unit = growth.quantity.unit
    word = '<td class="word failed">leaks</td>' if growth.leaks else '<td class="word passed">steady</td>'
    numbers = (growth.first, growth.last, growth.allowed)
    return "".join(f"<td>{plots.number(value)}{unit}</td>" for value in numbers) + word


def _table(growths):
    rows = "".join(f"<tr><td>{html.escape(growth.quantity.title)}</td>{_cells(growth)}</tr>" for growth in growths)
    head = "".join(f"<th>{cell}</th>" for cell in ("in calm", "first third", "last third", "may grow by", ""))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _page(word, lines, samples, calms, growths, rounds):
    begin_ms, end_ms = samples[0]["at_ms"], samples[-1]["at_ms"]
    when = datetime.datetime.fromtimestamp(begin_ms / 1000)
    sections = ""
    for section, charts in _charts(samples, calms, growths):
        title, text = SECTIONS[section]
        sections += (f'<section><h2>{title}</h2><p class="soft">{text}</p>'
                     f'<div class="scroll">{plots.svg(title, charts, begin_ms, end_ms)}</div></section>\n')
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>soak: {word}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{page.STYLE}{STYLE}</style></head>\n<body>'
            f'<h1>Soak: <span class="word {"passed" if word.startswith("PASS") else "failed"}">{word}</span></h1>'
            f'<p class="soft">{when:%Y-%m-%d %H:%M}, {(end_ms - begin_ms) / 60000:.1f} min, {len(samples)} samples, {len(calms)} of them in calm</p>'
            f"<section><pre>{html.escape(lines)}</pre></section>{_table(growths)}<p class=\"soft\">{NOTE}</p>\n{sections}"
            f"<details><summary>what was done</summary><pre>{html.escape(rounds)}</pre></details>\n</body></html>\n")


# ---- The verdict ---------------------------------------------------------------------------------------------------


class Verdict:
    def __init__(self):
        self.lines, self.holds = [], True

    def add(self, kind, text, holds):
        self.lines.append(f"{'ok  ' if holds else 'FAIL'} {kind:7} {text}")
        self.holds = self.holds and bool(holds)

    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


def _judge_counts(verdict, counted):
    n = {name: counted.get(name, -1) for name in ("rounds", "shown", "mishaps", "crowds_hurt", "connects", "worker_died", "keeper_died",
                                                  "supervisor_died", "operation_done", "connections_lost", "slot_unprotected",
                                                  "slot_rests", "check_failed")}
    verdict.add("fault", f"{n['shown']} disturbances in {n['rounds']} rounds were shown to have happened", n["shown"] > 0)
    verdict.add("fault", f"{n['worker_died']} workers, {n['keeper_died']} keepers, {n['supervisor_died']} supervisors died; "
                f"{n['operation_done']} operations were done, {n['connects']} connections made", n["worker_died"] > 0)
    verdict.add("fault", f"{n['mishaps']} things were not as they must be (see rounds.txt)", n["mishaps"] == 0)
    verdict.add("hit", f"of {n['rounds']} crowds {n['crowds_hurt']} were not served as they must be", n["crowds_hurt"] == 0)
    verdict.add("hit", f"{n['connections_lost']} times connections were given up, {n['slot_unprotected']} slots lost both keepers, "
                f"{n['slot_rests']} were laid to rest", n["connections_lost"] == n["slot_unprotected"] == n["slot_rests"] == 0)
    verdict.add("left", f"{n['check_failed']} assertions of its own failed", n["check_failed"] == 0)


def _judge_load(verdict, report, interrupted):
    """Of the clients that stay."""
    if not report:
        verdict.add("hit", "the load left no report", False)
        return
    control, wrong = report["control"], {**report["wrong"]}
    word, silence_ms = report["verdict"], report["silence_ms"]["max"]
    wrong_bytes = sum(wrong[key] for key in ("wrong_bytes", "missing_bytes", "extra_bytes", "duplicated_bytes", "crosstalk_bytes"))
    verdict.add("hit", f"of {control['clients']} clients that stay {control['lost']} were lost; loadtool says {word}",
                control["lost"] == 0 and (word in ("PASS", "UNRELIABLE") or interrupted and word == "INTERRUPTED"))
    verdict.add("hit", f"{wrong_bytes} bytes were wrong, doubled or missing", wrong_bytes == 0)
    verdict.add("normal", f"the longest silence that one of them felt was {silence_ms:.0f} ms", silence_ms < SILENCE_MS_MAX)


def _judge_end(verdict, run):
    """What was looked at when all clients were gone and the server had stopped."""
    checks = [fact.fields[1:3] for fact in run.of_kind("check") if fact.fields[0] == "left"]
    for word, text in checks:
        verdict.add("left", text, word == "ok")
    verdict.add("left", "all that is to be looked at after the end was", len(checks) >= END_CHECKS_MIN)


def _judge_growth(verdict, calms):
    if len(calms) < CALMS_MIN:
        verdict.add("leak", f"{len(calms)} moments of calm are too few to tell", False)
        return []
    growths = [quantity.judge(calms) for quantity in quantities()]
    for growth in growths:
        verdict.add("leak", growth.text(), not growth.leaks)
    return growths


def _text(path):
    return path.read_text(errors="replace") if path.exists() else ""


def report(folder):
    """Writes soak.csv, soak.html and verdict.txt, and returns that text and whether all is well."""
    run, verdict = facts.Run(folder), Verdict()
    counted = {fact.fields[0]: int(fact.fields[1]) for fact in run.of_kind("counted")}
    samples = sorted(_rows(run.folder / "samples.csv"), key=lambda row: row["at_ms"])
    calms = [row for row in samples if row["calm"]]
    _judge_counts(verdict, counted)
    _judge_load(verdict, run.loads[-1].report if run.loads else None, counted.get("interrupted"))
    _judge_end(verdict, run)
    growths = _judge_growth(verdict, calms)
    word = ("PASS" if verdict.holds else "FAIL") + (", interrupted" if counted.get("interrupted") else "")
    if samples:
        samples = list(_with_latency(samples, _steps(run)))
        _write_csv(run.folder / "soak.csv", samples)
        page_text = _page(word, verdict.text(), samples, calms, growths, _text(run.folder / "rounds.txt"))
        (run.folder / "soak.html").write_text(page_text)
    text = f"{verdict.text()}{word}: seed {counted.get('seed')}, {len(samples)} samples; {run.folder}/soak.html has the plots\n"
    (run.folder / "verdict.txt").write_text(text)
    return text, word == "PASS"
