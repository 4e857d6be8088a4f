"""The four figures of a run, derived from its facts: fault, blast radius, recovery, residue. Pure.

A figure that was not measured is None and has its reason beside it, under the name of the figure with `_why`. A complaint is
a figure that is lacking altogether, or not what the scenario expected; one is enough to fail the scenario.
"""

import statistics

STEP_MS = 100
CALM_STEPS = 5  # so many steps of 100 ms make a median of what is normal
NORMAL_STEPS = 3  # so many in a row below the limit are normal again
LIMIT = 1.5

GIVEN = ("fault_times", "first_good_ms", "p99_back_ms", "descriptors", "processes", "memory_kb")


def derive(run):
    """(figures, complaints)"""
    complaints = [f"no such figure: {fact.fields[0]}" for fact in run.of_kind("figure") if fact.fields[0] not in GIVEN]
    figures = {}
    for name, part in (("fault", _fault), ("blast_radius", _blast_radius), ("recovery", _recovery), ("residue", _residue)):
        figures[name] = part(run, complaints)
    return figures, complaints


def _whole(text):
    try:
        return int(float(text))
    except ValueError:
        return None


def _given(run, name):
    """(value or None, why) where the scenario gave the figure itself; else None."""
    given = run.figure(name)
    return given and (_whole(given[0]), given[1])


# ---- The fault: the checks that showed it, and how often it came

def _times(command):
    """How often something was seen, if the check compared a number: same A B, is A -ge B, between A B C, wait_event MS N NAME."""
    place = {"same": 1, "is": 1, "between": 2, "event_seen": 1, "wait_event": 2}.get(command[0] if command else "")
    words = command[place].split() if place and len(command) > place else []
    return _whole(words[0]) if words else None


def _fault(run, complaints):
    shown = [fact.fields for fact in run.of_kind("check") if fact.fields[:2] == ["fault", "ok"]]
    if not shown:
        complaints.append("the fault: no check showed it (happened)")
        return {"shown": None, "times": 0}
    counted = [(fields[2], _times(fields[3:])) for fields in shown if (_times(fields[3:]) or 0) > 0]
    text, times = counted[0] if counted else (shown[0][2], 1)  # a condition that held was seen once
    given = _given(run, "fault_times")
    if given:
        text, times = given[1] or shown[0][2], given[0]
    return {"shown": text, "times": times, "proofs": [fields[2] for fields in shown]}


# ---- The blast radius: clients that were hit, beside those that had to be

def _hit_of(report):
    control, wrong = report["control"], report["wrong"]
    return {"clients": control["clients"] + report["victims"]["clients"],
            "hit": min(control["lost"] + control["refused"] + control["unanswered"], control["clients"])
            + report["victims"]["unexpected_ends"],
            "wrong_bytes": sum(wrong[key] for key in wrong if key.endswith("_bytes"))}


def _blast_radius(run, complaints):
    told = [_hit_of(load.report) for load in run.loads if load.report]
    others = [(_whole(fact.fields[0]), _whole(fact.fields[1])) for fact in run.of_kind("hit")]
    if any(None in pair for pair in others):
        complaints.append("the blast radius: how many clients had to be hit is no number (expect_hit N, others_hit N EXPECTED)")
        return {"hit": None, "expected": None}
    if not told and not others:
        complaints.append("the blast radius: there is no load, and nobody said who was hit (others_hit N EXPECTED)")
        return {"hit": None, "expected": None}
    radius = {key: sum(one[key] for one in told) for key in ("clients", "hit", "wrong_bytes")}
    radius["hit"] += sum(hit for hit, _ in others)
    radius["expected"] = sum(expected for _, expected in others)
    if radius["hit"] != radius["expected"]:
        complaints.append(f"the blast radius: {radius['hit']} clients were hit, {radius['expected']} had to be (expect_hit N)")
    return radius


# ---- Recovery: the first good reply, and latency as before

def _felt(run):
    """The loads that were on when a fault came; all of them where the scenario marks none."""
    moments = run.moments_ms()
    return [load for load in run.loads if load.report
            and (not moments or any(load.start_ms <= at <= (load.end_ms or at) for at in moments))]


def _first_good(run):
    """(ms, how it was measured) or None"""
    felt = _felt(run)
    if felt:
        return round(max(load.report["silence_ms"]["max"] for load in felt)), "the longest silence that a client of the load felt"
    answered = [fact.at_ms for fact in run.of_kind("answered")]
    waits = [min((at - moment for at in answered if at >= moment), default=None) for moment in run.moments_ms()]
    if waits and waits[-1] is not None:
        return max(wait for wait in waits if wait is not None), "from a fault to the first reply that a new client got"
    return None


def _p99_back(run):
    """(ms or None, why)"""
    felt = [load for load in _felt(run) if load.series]
    if not felt:
        return None, "no load was on" if not _felt(run) else "the load kept no steps"
    return max((_p99_back_of(load, run.faults_ms(), run.moments_ms()) for load in felt),
               key=lambda found: (found[0] is None, found[0]))


def _p99_back_of(load, faults, moments):
    """Who waits for a reply is in no p99 until it comes: before the longest silence is over, nothing is normal."""
    series = [step for step in load.series if step[1] > 0]
    inside = [at for at in moments if load.series[0][0] - STEP_MS <= at <= load.series[-1][0]]
    if not inside:
        return None, "no moment of a fault was marked while this load was measured"
    before = [p99 for end, _, p99 in series if end < faults[0]]
    after = [step for step in series if step[0] - STEP_MS >= inside[-1] + load.report["silence_ms"]["max"]]
    calm = before if len(before) >= CALM_STEPS else [p99 for _, _, p99 in after[-2 * CALM_STEPS:]]
    if len(calm) < CALM_STEPS:
        return None, f"fewer than {CALM_STEPS} steps of 100 ms were calm"
    limit = LIMIT * statistics.median(calm)
    for i in range(len(after) - NORMAL_STEPS + 1):
        if all(p99 <= limit for _, _, p99 in after[i:i + NORMAL_STEPS]):
            when = "before it" if calm is before else "at the end"
            return round(after[i][0] - inside[-1]), f"steps of {STEP_MS} ms; {statistics.median(calm) / 1000:.1f} ms was normal {when}"
    return None, f"no {NORMAL_STEPS} steps in a row below {limit / 1000:.1f} ms before the load ended"


def _recovery(run, complaints):
    recovery = {}
    given = _given(run, "first_good_ms")
    found = given or _first_good(run)
    if found is None:
        complaints.append("recovery: no load was on when the fault came, and no new client was served after it (fault_now, serves)")
    recovery["first_good_ms"], recovery["first_good_how"] = found or (None, "not measured")
    recovery["p99_back_ms"], recovery["p99_back_how"] = _given(run, "p99_back_ms") or _p99_back(run)
    return recovery


# ---- Residue: what is more than before

def _residue(run, complaints):
    residue, compared, ended = {}, run.of_kind("residue"), run.of_kind("processes")
    if not compared and not ended:
        complaints.append("residue: nothing was compared with before, and no server ended whole (nothing_left, ended_whole)")
    for place, name in enumerate(("descriptors", "processes", "memory_kb")):
        given = _given(run, name)
        if given:
            residue[name], residue[f"{name}_why"] = given
        elif compared:
            residue[name] = max(int(fact.fields[place]) for fact in compared)
        else:
            residue[name], residue[f"{name}_why"] = None, "not compared: the state before the load was not noted"
    residue["processes_at_end"] = sum(int(fact.fields[0]) for fact in ended) if ended else None
    return {key: value for key, value in residue.items() if value != ""}
