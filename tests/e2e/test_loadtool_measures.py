"""What a run says of outages, seconds, limits, the server's health and itself."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time

from planted_case import PLANTED
from support import DEADLINE_S, LOADTOOL, TestCase, until

PASS, THRESHOLD, USAGE, UNRELIABLE, INTERRUPTED = 0, 1, 2, 7, 130


class Measures(TestCase):
    def load(self, address, *args):
        path = f"{self.folder}/report.json"
        result = subprocess.run([str(LOADTOOL), address, "--json", path, *map(str, args)], capture_output=True, text=True,
                                timeout=40, stdin=subprocess.DEVNULL)
        self.assertTrue(os.path.exists(path), result.stderr)
        with open(path) as file:
            return result.returncode, json.load(file), result.stdout

    def planted(self):
        server = subprocess.Popen([sys.executable, str(PLANTED), "none"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.send_signal, signal.SIGTERM)
        return server, ":" + server.stdout.readline().strip()

    def test_stopped_server__is_an_outage_with_its_length(self):
        server, address = self.planted()
        load = {}
        thread = threading.Thread(target=lambda: load.update(zip("crt", self.load(address, "-c", 20, "-d", "3s", "--kill",
                                                                                  "none"))))
        thread.start()
        pid = server.pid
        until(lambda: len(os.listdir(f"/proc/{pid}/fd")) > 20, "all are connected")
        time.sleep(0.5)  # so long it goes well
        self.pause(pid)
        time.sleep(0.6)  # so long nobody is answered: this is the fault
        os.kill(pid, signal.SIGCONT)
        thread.join(DEADLINE_S)
        self.assertEqual(load["c"], PASS, load["t"])
        outages = load["r"]["outages"]
        self.assertGreaterEqual(outages["count"], 1)
        longest = max(outages["longest"], key=lambda outage: outage["gap_ms"])
        self.assertTrue(580 <= longest["gap_ms"] < 1500, load["t"])
        self.assertTrue(longest["over"] and longest["lost"] == 0)
        self.assertEqual(outages["longest_gap_ms"], longest["gap_ms"])

    def test_limits__the_one_not_kept_is_named(self):
        address = self.server().bound
        code, report, text = self.load(address, "-c", 5, "-d", "300ms", "--kill", "none", "--fail", "p99>1us", "--fail",
                                       "silence>30s", "--fail", "rate<1")
        self.assertEqual(code, THRESHOLD, text)
        self.assertTrue(text.startswith("FAIL  --fail 'p99>1us'"), text)
        self.assertEqual(len(report["reasons"]), 1)
        code, _, text = self.load(address, "-c", 5, "-d", "300ms", "--kill", "none", "--fail", "p99>10s")
        self.assertEqual(code, PASS, text)

    def test_limit_that_could_not_be_measured__is_not_kept(self):
        code, report, text = self.load(self.server().bound, "-c", 5, "-d", "300ms", "--kill", "none", "--fail", "recovery>1s")
        self.assertEqual(code, THRESHOLD, text)
        self.assertIn("could not be measured", report["reasons"][0])

    def test_csv__a_line_a_second_that_adds_up(self):
        path = f"{self.folder}/seconds.csv"
        code, report, text = self.load(self.server().bound, "-c", 20, "-d", "2200ms", "--csv", path)
        self.assertEqual(code, PASS, text)
        with open(path) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["second"] for row in rows][:2], ["1", "2"])
        self.assertLessEqual(sum(int(row["right"]) for row in rows), report["messages"]["right"])
        self.assertGreater(int(rows[0]["right"]), 50)
        self.assertGreater(float(rows[0]["p99_us"]), float(rows[0]["p50_us"]) - 1)

    def test_csv_every_tenth_of_a_second__ten_lines_a_second_that_add_up(self):
        path = f"{self.folder}/tenths.csv"
        began = time.time()
        code, report, text = self.load(self.server().bound, "-c", 20, "-d", "1100ms", "--csv", path, "--csv-every", "100ms")
        self.assertEqual(code, PASS, text)
        with open(path) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["second"] for row in rows][:10], [f"{i / 10:g}" for i in range(1, 11)])
        self.assertGreater(sum(int(row["right"]) for row in rows), report["messages"]["right"] * 0.5)
        self.assertLessEqual(sum(int(row["right"]) for row in rows), report["messages"]["right"])
        self.assertLess(began, report["begun_unix_ms"] / 1000)
        self.assertLess(report["begun_unix_ms"] / 1000, time.time())

    def test_csv_to_stdout__text_on_stderr(self):
        result = subprocess.run([str(LOADTOOL), self.server().bound, "-c", "5", "-d", "1200ms", "--csv", "-"],
                                capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(result.returncode, PASS, result.stderr)
        self.assertTrue(result.stdout.startswith("second,"))
        self.assertTrue(result.stderr.startswith("PASS"))

    def test_open_loop_and_a_load_tool_that_is_held_up__unreliable(self):
        path = f"{self.folder}/report.json"
        process = subprocess.Popen([str(LOADTOOL), self.server().bound, "-c", "10", "-d", "2s", "-r", "1000", "--kill", "none",
                                    "--json", path], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.pause(process.pid)
        time.sleep(0.7)  # the load tool itself is stopped meanwhile: this is the fault
        os.kill(process.pid, signal.SIGCONT)
        text = process.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(process.returncode, UNRELIABLE, text)
        self.assertTrue(text.startswith("UNRELIABLE  "), text)
        with open(path) as file:
            report = json.load(file)
        self.assertEqual(report["verdict"], "UNRELIABLE")
        self.assertTrue(any("late" in finding for finding in report["self_check"]["bad"]), text)

    def test_server_pid__healthy_server_has_nothing_left(self):
        server = self.server()
        code, report, text = self.load(server.bound, "-c", 50, "-d", "1s", "--server-pid", server.process.pid)
        self.assertEqual(code, PASS, text)
        before, after = report["server"]["before"], report["server"]["after"]
        self.assertGreater(before["processes"], 3)
        self.assertEqual({k: before[k] for k in ("descriptors", "close_wait", "processes", "zombies")},
                         {k: after[k] for k in ("descriptors", "close_wait", "processes", "zombies")})

    def test_server_pid_of_nobody__two_and_a_line(self):
        with open("/proc/sys/kernel/pid_max") as file:
            nobody = int(file.read()) - 1
        self.fails_to_start("--server-pid", nobody, code=USAGE, words=[nobody, "No such process"], program=LOADTOOL)

    def test_interrupted_while_the_server_is_watched__130_with_a_report(self):
        server = self.server()
        process = subprocess.Popen([str(LOADTOOL), server.bound, "-c", "5", "-n", "50", "--kill", "none", "--server-pid",
                                    str(server.process.pid)], stdout=subprocess.PIPE, text=True)
        until(lambda: server.events("accepted") and not connected(server), "the load is over")
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(process.returncode, INTERRUPTED, text)
        self.assertTrue(text.startswith("INTERRUPTED"), text)

    def test_self_check__is_in_every_report(self):
        _, report, text = self.load(self.server().bound, "-c", 5, "-d", "500ms")
        self.assertEqual(set(report["self_check"]), {"busy_share", "lag_p99_us", "asked_per_s", "achieved_per_s",
                                                     "little_ratio", "ports", "connections", "descriptors_left",
                                                     "waited_share", "steal_share", "bad"})
        self.assertIn("self-check", text)
        self.assertGreater(report["self_check"]["ports"], 1000)


def connected(server):
    """Connections of the server's port that are established."""
    port = ":%04X" % int(server.bound.rsplit(":", 1)[1])
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [row for row in rows if row[1].endswith(port) and row[3] == "01"]
