"""Upgrades to what is no good: exit 1, one line says why, the old program serves on, and no client notices."""

import os
import pathlib
import signal

from support import DEADLINE_S, SERVER, ask, descendants, until
from test_control import EXIT_FAILED
from upgrades import UpgradeCase

NOT_TRIED = "no keeper ever went over to it"


class Bad(UpgradeCase):
    slots = 2

    def start_with_clients(self, *args):
        self.running = self.start(*args, workers=self.slots)
        self.clients = self.talk(self.running)

    def refused(self, binary, *words):
        """The upgrade fails, its last line says why, and all is as before."""
        said = self.upgrade(binary, code=EXIT_FAILED).stderr.splitlines()[-1]
        for word in ("prefork-upper: upgrade", *words):
            self.assertIn(word, said)
        self.all_run(self.running, SERVER, self.slots)
        self.clients.go_on()
        return said

    def works_again(self):
        self.upgrade(self.image("next"))
        self.all_run(self.running, self.image("next"), self.slots)
        self.clients.go_on()

    def nobody_went_over(self):
        self.assertEqual(self.running.events("worker_left") + self.running.events("worker_died"), [], NOT_TRIED)


class Files(Bad):
    """What is no program of ours is found out before anybody goes over to it."""

    def setUp(self):
        super().setUp()
        self.start_with_clients()
        self.addCleanup(self.nobody_went_over)

    def file(self, content, mode=0o755):
        path = pathlib.Path(self.folder, "binary")
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def test_missing(self):
        self.refused("missing", "No such file or directory")

    def test_in_a_folder_that_is_none(self):
        self.refused(self.file(b"") / "binary", "Not a directory")

    def test_not_executable(self):
        self.refused(self.file(SERVER.read_bytes(), mode=0o644), "it is not executable")

    def test_folder(self):
        self.refused(self.folder, "it is no regular file")

    def test_fifo__nobody_waits_for_a_writer(self):
        path = os.path.join(self.folder, "fifo")
        os.mkfifo(path, 0o755)
        self.refused(path, "it is no regular file")

    def test_device__nobody_reads_it(self):
        self.refused("/dev/zero", "it is no regular file")

    def test_link_into_nowhere(self):
        path = os.path.join(self.folder, "link")
        os.symlink("nowhere", path)
        self.refused(path, "No such file or directory")

    def test_empty(self):
        self.refused(self.file(b""), "it cannot be executed")

    def test_text(self):
        self.refused(self.file(b"not a program\n"), "it cannot be executed")

    def test_cut_short(self):
        self.refused(self.file(SERVER.read_bytes()[:8192]))

    def test_script_that_lies(self):
        self.refused(self.file(b"#!/bin/sh\nexit 0\n"), "it is no prefork-upper")

    def test_another_program(self):
        self.refused("/bin/true", "it is no prefork-upper")

    def test_path_too_long(self):
        self.refused("/" + "x" * 4000)


class Checked(Bad):
    """Bad versions that the check run finds out."""

    def setUp(self):
        super().setUp()
        self.start_with_clients()

    def test_crashes_at_its_start(self):
        self.refused(self.image("crash_start"), "SIGABRT")
        self.nobody_went_over()

    def test_exits_at_its_start(self):
        self.refused(self.image("exit_start"), "its check exited with 3")
        self.nobody_went_over()

    def test_never_ends_its_check(self):
        self.refused(self.image("hang_start"), "did not end within 5 s")
        self.nobody_went_over()

    def test_other_layout__says_that_it_needs_a_restart(self):
        self.refused(self.image("other_layout"), "it needs a restart")
        self.nobody_went_over()


