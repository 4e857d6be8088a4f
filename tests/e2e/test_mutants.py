"""Every patch of tests/mutants still fits the sources: running them takes long, so it would be noticed late."""

import pathlib
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]


def hunks(patch):
    """(file, the lines that a hunk expects to find) of each hunk."""
    file, expected = None, None
    for line in patch.read_text().splitlines():
        if line.startswith("--- a/"):
            file = TOP / line.removeprefix("--- a/")
        elif line.startswith("@@"):
            if expected:
                yield file, expected
            expected = []
        elif expected is not None and not line.startswith(("+", "\\")):
            expected.append(line[1:])
    yield file, expected


class Patches(unittest.TestCase):
    def test_every_hunk__is_found_once(self):
        patches = sorted((TOP / "tests/mutants").glob("*.patch"))
        self.assertGreaterEqual(len(patches), 40)
        for patch in patches:
            for file, expected in hunks(patch):
                with self.subTest(patch=patch.name):
                    text = "\n" + file.read_text() + "\n"
                    self.assertEqual(text.count("\n" + "\n".join(expected) + "\n"), 1, expected)
