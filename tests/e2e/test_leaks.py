"""Thousands of connections later, everything is as it was."""

import os
import random
import signal
import socket

from support import (CLOSE_WAIT, ESTABLISHED, SANITIZED, TestCase, ask, descriptors, memory_kb, reset, tcp_states, until)

CONNECTS = 4000
MEMORY_GROWTH_KB_MAX = 512  # of one process, after it has been warm


class Leaks(TestCase):
    def connect_and_leave(self, server, rng):
        """One connection that ends in one of the ways in which clients end."""
        client = server.connect()
        way = rng.randrange(5)
        if way == 0:
            ask(client)
            client.close()
        elif way == 1:
            client.sendall(b"unanswered")
            reset(client)
        elif way == 2:
            client.sendall(b"unread" * 100)
            client.close()
        elif way == 3:
            client.sendall(b"last words")
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
            client.close()
        else:
            reset(client)

    def state(self, server):
        return {pid: (descriptors(pid), memory_kb(pid)) for pid in server.processes()}

    def settled(self, server):
        until(lambda: not {ESTABLISHED, CLOSE_WAIT} & set(tcp_states(server.port)), "no connection is left")

    def test_thousands_of_connects__descriptors_memory_and_close_wait_as_before(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        server = self.server(workers=2)
        server.wait_workers(2)
        for _ in range(CONNECTS // 4):  # what is allocated once is allocated now
            self.connect_and_leave(server, rng)
        self.settled(server)
        before = self.state(server)
        for _ in range(CONNECTS):
            self.connect_and_leave(server, rng)
        self.settled(server)
        after = self.state(server)
        self.assertEqual(list(before), list(after), f"processes changed (seed {seed})")
        for pid, (files, memory) in before.items():
            self.assertEqual(after[pid][0], files, f"descriptors of {pid} (seed {seed})")
            if not SANITIZED:
                self.assertLessEqual(after[pid][1] - memory, MEMORY_GROWTH_KB_MAX, f"memory of {pid} (seed {seed})")

    def test_forty_deaths__descriptors_and_memory_of_the_others_as_before(self):
        server = self.server(workers=2)
        server.wait_workers(2)
        for i in range(40):
            if i == 10:
                until(lambda: len(server.processes()) >= 4, "all processes")
                self.settled(server)
                before = self.state(server)
            for _ in range(8):  # a worker that has answered nothing would be a crash loop
                with server.connect() as client:
                    ask(client)
            pid = server.worker(0)
            os.kill(pid, signal.SIGKILL)
            server.wait_event("worker_replaced", slot=0, count=i + 1)
        self.settled(server)
        after = self.state(server)
        self.assertEqual(len(after), len(before))
        for pid in set(before) & set(after):
            self.assertEqual(after[pid][0], before[pid][0], "descriptors")
            if not SANITIZED:
                self.assertLessEqual(after[pid][1] - before[pid][1], MEMORY_GROWTH_KB_MAX, "memory")
