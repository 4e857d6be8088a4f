"""What a scenario left in its folder: facts, the reports of its loads, the events of its server's logs. Reads only."""

import csv
import datetime
import json
import pathlib
import re

EVENT = re.compile(r"^(\S+Z) +\w+ +event=(\w+)(.*)")


class Fact:
    def __init__(self, line):
        at_ms, self.kind, *self.fields = line.split("\t")
        self.at_ms = int(at_ms)


class Load:
    """One run of loadtool. `report` is None if it left none; `series` has (end in ms, right replies, p99 in us) for each step."""

    def __init__(self, folder, number, arguments, start_ms):
        self.arguments, self.start_ms, self.end_ms = arguments, start_ms, None
        self.report = _json(folder / f"load.{number}.json")
        self.series = _series(folder / f"load.{number}.csv", self.report)


class Run:
    """All of it, for one run of one scenario."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.facts = [Fact(line) for line in _lines(self.folder / "facts")]
        self.loads = self._loads()
        self.events = sorted(event for log in self.folder.glob("server.*.log") for event in _events(log))

    def of_kind(self, kind):
        return [fact for fact in self.facts if fact.kind == kind]

    def figure(self, name):
        """(value, why) of the last one the scenario gave itself, or None."""
        given = [fact.fields[1:] for fact in self.of_kind("figure") if fact.fields[0] == name]
        return (given[-1][0], " ".join(given[-1][1:])) if given else None

    def faults_ms(self):
        """When something was done to the server."""
        return [fact.at_ms for fact in self.of_kind("fault")]

    def moments_ms(self):
        """From when recovery is measured: from each fault, or from its end where that was noted."""
        moments = []
        for fact in self.facts:
            if fact.kind == "over" and moments:
                moments[-1] = fact.at_ms
            elif fact.kind == "fault":
                moments.append(fact.at_ms)
        return moments

    def _loads(self):
        loads = {}
        for fact in self.of_kind("load"):
            if fact.fields[0] == "starts":
                loads[fact.fields[1]] = Load(self.folder, fact.fields[1], fact.fields[2], fact.at_ms)
            else:
                loads[fact.fields[1]].end_ms = fact.at_ms
        return list(loads.values())


def _lines(path):
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def _json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _series(path, report):
    begun = (report or {}).get("begun_unix_ms")
    if not begun or not path.exists():
        return []
    with path.open() as file:
        return [(begun + float(row["second"]) * 1000, int(row["right"]), float(row["p99_us"])) for row in csv.DictReader(file)]


def _events(log):
    for line in _lines(log):
        match = EVENT.match(line)
        if match:
            stamp, word, rest = match.groups()
            yield datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000, word, rest.strip()
