"""Upgrades to good programs: the pid stays, every process runs the new one, and no client notices."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

from support import DEADLINE_S, EXIT_STOPPED, SERVER, ask, children, descriptors, title, until
from test_control import EXIT_FAILED
from upgrades import UpgradeCase


class Good(UpgradeCase):
    def test_next_version__same_pid__all_processes_run_it__clients_notice_nothing(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        before = self.status()
        result = self.upgrade(self.image("next"))
        self.assertEqual(result.stdout, f"upgrade {self.image('next')}: done\n")
        self.all_run(server, self.image("next"), 2)
        after = self.status()
        self.assertEqual(after["pid"], server.pid)
        self.assertNotEqual(after["build"], before["build"])
        self.assertEqual((before["image"], after["image"], after["image_wanted"]), (1, 2, 2))
        self.assertEqual({slot["image"] for slot in after["slots"]}, {2})
        self.assertEqual(server.events("worker_died") + server.events("keeper_died") + server.events("supervisor_died"), [])
        talk.go_on()

    def test_twice__and_back_to_the_first(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        for image in (self.image("next"), self.image("after_next"), SERVER):
            self.upgrade(image)
            self.all_run(server, image, 2)
        talk.go_on()

    def test_no_client_at_all__proven_by_time(self):
        server = self.start(workers=2)
        self.upgrade(self.image("next"))
        self.all_run(server, self.image("next"), 2)
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_usr2__the_file_at_the_old_path(self):
        path = shutil.copy(SERVER, os.path.join(self.folder, "server"))
        server = self.start(workers=1)
        self.upgrade(path)
        os.replace(self.copy_of("next", "fresh"), path)
        server.send_signal(signal.SIGUSR2)
        self.all_run(server, self.image("next"), 1)

    def test_usr2__a_hundred_at_once__no_harm(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        for _ in range(100):
            server.send_signal(signal.SIGUSR2)
        server.wait_event("upgraded")
        self.all_run(server, SERVER, 2)
        talk.go_on()

    def test_log_file__goes_on_in_the_new_one__with_its_format(self):
        server = self.start("--log-file", "server.log", "--log-format", "json", workers=1)
        self.upgrade(self.image("next"))
        self.all_run(server, self.image("next"), 1)
        lines = pathlib.Path(self.folder, "server.log").read_text().splitlines()
        events = [json.loads(line)["event"] for line in lines]
        for event in ("operation_begun", "upgraded", "operation_done"):
            self.assertEqual(events.count(event), 1, lines)

    def test_then_scale_then_supervisor_killed__remade_as_ever(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.upgrade(self.image("next"))
        self.run_command("scale", 4)
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("supervisor_died")
        self.all_run(server, self.image("next"), 4)
        self.assertEqual(self.status()["workers"], 4)
        victim = next(pid for pid in children(server.pid) if title(pid) == "prefork-upper: worker 3")
        os.kill(victim, signal.SIGKILL)
        server.wait_event("worker_replaced", slot=3)
        self.all_run(server, self.image("next"), 4)
        talk.go_on()

    def test_then_every_slot_dies_once__successors_run_the_new_one(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.upgrade(self.image("next"))
        for slot in self.status()["slots"]:
            os.kill(slot["pid"], signal.SIGKILL)
        server.wait_event("incident", count=2)
        self.all_run(server, self.image("next"), 2)
        talk.go_on()

    def test_configuration_file__read_anew_by_the_new_master(self):
        config = pathlib.Path(self.folder, "server.conf")
        config.write_text("workers = 2\n")
        server = self.start("-c", "server.conf", "--pid-file", "server.pid", "--log-level", "info", workers=None)
        talk = self.talk(server)
        self.upgrade(self.image("next"))
        config.write_text("workers = 3\n")
        self.run_command("reload")
        self.all_run(server, self.image("next"), 3)
        talk.go_on()
        talk.stop()
        self.assertEqual(pathlib.Path(self.folder, "server.pid").read_text().strip(), str(server.pid))
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "server.pid")))
        self.assertFalse(os.path.exists(self.path))

    def test_configuration_file_gone_bad__upgrade_refused__line_says_where(self):
        config = pathlib.Path(self.folder, "server.conf")
        config.write_text("workers = 2\n")
        server = self.start("-c", "server.conf", workers=None)
        config.write_text("wrokers = 2\n")
        self.assertIn("server.conf:1", self.upgrade(self.image("next"), code=EXIT_FAILED).stderr)
        self.all_run(server, SERVER, 2)

    def test_configuration_file_gone_bad_after_the_check__service_goes_on(self):
        config = pathlib.Path(self.folder, "server.conf")
        config.write_text("workers = 2\n")
        server = self.start("-c", "server.conf", workers=None)
        talk = self.talk(server)
        running = self.begin("upgrade", self.image("next"))
        server.wait_event("worker_left")
        config.write_text("wrokers = 2\n")
        self.assertEqual(self.end(running)[0], 0)
        self.all_run(server, self.image("next"), 2)
        self.assertEqual(self.status()["workers"], 2)
        talk.go_on()

    def test_unix_sockets__clients_notice_nothing(self):
        server = self.start(bind=f"unix:{self.folder}/server.sock", workers=2)
        talk = self.talk(server)
        for image in (self.image("next"), self.image("after_next")):
            self.upgrade(image)
            self.all_run(server, image, 2)
        talk.go_on()
        talk.stop()
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "server.sock")))

    def test_long_answer_under_way__whole(self):
        server = self.start(workers=1)
        client = self.connect(server)
        data = os.urandom(1 << 20)
        sent = 0
        client.setblocking(False)
        while sent < 64 << 20:  # until both directions are full: the worker is in the middle of an answer
            try:
                sent += client.send(data[sent % len(data):])
            except BlockingIOError:
                break
        client.settimeout(DEADLINE_S)
        self.upgrade(self.image("next"))
        client.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while part := client.recv(1 << 20):
            answer += part
        whole = (data * (sent // len(data) + 1))[:sent]
        self.assertTrue(bytes(answer) == whole.upper(), f"{len(answer)} of {sent} bytes, or wrong ones")

    def test_replaced_by_another_file_after_the_check__what_was_checked_runs(self):
        server = self.start(workers=2)
        path = self.copy_of("next", "binary")
        talk = self.talk(server)
        running = self.begin("upgrade", path)
        server.wait_event("worker_left")
        pathlib.Path(self.folder, "other").write_text("#!/bin/false\n")
        os.replace(os.path.join(self.folder, "other"), path)
        self.assertEqual(self.end(running)[0], 0)
        self.all_run(server, self.image("next"), 2)
        talk.go_on()


class Unprotected(UpgradeCase):
    def test_connections_stay_with_old_workers__until_they_leave(self):
        server = self.start("--protect", "off", workers=2)
        old = server.wait_workers(2)
        clients = [self.connect(server) for _ in range(8)]
        for client in clients:
            self.assertEqual(ask(client), b"HELLO")
        self.upgrade(self.image("next"))
        for client in clients:
            self.assertEqual(ask(client), b"HELLO")
        until(lambda: all(os.path.exists(f"/proc/{pid}") for pid in old), "old workers that serve on")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        for client in clients:
            client.close()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in old), "the end of the old workers")
        self.all_run(server, self.image("next"), 2, protect=False)


class Leftovers(UpgradeCase):
    """Ten upgrades leave no more behind than two."""

    def state(self, server):
        held = {}
        for pid in [server.pid] + children(server.pid):
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            held[title(pid)] = (descriptors(pid), sum("prefork-upper-image" in link for link in links))
        return held

    def zombies(self, server):
        states = subprocess.run(["ps", "-o", "stat=", "--ppid", str(server.pid)], capture_output=True, text=True).stdout
        return re.findall("Z", states)

    def test_ten_upgrades__descriptors_and_copies_as_after_two(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        after = {}
        for number in range(1, 11):
            image = self.image("next" if number % 2 else "after_next")
            self.upgrade(image)
            if number in (2, 10):
                self.all_run(server, image, 2)
                until(lambda: not self.zombies(server), "no zombie")
                after[number] = self.state(server)
        self.assertEqual(after[10], after[2])
        self.assertEqual(after[10]["prefork-upper: master"][1], 2)
        talk.go_on()
