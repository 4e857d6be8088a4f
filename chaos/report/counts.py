"""How often each scenario has passed, over many calls of chaos/run and many machines: a file of lines "scenario, script, passed, of",
tabs between. `script` is a hash of the scenario's text and of what it sources beside lib.sh: where that changes, counting begins anew.
A scenario that failed for a fault of the server's which was mended keeps that count; whoever wants it gone removes the line."""

import fcntl
import hashlib
import pathlib
import re

HEAD = ("scenario", "script", "passed", "of")
SOURCED = re.compile(r"^source ([\w./-]+)$", re.MULTILINE)
ENOUGH = 20


def script_of(file):
    """The hash that stands for the present form of a scenario."""
    text = pathlib.Path(file).read_text()
    texts = [text, *(pathlib.Path(name).read_text() for name in SOURCED.findall(text))]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:12]


def _parse(text):
    """{scenario: (script, passed, of)}; a ValueError names a line that is none."""
    counts = {}
    for number, line in enumerate(text.splitlines()[1:], 2):
        try:
            name, script, passed, of = line.split("\t")
            counts[name] = (script, int(passed), int(of))
        except ValueError:
            raise ValueError(f"line {number} is no count: {line}") from None
    return counts


def _lines(counts):
    rows = [HEAD, *((name, *counts[name]) for name in sorted(counts))]
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def add(path, name, script, has_passed):
    """One run more. Several calls of chaos/run may count in one file at once."""
    with open(path, "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        counts = _parse(file.read())
        before = counts.get(name, (script, 0, 0))
        passed, of = before[1:] if before[0] == script else (0, 0)
        counts[name] = (script, passed + has_passed, of + 1)
        file.truncate(0)
        file.write(_lines(counts))


def _group(path, files):
    """{(passed, of): numbers of the scenarios that have this count in their present form}, 0 of 0 where there is none."""
    counts, groups = _parse(pathlib.Path(path).read_text()), {}
    for file in map(pathlib.Path, files):
        script, passed, of = counts.get(file.stem, ("", 0, 0))
        key = (passed, of) if script == script_of(file) else (0, 0)
        groups.setdefault(key, []).append(file.stem.split("_")[0])
    return groups


def table(path, files):
    """For chaos/README.md: which scenarios have passed how often; the least trusted first."""
    groups = _group(path, files)
    trusted = sum(len(numbers) for (passed, of), numbers in groups.items() if passed == of >= ENOUGH)
    rows = [f"| {passed} | {of} | {', '.join(f'`{number}`' for number in numbers)} |"
            for (passed, of), numbers in sorted(groups.items(), key=lambda group: (group[0][0] == group[0][1], group[0]))]
    return "\n".join(["| passed | of | scenarios |", "|---|---|---|", *rows, "",
                      f"{trusted} of {len(files)} have passed {ENOUGH} times of {ENOUGH} or more in their present form."])
