"""Stopping: in order by TERM or INT, at once by the second one or QUIT; nothing outlives the server."""

import os
import signal
import socket
import subprocess
import time

from support import (DEADLINE_S, EXIT_STOPPED, LISTEN, SERVER, TestCase, ask, free_port, receive, tcp_states, until)


class Graceful(TestCase):
    def test_term_without_clients__ends_at_once_with_zero(self):
        server = self.server()
        started = time.monotonic()
        self.assertEqual(server.stop(signal.SIGTERM), EXIT_STOPPED)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(server.wait_event("stopped")["exit"], "0")

    def test_int_without_clients__ends_at_once_with_zero(self):
        self.assertEqual(self.server().stop(signal.SIGINT), EXIT_STOPPED)

    def test_term_with_clients__serves_them_until_they_leave(self):
        server = self.server("--drain-timeout", "30s")
        clients = [self.connect(server) for _ in range(10)]
        for client in clients:
            ask(client)
        server.send_signal(signal.SIGTERM)
        event = server.wait_event("draining", connections=10)
        self.assertIn("again", event["hint"])
        until(lambda: LISTEN not in tcp_states(server.port), "the listener is closed")
        for client in clients:
            self.assertEqual(ask(client, b"still served"), b"STILL SERVED")
            client.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)
        drained = server.wait_event("drained")
        self.assertEqual((drained["by_client"], drained["by_deadline"]), ("10", "0"))

    def test_term_with_a_client_that_stays__fin_at_the_deadline(self):
        server = self.server("--drain-timeout", "500ms")
        stays, leaves = self.connect(server), self.connect(server)
        ask(stays), ask(leaves)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait_event("draining")
        leaves.close()
        self.assert_fin(stays)
        self.assertGreater(time.monotonic() - started, 0.4)
        self.assertEqual(server.wait(), EXIT_STOPPED)
        self.assertLess(time.monotonic() - started, 4)
        drained = server.wait_event("drained")
        self.assertEqual((drained["by_client"], drained["by_deadline"]), ("1", "1"))

    def test_signal_while_it_starts__stops_in_order_and_leaves_nothing(self):
        """Symptom: between the pid file and the master's loop a signal had its default action, and all files stayed."""
        files = {option: f"{self.folder}/{option}" for option in ("pid-file", "control")}
        words = [word for option, path in files.items() for word in (f"--{option}", path)]
        for moment in range(20):  # 0 to 5 ms after the pid file is there
            with subprocess.Popen([str(SERVER), "-b", f"unix:{self.folder}/socket", *words],
                                  stderr=subprocess.DEVNULL) as process:
                end = time.monotonic() + DEADLINE_S
                while not os.path.exists(files["pid-file"]) and time.monotonic() < end:
                    pass
                time.sleep(moment * 0.00025)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(DEADLINE_S), EXIT_STOPPED)
            self.assertEqual(os.listdir(self.folder), [])

    def test_connection_waiting_in_the_backlog_at_term__is_served(self):
        server = self.server("--drain-timeout", "20s", workers=1)
        [pid] = server.wait_workers(1)
        self.pause(pid)
        waiting = self.connect(server)
        waiting.sendall(b"hello")
        server.send_signal(signal.SIGTERM)
        server.wait_event("draining")
        os.kill(pid, signal.SIGCONT)
        self.assertEqual(receive(waiting, 5), b"HELLO")
        waiting.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)

    def test_new_connection_while_draining__refused(self):
        server = self.server("--drain-timeout", "20s")
        stays = self.connect(server)
        ask(stays)
        server.send_signal(signal.SIGTERM)
        until(lambda: LISTEN not in tcp_states(server.port), "the listener is closed")
        with self.assertRaises(ConnectionRefusedError):
            server.connect()
        stays.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)

    def test_end__one_summary_line_a_slot(self):
        server = self.server(workers=3)
        for _ in range(30):
            client = self.connect(server)
            self.assertEqual(ask(client), b"HELLO")
            client.close()
        self.assertEqual(server.stop(), EXIT_STOPPED)
        summaries = server.events("slot_summary")
        self.assertEqual([e["slot"] for e in summaries], ["0", "1", "2"])
        total = {key: sum(int(e[key]) for e in summaries) for key in ("accepted", "answered", "bytes_in", "bytes_out", "deaths")}
        self.assertEqual(total, {"accepted": 30, "answered": 30, "bytes_in": 150, "bytes_out": 150, "deaths": 0})


