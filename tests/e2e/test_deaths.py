"""Deaths: of a worker, by whatever cause; of the supervisor; of the master. Who notices, and what the log says."""

import os
import signal
import time

from support import (DEADLINE_S, EXIT_ALL_REST, EXIT_STOPPED, LISTEN, Server, TestCase, alive, ask, descendants, receive,
                     tcp_states, title, until)


class Worker(TestCase):
    def start(self, *args, workers=2):
        self.running = self.server(*args, workers=workers)
        return self.running.wait_workers(workers)

    def check_death(self, slot, pid, cause):
        """The log says which worker, why, and who came after; the new one serves."""
        event = self.running.wait_event("worker_died", pid=pid)
        self.assertEqual((event["slot"], event["cause"], event["next"]), (str(slot), cause, "respawn"))
        self.assertGreaterEqual(int(event["uptime_ms"]), 0)
        replaced = self.running.wait_event("worker_replaced", slot=slot)
        self.assertEqual(int(replaced["generation"]), int(event["generation"]) + 1)
        self.assertLess(float(replaced["gap_ms"]), 1000)
        self.assertEqual(title(int(replaced["pid"])), f"prefork-upper: worker {slot}")
        return event

    def test_killed_from_outside__replaced_and_logged_with_signal(self):
        pids = self.start()
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
            with self.subTest(number.name):
                pid = self.running.worker(1)
                generation = int(self.running.wait_event("worker_started", pid=pid)["generation"])
                os.kill(pid, number)
                event = self.running.wait_event("worker_died", pid=pid)
                self.assertEqual(event["cause"], number.name)
                self.running.wait_event("worker_started", slot=1, generation=generation + 1)
        self.assertEqual(self.running.worker(0), pids[0])
        for _ in range(10):
            self.assertEqual(ask(self.connect(self.running)), b"HELLO")

    def test_faults_of_the_processor__clients_go_on(self):
        self.start(workers=1)
        clients = [self.connect(self.running) for _ in range(10)]
        for client in clients:
            ask(client)
        for number in (signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(number.name):
                pid = self.running.worker(0)
                generation = int(self.running.wait_event("worker_started", pid=pid)["generation"])
                os.kill(pid, number)
                event = self.running.wait_event("worker_died", pid=pid)
                self.assertEqual((event["cause"], event["connections"]), (number.name, "10"))
                for client in clients:
                    self.assertEqual(ask(client, b"after the fault"), b"AFTER THE FAULT")
                self.running.wait_event("worker_started", slot=0, generation=generation + 1)

    def test_killed__log_says_how_many_connections_it_had(self):
        [pid] = self.start(workers=1)
        clients = [self.connect(self.running) for _ in range(7)]
        for client in clients:
            ask(client)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.check_death(0, pid, "SIGKILL")["connections"], "7")

    def poison(self, words, cause):
        """One client crashes its worker; its connection is the only one that ends, at the second death."""
        self.start("--service", "faulty", workers=1)
        innocent = [self.connect(self.running) for _ in range(10)]
        client = self.connect(self.running)
        for sock in [*innocent, client]:
            self.assertEqual(ask(sock, b"fine"), b"FINE")
        client.sendall(words)
        self.assert_reset(client)
        for sock in innocent:
            self.assertEqual(ask(sock), b"HELLO")
        self.running.wait_event("worker_died", count=2)  # the log may come after the reset
        self.assertEqual(ask(self.connect(self.running)), b"HELLO")
        self.assertEqual([death["cause"] for death in self.running.events("worker_died")], [cause, cause])

    def test_null_pointer_in_the_service__only_its_client_is_reset(self):
        self.poison(b"!SEGV!!!", "SIGSEGV")

    def test_abort_in_the_service__only_its_client_is_reset(self):
        self.poison(b"!ABRT!!!", "SIGABRT")

    def test_exit_in_the_service__only_its_client_is_reset(self):
        self.poison(b"!EXIT!!!", "exit:3")

    def test_endless_loop_in_the_service__only_its_client_is_reset(self):
        self.start("--service", "faulty", "--hang-timeout", "300ms", workers=1)
        innocent = self.connect(self.running)
        client = self.connect(self.running)
        for sock in (innocent, client):
            self.assertEqual(ask(sock, b"fine"), b"FINE")
        client.sendall(b"!HANG!!!")
        self.assert_reset(client)
        self.assertEqual(ask(innocent), b"HELLO")
        self.running.wait_event("worker_died")
        self.assertEqual(len(self.running.events("worker_died")), 1)

    def test_stopped_worker__replaced_and_its_clients_go_on(self):
        [pid] = self.start("--hang-timeout", "300ms", workers=1)
        client = self.connect(self.running)
        ask(client)
        self.pause(pid)
        client.sendall(b"hello")
        self.assertEqual(receive(client, 5), b"HELLO")
        self.running.wait_event("worker_died", pid=pid)

    def test_killed__no_client_notices(self):
        pids = self.start(workers=2)
        clients = [self.connect(self.running) for _ in range(40)]
        for client in clients:
            ask(client)
        for slot, pid in enumerate(pids):
            os.kill(pid, signal.SIGKILL)
            self.check_death(slot, pid, "SIGKILL")
        for client in clients:
            self.assertEqual(ask(client), b"HELLO")

    def test_killed_without_protection__exactly_its_clients_are_lost(self):
        pids = self.start("--protect", "off", workers=4)
        clients = [self.connect(self.running) for _ in range(40)]
        for client in clients:
            ask(client)
        os.kill(pids[2], signal.SIGKILL)
        lost = int(self.check_death(2, pids[2], "SIGKILL")["lost"])
        served = sum(still_served(client) for client in clients)
        self.assertEqual(served, len(clients) - lost)
        self.assertGreater(lost, 0)
        self.assertGreater(served, 0)

    def test_twenty_kills_in_a_row__each_replaced(self):
        self.start()
        for i in range(20):
            pid = self.running.worker(0)
            os.kill(pid, signal.SIGKILL)
            self.running.wait_event("worker_died", pid=pid)
            self.running.wait_event("worker_started", slot=0, count=i + 2)
            self.assertEqual(ask(self.connect(self.running)), b"HELLO")

    def test_new_worker__accepts_as_many_as_the_others(self):
        pids = self.start(workers=2)
        os.kill(pids[0], signal.SIGKILL)
        self.running.wait_event("worker_replaced", slot=0)
        for _ in range(60):
            client = self.connect(self.running)
            ask(client)
        self.running.stop(signal.SIGQUIT)
        accepted = [int(e["accepted"]) for e in self.running.events("slot_summary")]
        self.assertLess(max(accepted), 2 * min(accepted), accepted)


