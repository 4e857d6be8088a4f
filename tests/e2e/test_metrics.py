"""--metrics over HTTP: what it says, in a process of its own that is remade, and that nobody else notices."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from support import DEADLINE_S, EXIT_ADDRESS_IN_USE, EXIT_STOPPED, EXIT_USAGE, TOP, ask, children, free_port, title, until
from upgrades import UpgradeCase

DASHBOARD = TOP / "master/package/grafana-dashboard.json"
COUNTERS = TOP / "worker/counters.def"
SAMPLE = re.compile(r'^(prefork_upper_[a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$')


class Metrics(UpgradeCase):
    def serve(self, *args, **options):
        server = self.start("--metrics", "127.0.0.1:0", *args, **options)
        self.address = server.wait_event("metrics_serving")["address"]
        return server

    def get(self, path, method="GET"):
        """(status, body, content type)"""
        host, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE_S)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers["Content-Type"]
        finally:
            connection.close()

    def status_of(self, path):
        return self.get(path)[0]

    def samples(self):
        """{(name, labels): value}; every line is one or begins with #."""
        _, text, _ = self.get("/metrics")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        found = [SAMPLE.match(line) for line in lines]
        self.assertTrue(all(found), text)
        return {(match.group(1), match.group(2) or ""): float(match.group(3)) for match in found}

    def metrics_process(self, server):
        return until(lambda: next((pid for pid in children(server.supervisor()) if title(pid) == "prefork-upper: metrics"), None),
                     "a process titled prefork-upper: metrics")

    def test_text__accepted_by_promtool__counters_are_those_of_the_table(self):
        server = self.serve()
        client = self.connect(server)
        ask(client)
        until(lambda: sum(value for (name, _), value in self.samples().items() if name == "prefork_upper_bytes_in_total") == 5,
              "five bytes counted")
        status, text, kind = self.get("/metrics")
        self.assertEqual((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
        for name, unit, sentence in re.findall(r'^COUNTER\((\w+), "(.*?)", "(.*?)"\)', COUNTERS.read_text(), re.MULTILINE):
            self.assertIn(f"# HELP prefork_upper_{name}_total In {unit}: {sentence}.\n# TYPE prefork_upper_{name}_total counter\n"
                          f'prefork_upper_{name}_total{{slot="0"}} ', text)
        samples = self.samples()
        self.assertEqual(sum(samples["prefork_upper_connections", f'slot="{slot}"'] for slot in (0, 1)), 1)
        self.assertEqual(samples["prefork_upper_worker_state", 'slot="1",state="serving"'], 1)
        self.assertEqual(samples["prefork_upper_workers", ""], 2)
        self.assertGreater(samples["prefork_upper_uptime_seconds", ""], 0)
        self.assertEqual(samples["prefork_upper_accept_queue_limit_connections", ""], 4096)
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        self.dashboard_uses_only({name for name, _ in samples})

    def dashboard_uses_only(self, names):
        dashboard = DASHBOARD.read_text()
        json.loads(dashboard)
        used = set(re.findall(r"prefork_upper_\w+", dashboard))
        self.assertGreater(len(used), 15)
        self.assertEqual(used - names, set())

    def test_http__other_paths_and_methods__are_told_no(self):
        self.serve()
        self.assertEqual(self.get("/")[:2], (404, "/metrics, /healthz and /readyz are here\n"))
        self.assertEqual(self.get("/metrics", "POST")[0], 405)
        self.assertEqual(self.get("/metrics", "HEAD")[:2], (200, ""))

    def test_process__cannot_write_and_holds_little__only_it_has_the_library(self):
        server = self.serve()
        pid = self.metrics_process(server)
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        shared = [line.split()[1] for line in maps.splitlines() if "memfd:prefork-upper" in line]
        self.assertEqual(set(shared), {"r--s"})
        whole, seen = (sum(int(end, 16) - int(start, 16) for start, end in re.findall(r"^(\w+)-(\w+) .*memfd:prefork-upper", text, re.M))
                       for text in (pathlib.Path(f"/proc/{server.pid}/maps").read_text(), maps))
        self.assertEqual(whole - seen, 128 * 65536, "the journals, in which clients' bytes are, it has not")
        self.assertIn("microhttpd", maps)
        sockets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        self.assertEqual(len([name for name in sockets if name.startswith("socket:")]), 2, sockets)  # both listeners
        self.assertNotIn("memfd", "".join(sockets))
        for other in server.processes():
            if other != pid:
                self.assertNotIn("microhttpd", pathlib.Path(f"/proc/{other}/maps").read_text(), title(other))

    def test_process__dies__is_remade_and_no_client_notices(self):
        server = self.serve()
        talk = self.talk(server, 4)
        first = self.metrics_process(server)
        os.kill(first, signal.SIGKILL)
        self.assertEqual(server.wait_event("metrics_died", pid=first)["cause"], "SIGKILL")
        server.wait_event("metrics_serving", 2)
        self.assertEqual(self.status_of("/healthz"), 200)
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("metrics_serving", 3)
        self.assertEqual(self.samples()["prefork_upper_supervisor_restarts_total", ""], 1)
        self.assertEqual(len(server.events("metrics_died")), 1)
        talk.go_on()
        self.assertEqual(server.events("worker_died") + server.events("keeper_died"), [])

    def test_upgrade__served_by_the_new_program_at_the_same_address(self):
        server = self.serve()
        old = self.address
        self.talk(server, 4)
        self.upgrade(self.image("next"))
        self.assertEqual(server.wait_event("metrics_serving", 2)["address"], old)
        self.assertEqual(self.status_of("/readyz"), 200)
        pid = self.metrics_process(server)
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), os.readlink(f"/proc/{server.pid}/exe"))

    def test_ready__only_while_a_worker_serves_and_connections_are_taken(self):
        server = self.serve(workers=1)
        self.assertEqual(self.get("/readyz")[:2], (200, "ok\n"))
        client = self.connect(server)
        ask(client)
        self.begin("drain", "--timeout", "0")
        until(lambda: self.status_of("/readyz") == 503, "not ready while drained")
        self.assertIn("drained", self.get("/readyz")[1])
        self.run_command("drain", "--off")
        until(lambda: self.status_of("/readyz") == 200, "ready again")
        server.send_signal(signal.SIGTERM)
        until(lambda: self.status_of("/readyz") == 503, "not ready while it stops")
        self.assertEqual(self.get("/readyz")[1], "stopping\n")
        self.assertEqual(self.samples()["prefork_upper_ready", ""], 0)
        client.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)

    def test_healthy__only_while_the_supervisor_ticks(self):
        server = self.serve(workers=1)
        self.assertEqual(self.get("/healthz")[:2], (200, "ok\n"))
        self.pause(server.pid)  # or it would make another one
        self.pause(server.supervisor())
        until(lambda: self.status_of("/healthz") == 503, "not healthy without ticks")
        self.assertEqual(self.status_of("/readyz"), 200)  # the worker serves on

    def test_address__taken_or_no_address__does_not_start(self):
        server = self.serve()
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--metrics", self.address, code=EXIT_ADDRESS_IN_USE,
                            words=["--metrics", self.address, str(server.pid)])
        self.fails_to_start("-b", "127.0.0.1:0", "--metrics", "unix:/x", code=EXIT_USAGE, words=["--metrics", "unix:/x"])
