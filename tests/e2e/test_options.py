"""The command line: what is refused and how, limits that are lowered to fit, and what tells a caller that we serve."""

import os
import pathlib
import resource
import select
import signal
import subprocess

from support import (DEADLINE_S, EXIT_START_FAILED, EXIT_STOPPED, EXIT_USAGE, SERVER, TestCase, ask, free_port)


class Refused(TestCase):
    """Exit 64 and one line that names the option, the value and what is accepted; nothing was started."""

    def check(self, option, value, *words):
        line = self.fails_to_start(option, value, code=EXIT_USAGE, words=[option, value, *words])
        self.assertNotIn("worker_started", line)

    def test_workers(self):
        for value in ("0", "-1", "many", "100000", "4x", ""):
            with self.subTest(value):
                self.check("--workers", value)

    def test_bind(self):
        for value in ("", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http!", "[::1]", "[::1:80",
                      "unix:", "unix:@", "unix:" + "x" * 108):
            with self.subTest(value):
                self.check("--bind", value)

    def test_durations(self):
        for option in ("--idle-timeout", "--write-timeout", "--drain-timeout"):
            for value in ("-1", "10x", "ten", "1.s.", "s", "99999999999999999999h"):
                with self.subTest(option=option, value=value):
                    self.check(option, value)

    def test_service__names_the_services(self):
        self.check("--service", "lower", "upper", "echo", "faulty")

    def test_backlog_and_max_connections(self):
        for option in ("--backlog", "--max-connections"):
            for value in ("0", "-5", "all", "99999999999"):
                with self.subTest(option=option, value=value):
                    self.check(option, value)

    def test_log_level_unix_mode_ready_fd(self):
        for option, value in (("--log-level", "loud"), ("--unix-mode", "999"), ("--unix-mode", "rw"),
                              ("--ready-fd", "-1"), ("--ready-fd", "out")):
            with self.subTest(option=option, value=value):
                self.check(option, value)

    def test_ready_fd_that_is_not_open(self):
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--ready-fd", 77, code=EXIT_USAGE, words=["ready-fd", 77])

    def test_unknown_option_and_stray_word(self):
        for args in (["--frobnicate"], ["stray"]):
            result = subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual(result.returncode, EXIT_USAGE, result.stderr)
            self.assertIn(args[0], result.stderr)

    def test_max_connections_above_the_descriptor_limit__refused_when_asked_for(self):
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--max-connections", 5000, code=EXIT_USAGE,
                            words=["max-connections", 5000], preexec_fn=few_descriptors)


class Help(TestCase):
    def run_with(self, option):
        return subprocess.run([SERVER, option], capture_output=True, text=True, timeout=DEADLINE_S)

    def test_help__lists_every_option_on_stdout(self):
        result = self.run_with("--help")
        self.assertEqual(result.returncode, 0)
        for option in ("workers", "bind", "backlog", "max-connections", "idle-timeout", "write-timeout", "drain-timeout",
                       "service", "log-level", "ready-fd", "pid-file", "unix-mode"):
            self.assertIn("--" + option, result.stdout)
        self.assertIn("trial", result.stdout)  # what `faulty` is for

    def test_version__names_the_program(self):
        result = self.run_with("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"prefork-upper \d+\.\d+")


class Limits(TestCase):
    def test_few_descriptors__default_lowered_with_a_line(self):
        server = self.server(preexec=few_descriptors)
        event = server.wait_event("adjusted", option="--max-connections")
        self.assertLess(int(event["got"]), 256)
        self.assertGreater(int(event["got"]), 32)
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_backlog_above_the_kernels_limit__says_so(self):
        somaxconn = int(pathlib.Path("/proc/sys/net/core/somaxconn").read_text())
        server = self.server("--backlog", min(somaxconn + 1, 65535))
        if somaxconn >= 65535:
            self.skipTest("the kernel takes every backlog that the option takes")
        self.assertEqual(server.wait_event("adjusted", option="--backlog")["got"], str(somaxconn))

    def test_default_workers__one_a_processor(self):
        server = self.server(workers=None)
        self.assertEqual(server.wait_event("serving")["workers"], str(len(os.sched_getaffinity(0))))


class Announcements(TestCase):
    def test_start__prints_address_workers_pid_and_how_to_try_and_stop(self):
        server = self.server(workers=3)
        event = server.wait_event("serving")
        self.assertEqual(event["address"], f"127.0.0.1:{server.port}")
        self.assertEqual((event["workers"], event["pid"]), ("3", str(server.pid)))
        self.assertIn(str(server.port), event["try"])
        self.assertIn(str(server.pid), event["stop"])

    def test_port_zero__the_real_port_is_logged_and_works(self):
        server = self.server(bind="127.0.0.1:0")
        self.assertNotEqual(server.port, 0)
        self.assertEqual(server.wait_event("serving")["address"], server.bound)
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_ready_fd__address_and_newline_then_closed(self):
        server = self.server()
        self.assertEqual(server.bound, f"127.0.0.1:{server.port}")
        self.assertTrue(select.select([server.ready], [], [], DEADLINE_S)[0], "somebody holds the pipe open")
        self.assertEqual(server.ready.read(1), b"")

    def test_ready_fd_of_ipv6_and_unix__as_bind_takes_it(self):
        self.assertRegex(self.server(bind="[::1]:{port}").bound, r"^\[::1\]:\d+$")
        path = f"unix:{self.folder}/s"
        self.assertEqual(self.server(bind=path).bound, path)

    def test_pid_file__holds_the_masters_pid_and_goes_at_the_end(self):
        path = pathlib.Path(self.folder, "pid")
        server = self.server("--pid-file", path)
        self.assertEqual(path.read_text(), f"{server.pid}\n")
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertFalse(path.exists())

    def test_pid_file_in_no_folder__start_fails(self):
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--pid-file", "/nowhere/pid", code=EXIT_START_FAILED,
                            words=["/nowhere/pid", "No such file"])

    def test_quiet_level__no_info_lines(self):
        server = self.server("--log-level", "warn")
        with server.connect() as client:
            ask(client)
        server.stop(signal.SIGTERM)
        self.assertEqual([e for e in server.all_events if e["level"] in ("info", "debug")], [])


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
