"""Several loops: the same run by seed, all checks."""

import json
import socket
import subprocess
import threading

from support import LOADTOOL, TestCase, free_port

PASS = 0
MESSAGE = 64


class Remembering:
    """An upper server that remembers the first message of each connection."""

    def __init__(self):
        self.first, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=512)
        self.bound = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        kept = b""
        with client:
            try:
                while data := client.recv(65536):
                    if len(kept) < MESSAGE and len(kept := kept + data) >= MESSAGE:
                        with self.lock:
                            self.first.append(kept[:MESSAGE])
                    client.sendall(data.upper())
            except OSError:
                pass


class Threads(TestCase):
    def load(self, address, *args):
        path = f"{self.folder}/report.json"
        result = subprocess.run([str(LOADTOOL), address, "--json", path, *map(str, args)], capture_output=True, text=True,
                                timeout=40, stdin=subprocess.DEVNULL)
        with open(path) as file:
            return result.returncode, json.load(file), result.stdout

    def first_messages(self, threads, *args):
        server = Remembering()
        code, report, text = self.load(server.bound, "-t", threads, "--seed", 77, *args)
        server.close()
        self.assertEqual(code, PASS, text)
        return server.first

    def test_seed__any_number_of_threads__same_connections_say_the_same(self):
        one = self.first_messages(1, "-c", 20, "-n", 200, "--kill", "none")
        self.assertEqual(len(set(one)), 20)
        for threads in (2, 5):
            self.assertEqual(set(self.first_messages(threads, "-c", 20, "-n", 200, "--kill", "none")), set(one))

    def test_seed__victims_with_threads__live_the_same_lives(self):
        # How many lives fit into the time is the machine's; those that both runs had are the same ones.
        runs = [set(self.first_messages(threads, "-c", 20, "-d", "1500ms", "--kill", "fin:25%,rst:25%")) for threads in (1, 3)]
        less = min(map(len, runs))
        self.assertGreater(less, 25)
        self.assertGreaterEqual(len(runs[0] & runs[1]), less - 12)

    def test_every_default_mode__with_threads__passes(self):
        server = self.server(workers=2)
        code, report, text = self.load(server.bound, "-c", 100, "-d", "1500ms", "-t", 3)
        self.assertEqual(code, PASS, text)
        self.assertEqual(report["control"]["clients"], 90)
        for mode, counts in report["disconnects"].items():
            self.assertGreater(counts["done"], 0, mode)

    def test_open_loop__with_threads__every_arrival_is_dealt_once(self):
        code, report, text = self.load(self.server().bound, "-c", 20, "-d", "2s", "-t", 3, "-r", 1000, "--kill", "none")
        counts = report["arrivals"]
        self.assertTrue(1800 < counts["due"] < 2600, text)
        self.assertEqual(counts["due"], counts["sent"] + counts["missed"] + counts["late"])

    def test_csv__with_threads__a_line_a_second_for_all(self):
        path = f"{self.folder}/seconds.csv"
        code, report, text = self.load(self.server().bound, "-c", 20, "-d", "2200ms", "-t", 2, "--csv", path)
        self.assertEqual(code, PASS, text)
        with open(path) as file:
            rows = [line.split(",") for line in file.read().splitlines()[1:]]
        self.assertEqual([row[0] for row in rows][:2], ["1", "2"])
        self.assertLessEqual(sum(int(row[2]) for row in rows), report["messages"]["right"])
