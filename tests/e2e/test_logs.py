"""The log: JSON, a file that is moved, full or gone, the journal. Nothing of that may concern a client."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import unittest

from support import EXIT_START_FAILED, EXIT_STOPPED, TestCase, ask, children, free_port, parse_event, title, until


def worker_pid(server, slot):
    """The worker that the kernel knows; the log may be nowhere."""
    return next((pid for pid in children(server.pid) if title(pid) == f"prefork-upper: worker {slot}"), None)


def kill_worker(server, slot):
    """A worker dies and is replaced; the log is not asked."""
    pid = until(lambda: worker_pid(server, slot), "a worker")
    os.kill(pid, signal.SIGKILL)
    return until(lambda: (other := worker_pid(server, slot)) != pid and other, "its successor")


def events_in(path, name, **match):
    """Events of that name in a file; every line of it must be whole, but for a last one that is being written."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    events = [parse_event(line) for line in lines]
    torn = [line for line, event in zip(lines, events) if not event]
    if torn:
        raise AssertionError(f"no event: {torn}")
    return [e for e in events if e["event"] == name and all(e.get(k) == str(v) for k, v in match.items())]


def wait_in(path, name, **match):
    return until(lambda: events_in(path, name, **match), f"{name} {match} in {path}")[-1]


class Json(TestCase):
    def test_every_line_of_a_run_with_a_death__an_object_with_typed_values(self):
        server = self.server("--log-format", "json")
        [pid, _] = server.wait_workers(2)
        with server.connect() as client:
            ask(client)
        os.kill(pid, signal.SIGKILL)
        server.wait_event("incident")
        self.assertEqual(server.stop(), EXIT_STOPPED)
        lines = [json.loads(line) for line in server.lines]
        self.assertGreater(len(lines), 8)
        for line in lines:
            self.assertEqual(list(line)[:3], ["time", "level", "event"])
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        death = next(line for line in lines if line["event"] == "worker_died")
        self.assertEqual((death["slot"], death["pid"], death["cause"]), (0, pid, "SIGKILL"))
        replaced = next(line for line in lines if line["event"] == "worker_replaced")
        self.assertIsInstance(replaced["gap_ms"], float)
        serving = next(line for line in lines if line["event"] == "serving")
        self.assertEqual(serving["try"], f"nc 127.0.0.1 {server.port}")  # quoted in the text form
        self.assertEqual(lines[-1]["event"], "stopped")

    def test_unknown_format__refused(self):
        self.fails_to_start("--log-format", "xml", code=64, words=["--log-format", "xml", "text or json"])


class File(TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.folder, "logs", "upper.log")
        self.path.parent.mkdir()

    def start(self, *args, **options):
        return self.server("--log-file", self.path, *args, **options)

    def test_whole_run__in_the_file_and_nothing_on_stderr(self):
        server = self.start(preexec=lambda: os.umask(0o022))
        with server.connect() as client:
            ask(client)
        self.assertEqual(server.stop(), EXIT_STOPPED)
        for name in ("serving", "accepted", "slot_summary", "stopped"):
            self.assertTrue(events_in(self.path, name), name)
        self.assertEqual(server.lines, [])
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)

    def test_second_run__appended(self):
        for _ in range(2):
            self.assertEqual(self.start().stop(), EXIT_STOPPED)
        self.assertEqual(len(events_in(self.path, "stopped")), 2)

    def test_no_folder__start_fails_with_one_line(self):
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--log-file", "/nowhere/log", code=EXIT_START_FAILED,
                            words=["--log-file", "/nowhere/log", "No such file"])

    def test_supervisor_dies__the_next_one_writes_there_too(self):
        server = self.start()
        wait_in(self.path, "serving")
        os.kill(server.supervisor(), signal.SIGKILL)
        wait_in(self.path, "supervisor_started")
        self.assertEqual(server.lines, [])

    def test_file__open_in_the_supervisor_alone(self):
        """Who else held it would keep a moved file and its disk in use, for as long as a worker lives."""
        for protect in ("on", "off"):
            with self.subTest(protect=protect):
                server = self.start("--protect", protect)
                wait_in(self.path, "serving")
                kill_worker(server, 0)
                holders = [pid for pid in server.processes() if holds(pid, "upper.log")]
                self.assertEqual(holders, [server.supervisor()])
                self.assertEqual(server.stop(), EXIT_STOPPED)
                self.path.unlink()

    def test_moved_and_usr1__goes_on_in_a_new_file(self):
        server = self.start()
        wait_in(self.path, "serving")
        old = self.path.with_suffix(".1")
        self.path.rename(old)
        kill_worker(server, 0)
        wait_in(old, "worker_replaced", slot=0)  # until it is told, it writes to the old one
        for _ in range(5):
            server.send_signal(signal.SIGUSR1)
        wait_in(self.path, "log_reopened", why="asked")
        kill_worker(server, 1)
        wait_in(self.path, "worker_replaced", slot=1)
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertEqual(events_in(old, "worker_replaced", slot=1) + events_in(old, "stopped"), [])
        self.assertEqual(len(events_in(self.path, "stopped")), 1)

    def test_usr1_that_cannot_open__old_file_is_kept_and_says_why(self):
        server = self.start()
        wait_in(self.path, "serving")
        old = pathlib.Path(self.folder, "old")
        self.path.rename(old)
        self.path.parent.rmdir()
        server.send_signal(signal.SIGUSR1)
        self.assertEqual(wait_in(old, "failed")["what"], "log_reopen")
        kill_worker(server, 0)
        wait_in(old, "worker_replaced", slot=0)

    def test_usr1_without_a_file__said(self):
        server = self.server()
        server.send_signal(signal.SIGUSR1)
        self.assertEqual(server.wait_event("failed")["what"], "log_reopen")

    def test_folder_removed_in_the_run__serves_on_and_says_what_was_lost(self):
        server = self.start()
        wait_in(self.path, "serving")
        client = self.connect(server)
        shutil.rmtree(self.path.parent)
        # The file without a name is met within a second, and given up.
        until(lambda: not holds(server.supervisor(), "upper.log (deleted)"), "the removed file closed")
        kill_worker(server, 0)
        kill_worker(server, 1)
        self.assertEqual(ask(client), b"HELLO")
        self.path.parent.mkdir()
        self.assertGreaterEqual(int(wait_in(self.path, "log_lost")["count"]), 4)
        wait_in(self.path, "log_reopened", why="removed")

    def test_file_removed__made_again(self):
        self.start()
        wait_in(self.path, "serving")
        self.path.unlink()
        wait_in(self.path, "log_reopened", why="removed")