class CrashLoop(TestCase):
    def crash(self, running):
        """One client whose only message kills its worker; False once nobody listens."""
        try:
            with running.connect() as client:
                client.sendall(b"!SEGV!!!")
                client.recv(1)
        except ConnectionRefusedError:
            return False
        except OSError:
            pass
        return True

    def test_poisonous_one_after_the_other__cost_only_themselves(self):
        running = self.server("--service", "faulty", workers=1)
        innocent = [self.connect(running) for _ in range(20)]
        for client in innocent:
            ask(client)
        for _ in range(12):
            self.crash(running)
        for client in innocent:
            self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(running.events("slot_rests"), [])

    def test_poisonous_at_the_same_time__cost_only_themselves(self):
        running = self.server("--service", "faulty", workers=1)
        innocent = [self.connect(running) for _ in range(20)]
        poisonous = [self.connect(running) for _ in range(5)]
        for client in innocent + poisonous:
            ask(client)
        for client in poisonous:
            client.sendall(b"!SEGV!!!")
        for client in poisonous:
            with self.assertRaises(ConnectionResetError):
                client.recv(1)
        for client in innocent:
            self.assertEqual(ask(client), b"HELLO")

    def test_every_slot_rests__ends_with_70(self):
        running = self.server("--service", "faulty", "--protect", "off", workers=1)
        end = time.monotonic() + 40
        while running.process.poll() is None and time.monotonic() < end:
            self.crash(running)
        self.assertEqual(running.wait(), EXIT_ALL_REST, running.log()[-3000:])
        running.wait_event("slot_rests")
        running.wait_event("all_slots_rest")

    def test_crashes_with_answers_between__never_rests(self):
        running = self.server("--service", "faulty", workers=1)
        for i in range(25):
            self.assertEqual(ask(self.connect(running)), b"HELLO")
            self.crash(running)
            running.wait_event("worker_replaced", count=i + 1)
        self.assertEqual(ask(self.connect(running)), b"HELLO")
        self.assertEqual(running.events("slot_rests"), [])


