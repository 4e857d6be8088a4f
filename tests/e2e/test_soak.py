"""The verdict of a soak: it holds for a good run, and one thing that is wrong makes it fail. The runs here are made up."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import TOP, TestCase
from test_chaos_reports import Page

sys.path.insert(0, str(TOP / "chaos" / "report"))
import soak  # noqa: E402  # what chaos/soak calls at its end

BEGIN_MS = 1767225600000
CALMS = 18
ROLES = {"master": (1, 20, 400), "supervisor": (1, 18, 300), "keeper": (8, 2000, 900), "worker": (4, 1000, 1300), "other": (0, 0, 0)}
COUNTED = {"rounds": 18, "shown": 54, "mishaps": 0, "crowds_hurt": 0, "connects": 9000, "worker_died": 300, "keeper_died": 9,
           "supervisor_died": 8, "operation_done": 60, "connections_lost": 0, "slot_unprotected": 0, "slot_rests": 0, "check_failed": 0,
           "interrupted": 0, "seed": 7}


def steady_row(at_s, calm):
    row = {"at_ms": BEGIN_MS + at_s * 1000, "calm": int(calm)}
    for role, (processes, descriptors, memory_kb) in ROLES.items():
        row |= {f"{role}_processes": processes, f"{role}_descriptors": descriptors, f"{role}_memory_kb": memory_kb}
    return row | {"shared_kb": 3000, "established": 200, "close_wait": 0}


class Verdict(TestCase):
    """Each test breaks one thing of a run that is good otherwise."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.calms = [steady_row(10 * i, True) for i in range(CALMS)]
        self.counted = dict(COUNTED)
        self.end_checks = ["ok"] * 6
        self.load = {"begun_unix_ms": BEGIN_MS, "verdict": "PASS", "control": {"clients": 200, "lost": 0}, "silence_ms": {"max": 2500},
                     "wrong": dict.fromkeys(("wrong_bytes", "missing_bytes", "extra_bytes", "duplicated_bytes", "crosstalk_bytes"), 0)}

    def write(self):
        between = [steady_row(10 * i + 5, False) for i in range(CALMS)]
        rows = sorted(self.calms + between, key=lambda row: row["at_ms"])
        with (self.folder / "samples.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, rows[0])
            out.writeheader()
            out.writerows(rows)
        facts = ["load\tstarts\t1\t-c 200", *(f"check\tleft\t{word}\tcheck {i}" for i, word in enumerate(self.end_checks)),
                 *(f"counted\t{name}\t{value}" for name, value in self.counted.items()), "load\tended\t1\t0"]
        (self.folder / "facts").write_text("".join(f"{BEGIN_MS}\t{fact}\n" for fact in facts))
        if self.load:
            (self.folder / "load.1.json").write_text(json.dumps(self.load))
        steps = [f"{i / 10:g},{0 if 52 < i <= 57 else 40},900,{5000 if i == 31 else 1500},{9000 if i == 31 else 2000}\n" for i in range(1, 1800)]
        (self.folder / "load.1.csv").write_text("second,right,p50_us,p99_us,max_us\n" + "".join(steps))

    def judge(self):
        """(does it pass?, lines that fail)"""
        self.write()
        text, passes = soak.report(self.folder)
        return passes, [line for line in text.splitlines() if line.startswith("FAIL")]

    def expect_failure(self, *parts):
        passes, failed = self.judge()
        self.assertFalse(passes)
        self.assertEqual(len(failed), len(parts) + 1, failed)  # and the last line, which says FAIL in all
        for line, part in zip(failed, parts):
            self.assertIn(part, line)

    def grow(self, column, step):
        for i, row in enumerate(self.calms):
            row[column] += step * i

    def test_good__passes(self):
        self.assertEqual(self.judge(), (True, []))

    def test_one_descriptor_more_in_each_third_calm__leaks(self):
        for i, row in enumerate(self.calms):
            row["worker_descriptors"] += i // 3
        self.expect_failure("descriptors, in all", "descriptors, workers")

    def test_memory_of_the_master_that_grows__leaks(self):
        self.grow("master_memory_kb", 20)
        self.expect_failure("memory, master")

    def test_close_wait_that_grows__leaks(self):
        self.grow("close_wait", 1)
        self.expect_failure("kernel, CLOSE_WAIT")

    def test_odd_values_and_noise__do_not_leak(self):
        for i, row in enumerate(self.calms):
            row["worker_memory_kb"] += i * 53 % 200
        self.calms[-1]["worker_descriptors"] += 50
        self.calms[-2]["close_wait"] = 1
        self.assertEqual(self.judge(), (True, []))

    def test_one_step_up_that_lasts__leaks(self):
        for row in self.calms[CALMS // 2:]:
            row["master_descriptors"] += 1
        self.expect_failure("descriptors, in all", "descriptors, master")

    def test_too_few_calms__are_no_proof(self):
        del self.calms[5:]
        self.expect_failure("5 moments of calm are too few")

    def test_a_lost_client__fails(self):
        self.load["control"]["lost"] = 1
        self.load["verdict"] = "FAIL"
        self.expect_failure("of 200 clients that stay 1 were lost")

    def test_a_verdict_of_the_load_that_is_none__fails(self):
        self.load["verdict"] = "INTERRUPTED"  # by somebody else
        self.expect_failure("INTERRUPTED")

    def test_a_wrong_byte__fails(self):
        self.load["wrong"]["duplicated_bytes"] = 1
        self.expect_failure("1 bytes were wrong")

    def test_no_report_of_the_load__fails(self):
        self.load = None
        self.expect_failure("no report")

    def test_a_long_silence__fails(self):
        self.load["silence_ms"]["max"] = 10000
        self.expect_failure("silence")

    def test_counts__each_that_must_be_none__fails(self):
        for name in ("mishaps", "crowds_hurt", "connections_lost", "slot_unprotected", "slot_rests", "check_failed"):
            with self.subTest(name):
                self.counted = {**COUNTED, name: 1}
                passes, failed = self.judge()
                self.assertEqual((passes, len(failed)), (False, 2), failed)

    def test_counts__nothing_happened__fails(self):
        self.counted |= {"shown": 0, "worker_died": 0}
        self.expect_failure("0 disturbances", "0 workers")

    def test_left_over_after_the_stop__fails(self):
        self.end_checks[3] = "FAIL"
        self.expect_failure("check 3")

    def test_an_end_that_nobody_looked_at__fails(self):
        self.end_checks = []
        self.expect_failure("after the end")

    def test_interrupted__says_so(self):
        self.counted["interrupted"] = 1
        self.load["verdict"] = "INTERRUPTED"
        self.assertEqual(self.judge(), (False, []))
        self.assertIn("PASS, interrupted", (self.folder / "verdict.txt").read_text())

    def test_exit_code__is_that_of_the_verdict(self):
        for mishaps in (0, 1):
            self.counted["mishaps"] = mishaps
            self.write()
            result = subprocess.run([sys.executable, "-B", "-E", "-S", "chaos/report", "soak", self.folder], cwd=TOP, capture_output=True,
                                    text=True, timeout=20)
            self.assertEqual((result.returncode, result.stderr), (mishaps, ""))
            self.assertEqual(result.stdout, (self.folder / "verdict.txt").read_text())

    def test_csv__has_what_the_load_felt(self):
        self.judge()
        with (self.folder / "soak.csv").open() as file:
            rows = {float(row["second"]): row for row in csv.DictReader(file)}
        self.assertEqual(len(rows), 2 * CALMS)
        self.assertEqual(float(rows[5]["p99_ms"]), 5)
        self.assertEqual((float(rows[15]["silence_ms"]), float(rows[15]["p50_ms"]), float(rows[15]["right_per_s"])), (500, 0.9, 380))

    def test_page__is_well_formed_and_has_the_plots(self):
        self.grow("close_wait", 1)
        self.judge()
        text, page = (self.folder / "soak.html").read_text(), Page()
        page.feed(text)
        page.close()
        self.assertEqual(page.open, [])
        self.assertEqual(page.count["svg"], 4)
        self.assertNotRegex(text, r"<script|url\(|@import|https?://")
        self.assertEqual([value for name, value in page.attributes if name == "class" and value == "leak"], ["leak"] * (1 + CALMS))
        for word in ("supervisor", "keepers", "CLOSE_WAIT", "p99", "silence", "leaks"):
            self.assertIn(word, "".join(page.text))


if __name__ == "__main__":
    unittest.main()
