"""Every kill mode alone: it happens, our server bears it, and where the server can tell, it tells the same."""

import json
import os
import selectors
import socket
import subprocess
import threading

from support import LOADTOOL, TestCase, free_port

PASS, CLIENTS = 0, 4

# Modes that end with a RST which the server can count, and modes that the server ends in order.
BY_RESET = ("rst", "rst-unspec", "midcut", "storm", "noread")
IN_ORDER = ("halfclose", "tinywin", "dribble", "mute", "slowread", "oob")


def may_vanish():
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, 19, 1)  # TCP_REPAIR
            return True
        except PermissionError:
            return False


class Kills(TestCase):
    def load(self, address, *args):
        path = f"{self.folder}/report.json"
        result = subprocess.run([str(LOADTOOL), address, "--json", path, *map(str, args)], capture_output=True, text=True,
                                timeout=40, stdin=subprocess.DEVNULL)
        self.assertTrue(os.path.exists(path), result.stderr)
        with open(path) as file:
            return result.returncode, json.load(file), result.stdout

    def kill(self, mode):
        """(what the report says of the mode, how the server's connections ended) of a run that must pass."""
        server = self.server()
        code, report, text = self.load(server.bound, "-c", 40, "-d", "1500ms", "--kill", f"{mode}:30%")
        self.assertEqual(code, PASS, text)
        self.assertGreater(report["disconnects"][mode]["done"], 5, text)
        self.assertEqual(server.stop(), 0)
        return report["disconnects"][mode], {key: sum(int(e[key]) for e in server.events("slot_summary"))
                                             for key in ("closed_fin", "closed_reset")}

    def test_modes_by_reset__the_server_counts_as_many(self):
        for mode in BY_RESET:
            with self.subTest(mode):
                said, closed = self.kill(mode)
                self.assertEqual(closed["closed_reset"], said["done"])

    def test_halfclose_rst__the_server_counts_no_fewer(self):
        # One that the server had answered and closed first is not claimed, but may be seen as a reset all the same.
        said, closed = self.kill("halfclose-rst")
        self.assertGreaterEqual(closed["closed_fin"] + closed["closed_reset"], said["done"] + said["not_done"])
        self.assertEqual(said["forestalled"], said["not_done"])

    def test_modes_in_order__no_reset_and_all_answered(self):
        for mode in IN_ORDER:
            with self.subTest(mode):
                said, closed = self.kill(mode)
                self.assertEqual(closed["closed_reset"], 0)
                self.assertEqual(said["took"]["timed_out" if mode == "mute" else "answered"], said["done"])

    def test_stop__goes_on_and_is_answered(self):
        said, _ = self.kill("stop")
        self.assertEqual(said["took"]["answered"], said["done"])

    def test_vanish__sends_no_packet_or_is_refused(self):
        if not may_vanish():
            self.fails_to_start("--kill", "vanish:5%", code=2, words=["vanish", "CAP_NET_ADMIN"], program=LOADTOOL)
            return
        server = self.server()
        code, report, text = self.load(server.bound, "-c", 20, "-d", "1s", "--kill", "vanish:30%")
        self.assertEqual(code, PASS, text)
        done = report["disconnects"]["vanish"]["done"]
        self.assertGreater(done, 3, text)
        # Nobody has told the server: its side of these connections is still there when all others have gone.
        port = int(server.bound.rsplit(":", 1)[1])
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        held = [row for row in rows if row[1].endswith(":%04X" % port) and row[3] == "01"]
        self.assertEqual(len(held), done)

    def test_every_mode_over_a_unix_socket__passes(self):
        modes = ("fin", "rst", "unread", "halfclose", "kill9", "slowread", "midcut", "noread", "dribble", "mute", "storm", "stop")
        server = self.server(bind=f"unix:{self.folder}/socket")
        code, report, text = self.load(server.bound, "-c", 60, "-d", "2s", "--kill", ",".join(f"{m}:5%" for m in modes))
        self.assertEqual(code, PASS, text)
        for mode in modes:
            self.assertGreater(report["disconnects"][mode]["done"], 0, text)

    def test_rate__so_many_kills_a_second(self):
        server = self.server()
        code, report, text = self.load(server.bound, "-c", 60, "-d", "3s", "--kill", "rst:20/s")
        self.assertEqual(code, PASS, text)
        # The last ones die together when the load is over.
        self.assertTrue(45 <= report["disconnects"]["rst"]["done"] <= 100, text)

    def test_mute_and_a_server_that_hangs_up__noticed_and_no_fault(self):
        server = HangsUp()
        self.addCleanup(server.close)
        code, report, text = self.load(server.bound, "-c", 20, "-d", "1s", "--kill", "mute:30%")
        self.assertEqual(code, PASS, text)
        took = report["disconnects"]["mute"]["took"]
        self.assertGreater(took["noticed"], 5, text)
        self.assertEqual(report["errors"], [])

    def test_felt__with_one_mode__is_measured_beside_calm(self):
        code, report, text = self.load(self.server().bound, "-c", 40, "-d", "3s", "--kill", "rst:10/s")
        self.assertEqual(code, PASS, text)
        felt = report["disconnects"]["rst"]["felt"]
        self.assertGreater(felt["replies"], 100)
        self.assertGreater(felt["p99_ratio"], 0)
        self.assertEqual(felt["wrong_replies"], 0)


class HangsUp:
    """An upper server that closes who says nothing for 20 ms."""

    def __init__(self):
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
        with client:
            ready = selectors.DefaultSelector()
            ready.register(client, selectors.EVENT_READ)
            patience = 0.02
            try:
                while ready.select(patience) and (data := client.recv(65536)):
                    client.sendall(data.upper())
                    patience = None
            except OSError:
                pass
