"""Whoever is killed, and whenever, while the server is upgraded: no client notices, and everything ends in order."""

import contextlib
import itertools
import os
import re
import signal
import time

from support import DEADLINE_S, EXIT_STOPPED, SERVER, alive, ask, children, descendants, title, until
from test_control import EXIT_DONE, EXIT_FAILED
from upgrades import KEEPERS_AND_WORKER, SETTLED_S, UpgradeCase, program

SLOTS = 2
DELAYS_MS = range(0, 160, 20)  # an upgrade of two slots with clients takes 100 to 200 ms


def process(server, name):
    """The pid of the server's child with that title, a regular expression, or None; of several that of the first slot."""
    titles = sorted((title(pid), pid) for pid in children(server.pid))
    return next((pid for text, pid in titles if re.fullmatch(f"prefork-upper: {name}", text)), None)


def kill(pid):
    """True: it was there to be killed."""
    with contextlib.suppress(ProcessLookupError, TypeError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


class KillCase(UpgradeCase):
    def setUp(self):
        super().setUp()
        self.begun = self.unprotected = 0
        self.images = itertools.cycle([self.image("next"), self.image("after_next")])

    def start_with_clients(self, *args, **options):
        self.running = self.start(*args, workers=SLOTS, **options)
        self.clients = self.talk(self.running)

    def begin_upgrade(self):
        self.begun += 1
        command = self.begin("upgrade", next(self.images))
        self.running.wait_event("operation_begun", count=self.begun)
        return command

    def settle(self, command):
        """The upgrade is done or called off with a reason, all run one program, every client is served. True: done."""
        code, said = self.end(command)
        self.assertIn(code, (EXIT_DONE, EXIT_FAILED), said)
        if code == EXIT_FAILED:
            self.assertIn("prefork-upper: upgrade", said.splitlines()[-1])
        self.clients.go_on()
        self.replace_unprotected()
        count = SLOTS * KEEPERS_AND_WORKER + 1
        until(lambda: len(children(self.running.pid)) == count and len(self.programs(self.running)) == 1,
              "all processes, which run one program:\n" + self.running.log(), SETTLED_S)
        return code == EXIT_DONE

    def replace_unprotected(self):
        """A keeper that dies while it is the only one leaves a slot that serves its clients, without protection, until they
        leave. They have been served; now they leave, and others come."""
        if len(self.running.events("slot_unprotected")) > self.unprotected:
            self.unprotected = len(self.running.events("slot_unprotected"))
            self.clients.stop()
            self.assertEqual(self.clients.faults, [])
            self.clients = self.talk(self.running)

    def kill_at_each_delay(self, name):
        """One upgrade a delay, in which the process of that title is killed so long after the beginning."""
        done = killed = 0
        for delay_ms in DELAYS_MS:
            command = self.begin_upgrade()
            time.sleep(delay_ms / 1000)  # the moment is what is varied
            killed += kill(process(self.running, name))
            done += self.settle(command)
        self.assertGreaterEqual(killed, len(DELAYS_MS) // 2, "kills that met somebody")
        return done


class AtAnyMoment(KillCase):
    def setUp(self):
        super().setUp()
        self.start_with_clients()

    def test_supervisor(self):
        self.assertEqual(self.kill_at_each_delay("supervisor"), len(DELAYS_MS), "upgrades that went on")

    def test_keeper_a(self):
        self.assertGreater(self.kill_at_each_delay("keeper . a"), 0)

    def test_keeper_b(self):
        self.assertGreater(self.kill_at_each_delay("keeper . b"), 0)

    def test_worker(self):
        self.assertEqual(self.kill_at_each_delay("worker ."), len(DELAYS_MS), "upgrades that went on")

    def test_keeper_of_the_last_slot(self):
        self.assertGreater(self.kill_at_each_delay("keeper [1-9] a"), 0)


class AtAStage(KillCase):
    """Killed in the moment when it is seen."""

    def setUp(self):
        super().setUp()
        self.start_with_clients()

    def watch(self, seen):
        """Without the pauses of until(): what is waited for passes quickly."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if found := seen():
                return found
        raise AssertionError("never seen:\n" + self.running.log())

    def kill_when(self, seen):
        """One upgrade, in which the process that seen() returns is killed at once."""
        command = self.begin_upgrade()
        kill(self.watch(seen))
        return self.settle(command)

    def test_checker__refused__works_again(self):
        def checker():
            return next((pid for pid in descendants(self.running.supervisor()) if title(pid) == "prefork-upper: checker"), None)

        path = self.image("hang_start")  # its check takes as long as can be
        command = self.begin("upgrade", path)
        kill(self.watch(checker))
        self.assertEqual(self.end(command)[0], EXIT_FAILED)
        self.all_run(self.running, SERVER, SLOTS)
        self.upgrade(self.image("next"))
        self.all_run(self.running, self.image("next"), SLOTS)

    def test_keeper_that_has_just_become_the_new_image__tried_again(self):
        for _ in range(3):
            old = program(self.running.pid)

            def new_keeper():
                pid = process(self.running, "keeper . a")
                return pid if pid and program(pid) not in (old, None) else None

            self.assertTrue(self.kill_when(new_keeper))

    def test_new_worker_at_its_birth(self):
        for _ in range(3):
            old = process(self.running, "worker .")

            def new_worker():
                pid = process(self.running, "worker .")
                return pid if pid != old else None

            self.assertTrue(self.kill_when(new_worker))

    def test_supervisor__when_the_canary_serves(self):
        for number in range(1, 4):
            def canary_serves(number=number):
                return len(self.running.events("worker_replaced", slot=0)) >= number and process(self.running, "supervisor")

            self.assertTrue(self.kill_when(canary_serves))

    def test_supervisor__when_all_but_the_master_have_gone_over(self):
        for _ in range(3):
            old = process(self.running, "supervisor")

            def new_one():
                pid = process(self.running, "supervisor")
                return pid if pid != old else None

            self.assertTrue(self.kill_when(new_one))


class Ends(KillCase):
    """The end of the server in the middle of an upgrade."""

    def leave(self, clients):
        clients.stop()
        self.assertEqual(clients.faults, [])

    def test_term__in_order(self):
        for delay_ms in DELAYS_MS[::2]:
            with self.subTest(delay_ms=delay_ms):
                self.begun = 0
                self.start_with_clients()
                command = self.begin_upgrade()
                time.sleep(delay_ms / 1000)
                self.running.send_signal(signal.SIGTERM)
                self.running.wait_event("draining")
                self.clients.go_on()
                self.leave(self.clients)
                self.assertEqual(self.running.wait(), EXIT_STOPPED)
                self.end(command)

    def test_quit__at_once(self):
        for delay_ms in DELAYS_MS[::3]:
            with self.subTest(delay_ms=delay_ms):
                self.begun = 0
                self.running = self.start(workers=SLOTS)
                ask(self.connect(self.running))
                command = self.begin_upgrade()
                time.sleep(delay_ms / 1000)
                self.assertEqual(self.running.stop(signal.SIGQUIT), EXIT_STOPPED)
                self.end(command)

    def test_master_killed__port_is_free_and_all_end(self):
        for delay_ms in DELAYS_MS[::2]:
            with self.subTest(delay_ms=delay_ms):
                self.begun = 0
                self.running = self.start("--drain-timeout", "1s", workers=SLOTS)
                client = self.connect(self.running)
                self.assertEqual(ask(client), b"HELLO")
                command = self.begin_upgrade()
                time.sleep(delay_ms / 1000)
                os.kill(self.running.pid, signal.SIGKILL)
                self.assertEqual(self.running.process.wait(DEADLINE_S), -signal.SIGKILL)
                self.assertNotEqual(self.end(command)[0], EXIT_DONE)
                until(lambda: self.is_refused(self.running), "a port that is free")
                until(lambda: not descendants(os.getpid()), "the end of all")


class AtOnce(KillCase):
    def test_second_upgrade_while_one_is_under_way__refused__the_first_goes_on(self):
        self.start_with_clients()
        self.clients.stop()  # so that the canary is proven by time: there is time for the second one
        command = self.begin_upgrade()
        second = self.upgrade(self.image("after_next"), code=EXIT_FAILED)
        self.assertIn("another upgrade is under way", second.stderr)
        self.assertEqual(self.end(command)[0], EXIT_DONE)
        self.all_run(self.running, self.image("next"), SLOTS)

    def test_scale_and_reload_during_an_upgrade__all_done(self):
        self.start_with_clients()
        command = self.begin_upgrade()
        self.run_command("scale", 4)
        self.run_command("reload")
        self.assertEqual(self.end(command)[0], EXIT_DONE)
        self.all_run(self.running, self.image("next"), 4)
        self.clients.go_on()

    def test_scale_down_during_an_upgrade__all_done(self):
        self.start_with_clients()
        self.run_command("scale", 4)
        self.begun += 1
        command = self.begin_upgrade()
        self.run_command("scale", 2)
        self.assertEqual(self.end(command)[0], EXIT_DONE)
        self.clients.go_on()
        self.clients.stop()
        self.all_run(self.running, self.image("next"), 2)

    def test_other_clients_come_and_go_during_an_upgrade__none_refused(self):
        self.start_with_clients()
        command = self.begin_upgrade()
        while command.poll() is None:
            with self.running.connect() as client:
                self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(self.end(command)[0], EXIT_DONE)
        self.assertTrue(alive(self.running.pid))
