"""What tests of upgrades, reloads and resizes need: clients who verify all the time, and who runs which program."""

import hashlib
import os
import pathlib
import random
import shutil
import socket
import subprocess
import threading
import time

from support import BUILD, DEADLINE_S, SERVER, children, receive, title, until
from test_control import EXIT_DONE, ControlCase

IMAGES = BUILD / "images"
SETTLED_S = 20  # for everything to be as it should, after kills as well
KEEPERS_AND_WORKER = 3  # processes of a slot


class Talk:
    """Clients on connections that last: each sends a message of chance, waits for the answer, compares it, and again.

    All of them have a message under way at any moment, in a thread of their own, until stop()."""

    def __init__(self, server, count):
        self.faults, self.rounds, self.silence_s = [], 0, 0.0
        self.chance = random.Random()
        self.clients = [server.connect() for _ in range(count)]
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.clients and not self.stopped.is_set():
            sent = [(client, self.chance.randbytes(self.chance.choice((1, 64, 1000, 30000)))) for client in self.clients]
            begin = time.monotonic()
            for client, message in sent:
                self._try(client, lambda client=client, message=message: client.sendall(message))
            for client, message in sent:
                if client in self.clients:
                    self._try(client, lambda client=client, message=message: self._compare(client, message))
            self.silence_s = max(self.silence_s, time.monotonic() - begin)
            self.rounds += 1

    def _compare(self, client, message):
        answer = receive(client, len(message))
        if answer != message.upper():
            raise OSError(f"{len(answer)} bytes for {len(message)}, or wrong ones")

    def _try(self, client, step):
        try:
            step()
        except OSError as error:
            self.faults.append(f"round {self.rounds}: {error!r}")
            self.clients.remove(client)

    def go_on(self):
        """Returns when every client has been answered something that it sent from now on."""
        wanted = self.rounds + 2
        until(lambda: self.rounds >= wanted or not self.clients, "clients that are answered", SETTLED_S)

    def stop(self):
        self.stopped.set()
        self.thread.join(SETTLED_S)
        for client in self.clients:
            client.close()


def program(pid):
    """Which program a process runs: a sum over its bytes, since a copy has no name; None: it is gone."""
    try:
        return hashlib.sha256(pathlib.Path(f"/proc/{pid}/exe").read_bytes()).hexdigest()
    except (FileNotFoundError, ProcessLookupError, OSError):
        return None


class UpgradeCase(ControlCase):
    def image(self, name):
        return IMAGES / name

    def talk(self, server, count=12):
        """Verifying clients to the end of the test, which fails if any of them ever noticed anything."""
        talk = Talk(server, count)

        def check():
            talk.stop()
            self.assertEqual(talk.faults, [], "\n" + server.log())
            self.assertGreater(talk.rounds, 0)

        self.addCleanup(check)
        talk.go_on()
        return talk

    def programs(self, server):
        """The sums of all programs that the server's processes run: one, if all run the same."""
        return {program(pid) for pid in [server.pid] + children(server.pid)}

    def all_run(self, server, image, slots, protect=True):
        """Waits until there are all processes that there should be, and each runs that program."""
        wanted = {hashlib.sha256(pathlib.Path(image).read_bytes()).hexdigest()}
        count = slots * (KEEPERS_AND_WORKER if protect else 1) + 1
        until(lambda: len(children(server.pid)) == count and self.programs(server) == wanted,
              f"{count} processes that all run {image}:\n" + server.log(), SETTLED_S)
        self.assertEqual(sum("supervisor" in title(pid) for pid in children(server.pid)), 1)

    def upgrade(self, binary, code=EXIT_DONE):
        return self.run_command("upgrade", binary, code=code)

    def begin(self, *words):
        """A subcommand in the background; communicate() with it."""
        running = subprocess.Popen([str(SERVER), *map(str, words), "--control", self.path], cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self._give_up, running)
        return running

    def _give_up(self, running):
        if running.poll() is None:
            running.kill()
        running.communicate()

    def end(self, running):
        """(exit code, what it said on stderr)"""
        _, said = running.communicate(timeout=DEADLINE_S * 3)
        return running.returncode, said

    def copy_of(self, name, to):
        target = os.path.join(self.folder, to)
        shutil.copy(self.image(name), target)
        return target

    def is_refused(self, server):
        """No new connection is let in."""
        probe = socket.socket(server.family)
        probe.settimeout(DEADLINE_S)
        try:
            probe.connect(server.sockaddr)
        except ConnectionRefusedError:
            return True
        finally:
            probe.close()
        return False
