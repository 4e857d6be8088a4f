"""The arithmetic and the drawing of tests/bench: a table that is wrong would be believed."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import figures
import limits
import measure
import processes
import servers

SVG = "{http://www.w3.org/2000/svg}"


class OfTheMachine(unittest.TestCase):
    STAT = ("cpu  100 0 100 700 0 0 0 100 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
            "cpu  200 0 200 1000 0 0 0 600 90 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n")

    def setUp(self):
        self.read, processes.read = processes.read, lambda path: self.STAT[self.looks(path)]
        self.looked = []

    def tearDown(self):
        processes.read = self.read

    def looks(self, path):
        self.looked.append(path)
        return len(self.looked) - 1

    def test_stolen__share_of_all_processors_since_then(self):
        # 500 of 1,000 ticks; guests' time is part of user's already.
        self.assertEqual(str(processes.Stolen()), "the hypervisor took 50 % of the processors' time")
        self.assertEqual(self.looked, ["/proc/stat", "/proc/stat"])


class Intervals(unittest.TestCase):
    def test_ten_values__second_and_ninth(self):
        # The median of a population lies between the 2nd and the 9th of ten with 97.9 %, the 3rd and the 8th with 89.1 %.
        self.assertEqual(figures.interval([5, 3, 9, 1, 7, 2, 8, 4, 10, 6]), (2, 9))

    def test_six_values__all_of_them(self):
        self.assertEqual(figures.interval([6, 5, 4, 3, 2, 1]), (1, 6))

    def test_ratio__is_taken_within_each_pair(self):
        # The machine was ten times slower in the second round; the ratio does not see it.
        ratio = figures.Ratio([2, 30, 4, 2, 2, 2], [1, 10, 2, 1, 1, 1])
        self.assertEqual((ratio.median, ratio.low, ratio.high), (2, 2, 3))

    def test_not_better__names_others_that_are_as_good_as_ours_or_better(self):
        ratios = {name: figures.Ratio([ours] * 6, [2] * 6) for name, ours in (("a", 1), ("b", 2), ("floor", 3), ("c", 3))}
        self.assertEqual([name for name, _ in figures.not_cheaper(ratios, ["a", "b", "c"])], ["b", "c"])
        self.assertEqual([name for name, _ in figures.not_faster(ratios, ["a", "b", "c"])], ["a", "b"])


class Limits(unittest.TestCase):
    def test_cost__the_limit_itself_is_kept_and_more_is_told(self):
        self.assertEqual(limits.broken_cost("500", {"floor": 1.03, "libuv": 0.5, "socat fork": 9}), [])
        self.assertEqual(limits.broken_cost("500", {"floor": 1.031}), ["500: ours / floor is 1.031, above the limit of 1.03"])

    def test_row_without_limits__breaks_none(self):
        self.assertEqual(limits.broken_cost("64k", {"floor": 9}) + limits.broken_rate("500", {"floor": 0.1}), [])

    def test_bulk__costs_no_more_and_is_no_slower(self):
        self.assertEqual(limits.broken_cost("bulk", {"--service echo": 1.05}), [])
        self.assertEqual(limits.broken_rate("bulk", {"--service echo": 0.95}), [])
        self.assertEqual(len(limits.broken_cost("bulk", {"--service echo": 1.06})), 1)
        self.assertEqual(len(limits.broken_rate("bulk", {"--service echo": 0.94})), 1)


class Transform(unittest.TestCase):
    """The script with a program that says what the test wants: nanoseconds of memcpy, upper, upper without AVX2."""

    def run_with(self, avx2, *ns):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "bench/transform")
            program.parent.mkdir()
            lines = [f"avx2 {avx2}"] + [f"{size} {' '.join(map(str, ns))}" for size in ("64 1", "65536 1", "65536 512")] * 6
            program.write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(f"'{line}'" for line in lines) + "\n")
            program.chmod(0o755)
            return subprocess.run([BENCH / "transform", "--rounds", "6", "--limits"], capture_output=True, text=True,
                                  env=os.environ | {"BUILD": folder})

    def test_speed__is_memcpys_time_over_its_own(self):
        done = self.run_with(1, 2000, 2500, 8000)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"64 KB +32\.8 +26\.2 +8\.2 +0\.800 \(0\.800 to 0\.800\) +0\.250 \(0\.250 to 0\.250\)\n")

    def test_slower_than_promised__told_for_each_form(self):
        done = self.run_with(1, 2000, 2600, 8100)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 2))

    def test_no_avx2__the_limit_with_it_is_not_asked_for(self):
        self.assertEqual(self.run_with(0, 2000, 8000, 8000).returncode, 0)


class Rounds(unittest.TestCase):
    KINDS = [servers.Kind(name, lambda server, folder: ["false"]) for name in ("a", "b", "c")]

    def test_server_that_fails__is_named_and_the_others_have_all_rounds_side_by_side(self):
        asked = []

        def measure_round(kinds):
            asked.append([kind.name for kind in kinds])
            if len(asked) == 2:
                raise servers.Failed(server_named("b"), "lost a client")
            return {kind.name: len(asked) for kind in kinds}

        results, failed = measure.rounds(self.KINDS, 3, measure_round)
        self.assertEqual(asked, [["a", "b", "c"], ["a", "b", "c"], ["a", "c"], ["a", "c"]])
        self.assertEqual((results, failed), ({"a": [1, 3, 4], "c": [1, 3, 4]}, {"b": "lost a client"}))

    def test_all_that_fail__end_the_row(self):
        def measure_round(kinds):
            raise servers.Failed(server_named(kinds[0].name), "no")

        self.assertEqual(measure.rounds(self.KINDS, 3, measure_round), ({}, dict.fromkeys("abc", "no")))

    def test_server_that_does_not_start__is_named(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(servers.Failed) as raised:
            with servers.standing(self.KINDS[:1], 1, folder):
                self.fail("it stands")
        self.assertEqual(raised.exception.name, "a")


def server_named(name):
    return argparse.Namespace(kind=servers.Kind(name, None))


class Drawing(unittest.TestCase):
    def test_table__columns_stand_below_each_other(self):
        self.assertEqual(list(figures.text_table(["", "us"], [["floor", "8.10"], ["a", "12.00"]])),
                         ["          us", "floor   8.10", "a      12.00"])

    def test_svg__is_xml_with_a_bar_for_each_server_as_long_as_it_costs_more(self):
        one = figures.Ratio([1] * 6, [1] * 6)
        half = figures.Ratio([1] * 6, [2] * 6)
        text = figures.svg("a < b", [("64 B", [("floor", one), ("<libuv>", half)])])
        root = xml.etree.ElementTree.fromstring(text)
        widths = [float(bar.get("width")) for bar in root.iter(SVG + "rect") if bar.get("class") == "bar"]
        self.assertEqual(len(widths), 2)
        self.assertAlmostEqual(2 * widths[0], widths[1], delta=0.2)

    def test_svg__nothing_stands_outside_of_it(self):
        costly = figures.Ratio([1, 1, 1, 1, 1, 1], [2, 3, 4, 5, 6, 7])
        root = xml.etree.ElementTree.fromstring(figures.svg("a", [("64 B", [("Apache prefork, mod_echo", costly)])]))
        texts = [(float(text.get("x")), 8.5 * len(text.text), text.get("text-anchor")) for text in root.iter(SVG + "text")]
        self.assertLess(max(x + width for x, width, anchor in texts if not anchor), figures.WIDTH)
        self.assertGreater(min(x - width for x, width, anchor in texts if anchor == "end"), 0)
