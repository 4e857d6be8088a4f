"""The configuration file: options from it, what is refused, `check`, and what a reload changes in a running server."""

import os
import pathlib
import signal
import socket
import subprocess
import unittest

from support import (DEADLINE_S, EXIT_ADDRESS_IN_USE, EXIT_START_FAILED, EXIT_USAGE, SERVER, TestCase, ask, free_port, until)


class ConfigCase(TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.folder, "server.conf")

    def configure(self, *lines):
        self.path.write_text("".join(line + "\n" for line in lines))

    def configured(self, *lines, args=(), **options):
        """A server that serves by these lines."""
        self.configure(*lines)
        return self.server("-c", self.path, *args, **options)


class File(ConfigCase):
    def test_options__taken_from_the_file(self):
        server = self.configured("# three of them", "workers = 3 ; and not two", "[prefork-upper]", "service = echo",
                                 "max-connections: 70", workers=None)
        event = server.wait_event("serving")
        self.assertEqual((event["workers"], event["service"], event["max_connections"]), ("3", "echo", "70"))
        self.assertEqual(ask(self.connect(server), b"hello"), b"hello")

    def test_flags__win(self):
        server = self.configured("workers = 3", "bind = 192.0.2.1:1", "service = echo", args=["--service", "upper"])
        event = server.wait_event("serving")
        self.assertEqual((event["workers"], event["service"]), ("2", "upper"))
        self.assertEqual(ask(self.connect(server), b"hello"), b"HELLO")

    def test_bad_file__one_line_that_names_it_and_nothing_started(self):
        for line, lines, *words in (
                (2, ["# one", "workers = 0"], 'workers "0"', "1 to 128"),
                (1, ["wrokers = 4"], '"wrokers"', "did you mean workers?"),
                (3, ["workers = 1", "", "workers = 1"], "line 1 already"),
                (1, ["[server]", "workers = 1"], "[server]", "[prefork-upper]"),
                (1, ["workers 4"], "name = value"),
                (1, ["pid-file = " + "x" * 200], "at most", "bytes"),
                (1, ["core = yes"], "on or off"),
                (1, ["ready-fd = 3"], "command line alone"),
                (1, ["idle-timeout = soon"], '"soon"', "250ms"),
                (2, ["", "bind = 127.0.0.1"], "bind", "127.0.0.1"),
                (1, ["incident-dir = /dev/null"], "incident-dir", "/dev/null")):
            with self.subTest(lines):
                self.configure(*lines)
                code = EXIT_START_FAILED if "incident-dir = /dev/null" in lines else EXIT_USAGE
                args = [] if "bind = 127.0.0.1" in lines else ["-b", f"127.0.0.1:{free_port()}"]
                self.fails_to_start("-c", self.path, *args, code=code, words=[f"{self.path}:{line}: ", *words])

    def test_no_file_or_no_regular_one__says_so_at_once(self):
        os.mkfifo(self.path)  # nobody writes there: a read would wait for ever
        for path in (self.path, self.folder, "/nonexistent/x.conf", "/dev/zero"):
            with self.subTest(path):
                self.fails_to_start("-c", path, code=EXIT_USAGE, words=[path])