class Tried(Bad):
    """Bad versions that only show what they are when a process has become one: the canary slot goes back."""

    def setUp(self):
        super().setUp()
        self.start_with_clients()

    def refused_at_the_canary(self, image, *words):
        self.refused(self.image(image), *words)
        left = [event["slot"] for event in self.running.events("worker_left")]
        self.assertEqual(set(left), {"0"}, "the slots that were tried")

    def test_crashes_as_a_keeper(self):
        self.refused_at_the_canary("crash_keeper", "died at its start")

    def test_exits_as_a_keeper(self):
        self.refused_at_the_canary("exit_keeper", "died at its start")

    def test_keeper_never_says_that_it_is_ready(self):
        self.refused_at_the_canary("mute_keeper", "did not say that it is ready")

    def test_crashes_as_a_worker(self):
        self.refused_at_the_canary("crash_worker", "died before it had answered anything")

    def test_exits_as_a_worker(self):
        self.refused_at_the_canary("exit_worker", "died before it had answered anything")

    def test_worker_never_serves(self):
        self.refused_at_the_canary("mute_worker", "died before it had answered anything")
        self.assertLess(self.clients.silence_s, 6)  # 3 s, and room for a busy machine

    def test_crashes_at_the_first_bytes(self):
        self.refused_at_the_canary("crash_late", "died before it had answered anything")


class Last(Bad):
    """Bad as a supervisor, which is the last to be made: all have gone over by then, and all go back."""

    def setUp(self):
        super().setUp()
        self.start_with_clients()

    def test_supervisor_crashes(self):
        self.refused(self.image("crash_supervisor"), "its supervisors died or hung at their start")
        self.assertEqual(self.status()["pid"], self.running.pid)
        self.works_again()

    def test_supervisor_does_nothing(self):
        self.refused(self.image("mute_supervisor"), "its supervisors died or hung at their start")
        self.works_again()


class Again(Bad):
    def test_each_bad_one_in_turn__then_a_good_one_at_the_same_path(self):
        self.start_with_clients()
        for image in ("crash_keeper", "exit_start", "crash_worker", "crash_late", "exit_keeper", "other_layout"):
            self.refused(self.copy_of(image, "binary"))
        self.upgrade(self.copy_of("next", "binary"))
        self.all_run(self.running, self.image("next"), self.slots)
        self.clients.go_on()

    def test_bad_one_after_a_good_one__back_to_the_good_one(self):
        self.start_with_clients()
        self.upgrade(self.image("next"))
        for image in ("crash_keeper", "crash_late"):
            self.upgrade(self.image(image), code=EXIT_FAILED)
            self.all_run(self.running, self.image("next"), self.slots)
        self.clients.go_on()

    def test_usr2__bad_file_at_the_old_path__then_a_good_one(self):
        path = self.copy_of("after_next", "binary")
        self.start_with_clients()
        self.upgrade(path)
        os.replace(self.copy_of("crash_worker", "fresh"), path)
        self.running.send_signal(signal.SIGUSR2)
        self.running.wait_event("operation_failed")
        self.all_run(self.running, self.image("after_next"), self.slots)
        os.replace(self.copy_of("next", "fresh"), path)
        self.running.send_signal(signal.SIGUSR2)
        self.all_run(self.running, self.image("next"), self.slots)
        self.clients.go_on()

    def test_unprotected__its_workers_crash__old_ones_serve(self):
        self.running = self.start("--protect", "off", workers=2)
        client = self.connect(self.running)
        self.assertEqual(ask(client), b"HELLO")
        self.upgrade(self.image("crash_worker"), code=EXIT_FAILED)
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.all_run(self.running, SERVER, 2, protect=False)
        self.assertEqual(ask(self.connect(self.running)), b"HELLO")

    def test_unix_sockets__crashes_at_the_first_bytes(self):
        self.running = self.start(bind=f"unix:{self.folder}/server.sock", workers=2)
        client = self.connect(self.running)
        self.assertEqual(ask(client), b"HELLO")
        self.upgrade(self.image("crash_worker"), code=EXIT_FAILED)
        self.assertEqual(ask(client), b"HELLO")


class Limit(UpgradeCase):
    def test_master_crashes_as_the_new_one__as_when_a_master_dies(self):
        """The one bad version that cannot be taken back: README says so."""
        server = self.start("--drain-timeout", "5s", workers=2)
        client = self.connect(server)
        self.assertEqual(ask(client), b"HELLO")
        running = self.begin("upgrade", self.image("crash_master"), "--timeout", "5s")
        self.assertEqual(server.process.wait(DEADLINE_S), -signal.SIGABRT)
        until(lambda: self.is_refused(server), "a port that is free")
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertNotEqual(self.end(running)[0], 0)
        until(lambda: not descendants(os.getpid()), "the end of all")
