"""The arithmetic and the drawing of tests/bench: a table that is wrong would be believed."""
import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import figures

SVG = "{http://www.w3.org/2000/svg}"


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

    def test_not_cheaper__names_others_that_cost_as_much_or_less(self):
        ratios = {name: figures.Ratio([ours] * 6, [2] * 6) for name, ours in (("a", 1), ("b", 2), ("floor", 3), ("c", 3))}
        self.assertEqual([name for name, _ in figures.not_cheaper(ratios, ["a", "b", "c"])], ["b", "c"])


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
        texts = [text for text in root.iter(SVG + "text") if not text.get("text-anchor")]
        # Letters of 15 pixels are 9 wide at most.
        self.assertLess(max(float(text.get("x")) + 8 * len(text.text) for text in texts), figures.WIDTH)
