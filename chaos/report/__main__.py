"""Makes reports of what chaos scenarios left behind. chaos/run calls it.

    report figures FOLDER          the four figures of one run: writes FOLDER/figures.json and figures.yaml; 1 if one is
                                   lacking or not as expected, then it says which
    report table RESULTS           what all runs found, a line a scenario
    report junit RESULTS FILE      as JUnit's XML
    report html RESULTS FILE       as a page with timelines
    report soak FOLDER             the verdict of a soak; writes soak.csv, soak.html and verdict.txt; 1 if it is not PASS
    report script SCENARIO         the hash of its present form
    report count FILE NAME HASH passed|failed     one run more in a file of counts
    report counted FILE SCENARIO...               a file of counts as a table

RESULTS has a line a run: name, run, passed|failed|skipped, seconds, seed, folder, what it does; tabs between.
"""

import json
import os
import pathlib
import sys

import facts
import figures as figures_of
import tap


def figures(folder):
    found, complaints = figures_of.derive(facts.Run(folder))
    found = {"seed": int(os.environ.get("CHAOS_SEED", 0)), **found}
    pathlib.Path(folder, "figures.json").write_text(json.dumps(found, indent=2, ensure_ascii=False))
    pathlib.Path(folder, "figures.yaml").write_text(tap.block(found))
    for complaint in complaints:
        print(f"FAIL figure  {complaint}")
    return 1 if complaints else 0


def table(path):
    import results
    import table as table_of
    print(table_of.text(results.read(path)))
    return 0


def junit(path, out):
    import junit as junit_of
    return _write(junit_of, path, out)


def page(path, out):
    import page as page_of
    return _write(page_of, path, out)


def soak(folder):
    import soak as soak_of
    text, passes = soak_of.report(folder)
    print(text, end="")
    return 0 if passes else 1


def script(file):
    import counts
    print(counts.script_of(file))
    return 0


def count(path, name, script_hash, word):
    import counts
    try:
        counts.add(path, name, script_hash, word == "passed")
    except (OSError, ValueError) as error:
        return _complain(path, error)
    return 0


def counted(path, *files):
    import counts
    try:
        print(counts.table(path, files))
    except (OSError, ValueError) as error:
        return _complain(path, error)
    return 0


def _complain(path, error):
    print(f"chaos/report: {path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
    return 1


def _write(report, path, out):
    import results
    try:
        report.write(results.read(path), out)
    except OSError as error:
        return _complain(out, error)
    return 0


COMMANDS = {"figures": figures, "table": table, "junit": junit, "html": page, "soak": soak, "script": script, "count": count, "counted": counted}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
