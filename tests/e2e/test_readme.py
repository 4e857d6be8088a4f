"""README.md against the programs: it names every option, exit code, log event and file rightly, and none that is gone."""

import json
import re
import subprocess
import unittest

from support import DEADLINE_S, LOADTOOL, SERVER, TOP, TestCase

README = (TOP / "README.md").read_text()
# The trial build that kills its own workers at chosen steps; no event of the program that people run.
NOT_IN_README = {"step_killed"}
# Lines that are put together from pieces, so that no call has their whole text.
MADE_OTHERWISE = {"log_lost", "slot_summary"}


def section(title):
    """The text below a heading, up to the next heading of any rank."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ )", README, re.MULTILINE | re.DOTALL)
    if not found:
        raise AssertionError(f"README.md has no heading {title!r}")
    return found.group(1)


def rows(title):
    """The tables of a section as lists of cells, headings and rulers left out. An escaped bar is no border."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    is_ruler = [set("".join(row)) == {"-"} for row in cells] + [False]
    return [row for i, row in enumerate(cells) if not is_ruler[i] and not is_ruler[i + 1]]


def run_help(program):
    result = subprocess.run([str(program), "--help"], capture_output=True, text=True, timeout=DEADLINE_S)
    return result.stdout


def sources(*folders):
    for folder in folders:
        for path in sorted((TOP / folder).glob("*.[ch]")):
            yield path.read_text()


def event_calls():
    """(level, event, rest of the format string) of every line of the log."""
    for text in sources("master", "worker"):
        for level, literals in re.findall(r'log_event\(\s*LOG_LEVEL_(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text):
            whole = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))
            if found := re.match(r"event=(\w+)(.*)", whole):
                yield level, found.group(1), found.group(2)


EVENT_CALLS = list(event_calls())


class Readme(TestCase):
    def test_options__are_those_of_help(self):
        in_help = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", run_help(SERVER), re.MULTILINE))
        in_readme = {word for row in rows("Options of prefork-upper") for word in re.findall(r"--[\w-]+", row[0])}
        self.assertGreater(len(in_help), 10)
        self.assertEqual(in_readme, in_help)

    def test_defaults__are_those_of_help(self):
        text = " ".join(run_help(SERVER).split())
        for name, default, *_ in rows("Options of prefork-upper"):
            option = re.search(r"--[\w-]+", name).group()
            said = re.search(rf"{option} .*?(?:default: ([^)]*)\)|(?= --\w))", text)
            value = default.strip("`").split()[0] if default else ""
            if re.match(r"[\d:.]+[a-z]*$|upper$|info$|on$", value):
                self.assertEqual(value, re.split(r"[, ]", said.group(1))[0], option)

    def test_doctor__looks_at_what_the_tables_say_and_takes_their_options(self):
        result = subprocess.run([str(SERVER), "doctor", "--json"], capture_output=True, text=True, timeout=DEADLINE_S)
        checked = {check["name"] for check in json.loads(result.stdout)["checks"]}
        first_cells = " ".join(row[0] for row in rows("The doctor"))
        for name in checked:
            self.assertIn(name if name.startswith("memory.") else name.split(".")[-1].split(",")[0], first_cells.lower())
        in_help = subprocess.run([str(SERVER), "doctor", "--help"], capture_output=True, text=True, timeout=DEADLINE_S).stdout
        options = set(re.findall(r"^ +(--[\w-]+)", in_help, re.MULTILINE)) - {"--help"}
        self.assertEqual({word for word in re.findall(r"--[\w-]+", first_cells)}, options)
        for code in re.findall(r"\b(\d+) ", in_help.split("Exit codes:")[1]):
            self.assertRegex(" ".join(section("The doctor").split("It exits with")[1].split()), rf"\b{code}\b")

    def test_exit_codes__are_those_of_help(self):
        table = rows("Exit codes")
        for program, column in ((SERVER, 0), (LOADTOOL, 3)):
            text = run_help(program).split("Exit codes:")[1].split("\n\n")[0].split("With several")[0]
            in_help = set(re.findall(r"(?:^|, |,\n)\s*(\d+) ", text))
            in_readme = {row[column] for row in table if row[column]}
            self.assertGreater(len(in_help), 4)
            self.assertEqual(in_readme, in_help, program.name)

    def test_log_events__are_those_of_the_code(self):
        in_code = {word for text in sources("master", "worker") for word in re.findall(r'"event=(\w+)', text)}
        in_readme = {re.search(r"\w+", row[0]).group() for row in rows("Log events")}
        self.assertGreater(len(in_code), 20)
        self.assertEqual(in_readme, in_code - NOT_IN_README)

    def test_levels_and_keys_of_events__are_those_of_the_code(self):
        for event, levels, _, keys in rows("Log events"):
            event = event.strip("`")
            if event in MADE_OTHERWISE:
                continue
            in_code = [call for call in EVENT_CALLS if call[1] == event]
            self.assertEqual(set(levels.split(", ")), {level.lower() for level, _, _ in in_code}, event)
            written = {key for _, _, text in in_code for key in re.findall(r"\b(\w+)=", text)}
            named = set(re.findall(r"`(\w+)`", keys.split(": ")[0]))
            self.assertEqual(named, written - {"slot", "generation"}, event)

    def test_values_of_why__stand_in_the_code(self):
        """Why a worker was killed is one of the words of a table in the code."""
        code = "".join(sources("master"))
        keys = next(row[3] for row in rows("Log events") if row[0] == "`worker_killed`")
        for word in re.findall(r"`(\w+)`", keys.split(": ")[1]):
            self.assertIn(f'"{word}"', code)

    def test_paths__exist(self):
        paths = set(re.findall(r"`((?:master|worker|loadtool|chaos|tests)/[\w./-]*)(?: [^`]*)?`", README))
        paths |= set(re.findall(r"\]\(([\w./-]+)\)", README))
        self.assertGreater(len(paths), 15)
        self.assertEqual([path for path in sorted(paths) if not (TOP / path).exists()], [])

    def test_make_targets__exist(self):
        makefile = (TOP / "Makefile").read_text()
        targets = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", " ".join(re.findall(r"`[^`]*`|^    .*$", README, re.MULTILINE))))
        self.assertGreater(len(targets), 4)
        self.assertEqual([t for t in sorted(targets) if not re.search(rf"^{t}:", makefile, re.MULTILINE)], [])

    def test_links_within__lead_to_headings(self):
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
                   for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)}
        links = set(re.findall(r"\]\(#([\w-]+)\)", README))
        self.assertGreater(len(links), 5)
        self.assertEqual(links - anchors, set())


if __name__ == "__main__":
    unittest.main()
