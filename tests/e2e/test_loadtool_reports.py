"""The files that the load tool writes for other programs, each read by rules that are not the load tool's."""

import json
import subprocess

import hdr
from support import DEADLINE_S, LOADTOOL, TestCase

PASS = 0


class Reports(TestCase):
    def load(self, *args, code=PASS):
        """One run with every file that there is: {option: path}, the text."""
        paths = {name: f"{self.folder}/report.{name}" for name in ("json", "hdr")}
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
        self.assertEqual([row[0] for row in rows][:3], [0, 1, 2])
        self.assertEqual([row[1] for row in rows][:2], [1, 1])
        with open(paths["json"]) as file:
            latency = json.load(file)["latency_us"]
        self.assertEqual(whole.total(), latency["count"])
        for name, percent in (("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9)):
            self.assertAlmostEqual(min(whole.percentile(percent) / 1e3, latency["max"]), latency[name], places=3)