class Supervisor(TestCase):
    def test_killed__made_anew_and_workers_serve_on(self):
        running = self.server()
        pids = running.wait_workers(2)
        clients = [self.connect(running) for _ in range(10)]
        for client in clients:
            ask(client)
        for _ in range(3):
            old = running.supervisor()
            os.kill(old, signal.SIGKILL)
            until(lambda: not alive(old), "the old supervisor is gone")
            new = running.supervisor()
            self.assertNotEqual(new, old)
            for client in clients:
                self.assertEqual(ask(client), b"HELLO")
        self.assertEqual([p for p in pids if alive(p)], pids)
        running.wait_event("supervisor_died")
        os.kill(pids[1], signal.SIGKILL)  # the new one knows the workers
        running.wait_event("worker_replaced", slot=1)
        for client in clients:
            client.close()
        self.assertEqual(running.stop(), EXIT_STOPPED)

    def test_killed_together_with_a_worker__worker_replaced(self):
        running = self.server()
        pid = running.wait_workers(2)[0]
        supervisor = running.supervisor()
        self.pause(supervisor)
        os.kill(pid, signal.SIGKILL)
        os.kill(supervisor, signal.SIGKILL)
        running.wait_event("worker_started", slot=0, generation=2)
        for _ in range(10):
            self.assertEqual(ask(self.connect(running)), b"HELLO")

    def test_killed_while_draining__the_drain_goes_on(self):
        running = self.server("--drain-timeout", "20s")
        client = self.connect(running)
        ask(client)
        running.send_signal(signal.SIGTERM)
        running.wait_event("draining")
        os.kill(running.supervisor(), signal.SIGKILL)
        running.wait_event("supervisor_died")
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertEqual(running.wait(), EXIT_STOPPED)


class Master(TestCase):
    def kill_master(self, *args):
        running = self.server(*args)
        running.wait_workers(2)
        self.client = self.connect(running)
        ask(self.client)
        self.left = descendants(running.pid)
        running.send_signal(signal.SIGKILL)
        running.process.wait(DEADLINE_S)
        return running

    def test_killed__port_is_free_at_once_for_a_new_server(self):
        running = self.kill_master("--drain-timeout", "3s")
        until(lambda: LISTEN not in tcp_states(running.port), "nobody listens any more")
        second = Server(bind=running.bound)
        self.addCleanup(self._stop, second)
        self.assertEqual(ask(self.connect(second)), b"HELLO")
        until(lambda: not any(map(alive, self.left)), "the first server's processes are gone")

    def test_killed__clients_are_served_to_the_drain_deadline_then_all_leave(self):
        started = time.monotonic()
        self.kill_master("--drain-timeout", "1s")
        self.assertEqual(ask(self.client), b"HELLO")
        until(lambda: not any(map(alive, self.left)), "all processes are gone")
        self.assertLess(time.monotonic() - started, 6)

    def test_killed_without_clients__all_leave_soon(self):
        self.kill_master("--drain-timeout", "30s")
        self.client.close()
        until(lambda: not any(map(alive, self.left)), "all processes are gone", deadline_s=2)


class EverySlot(TestCase):
    def test_all_workers_killed_at_once__all_replaced(self):
        running = self.server(workers=4)
        pids = running.wait_workers(4)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for slot in range(4):
            running.wait_event("worker_replaced", slot=slot)
        for _ in range(10):
            self.assertEqual(ask(self.connect(running)), b"HELLO")


def still_served(client):
    try:
        return ask(client) == b"HELLO"
    except OSError:
        return False