class Check(ConfigCase):
    def run_check(self, *args):
        return subprocess.run([str(SERVER), "check", *map(str, args)], capture_output=True, text=True, timeout=DEADLINE_S,
                              cwd=self.folder)

    def fails(self, *args, code, words):
        self.fails_to_start("check", *args, code=code, words=words)

    def test_good__says_ok_and_makes_nothing(self):
        sock = pathlib.Path(self.folder, "s.sock")
        reports = pathlib.Path(self.folder, "reports")
        self.configure("workers = 3", f"bind = unix:{sock}", f"incident-dir = {reports}")
        result = self.run_check("-c", self.path)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, f"ok: unix:{sock} can be served by 3 workers\n")
        self.assertFalse(sock.exists() or reports.exists())

    def test_left_over_socket__good_and_left(self):
        path = pathlib.Path(self.folder, "s.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
        self.assertEqual(self.run_check("-b", f"unix:{path}").returncode, 0)
        self.assertTrue(path.exists())

    def test_in_use__names_the_holder_which_goes_on(self):
        server = self.server()
        sock = self.connect(server)
        self.fails("-b", server.bound, code=EXIT_ADDRESS_IN_USE, words=["in use", f"pid {server.pid}"])
        self.assertEqual(ask(sock), b"HELLO")
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_unix_path_in_use(self):
        server = self.server(bind=f"unix:{self.folder}/s.sock")
        self.fails("-b", server.bound, code=EXIT_ADDRESS_IN_USE, words=["in use", f"pid {server.pid}"])
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_not_good__as_a_start_would_say(self):
        self.configure("workers = none")
        self.fails("-c", self.path, code=EXIT_USAGE, words=[f"{self.path}:1: workers"])
        self.configure("bind = 192.0.2.1:9999")
        self.fails("-c", self.path, code=EXIT_START_FAILED, words=["192.0.2.1:9999", "no address of this machine"])
        self.fails("-b", "127.0.0.1:http", code=EXIT_USAGE, words=["--bind"])
        self.fails("--frobnicate", code=EXIT_USAGE, words=["--frobnicate"])
        self.fails("--incident-dir", "/dev/null", "-b", "127.0.0.1:0", code=EXIT_START_FAILED, words=["--incident-dir"])
        self.fails("stray", code=EXIT_USAGE, words=["stray"])

    def test_files_that_a_start_would_need__looked_at_and_not_made(self):
        running = self.server("--pid-file", "running.pid")
        os.mkfifo(self.path)
        for option, path, *words in (
                ("--log-file", "/nonexistent/x.log", "No such file"), ("--log-file", self.folder, "directory"),
                ("--pid-file", "/nonexistent/x.pid", "No such file"), ("--pid-file", self.path, "no regular file"),
                ("--pid-file", f"{self.folder}/running.pid", f"pid {running.pid}"),
                ("--control", "/nonexistent/x.sock", "No such file"), ("--incident-dir", self.path, "Not a directory")):
            with self.subTest(option=option, path=path):
                self.fails("-b", "127.0.0.1:0", option, path, code=EXIT_START_FAILED, words=[path, *words])
        before = set(os.listdir(self.folder))
        result = self.run_check("-b", "127.0.0.1:0", "--log-file", "x.log", "--pid-file", "x.pid", "--control", "x.sock",
                                "--incident-dir", "x.incidents")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(set(os.listdir(self.folder)), before)

    def test_help__of_its_own(self):
        result = self.run_check("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("Usage: prefork-upper check", result.stdout)

    def test_unknown_subcommand__names_what_was_meant(self):
        self.fails_to_start("chekc", code=EXIT_USAGE, words=["chekc", "did you mean check?"])


class Reload(ConfigCase):
    """SIGHUP. Connections that exist go on, whatever happens to the settings."""

    def reload(self, server, *lines, count=1):
        """The event of the reload that loads these lines, once every slot serves by them."""
        self.configure(*lines)
        server.send_signal(signal.SIGHUP)
        event = server.wait_event("reloaded", count)
        server.wait_event("operation_done", count, operation="reload")
        return event

    def test_live_option__new_for_connections_that_exist(self):
        server = self.configured("service = upper")
        sock = self.connect(server)
        self.assertEqual(ask(sock, b"hello"), b"HELLO")
        event = self.reload(server, "service = echo")
        self.assertEqual((event["settings"], event["changed"], event["needs_restart"]), ("2", "service", "none"))
        self.assertEqual(ask(sock, b"hello"), b"hello")
        self.assertEqual(ask(self.connect(server), b"hello"), b"hello")

    def test_idle_timeout__ends_a_connection_that_had_none(self):
        server = self.configured()
        sock = self.connect(server)
        self.assertEqual(ask(sock), b"HELLO")
        self.reload(server, "idle-timeout = 300ms")
        self.assertEqual(sock.recv(1), b"")

    def test_nothing_changed__succeeds_and_says_so(self):
        server = self.configured("idle-timeout = 1h")
        sock = self.connect(server)
        event = self.reload(server, "idle-timeout = 1h")
        self.assertEqual((event["changed"], event["needs_restart"]), ("none", "none"))
        self.assertEqual(ask(sock), b"HELLO")

    def test_needs_a_restart__said_and_served_as_before(self):
        server = self.configured("backlog = 10")
        event = self.reload(server, "backlog = 11", "protect = off", "hang-timeout = 3s")
        self.assertEqual((event["changed"], event["needs_restart"]), ("hang-timeout", "backlog protect"))
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_flag__wins_as_at_the_start(self):
        server = self.configured("service = upper", args=["--service", "upper"])
        self.assertEqual(self.reload(server, "service = echo")["changed"], "none")
        self.assertEqual(ask(self.connect(server), b"hello"), b"HELLO")

    def test_bad_file__changes_nothing_and_says_the_line(self):
        server = self.configured("idle-timeout = 1h")
        sock = self.connect(server)
        started = len(server.events("worker_started"))
        self.configure("service = echo", "workers = none")
        server.send_signal(signal.SIGHUP)
        event = server.wait_event("failed", what="reload")
        self.assertTrue(event["why"].startswith(f'{self.path}:2: workers "none": a whole number'), event["why"])
        server.wait_event("operation_failed", operation="reload")
        self.assertEqual(ask(sock, b"hello"), b"HELLO")
        self.assertEqual(len(server.events("worker_started")), started)
        self.path.unlink()
        server.send_signal(signal.SIGHUP)
        event = server.wait_event("failed", 2, what="reload")
        self.assertIn("No such file", event["why"])
        self.assertEqual(self.reload(server, "service = echo")["settings"], "2")
        self.assertEqual(ask(sock, b"hello"), b"hello")

    def test_workers__scaled_only_when_configured_anew(self):
        server = self.configured("workers = 1", workers=None)
        self.assertEqual(self.reload(server, "workers = 3")["changed"], "workers")
        server.wait_event("operation_done", operation="scale")
        server.wait_workers(3)
        server.send_signal(signal.SIGTTOU)
        server.wait_event("operation_done", 2, operation="scale")
        self.assertEqual(self.reload(server, "workers = 3", count=2)["changed"], "none")
        self.assertEqual(len(server.events("operation_begun", operation="scale")), 2)
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_max_connections__lowered_below_what_a_worker_holds__all_stay(self):
        server = self.configured("max-connections = 50", args=["-w", 1])
        socks = [self.connect(server) for _ in range(20)]
        for sock in socks:
            self.assertEqual(ask(sock), b"HELLO")
        self.reload(server, "max-connections = 5")
        for sock in socks:
            self.assertEqual(ask(sock), b"HELLO")
        with self.assertRaises(ConnectionResetError):
            self.connect(server).recv(1)
        for sock in socks[4:]:
            sock.close()
        self.assertEqual(self.reload(server, "max-connections = 51", count=2)["needs_restart"], "max-connections")
        self.assertEqual(self.reload(server, "max-connections = 50", count=3)["changed"], "max-connections")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        for sock in socks[:4]:
            self.assertEqual(ask(sock), b"HELLO")

    def test_incident_directory__the_next_report_goes_there(self):
        server = self.configured()
        reports = pathlib.Path(self.folder, "reports")
        self.reload(server, f"incident-dir = {reports}")
        os.kill(server.worker(0), signal.SIGKILL)
        until(lambda: list(reports.glob("incident-*.txt")), "a report in the new directory")

    def test_supervisor_killed_afterwards__its_successor_goes_by_what_was_loaded_last(self):
        server = self.configured("service = upper")
        sock = self.connect(server)
        self.reload(server, "service = echo")
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("supervisor_started")
        for slot in range(2):
            os.kill(server.worker(slot), signal.SIGKILL)
            server.wait_event("worker_replaced", slot=slot, generation=3)
        self.assertEqual(ask(sock, b"hello"), b"hello")
        self.assertEqual(self.reload(server, "service = echo", count=2)["settings"], "3")

    def test_upgraded_afterwards__goes_by_what_was_loaded_last_and_reloads_as_before(self):
        server = self.configured("service = upper")
        sock = self.connect(server)
        self.reload(server, "service = echo")
        server.send_signal(signal.SIGUSR2)
        server.wait_event("operation_done", operation="upgrade")
        self.assertEqual(ask(sock, b"hello"), b"hello")
        event = self.reload(server, "service = upper", count=2)
        self.assertEqual((event["settings"], event["changed"]), ("3", "service"))
        self.assertEqual(ask(sock, b"hello"), b"HELLO")

    def test_a_thousand_at_once__few_reloads_and_no_harm(self):
        server = self.configured("idle-timeout = 1h")
        sock = self.connect(server)
        for _ in range(1000):
            server.send_signal(signal.SIGHUP)
        server.wait_event("operation_done", operation="reload")
        self.assertEqual(ask(sock), b"HELLO")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        self.assertLess(len(server.events("reloaded")), 50)


if __name__ == "__main__":
    unittest.main()
