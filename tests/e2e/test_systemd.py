"""What a service manager is told, socket activation, and the unit files, without a systemd that runs."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from support import DEADLINE_S, EXIT_STOPPED, EXIT_USAGE, SERVER, TOP, alive, ask, free_port, receive, resume, until
from upgrades import UpgradeCase

UNITS = TOP / "master/package/systemd"


class Manager:
    """The socket of a service manager; what it is told, in order: one dict a datagram."""

    def __init__(self, name):
        self.name = name
        self.told = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def next(self, deadline_s=DEADLINE_S):
        self.socket.settimeout(deadline_s)
        text = self.socket.recv(4096).decode()
        assert text.endswith("\n"), text
        self.told.append(dict(line.split("=", 1) for line in text.splitlines()))
        return self.told[-1]

    def wait(self, matches, what):
        """The next datagram that is so."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                told = self.next(max(0.01, end - time.monotonic()))
                if matches(told):
                    return told
        raise AssertionError(f"not told within {DEADLINE_S} s: {what}; told was {self.told}")

    def wait_for(self, key, value="1"):
        return self.wait(lambda told: told.get(key) == value, f"{key}={value}")

    def wait_status(self, part):
        return self.wait(lambda told: part in told.get("STATUS", ""), f"STATUS with {part!r}")


class NotifyCase(UpgradeCase):
    def manager(self, name=None):
        manager = Manager(name or os.path.join(self.folder, "notify"))
        self.addCleanup(manager.socket.close)
        return manager

    def serve_for(self, manager, *args, watchdog_ms=None, **options):
        env = {**os.environ, "NOTIFY_SOCKET": manager.name}
        if watchdog_ms:
            env["WATCHDOG_USEC"] = str(watchdog_ms * 1000)
        return self.start(*args, env=env, **options)


class Notify(NotifyCase):
    def test_life__ready_reloading_stopping__in_order(self):
        manager = self.manager()
        config = pathlib.Path(self.folder, "config")
        config.write_text("idle-timeout = 1h\n")
        server = self.serve_for(manager, "-c", config)
        told = manager.wait_for("READY")
        self.assertIn("2 of 2 workers", told["STATUS"])

        config.write_text("idle-timeout = 2h\n")
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - 1000
        server.send_signal(signal.SIGHUP)
        told = manager.wait_for("RELOADING")
        self.assertGreaterEqual(int(told["MONOTONIC_USEC"]), before_us)
        self.assertNotIn("READY", told)
        manager.wait_for("READY")
        server.wait_event("operation_done", operation="reload")

        config.write_text("idle-timeout = never\n")
        server.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING")
        manager.wait_for("READY")
        server.wait_event("operation_failed", operation="reload")

        client = self.connect(server)
        ask(client)
        server.send_signal(signal.SIGTERM)
        told = manager.wait_for("STOPPING")
        self.assertIn("stops", told["STATUS"])
        client.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)
        said = [key for told in manager.told for key in told if key in ("READY", "RELOADING", "STOPPING")]
        self.assertEqual(said, ["READY", "RELOADING", "READY", "RELOADING", "READY", "STOPPING"])

    def test_manager__has_an_abstract_name__is_told(self):
        manager = self.manager(f"@prefork-upper-test-{os.getpid()}")
        server = self.serve_for(manager)
        manager.wait_for("READY")
        self.assertEqual(server.stop(), EXIT_STOPPED)

    def test_watchdog__fed_only_while_every_worker_answers(self):
        manager = self.manager()
        server = self.serve_for(manager, watchdog_ms=800)
        manager.wait_for("WATCHDOG")
        manager.wait_for("WATCHDOG")
        worker = server.worker(1)
        self.pause(worker)
        manager.wait_status("worker 1 does not answer")
        silent_from = len(manager.told)
        self.connect(server)  # the supervisor lives and tells of it, but does not feed
        told = manager.wait_status("1 connections")
        self.assertIn("worker 1 does not answer", told["STATUS"])
        self.assertFalse([told for told in manager.told[silent_from:] if "WATCHDOG" in told], manager.told)
        resume(worker)
        told = manager.wait_for("WATCHDOG")
        self.assertNotIn("does not answer", told["STATUS"])
        manager.wait_for("WATCHDOG")

    def test_manager__is_away__the_server_serves_and_says_so_once(self):
        manager = self.manager()
        manager.socket.close()
        server = self.serve_for(manager)
        server.wait_event("failed", what="notify", why="ECONNREFUSED")
        client = self.connect(server)
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertEqual(len(server.events("failed")), 1, server.log())