class AtOnce(TestCase):
    def serving_a_client(self):
        server = self.server("--drain-timeout", "30s")
        self.client = self.connect(server)
        ask(self.client)
        return server

    def check_quick_end(self, server, started):
        self.assertEqual(server.wait(), EXIT_STOPPED)
        self.assertLess(time.monotonic() - started, 4)
        server.wait_event("ending_at_once")

    def test_second_term(self):
        server = self.serving_a_client()
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait_event("draining")
        server.send_signal(signal.SIGTERM)
        self.check_quick_end(server, started)

    def test_second_int(self):
        server = self.serving_a_client()
        started = time.monotonic()
        server.send_signal(signal.SIGINT)
        server.wait_event("draining")
        server.send_signal(signal.SIGINT)
        self.check_quick_end(server, started)

    def test_quit(self):
        server = self.serving_a_client()
        started = time.monotonic()
        server.send_signal(signal.SIGQUIT)
        self.check_quick_end(server, started)

    def test_two_terms_in_one_moment__both_count(self):
        server = self.serving_a_client()
        self.pause(server.supervisor())  # it sees both only when it wakes up
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        until(lambda: not pending(server.pid, signal.SIGTERM), "the master takes the first")
        server.send_signal(signal.SIGTERM)
        until(lambda: not pending(server.pid, signal.SIGTERM), "the master takes the second")
        os.kill(server.supervisor(), signal.SIGCONT)
        self.check_quick_end(server, started)

    def test_worker_that_is_stopped__does_not_hold_up_the_end(self):
        server = self.serving_a_client()
        for pid in server.wait_workers(2):
            self.pause(pid)
        started = time.monotonic()
        server.send_signal(signal.SIGQUIT)
        self.check_quick_end(server, started)


class Signals(TestCase):
    def test_to_workers_and_supervisor__term_int_hup_do_nothing(self):
        server = self.server()
        client = self.connect(server)
        for pid in [*server.wait_workers(2), server.supervisor()]:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1):
                os.kill(pid, number)
        self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(server.events("worker_died") + server.events("draining"), [])

    def test_ctrl_c_in_a_terminal__reaches_the_master_alone(self):
        server = self.server("--drain-timeout", "20s")
        client = self.connect(server)
        ask(client)
        os.killpg(server.pid, signal.SIGINT)  # the server leads its own group here, as a shell's job does
        server.wait_event("draining", connections=1)
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertEqual(server.wait(), EXIT_STOPPED)
        self.assertEqual(server.events("worker_died"), [])

    def test_sigpipe_on_stderr__server_goes_on(self):
        port = free_port()
        reading, writing = os.pipe()
        ready, ready_end = os.pipe()
        process = subprocess.Popen([SERVER, "-w", "2", "-b", f"127.0.0.1:{port}", "--ready-fd", str(ready_end)], stderr=writing,
                                   stdin=subprocess.DEVNULL, pass_fds=[ready_end], start_new_session=True)
        os.close(writing), os.close(ready_end)
        self.assertTrue(os.read(ready, 100))
        os.close(reading)  # nobody reads its log any more
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
                self.assertEqual(ask(client), b"HELLO")
        os.close(ready)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE_S), EXIT_STOPPED)

    def test_log_that_nobody_reads__server_goes_on(self):
        port = free_port()
        reading, writing = os.pipe()
        ready, ready_end = os.pipe()
        process = subprocess.Popen([SERVER, "-w", "2", "-b", f"127.0.0.1:{port}", "--ready-fd", str(ready_end), "--log-level", "debug"],
                                   stderr=writing, stdin=subprocess.DEVNULL, pass_fds=[ready_end], start_new_session=True)
        os.close(writing), os.close(ready_end)
        self.assertTrue(os.read(ready, 100))
        for _ in range(3000):  # far more lines than a pipe holds
            with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
                self.assertEqual(ask(client), b"HELLO")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE_S), EXIT_STOPPED)
        os.close(reading), os.close(ready)


class PidOne(TestCase):
    def test_in_a_container__serves_replaces_and_stops(self):
        server = self.server(prefix=["unshare", "-p", "-f", "--mount-proc", "--kill-child"])
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        self.assertEqual(server.wait_event("serving")["pid"], "1")
        [master] = [pid for pid in server.processes() if pid_inside(pid) == 1]
        workers = [pid for pid in server.processes() if worker_title(pid)]
        os.kill(workers[0], signal.SIGKILL)
        server.wait_event("worker_replaced")
        self.assertEqual(ask(self.connect(server)), b"HELLO")
        os.kill(master, signal.SIGTERM)
        os.kill(master, signal.SIGTERM)
        self.assertEqual(server.wait(), EXIT_STOPPED)


def pending(pid, number):
    with open(f"/proc/{pid}/status") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("ShdPnd"))
    return bool(mask >> (number - 1) & 1)


def pid_inside(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[-1]) for line in status if line.startswith("NSpid"))


def worker_title(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().startswith("prefork-upper: worker")
