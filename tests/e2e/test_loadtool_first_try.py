"""The load tool in the hands of somebody who has read nothing but its --help."""

import os
import re
import shlex
import subprocess

from support import DEADLINE_S, LOADTOOL, TOP, TestCase, free_port
from test_loadtool_dialogue import Replying

PASS, USAGE, BYTES, CLIENTS = 0, 2, 3, 4


def redis(kept):
    """PING as Redis answers it, and whatever else."""
    end = kept.find(b"\r\n")
    if end < 0:
        return (len(kept), b"-ERR unknown command\r\n") if len(kept) > 60 else (0, b"")
    return end + 2, b"+PONG\r\n" if kept[:end] == b"PING" else b"-ERR unknown command\r\n"


def run(*words, folder=None):
    return subprocess.run([str(LOADTOOL), *map(str, words)], capture_output=True, text=True, timeout=DEADLINE_S * 2,
                          stdin=subprocess.DEVNULL, cwd=folder)


class FirstTry(TestCase):
    def redis(self):
        server = Replying(redis)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.bound

    def test_the_line_of_help_for_redis__is_all_it_takes(self):
        line = re.search(r"^ *Redis +loadtool (.*)$", run("--help").stdout, re.MULTILINE)
        target, *rest = shlex.split(line[1])
        self.assertEqual(target, ":6379")
        result = run(self.redis(), *rest, "-c", 10, "-d", "300ms")
        self.assertEqual(result.returncode, PASS, result.stdout + result.stderr)
        self.assertTrue(result.stdout.startswith("PASS  "), result.stdout)

    def test_recipes_of_readme__run_as_they_stand(self):
        """Their loads, shortened, without the server's process; where they write is this test's folder."""
        text = (TOP / "README.md").read_text().split("### Your own server in CI")[1].split("\n### ")[0].replace("\\\n", " ")
        lines = re.findall(r"prefork-upper/build/loadtool :6379 (.*)", text)
        self.assertEqual(len(lines), 2)
        for line in lines:
            words = shlex.split(line.replace("$GITHUB_STEP_SUMMARY", "summary.md"))
            at = words.index("--server-pid")
            result = run(self.redis(), *words[:at], *words[at + 2:], "-c", 10, "-d", "300ms", folder=self.folder)
            self.assertEqual(result.returncode, PASS, result.stdout + result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["loadtool.html", "loadtool.xml", "summary.md"])

    def test_target_alone__the_first_lines_say_what_is_missing(self):
        result = run(self.redis(), "-c", 10, "-d", "300ms", "--timeout", "300ms")
        self.assertEqual(result.returncode, BYTES, result.stdout)
        self.assertIn("--send and --expect", " ".join(result.stdout.split("\n\n")[0].split()))

    def test_request_without_its_end__the_first_lines_say_so(self):
        result = run(self.redis(), "--send", "PING", "--expect", "+PONG", "-c", 10, "-d", "300ms", "--timeout", "300ms")
        self.assertEqual(result.returncode, CLIENTS, result.stdout)
        self.assertIn("many protocols want an end of line", result.stdout.split("\n\n")[0])

    def test_nobody_listens__the_first_line_says_so(self):
        target = f":{free_port()}"
        result = run(target, "-c", 5, "-d", "100ms")
        self.assertEqual(result.returncode, CLIENTS, result.stdout)
        self.assertEqual(result.stdout.splitlines()[0],
                         f"FAIL  4 of 4 control clients could not connect to {target}: connection refused")

    def test_help__every_line_stands_in_its_column(self):
        """argp sets a margin in the wrong place when its buffer is full just there: then a text must be changed by a word."""
        lines = run("--help").stdout.splitlines()
        end = next(i for i, line in enumerate(lines) if line.startswith("Mandatory or optional"))
        options = lines[lines.index("") + 1:end]
        self.assertEqual([line for line in options if not re.match(r"  -[\w?], --|      --| {29}\S|$", line)], [])
        self.assertLess(max(map(len, lines)), 80)

    def test_plausible_but_wrong__one_line_that_says_what_to_type(self):
        for words, said in ((["redis://localhost:6379"], "leave out the redis://"), (["6379"], "did you mean :6379?"),
                            (["localhost", "6379"], "the port is missing: localhost:PORT"),
                            (["/run/redis.sock"], "did you mean unix:/run/redis.sock?"),
                            (["nobody.invalid:1"], "not known"),
                            ([":1", "--send", "PING"], "--expect is missing"), ([":1", "--kill", "10"], "did you mean 10%?"),
                            ([":1", "--kill", "reset:5%"], "there is no mode reset"),
                            ([":1", "--fail", "p99"], "in quotes"), ([":1", "--fail", "p99>5"], "the unit is missing"),
                            ([":1", "--clinets", "5"], "did you mean --clients?"),
                            ([":1", "--html", "/nonexistent/x.html"], "No such file")):
            result = run(*words)
            self.assertEqual((result.returncode, result.stdout), (USAGE, ""), words)
            self.assertIn(said, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
