"""The ticks, the scale and the drawing of tests/bench/curves: a picture that is wrong would be believed."""
import pathlib
import sys
import unittest
import xml.etree.ElementTree

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import plot

SVG = "{http://www.w3.org/2000/svg}"


def point(curve, x, server, us, low=None, high=None):
    return dict(zip(plot.COLUMNS, [curve, x, server, 8, us, low or us, high or us, 1000.0, 1.0, 1.0, 1.0]))


class Curves(unittest.TestCase):
    def test_ticks__are_round_and_enclose_the_figures(self):
        self.assertEqual(plot.ticks(9, 21), [7, 10, 15, 20, 30])
        self.assertEqual(plot.ticks(10, 20), [10, 15, 20])
        self.assertEqual(plot.ticks(3, 90), [2, 5, 10, 20, 50, 100])
        self.assertEqual(plot.ticks(3, 900), [1, 10, 100, 1000])

    def test_scale__equal_factors_are_equal_lengths(self):
        across = plot.scale(1, 10000, 100, 500)
        self.assertEqual([round(across(value)) for value in (1, 10, 100, 10000)], [100, 200, 300, 500])
        self.assertEqual(plot.scale(7, 7, 100, 500)(7), 100)

    def test_sizes__are_written_with_their_unit(self):
        self.assertEqual([plot.short_bytes(count) for count in (16, 1024, 65536, 1048576)], ["16 B", "1 KB", "64 KB", "1 MB"])

    def test_csv__comes_back_as_it_went(self):
        points = [point("size", 16, "floor", 10.25, 9.5, 11.0), point("workers", 4, "libuv", 12345.6)]
        points[1]["ours_over_it"] = ""
        back = plot.from_csv(plot.to_csv(points))
        self.assertEqual([line["us"] for line in back], [10.25, 12346])
        self.assertEqual((back[0]["curve"], back[0]["x"], back[0]["us_low"], back[1]["ours_over_it"]), ("size", 16, 9.5, None))

    def test_svg__has_a_line_for_each_server_through_all_its_points_and_their_intervals(self):
        points = [point("workers", x, server, us, us * 0.9, us * 1.1) for server, us in (("prefork-upper", 10), ("libuv", 20))
                  for x in (1, 2, 4)]
        root = xml.etree.ElementTree.fromstring(plot.svg(points))
        lines = [line.get("points").split() for line in root.iter(SVG + "polyline")]
        self.assertEqual([len(line) for line in lines], [2] * len(plot.SERIES) + [3, 3])
        self.assertEqual(len([line for line in root.iter(SVG + "line") if line.get("class") == "range"]), 6)
        libuv, ours = [float(line[0].split(",")[1]) for line in lines[len(plot.SERIES):]]
        self.assertLess(libuv, ours)  # above it

    def test_picture_in_the_repository__is_that_of_the_figures_beside_it(self):
        drawn = plot.svg(plot.from_csv((BENCH / "curves.csv").read_text()))
        self.assertEqual((BENCH / "curves.svg").read_text(), drawn, "tests/bench/curves --draw makes it anew")
