"""The processes: their titles, their parents, and an even share of the work."""

import os
import pathlib
import subprocess
import time

from support import TestCase, ask, children, title


class Tree(TestCase):
    def test_titles__as_ps_shows_them(self):
        server = self.server(workers=3)
        server.wait_workers(3)
        pids = ",".join(map(str, server.processes()))
        shown = subprocess.run(["ps", "-o", "args=", "-p", pids], capture_output=True, text=True, check=True).stdout.split("\n")
        expected = ["prefork-upper: master", "prefork-upper: supervisor"] + [f"prefork-upper: worker {i}" for i in range(3)]
        self.assertEqual(sorted(line.rstrip() for line in shown if line and "keeper" not in line), sorted(expected))

    def test_short_names__are_the_programs(self):
        server = self.server(workers=1)
        server.wait_workers(1)
        for pid in server.processes():  # so that `pgrep prefork-upper` finds each
            self.assertEqual(pathlib.Path(f"/proc/{pid}/comm").read_text(), "prefork-upper\n", title(pid))

    def test_parents__the_master_is_the_parent_of_all(self):
        server = self.server(workers=3)
        server.wait_workers(3)
        direct = children(server.pid)
        self.assertEqual(sorted(direct), sorted(server.processes()[1:]))
        self.assertIn("prefork-upper: supervisor", map(title, direct))

    def test_processes_of_the_service__not_in_the_masters_group(self):
        server = self.server(workers=2)
        server.wait_workers(2)
        groups = {pid: os.getpgid(pid) for pid in server.processes()}
        master = groups.pop(server.pid)
        self.assertNotIn(master, groups.values())  # so that a terminal's Ctrl-C goes to the master alone

    def test_five_hundred_idle_clients__cost_no_processor_time(self):
        server = self.server(workers=2)
        clients = [self.connect(server) for _ in range(500)]
        ask(clients[-1])
        before = self.ticks(server)
        time.sleep(1)  # the measure itself: a second in which nothing happens
        self.assertLessEqual(self.ticks(server) - before, 5)  # hundredths of a second, all processes

    def ticks(self, server):
        total = 0
        for pid in server.processes():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total


class Evenness(TestCase):
    def shares(self, server):
        server.stop(3)
        return [int(e["accepted"]) for e in server.events("slot_summary")]

    def test_paced_connects__shares_within_half_as_much_again(self):
        server = self.server(workers=4)
        server.wait_workers(4)
        for _ in range(200):
            client = self.connect(server)
            self.assertEqual(ask(client), b"HELLO")
        shares = self.shares(server)
        self.assertEqual(sum(shares), 200)
        self.assertLessEqual(max(shares), 1.5 * min(shares), shares)

    def test_short_connections__every_worker_has_its_share(self):
        server = self.server(workers=4)
        server.wait_workers(4)
        for _ in range(400):
            with server.connect() as client:
                ask(client)
        shares = self.shares(server)
        self.assertEqual(sum(shares), 400)
        self.assertGreater(min(shares), 0, shares)
