"""What chaos/run reports: TAP with YAML blocks, JUnit's XML, the page. Its scenarios here are stand-ins that note what they like."""

import html.parser
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

from support import TOP

FACTS = "happened 'three died' same 3 3; hit 'nobody' true; recovered 'at once' true; check left 'nothing' true; others_hit 0 0; "
FACTS += "note server starts; note server serves; fault_now 'a <fault> & \"more\"'; note answered; note residue 0 0 12"

SCENARIOS = {
    "01_good": ('All is well: nothing "breaks".', FACTS),
    "02_bad": ("What is <bad> & says so.", FACTS + "; hit 'one <b>lost</b> & ]]> \x01' false"),
    "03_broken": ("Ends before it has told anything.", "echo 'it <broke>'; exit 7"),
    "04_skipped": ("Cannot be here.", "skip 'no <such> kernel'"),
}

VOID = {"meta", "line", "rect", "path", "br"}


class Page(html.parser.HTMLParser):
    """Refuses tags that are not closed in order; collects attributes and how often each tag came."""

    def __init__(self):
        super().__init__()
        self.open, self.count, self.attributes, self.text = [], {}, [], []

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.attributes += attrs
        if tag not in VOID or not self.get_starttag_text().endswith("/>") and tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.attributes += attrs

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing, at {self.getpos()}")

    def handle_data(self, data):
        self.text.append(data)


def read_yaml(lines):
    """The little of YAML that a block uses: maps by indentation, lists, JSON's scalars. Raises ValueError for anything else."""
    top = {}
    places = [(2, top)]
    for line in lines:
        match = re.fullmatch(r"( *)(?:(\w+):|(- ))(?: ?(.+))?", line)
        if not match:
            raise ValueError(line)
        indent, key, dash, value = len(match[1]), match[2], match[3], match[4]
        while indent < places[-1][0]:
            places.pop()
        if indent != places[-1][0]:
            raise ValueError(line)
        if dash:
            places[-1][1].setdefault("", []).append(json.loads(value))
        elif value is not None:
            places[-1][1][key] = json.loads(value)
        else:
            places[-1][1][key] = {}
            places.append((indent + 2, places[-1][1][key]))
    return top


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        top = pathlib.Path(cls.folder.name)
        (top / "scenarios").mkdir()
        for name, (text, body) in SCENARIOS.items():
            (top / "scenarios" / f"{name}.sh").write_text(f"# shellcheck shell=bash\n# {text}\n\nscenario() {{ {body}; }}\n")
        environment = {**os.environ, "BUILD": str(top), "CHAOS_SCENARIOS": str(top / "scenarios"), "TALLY": "", "CI": ""}
        cls.xml, cls.html = top / "report.xml", top / "report.html"
        cls.result = subprocess.run(["chaos/run", "--seed", "77", "--junit", cls.xml, "--html", cls.html], cwd=TOP, env=environment,
                                    capture_output=True, text=True, timeout=50)
        cls.lines = cls.result.stdout.splitlines()

    def test_tap__a_line_each_a_plan_and_the_count_last(self):
        self.assertEqual(self.result.returncode, 1, self.result.stderr)
        self.assertEqual(self.lines[:3], ["TAP version 14", "1..4", "# seed 77"])
        points = [line for line in self.lines if re.match(r"(not )?ok ", line)]
        self.assertEqual([re.match(r"(not ok|ok) (\d) - (\w+)", line).groups() for line in points],
                         [("ok", "1", "01_good"), ("not ok", "2", "02_bad"), ("not ok", "3", "03_broken"), ("ok", "4", "04_skipped")])
        self.assertIn("# SKIP no <such> kernel", points[3])
        self.assertEqual(self.lines[-1], "1 passed, 2 failed, 1 skipped")

    def test_tap__a_failure_says_how_to_repeat_it(self):
        self.assertIn("# again: chaos/run 02_bad --seed 77", self.lines)

    def test_yaml__holds_the_four_figures(self):
        begins = [i for i, line in enumerate(self.lines) if line == "  ---"]
        self.assertEqual(len(begins), 2)  # who broke off told nothing
        for begin in begins:
            self.assertRegex(self.lines[begin - 1], "^(not )?ok ")
            figures = read_yaml(self.lines[begin + 1:self.lines.index("  ...", begin)])
            self.assertEqual(figures["seed"], 77)
            self.assertEqual((figures["fault"]["shown"], figures["fault"]["times"]), ("three died", 3))
            self.assertEqual((figures["blast_radius"]["hit"], figures["blast_radius"]["expected"]), (0, 0))
            self.assertGreaterEqual(figures["recovery"]["first_good_ms"], 0)
            self.assertIsNone(figures["recovery"]["p99_back_ms"])
            self.assertTrue(figures["recovery"]["p99_back_how"])
            self.assertEqual((figures["residue"]["descriptors"], figures["residue"]["memory_kb"]), (0, 12))

    def test_junit__is_valid(self):
        result = subprocess.run(["xmllint", "--noout", "--schema", TOP / "tests/support/junit.xsd", self.xml], capture_output=True,
                                text=True, timeout=20)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_junit__says_what_tap_says(self):
        suite = xml.parse(self.xml).getroot().find("testsuite")
        self.assertEqual([suite.get(key) for key in ("tests", "failures", "errors", "skipped")], ["4", "2", "0", "1"])
        cases = {case.get("name"): case for case in suite.findall("testcase")}
        self.assertEqual(list(cases), list(SCENARIOS))
        self.assertIsNone(cases["01_good"].find("failure"))
        self.assertEqual(json.loads(cases["01_good"].find("system-out").text)["fault"]["times"], 3)
        self.assertIn("one <b>lost</b> & ]]> ?", cases["02_bad"].find("failure").get("message"))
        self.assertIn("it <broke>", cases["03_broken"].find("failure").text)
        self.assertEqual(cases["04_skipped"].find("skipped").get("message"), "no <such> kernel")

    def test_page__is_well_formed_and_alone(self):
        page = Page()
        page.feed(self.html.read_text())
        page.close()
        self.assertEqual(page.open, [])
        self.assertEqual((page.count["section"], page.count["svg"]), (4, 2))
        self.assertNotIn("script", page.count)
        self.assertNotIn("link", page.count)
        self.assertEqual([value for name, value in page.attributes if name in ("src", "href") and not value.startswith("#")], [])
        self.assertNotRegex(self.html.read_text(), r"url\(|@import|https?://")

    def test_page__tells_each_fault_and_recovery(self):
        page = Page()
        page.feed(self.html.read_text())
        text = "".join(page.text)
        for part in ("What is <bad> & says so.", 'a <fault> & "more"', "a new client is served", "it <broke>", "no <such> kernel"):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
