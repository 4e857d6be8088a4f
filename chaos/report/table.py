"""The results as a table for a README: a line a scenario; of several runs the worst figure of each."""

HEAD = ("scenario", "passed", "of", "fault", "clients hit", "had to be", "first good reply", "p99 back", "residue")


def _worst(runs, part, name):
    values = [run.figure(part, name) for run in runs]
    values = [value for value in values if value is not None]
    return max(values) if values else None


def _ms(value):
    return "-" if value is None else f"{value} ms"


def _residue(runs):
    words = [(name, _worst(runs, "residue", name)) for name in ("descriptors", "processes")]
    left = [f"{value:+d} {name}" for name, value in words if value]
    memory = _worst(runs, "residue", "memory_kb")
    if memory is not None and memory > 0:
        left.append(f"{memory:+d} KB")
    return ", ".join(left) or ("none" if any(value is not None for _, value in words) else "-")


def cells(name, runs):
    """What stands in a line, in the order of HEAD."""
    hit, expected = _worst(runs, "blast_radius", "hit"), _worst(runs, "blast_radius", "expected")
    return (name, sum(run.status == "passed" for run in runs), len(runs), _worst(runs, "fault", "times") or "-",
            "-" if hit is None else hit, "-" if expected is None else expected,
            _ms(_worst(runs, "recovery", "first_good_ms")), _ms(_worst(runs, "recovery", "p99_back_ms")), _residue(runs))


def _row(name, runs):
    return "| " + " | ".join(str(cell) for cell in cells(f"`{name}`", runs)) + " |"


def text(results):
    ran = [result for result in results if result.status != "skipped"]
    names = dict.fromkeys(result.name for result in ran)
    rows = [_row(name, [result for result in ran if result.name == name]) for name in names]
    return "\n".join(["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|", *rows])