class Activation(NotifyCase):
    """The listener is the test's own, as it is systemd's otherwise, and is passed on as descriptor 3."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]

    def passing(self, fd, count=1):
        """Words that go before the program, and options of Popen."""
        script = f'LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES=upper exec "$@" 3<&{fd}'
        return {"prefix": ["bash", "-c", script, "bash"], "pass_fds": [fd]}

    def serve_passed(self, *args, **options):
        return self.start(*args, bind=f"127.0.0.1:{self.port}", **self.passing(self.listener.fileno()), **options)

    def call(self):
        client = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        self.addCleanup(client.close)
        return client

    def test_first_client__came_before_the_server__is_answered_every_byte(self):
        early = self.call()
        early.sendall(b"is nobody ")
        early.send(b"t", socket.MSG_OOB)  # this connection is older than our socket options
        early.sendall(b"here?")
        server = self.serve_passed()
        self.assertEqual(server.wait_event("listener_passed")["name"], "upper")
        self.assertEqual(receive(early, 16), b"IS NOBODY THERE?")
        early.close()

    def test_stop_and_start__who_came_between__is_answered(self):
        self.assertEqual(self.serve_passed().stop(), EXIT_STOPPED)
        between = self.call()
        between.sendall(b"hello")
        self.serve_passed()
        self.assertEqual(receive(between, 5), b"HELLO")
        between.close()

    def test_upgrade_and_supervisor_killed__the_same_listener_manager_and_main_process(self):
        manager = self.manager()
        server = self.serve_passed(env={**os.environ, "NOTIFY_SOCKET": manager.name})
        manager.wait_for("READY")
        self.talk(server, 4)
        os.kill(server.supervisor(), signal.SIGKILL)
        manager.wait_for("READY")
        self.upgrade(self.image("next"))
        told = manager.wait_status("serves at")  # by the new supervisor: the place came through the exec of the master
        self.assertIn("2 of 2 workers", told["STATUS"])
        self.assertEqual(len([told for told in manager.told if "READY" in told]), 3)
        self.assertFalse([told for told in manager.told if "MAINPID" in told or "STOPPING" in told])
        self.assertEqual(self.status()["pid"], server.pid)

    def test_drain_and_death_of_the_master__the_listener_is_not_shut_down(self):
        server = self.serve_passed()
        self.assertIn("socket activation", self.run_command("drain", code=1).stderr)
        processes = server.processes()
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not any(map(alive, processes)), "the end of all")
        self.call()

    def refuses(self, fd, *args, count=1, words=()):
        passing = self.passing(fd, count)
        command = [*passing["prefix"], str(SERVER), *args]
        result = subprocess.run(command, pass_fds=passing["pass_fds"], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(result.returncode, EXIT_USAGE, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_what_is_passed__is_not_what_was_asked_for__exit_64_and_why(self):
        fd = self.listener.fileno()
        self.refuses(fd, "--bind", "127.0.0.1:1", words=["--bind: 127.0.0.1:1", f"127.0.0.1:{self.port}"])
        self.refuses(fd, count=2, words=["2 sockets"])
        with open(os.devnull, "rb") as other:
            self.refuses(other.fileno(), words=["no listening TCP or UNIX stream socket"])


class Systemd(NotifyCase):
    """With the tools of the package systemd."""

    def test_systemd_socket_activate__first_client__is_answered(self):
        port = free_port()
        activate = subprocess.Popen(
            ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=upper", str(SERVER), "-w", "1", "--control", "off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(activate.stderr.close)
        self.assertIn("Listening", activate.stderr.readline())
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
            self.assertEqual(ask(client), b"HELLO")
        activate.terminate()  # it has become the server
        _, log = activate.communicate(timeout=DEADLINE_S)
        self.assertEqual(activate.returncode, EXIT_STOPPED, log)
        self.assertIn(f"event=listener_passed address=127.0.0.1:{port} name=upper", log)

    def installed(self):
        """The unit files as if the program lay where they say."""
        for unit in UNITS.iterdir():
            text = unit.read_text().replace("/usr/bin/prefork-upper", str(SERVER))
            pathlib.Path(self.folder, unit.name).write_text(text)
        return [os.path.join(self.folder, unit.name) for unit in UNITS.iterdir()]

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=DEADLINE_S * 2)

    def test_units__verified_and_as_exposed_as_README_says(self):
        units = self.installed()
        result = self.analyze("verify", "--man=no", *units)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))
        service = os.path.join(self.folder, "prefork-upper.service")
        result = self.analyze("security", "--offline=true", "--no-pager", service)
        score = re.search(r"Overall exposure level for prefork-upper.service: (\d+\.\d)", result.stdout)
        self.assertIn(f"exposure level of {score.group(1)}", (TOP / "README.md").read_text())

    def command(self, name):
        """A command of the unit file, with the variables that systemd would set."""
        text = (UNITS / "prefork-upper.service").read_text()
        line = re.search(rf"^{name}=(.*)$", text, re.MULTILINE).group(1)
        folders = {"RUNTIME_DIRECTORY": self.folder, "STATE_DIRECTORY": self.folder}
        words = [re.sub(r"\$\{(\w+)\}", lambda match: folders[match.group(1)], word) for word in line.split()]
        return [str(SERVER), *words[1:]]

    def test_unit__its_commands__become_ready_and_reload(self):
        manager = self.manager()
        self.path = os.path.join(self.folder, "control.sock")
        server = self.server(*self.command("ExecStart")[1:], env={**os.environ, "NOTIFY_SOCKET": manager.name})
        manager.wait_for("READY")
        reload = subprocess.run(self.command("ExecReload"), capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(reload.returncode, 0, reload.stderr)
        manager.wait_for("RELOADING")
        manager.wait_for("READY")
        self.assertEqual(self.status()["pid"], server.pid)
