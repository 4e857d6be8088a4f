"""What the tests that load planted.py share: the server, a run against it, and its report."""

import json
import pathlib
import signal
import subprocess
import sys

from support import DEADLINE_S, LOADTOOL, TestCase

PASS, BYTES, CLIENTS, RESIDUE = 0, 3, 4, 6
PLANTED = pathlib.Path(__file__).resolve().parent / "planted.py"


class PlantedCase(TestCase):
    def start(self, fault):
        """(process, port)"""
        server = subprocess.Popen([sys.executable, str(PLANTED), fault], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, server)
        return server, int(server.stdout.readline())

    def stop(self, server):
        """How often the fault happened, by the server's own count; 0 when it has ended by itself."""
        if server.stdout.closed:
            return 0
        server.send_signal(signal.SIGTERM)
        told = server.communicate(timeout=DEADLINE_S)[0]
        return int(told or 0)

    def load(self, fault, *args, name="report", is_watched=True):
        """(exit code, report, text, how often the fault happened)"""
        server, port = self.start(fault)
        path = f"{self.folder}/{name}.json"
        watch = ("--server-pid", str(server.pid)) if is_watched else ()
        result = subprocess.run([str(LOADTOOL), f":{port}", *watch, "--json", path, *args], capture_output=True, text=True,
                                timeout=50, stdin=subprocess.DEVNULL)
        with open(path) as file:
            report = json.load(file)
        return result.returncode, report, result.stdout, self.stop(server)
