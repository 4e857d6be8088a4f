"""loadtool compare, merge, find and shrink, as a user calls them."""

import json
import os
import subprocess

from support import DEADLINE_S, LOADTOOL, TestCase

PASS, WORSE, USAGE = 0, 1, 2


class Subcommands(TestCase):
    def tool(self, *args, code=PASS):
        result = subprocess.run([str(LOADTOOL), *map(str, args)], capture_output=True, text=True, timeout=DEADLINE_S,
                                stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_help__each_has_its_own(self):
        names = [line.split()[1] for line in self.tool("--help").stdout.splitlines() if line.startswith("  loadtool ")]
        self.assertEqual(names, ["compare", "merge", "find", "shrink"])
        for name in names:
            text = self.tool(name, "--help").stdout
            self.assertTrue(text.startswith(f"Usage: loadtool {name} "))
            self.assertIn("Exit codes: 0 ", text)
            self.assertEqual(self.tool(name, "-h").stdout, text)

    def test_merge_and_compare__of_reports(self):
        paths = [f"{self.folder}/{name}.json" for name in "ab"]
        target = self.server().bound
        for path in paths:
            self.tool(target, "-c", 5, "-d", "400ms", "--json", path)
        reports = [json.load(open(path)) for path in paths]
        merged = json.loads(self.tool("merge", *paths).stdout)
        self.assertEqual(merged["latency_us"]["count"], sum(report["latency_us"]["count"] for report in reports))
        self.assertEqual(merged["latency_us"]["max"], max(report["latency_us"]["max"] for report in reports))
        self.assertEqual(merged["messages"]["right"], sum(report["messages"]["right"] for report in reports))
        self.assertIn("fewer than 3 seconds", self.tool("compare", *paths, code=USAGE).stderr)
        # The same run, said to have been slower by half in each of four seconds.
        for report, factor, path in zip(reports, (1, 1.5), paths):
            seconds = report["seconds"]
            seconds.update({name: [1 if name == "length_s" else 100 * factor] * 4 for name in seconds if name != "per_row"})
            seconds["right"] = [1000] * 4
            with open(path, "w") as file:
                json.dump(report, file)
        page = f"{self.folder}/page.html"
        text = self.tool("compare", "--html", page, *paths, code=WORSE).stdout
        with open(page) as file:
            self.assertIn('<span class="bad">WORSE</span> B beside A', file.read())
        os.remove(page)
        for words in ((*paths, "--html", page), (paths[0], f"--html={page}", paths[1])):
            self.tool("compare", *words, code=WORSE)
            os.remove(page)
        self.assertIn("No such file", self.tool("compare", "--html", "/no/page", *paths, code=USAGE).stderr)
        self.assertTrue(text.startswith("WORSE\n"), text)
        self.assertIn("+50.0 %, worse", text)
        self.assertTrue(self.tool("compare", *reversed(paths)).stdout.startswith("BETTER\n"))
        self.assertTrue(self.tool("compare", paths[0], paths[0]).stdout.startswith("SAME\n"))

    def test_bad_words__a_line_that_says_what_is_accepted(self):
        for words, said in ((["compare", "a"], "accepted are two files"),
                            (["compare", "a", "b", "--html"], "accepted are two files"),
                            (["merge", "a"], "accepted are 2 to 256 files"),
                            (["find", ":1"], "--slo is missing"), (["find", "--slo", "p99", ":1"], "accepted is MEASURE<VALUE"),
                            (["compare", "/dev/null", "/dev/null"], "/dev/null, line 1, column 0: no JSON"),
                            (["find", "--slo", "p99<x", ":1"], "--fail p99>x: accepted is"),
                            (["shrink", "-c", "0"], "--clients 0: accepted is")):
            self.assertIn(said, self.tool(*words, code=USAGE).stderr)

    def test_shrink__a_fault_that_needs_one_client__finds_it(self):
        target = self.server().bound
        words = (target, "-d", "60ms", "--kill", "none", "--check", "echo", "--seed", 3)  # it is no echo server: that is the fault
        text = self.tool("shrink", "-c", 10, *words).stdout
        self.assertTrue(text.startswith("FAIL  exit 3: "), text)
        self.assertTrue(text.endswith(f" {target} -d 60ms --check echo -c 1 --kill none --seed 3\n"), text)
        self.tool("shrink", target, "-d", "60ms", "--kill", "none", "-c", 2, code=WORSE)

    def test_find__a_promise_that_no_rate_keeps__is_not_found(self):
        text = self.tool("find", "--slo", "messages>1000000", self.server().bound, "-c", 2, "-d", "30ms", "--kill", "none", code=WORSE).stdout
        self.assertIn("\nNOT FOUND  no rate holds with messages>1000000; 1/s does not", text)
