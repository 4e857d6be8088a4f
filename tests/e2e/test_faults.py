"""Faults on purpose: ordered at the start or on a live server, counted, ended; and the build that has none of it."""

import json
import os
import pathlib
import signal
import subprocess
from unittest import mock

from support import BUILD, DEADLINE_S, EXIT_USAGE, SERVER, TestCase, ask, until

FAULTLESS = BUILD / "images/faultless"


class FaultCase(TestCase):
    def start(self, *args, **options):
        self.path = os.path.join(self.folder, "control.sock")
        self.running = self.server("--control", self.path, *args, **options)
        return self.running

    def fault(self, spec, code=0):
        """What the subcommand said."""
        result = subprocess.run([SERVER, "fault", spec, "--control", self.path], capture_output=True, text=True,
                                timeout=DEADLINE_S * 3, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def status(self):
        result = subprocess.run([SERVER, "status", "--json", "--control", self.path], capture_output=True, text=True,
                                timeout=DEADLINE_S * 3, stdin=subprocess.DEVNULL, check=True)
        return json.loads(result.stdout)

    def faults(self):
        """(what is ordered, shots by call and process)"""
        found = self.status()["faults"]
        return found["spec"], {(shot["call"], shot["process"]): shot["count"] for shot in found["shots"]}


class Live(FaultCase):
    def test_fault__on_and_off__strikes_between_the_two(self):
        server = self.start(workers=1)
        client = self.connect(server)
        self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(self.faults(), ("", {}))
        self.assertIn("done", self.fault("send:short=1:1/1"))
        self.assertEqual(server.wait_event("faults")["spec"], "send:short=1:1/1")
        self.assertEqual(ask(client), b"HELLO")
        until(lambda: self.faults() == ("send:short=1:1/1", {("send", "worker"): 4}), "four shots, the last byte being whole")
        self.fault("off")
        server.wait_event("faults", spec="off")
        self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(self.faults(), ("", {("send", "worker"): 4}))

    def test_list__calls_and_shots(self):
        self.start(workers=1)
        text = self.fault("list")
        self.assertIn("trial        off", text)
        for call in ("accept", "peek", "take", "send", "epoll_wait", "epoll_ctl", "clone", "timerfd", "output"):
            self.assertRegex(text, rf"(?m)^  {call} ")

    def test_bad_spec__named_part_and_nothing_changes(self):
        self.start(workers=1)
        self.fault("accept:EMFILE:1/1000000")
        for spec, words in (("acept:EMFILE:1/3", "did you mean accept?"), ("accept:EMFILE", "a rate from"),
                            ("poll:EINTR:1/2@0", "the supervisor alone, which has no slot")):
            with self.subTest(spec):
                self.assertIn(words, self.fault(spec, code=EXIT_USAGE))
        self.assertEqual(self.faults()[0], "accept:EMFILE:1/1000000")

    def test_die_in_mid_answer__answered_once_and_counted(self):
        server = self.start(workers=1)
        client = self.connect(server)
        ask(client)
        until(lambda: self.status()["totals"]["counters"]["answered"], "the first one is taken")  # it was given before
        self.fault("fetch:ENOMEM:1/1,take:die:1/1@0")
        client.sendall(b"hello")
        self.assertEqual(client.recv(5), b"HELLO")  # given, and not taken
        server.wait_event("worker_died", cause="SIGKILL")
        self.fault("off")  # until then each successor dies when it takes what is owed
        self.assertEqual(ask(client, b"again"), b"AGAIN")
        self.assertGreaterEqual(self.faults()[1]["take", "worker"], 1)

    def test_die_with_bytes_fetched__answered_from_the_journal(self):
        server = self.start(workers=1)
        client = self.connect(server)
        self.fault("send:die:1/1@0")
        client.sendall(b"hello")
        server.wait_event("worker_died", cause="SIGKILL")
        self.fault("off")
        self.assertEqual(client.recv(5), b"HELLO")
        self.assertEqual(ask(client, b"again"), b"AGAIN")
        until(lambda: self.status()["totals"]["counters"]["redone"] == 1, "it is counted")

    def test_supervisor_dies__trial_goes_on(self):
        server = self.start(workers=1)
        self.fault("read:die:1/1000000")
        before = server.supervisor()
        os.kill(before, signal.SIGKILL)
        server.wait_event("supervisor_started")
        self.assertEqual(self.faults()[0], "read:die:1/1000000")
        self.fault("off")


class Start(FaultCase):
    def test_option__strikes_from_the_first_call_on(self):
        server = self.start("--fault", "epoll_wait:EINTR:1/2", workers=1)
        server.wait_event("faults", spec="epoll_wait:EINTR:1/2")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        until(lambda: self.faults()[1].get(("epoll_wait", "worker")), "a shot")

    def test_bad_option__refused_like_any_other(self):
        self.fails_to_start("--fault", "send:EFOO:1/3", code=EXIT_USAGE, words=["--fault", "EFOO", "errno"])

    def test_configuration_file__does_not_take_it(self):
        path = pathlib.Path(self.folder) / "server.conf"
        path.write_text("fault = send:EINTR:1/3\n")
        self.fails_to_start("-c", path, code=EXIT_USAGE, words=["server.conf:1", "fault"])


class Faultless(TestCase):
    """The server of `make FAULTS=0`: its calls are the bare ones."""

    def test_program__has_nothing_of_it(self):
        names = subprocess.run(["nm", FAULTLESS], capture_output=True, text=True, check=True).stdout
        with_faults = subprocess.run(["nm", SERVER], capture_output=True, text=True, check=True).stdout
        for name in ("fault_shoot", "fault_orders", "fault_arm"):
            self.assertNotIn(f" {name}\n", names)
            if "without" not in self.version(SERVER):
                self.assertIn(f" {name}\n", with_faults)

    def version(self, program):
        return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout

    def test_version__says_which_build(self):
        self.assertIn("built without faults", self.version(FAULTLESS))
        self.assertRegex(self.version(SERVER), "built with(out)? faults")

    def test_option__refused_with_the_reason(self):
        self.fails_to_start("--fault", "send:EINTR:1/3", code=EXIT_USAGE, words=["--fault", "FAULTS=0"], program=FAULTLESS)

    def test_subcommand__refused_with_the_reason(self):
        path = os.path.join(self.folder, "control.sock")
        with mock.patch("support.SERVER", FAULTLESS):
            self.server("--control", path, workers=1)
        command = [SERVER, "fault", "send:EINTR:1/3", "--control", path]
        result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((result.returncode, "FAULTS=0" in result.stderr), (1, True), result.stderr)
        listed = subprocess.run([SERVER, "fault", "list", "--control", path], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertIn("built without faults", listed.stdout)