def holds(pid, name):
    """Has the process a file open whose name ends so?"""
    return any(os.readlink(link).endswith(name) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())


class Full(TestCase):
    def check_full(self, server, path, make_room):
        """Workers die while no line can be written, and then there is room."""
        client = self.connect(server)
        ask(client)
        for slot in (0, 1, 0):
            kill_worker(server, slot)
            self.assertEqual(ask(client, b"still there?"), b"STILL THERE?")
        make_room()
        kill_worker(server, 0)
        lost = wait_in(path, "log_lost")
        self.assertGreaterEqual(int(lost["count"]), 3 * 2)  # at least worker_died and worker_started of each
        wait_in(path, "worker_replaced")
        client.close()
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertEqual(len(events_in(path, "stopped")), 1)

    def test_device_without_room__lost_lines_are_told_after_reopening(self):
        path, link = pathlib.Path(self.folder, "real.log"), pathlib.Path(self.folder, "upper.log")
        link.symlink_to("/dev/full")
        server = self.server("--log-file", link)

        def make_room():
            os.kill(server.supervisor(), signal.SIGKILL)  # what it has counted is not forgotten
            link.unlink()
            link.symlink_to(path)
            server.send_signal(signal.SIGUSR1)
            wait_in(path, "log_reopened")

        self.check_full(server, path, make_room)

    def test_file_system_full__goes_on_by_itself_when_there_is_room(self):
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("no file system may be mounted here")
        disk = pathlib.Path(self.folder, "disk")
        disk.mkdir()
        mount = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=64k none {disk} && exec "$@"', "sh"]
        server = self.server("--log-file", disk / "upper.log", prefix=mount)
        inside = pathlib.Path(f"/proc/{server.pid}/root{disk}")
        wait_in(inside / "upper.log", "serving")
        fill(inside / "filler")
        # The last page of the log has room still: it is used up too.
        until(lambda: (kill_worker(server, 0) and (inside / "upper.log").stat().st_size % 4096 == 0), "the log full")
        keep = os.open(inside, os.O_RDONLY)  # the way in when the server has ended
        self.addCleanup(os.close, keep)
        self.check_full(server, pathlib.Path(f"/proc/self/fd/{keep}/upper.log"), (inside / "filler").unlink)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"." * 4096)
        except OSError:
            pass


class Journal(TestCase):
    def start(self, is_named, *args):
        """A server whose stderr is a socket; JOURNAL_STREAM names it, or another."""
        self.reading, writing = socket.socketpair()
        self.addCleanup(self.reading.close)
        status = os.fstat((writing if is_named else self.reading).fileno())
        env = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        server = self.server(*args, env=env, stderr=writing)
        writing.close()
        self.assertEqual(server.stop(), EXIT_STOPPED)
        with self.reading.makefile("r") as stream:
            return stream.read().splitlines()

    def test_stderr_is_the_journal__priority_and_event_alone(self):
        lines = self.start(True)
        self.assertGreater(len(lines), 4)
        for line in lines:
            self.assertRegex(line, r"^<[3467]>event=\w+")
        self.assertTrue(any(line.startswith("<6>event=serving ") for line in lines))

    def test_stderr_is_the_journal_and_json__priority_before_the_object(self):
        for line in self.start(True, "--log-format", "json"):
            self.assertRegex(line, r"^<[3467]>\{")
            json.loads(line[3:])

    def test_stderr_is_another_socket__time_and_level(self):
        for line in self.start(False):
            self.assertIsNotNone(parse_event(line), line)


if __name__ == "__main__":
    unittest.main()
