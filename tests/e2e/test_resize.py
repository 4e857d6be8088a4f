"""More workers, fewer, new ones, and none that accept: the connections that exist stay."""

import ctypes
import os
import signal
import socket

from support import SERVER, ask, children, until
from test_control import EXIT_FAILED
from upgrades import SETTLED_S, UpgradeCase

PIDFD_GETFD = 438
# Set on the listener, and inherited by every connection.
OPTIONS = {"nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY), "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
           "keepidle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), "oobinline": (socket.SOL_SOCKET, socket.SO_OOBINLINE),
           "user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)}


class ResizeCase(UpgradeCase):
    def slots(self):
        return {slot["slot"]: slot for slot in self.status()["slots"]}

    def wait_slots(self, condition, what):
        return until(lambda: (slots := self.slots()) and condition(slots) and slots, what, SETTLED_S)

    def wait_workers(self, count):
        until(lambda: self.status()["workers"] == count, f"{count} workers wanted")


class Scale(ResizeCase):
    def test_four_eight_two_four__clients_notice_nothing(self):
        server = self.start(workers=4)
        talk = self.talk(server, count=24)
        for count in (8, 2, 4):
            self.run_command("scale", count)
            self.assertEqual(self.status()["workers"], count)
            talk.go_on()
        talk.stop()
        self.all_run(server, SERVER, 4)

    def test_ttin_and_ttou__one_more_and_one_fewer__never_none(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        for number, count in ((signal.SIGTTIN, 3), (signal.SIGTTIN, 4), (signal.SIGTTOU, 3)):
            server.send_signal(number)
            self.wait_workers(count)
        for count in (2, 1):  # one by one: the kernel merges equal signals that wait
            server.send_signal(signal.SIGTTOU)
            self.wait_workers(count)
        server.send_signal(signal.SIGTTOU)
        server.wait_event("operation_done", number=6)
        self.assertEqual(self.status()["workers"], 1)
        talk.go_on()
        talk.stop()
        self.all_run(server, SERVER, 1)

    def test_slot_that_goes_out__serves_its_clients_alone__taken_back_as_it_is(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        before = self.wait_slots(lambda slots: all(slot["connections"] for slot in slots.values()), "clients in both slots")
        self.run_command("scale", 1)
        out = self.slots()[1]
        self.assertEqual((out["going_out"], out["pid"]), (True, before[1]["pid"]))
        others = [self.connect(server) for _ in range(10)]
        for other in others:
            self.assertEqual(ask(other), b"HELLO")
        self.assertLessEqual(self.slots()[1]["connections"], before[1]["connections"], "a slot that goes out takes no new ones")
        talk.go_on()
        self.run_command("scale", 2)
        back = self.slots()
        self.assertEqual((back[1]["going_out"], back[1]["pid"], len(back)), (False, before[1]["pid"], 2))
        talk.go_on()

    def test_slot_that_goes_out__ends_with_its_last_client(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.run_command("scale", 1)
        self.assertEqual(len(self.slots()), 2)
        talk.stop()
        self.all_run(server, SERVER, 1)
        self.assertEqual(list(self.slots()), [0])

    def test_slot_that_goes_out__its_worker_killed__its_clients_go_on(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.run_command("scale", 1)
        os.kill(self.slots()[1]["pid"], signal.SIGKILL)
        server.wait_event("worker_replaced", slot=1)
        self.assertTrue(self.slots()[1]["going_out"])
        talk.go_on()

    def test_another_number_before_the_first_is_reached__the_last_one_holds(self):
        server = self.start(workers=2)
        commands = [self.begin("scale", count) for count in (16, 3, 12, 2)]
        codes = [self.end(command)[0] for command in commands]
        self.assertLessEqual(set(codes), {0, EXIT_FAILED})
        self.run_command("scale", 3)
        self.all_run(server, SERVER, 3)

    def test_unprotected__connections_stay(self):
        server = self.start("--protect", "off", workers=4)
        talk = self.talk(server, count=24)
        for count in (8, 2, 4):
            self.run_command("scale", count)
            talk.go_on()
        talk.stop()
        self.all_run(server, SERVER, 4, protect=False)


class Restart(ResizeCase):
    def test_each_slot_under_load__another_worker__clients_notice_nothing(self):
        server = self.start(workers=3)
        talk = self.talk(server)
        before = self.slots()
        for slot in before:
            self.run_command("restart", slot)
            talk.go_on()
        after = self.slots()
        self.assertEqual({slot["generation"] for slot in after.values()}, {2})
        self.assertEqual(server.events("worker_died"), [])

    def test_slot_that_goes_out__refused(self):
        server = self.start(workers=2)
        self.talk(server)
        self.run_command("scale", 1)
        self.assertIn("no such slot is in use", self.run_command("restart", 1, code=EXIT_FAILED).stderr)


class Drain(ResizeCase):
    def drain(self, server):
        """Begins it, and returns when no new connection is let in."""
        command = self.begin("drain")
        until(lambda: self.is_refused(server), "connects that are refused")
        return command

    def options(self, client):
        """Options of the server's end of a connection, as its worker holds it."""
        host, port = client.getsockname()
        [connection] = [c for c in self.status("--connections")["connections"] if c["peer"] == f"{host}:{port}"]
        pidfd = os.pidfd_open(self.slots()[connection["slot"]]["pid"])
        fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, connection["fd"], 0)
        os.close(pidfd)
        self.assertGreaterEqual(fd, 0, os.strerror(ctypes.get_errno()))
        with socket.socket(fileno=fd) as end:
            values = {name: end.getsockopt(level, option) for name, (level, option) in OPTIONS.items()}
        return values

    def test_new_ones_refused_until_off__those_that_exist_are_served__options_inherited_again(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        client = self.connect(server)
        ask(client)
        first = self.options(client)
        self.assertTrue(first["nodelay"] and first["keepalive"] and first["oobinline"] and first["user_timeout"], first)
        command = self.drain(server)
        talk.go_on()
        self.run_command("drain", "--off")
        self.assertEqual(self.end(command)[0], EXIT_FAILED)
        later = self.connect(server)
        self.assertEqual(ask(later), b"HELLO")
        self.assertEqual(self.options(later), first)
        talk.go_on()

    def test_port_0__the_same_port_again(self):
        server = self.start(bind="127.0.0.1:0", workers=2)
        self.end(self.drain(server))
        self.run_command("drain", "--off")
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_ten_times__each_worker_accepts_again(self):
        server = self.start(workers=2)
        for _ in range(10):
            self.end(self.drain(server))
            self.run_command("drain", "--off")
            with server.connect() as client:
                self.assertEqual(ask(client), b"HELLO")
        clients = [self.connect(server) for _ in range(40)]
        for client in clients:
            self.assertEqual(ask(client), b"HELLO")
        self.assertTrue(all(slot["connections"] for slot in self.slots().values()), self.slots())

    def test_off__not_drained__refused(self):
        self.start()
        self.assertIn("not drained", self.run_command("drain", "--off", code=EXIT_FAILED).stderr)

    def test_unix_socket__refused_and_why(self):
        server = self.start(bind=f"unix:{self.folder}/server.sock")
        self.assertIn("UNIX", self.run_command("drain", code=EXIT_FAILED).stderr)
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_supervisor_killed_meanwhile__still_drained__off_works(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.drain(server)
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("supervisor_started")
        until(lambda: self.status()["draining"], "a status")
        self.assertTrue(self.is_refused(server))
        self.run_command("drain", "--off")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        talk.go_on()

    def test_worker_killed_meanwhile__its_clients_go_on__still_refused(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.drain(server)
        os.kill(server.worker(0), signal.SIGKILL)
        server.wait_event("worker_replaced", slot=0)
        self.assertTrue(self.is_refused(server))
        talk.go_on()
        self.run_command("drain", "--off")
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_upgraded_and_scaled_meanwhile__off_works(self):
        server = self.start(workers=2)
        talk = self.talk(server)
        self.drain(server)
        self.upgrade(self.image("next"))
        self.run_command("scale", 3)
        self.assertTrue(self.is_refused(server))
        talk.go_on()
        self.run_command("drain", "--off")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        self.all_run(server, self.image("next"), 3)

    def test_stop_while_drained__in_order(self):
        server = self.start(workers=2)
        client = self.connect(server)
        ask(client)
        self.drain(server)
        server.send_signal(signal.SIGTERM)
        server.wait_event("draining")
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertEqual(server.wait(), 0)
        self.assertEqual(children(server.pid), [])
