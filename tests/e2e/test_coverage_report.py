"""The report of `make coverage`: one that lets a gap pass would be worse than none."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

REPORT = pathlib.Path(__file__).resolve().parent.parent / "coverage/report"
SOURCE = """int main(int count, char **words)
{
    (void)words;
    if (count > 1 || count < 0)
        return 1;
    return 0;
}
"""


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="test_coverage_report."))
        cls.addClassCleanup(shutil.rmtree, cls.top)
        for folder in ["tests/coverage", "worker", "build/obj/worker"]:
            (cls.top / folder).mkdir(parents=True)
        shutil.copy(REPORT, cls.top / "tests/coverage")
        (cls.top / "worker/x.c").write_text(SOURCE)
        for command in ["gcc --coverage -O0 -c -o build/obj/worker/x.o worker/x.c",
                        "gcc --coverage -o build/x build/obj/worker/x.o", "build/x"]:
            subprocess.run(command.split(), cwd=cls.top, check=True)

    def report(self, *explained, build="build"):
        (self.top / "tests/coverage/explained").write_text("# why\n\n" + "\n".join(explained) + "\n")
        return subprocess.run([self.top / "tests/coverage/report"], capture_output=True, text=True,
                              env={**os.environ, "BUILD": build}, check=False)

    def test_branch_neither_tested_nor_explained__listed_and_fails(self):
        done = self.report()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"worker/x.c:4: 2 of 4 \(\d, \d\): if \(count > 1 \|\| count < 0\)\n")
        self.assertIn("0 branches explained, 2 neither tested nor explained, 0 stale", done.stdout)

    def test_all_explained__passes(self):
        done = self.report("worker/x.c | 2 | if (count > 1 | Nobody calls it so.")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 branches explained, 0 neither", done.stdout)

    def test_more_branches_than_the_explanation_speaks_of__fails(self):
        done = self.report("worker/x.c | 1 | if (count > 1 | Nobody calls it so.")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 branches explained, 1 neither", done.stdout)
        self.assertIn("      Nobody calls it so. (of 1)\n", done.stdout)

    def test_explanation_of_a_line_that_is_not_there__fails(self):
        for stale in ["worker/x.c | 1 | if (count > 2 | It was so once.", "worker/y.c | 1 | if (count > 1 | No such file."]:
            done = self.report("worker/x.c | 2 | if (count > 1 | Nobody calls it so.", stale)
            self.assertEqual(done.returncode, 1)
            self.assertIn("explains nothing any more: " + stale.rsplit(" | ", 1)[0].replace(" | 1 | ", " | "), done.stdout)
            self.assertIn("0 neither tested nor explained, 1 stale", done.stdout)

    def test_file_that_was_not_counted__fails(self):
        done = self.report(build="nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("worker/x.c: not in this build\n", done.stdout)
