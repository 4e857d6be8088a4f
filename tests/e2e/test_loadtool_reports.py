"""The files that the load tool writes for other programs, each read by rules that are not the load tool's."""

import html.parser
import json
import re
import subprocess
import xml.etree.ElementTree

import hdr
from support import DEADLINE_S, LOADTOOL, TOP, TestCase

PASS, THRESHOLD = 0, 1

# Prometheus' text format (version 0.0.4): a sample, and its labels.
SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[\d.]+(?:e[-+]\d+)?)')


def read_prom(text):
    """{(name, labels): value}; breaks where promtool would complain."""
    kinds, samples, told = {}, {}, []
    for line in text.splitlines():
        if found := re.fullmatch(r"# HELP (\w+) (\S.*)", line):
            told.append(found[1])
        elif found := re.fullmatch(r"# TYPE (\w+) (counter|gauge|summary)", line):
            assert told[-1] == found[1] and found[1] not in kinds, line
            kinds[found[1]] = found[2]
            assert found[1].endswith("_total") == (found[2] == "counter"), line
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            name = re.sub("_(sum|count)$", "", found[1]) if kinds[told[-1]] == "summary" else found[1]
            assert name == told[-1], f"{line}: apart from its TYPE"
            assert (found[1], found[2]) not in samples, line
            samples[found[1], found[2]] = float(found[3])
    return samples


class Page(html.parser.HTMLParser):
    """The elements of a page; breaks where one is not closed, or asks for anything from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.count = [], {}

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        for name, value in attrs:
            assert name not in ("src", "href") and not name.startswith("on") and "url(" not in (value or ""), name
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


class Reports(TestCase):
    def load(self, *args, code=PASS):
        """One run with every file that there is: {option: path}, the text."""
        paths = {name: f"{self.folder}/report.{name}" for name in ("json", "hdr", "junit", "md", "prom", "html")}
        files = [word for name, path in paths.items() for word in (f"--{name}", path)]
        result = subprocess.run([str(LOADTOOL), *map(str, args), *files], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return paths, result.stdout

    def test_hdr__holds_what_the_report_says(self):
        paths, _ = self.load(self.server().bound, "-c", 20, "-d", "2200ms")
        rows = list(hdr.read_log(paths["hdr"]))
        whole = hdr.Histogram()
        for _, _, longest, histogram in rows:
            whole.add(histogram)
            self.assertGreaterEqual(max(histogram.counts) * 1.001, longest * 1e6)
        self.assertEqual(rows[0][:2], (0, 1))
        load = [row for row in rows if row is rows[0] or row[0] > 0]  # without the first replies of the ramp, which are told last
        self.assertGreaterEqual(len(load), 2)
        for (start, length, *_), (later, *_) in zip(load, load[1:]):  # a second in which nobody was answered has no row
            self.assertLessEqual(start + length, later)
        with open(paths["json"]) as file:
            latency = json.load(file)["latency_us"]
        self.assertEqual(whole.total(), latency["count"])
        for name, percent in (("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9)):
            self.assertAlmostEqual(min(whole.percentile(percent) / 1e3, latency["max"]), latency[name], places=3)

    def test_junit_md_prom__say_what_the_json_says(self):
        target = self.server().bound
        paths, text = self.load(target, "-c", 20, "-d", "400ms", "--fail", "p50>1us", "--fail", "max>1m", code=THRESHOLD)
        words = {}
        for name, path in paths.items():
            with open(path) as file:
                words[name] = file.read()
        report = json.loads(words["json"])
        suite = xml.etree.ElementTree.fromstring(words["junit"]).find("testsuite")
        cases = {case.get("name"): [child.tag for child in case] for case in suite.findall("testcase")}
        self.assertEqual(len(cases), int(suite.get("tests")))
        self.assertEqual([name for name, tags in cases.items() if "failure" in tags], ["--fail 'p50>1us'"])
        self.assertEqual(suite.get("failures"), "1")
        self.assertEqual(suite.find("system-out").text.split(), text.split())
        schema = subprocess.run(["xmllint", "--noout", "--schema", TOP / "tests/support/junit.xsd", paths["junit"]],
                                capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(schema.returncode, 0, schema.stderr)
        self.assertTrue(words["md"].startswith(f"### FAIL: loadtool against {target}"), words["md"])
        self.assertIn(f"\n    {report['command']}\n", words["md"])
        for table in re.findall(r"(?:^\|.*\n)+", words["md"], re.MULTILINE):
            self.assertEqual(len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}), 1, table)
        prom = read_prom(words["prom"])
        self.assertEqual(prom["loadtool_replies_right_total", None], report["messages"]["right"])
        self.assertAlmostEqual(prom["loadtool_latency_seconds", 'quantile="0.99"'] * 1e6, report["latency_us"]["p99"], places=2)
        self.assertEqual(prom["loadtool_exit_code", None], THRESHOLD)
        done = sum(value for (name, labels), value in prom.items() if name == "loadtool_disconnects_total" and 'done="yes"' in labels)
        self.assertEqual(done, report["disconnects_done"])

    def test_html__whole_and_by_itself(self):
        paths, _ = self.load(self.server().bound, "-c", 20, "-d", "1200ms")
        page = Page()
        with open(paths["html"]) as file:
            text = file.read()
        page.feed(text)
        self.assertEqual(page.open, [])
        self.assertEqual(page.count["figure"], 4)
        self.assertNotIn("http", text)
        self.assertNotIn("nan", re.sub("<text.*?</text>", "", text.split("<body>")[1].split("<h2>")[0]))
        with open(paths["json"]) as file:
            self.assertEqual(page.count["rect"] > 5, bool(json.load(file)["disconnects_done"]))

    def test_progress__a_line_a_second_where_it_is_wanted(self):
        words = [str(LOADTOOL), self.server().bound, "-c", "5", "-d", "1300ms", "--kill", "none"]
        for more, lines in (["--progress"], 1), ([], 0):
            result = subprocess.run(words + more, capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual(result.returncode, PASS, result.stdout)
            self.assertEqual(len(result.stderr.splitlines()) >= lines, True, result.stderr)
            self.assertEqual(bool(re.match(r"1 s  loading .* 0 lost  0 errors  0 wrong bytes\n", result.stderr)), bool(lines))
