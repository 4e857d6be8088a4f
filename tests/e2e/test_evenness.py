"""How 500 connections spread over four workers: paced, in a burst, and after ten deaths; and that churn starves nobody."""

import json
import os
import signal
import socket
import subprocess

from support import DEADLINE_S, LOADTOOL, SERVER, TestCase, ask, until

CLIENTS, WORKERS, KILLS = 500, 4, 10
PACED_MAX, BURST_MAX = 1.10, 1.25


class Evenness(TestCase):
    def start(self):
        self.path = os.path.join(self.folder, "control.sock")
        self.running = self.server("--control", self.path, workers=WORKERS)
        self.running.wait_workers(WORKERS)
        self.clients = []

    def slots(self):
        status = subprocess.run([str(SERVER), "status", "--json", "--control", self.path], capture_output=True, text=True,
                                timeout=DEADLINE_S, check=True)
        return json.loads(status.stdout)["slots"]

    def connect_paced(self):
        """Each client comes when the one before it has been answered."""
        for _ in range(CLIENTS):
            client = self.connect(self.running)
            ask(client)
            self.clients.append(client)

    def connect_burst(self):
        """All at once; each is answered by a worker then."""
        for _ in range(CLIENTS):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect_ex(self.running.sockaddr)
            self.clients.append(client)
        for client in self.clients:
            client.settimeout(DEADLINE_S)
            ask(client)

    def hang_up(self):
        for client in self.clients:
            client.close()
        self.clients = []
        until(lambda: not any(self.held()), "no connection left")

    def held(self):
        return [slot["connections"] for slot in self.slots()]

    def assert_even(self, largest_ratio):
        held = self.held()
        self.assertEqual(sum(held), CLIENTS)
        self.assertLessEqual(max(held), largest_ratio * min(held), held)

    def kill_ten_workers(self):
        for number in range(KILLS):
            deaths = len(self.running.events("worker_replaced"))
            os.kill(self.slots()[number % WORKERS]["pid"], signal.SIGKILL)
            self.running.wait_event("worker_replaced", count=deaths + 1)

    def test_paced__then_ten_deaths__then_paced_again(self):
        self.start()
        self.connect_paced()
        self.assert_even(PACED_MAX)
        self.kill_ten_workers()
        self.assert_even(PACED_MAX)
        for client in self.clients:
            self.assertEqual(ask(client), b"HELLO")
        self.hang_up()
        self.connect_paced()
        self.assert_even(PACED_MAX)

    def test_burst__then_ten_deaths__then_a_burst_again(self):
        self.start()
        self.connect_burst()
        self.assert_even(BURST_MAX)
        self.hang_up()
        self.kill_ten_workers()
        self.connect_burst()
        self.assert_even(BURST_MAX)

    def test_churn__no_worker_is_left_out(self):
        self.start()
        # One client stays, since several may be one worker's, which would hand the others on, as it should.
        result = subprocess.run([str(LOADTOOL), self.running.bound, "-c", "1", "--churn", "1000", "-d", "2s", "--kill", "none"],
                                capture_output=True, text=True, timeout=DEADLINE_S * 3)
        self.assertIn(result.returncode, (0, 7), result.stdout)  # 7: its latencies are not to be relied on here
        accepted = [slot["counters"]["accepted"] for slot in self.slots()]
        self.assertGreater(sum(accepted), 500)
        # A connection is gone before the next one comes, so nothing is held that could be evened out; on a busy machine
        # the one that has the processor takes most. None is left out.
        self.assertGreater(min(accepted), sum(accepted) / WORKERS / 10, accepted)
