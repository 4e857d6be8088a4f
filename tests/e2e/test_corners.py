"""Corners that were wrong once: each test is named after what a user would have seen."""

import os
import signal
import time
import unittest

from support import EXIT_STOPPED, TestCase, alive, ask, until


def ignore_sigchld():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


class Started(TestCase):
    def test_by_a_parent_that_ignores_sigchld__a_dead_worker_is_replaced(self):
        server = self.server(workers=1, preexec=ignore_sigchld)
        client = self.connect(server)
        ask(client)
        os.kill(server.wait_workers(1)[0], signal.SIGKILL)
        self.assertEqual(ask(client), b"HELLO")

    def test_with_very_many_workers__ends_at_once_when_told_to(self):
        server = self.server(workers=100)
        server.send_signal(signal.SIGQUIT)
        self.assertEqual(server.wait(5), EXIT_STOPPED)


class SupervisorStopped(TestCase):
    def test_term__is_obeyed_by_the_next_one(self):
        server = self.server()
        self.pause(server.supervisor())
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(9), EXIT_STOPPED)
        self.assertEqual(len(server.events("supervisor_hangs")), 1)


class MasterKilled(TestCase):
    def test_without_a_drain_deadline__clients_are_served_on(self):
        server = self.server("--drain-timeout", "0")
        client = self.connect(server)
        ask(client)
        others = server.processes()[1:]
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        server.wait_event("master_died")
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        until(lambda: not any(map(alive, others)), "all have left")


class AllFull(TestCase):
    def test_six_clients_too_many__all_refused_at_once(self):
        server = self.server("--max-connections", "3")
        held = [self.connect(server) for _ in range(6)]
        for client in held:
            ask(client)
        begin = time.monotonic()
        for _ in range(6):
            with self.assertRaises(OSError):  # on connecting already, where the reset is quick
                client = self.connect(server)
                client.sendall(b"x")
                if not client.recv(1):
                    raise ConnectionResetError
        self.assertLess(time.monotonic() - begin, 1)


class IncidentDirectory(TestCase):
    def test_files_of_others__are_left_alone(self):
        folder = os.path.join(self.folder, "incidents")
        os.mkdir(folder)
        others = [f"incident-{number:03}.txt" for number in range(80)]
        for name in others:
            open(os.path.join(folder, name), "w").close()
        server = self.server("--incident-dir", folder, workers=1)
        os.kill(server.wait_workers(1)[0], signal.SIGKILL)
        server.wait_event("incident")
        self.assertLessEqual(set(others), set(os.listdir(folder)))


if __name__ == "__main__":
    unittest.main()
