"""What each kind of bad client gets: its own connection ends as promised, and nobody else notices."""

import os
import random
import signal
import socket
import threading
import time

from support import (CLOSE_WAIT, DEADLINE_S, ESTABLISHED, TestCase, alive, ask, exchange, receive, receive_all, reset,
                     resume, tcp_states, until)

ADDRESSES = ("127.0.0.1:{port}", "unix:@prefork-upper.{port}")
SO_PASSRIGHTS = 83  # include/uapi/asm-generic/socket.h
MORE_THAN_THE_KERNEL_TAKES = 16_000_000  # bytes; send and receive queues together swallow less


class BadClients(TestCase):
    def start(self, *args, **options):
        """A server and four polite clients, who must not notice anything."""
        running = self.server(*args, **options)
        self.pids = running.wait_workers(2)
        self.polite = [self.connect(running) for _ in range(4)]
        self.addCleanup(self.polite_clients_are_served, running, self.pids, self.polite)
        return running

    def polite_clients_are_served(self, running, pids, polite):
        for sock in polite:
            self.assertEqual(ask(sock, b"still there?"), b"STILL THERE?")
        self.assertEqual(running.events("worker_died"), [])
        self.assertTrue(all(map(alive, pids)))

    def gone_but_polite(self, running):
        """Waits until the kernel holds no connection but those of the polite clients."""
        until(lambda: tcp_states(running.port).count(ESTABLISHED) == len(self.polite)
              and tcp_states(running.port).count(CLOSE_WAIT) == 0, "only the polite clients' connections")

    def test_fin__connection_closed_on_both_sides(self):
        running = self.start()
        for _ in range(20):
            sock = self.connect(running)
            self.assertEqual(ask(sock), b"HELLO")
            sock.close()
        self.gone_but_polite(running)

    def test_fin_without_a_byte__closed(self):
        running = self.start()
        sock = self.connect(running)
        sock.shutdown(socket.SHUT_WR)
        self.assert_fin(sock)

    def test_data_and_fin_at_once__answered_then_fin(self):
        running = self.start()
        for size in (1, 64, 65535, 65536, 65537, 131072):
            sock = self.connect(running)
            data = random.Random(size).randbytes(size)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            self.assertTrue(receive_all(sock) == data.upper(), size)

    def test_half_close_of_megabytes__all_answers_then_fin(self):
        running = self.start()
        data = random.Random(1).randbytes(3_000_000)
        sock = self.connect(running)

        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        writer = threading.Thread(target=send)
        writer.start()
        answer = receive_all(sock)
        writer.join(DEADLINE_S)
        self.assertTrue(answer == data.upper())
        self.gone_but_polite(running)

    def test_reset_before_after_and_in_between__freed_at_once(self):
        running = self.start()
        for _ in range(20):
            reset(self.connect(running))
            sock = self.connect(running)
            ask(sock)
            reset(sock)
            sock = self.connect(running)
            sock.sendall(b"x" * 100_000)
            reset(sock)
        self.gone_but_polite(running)

    def test_half_close_then_reset_while_answering__no_worker_dies(self):
        running = self.start()
        for _ in range(20):
            sock = self.connect(running)
            sock.sendall(b"x" * 200_000)
            sock.shutdown(socket.SHUT_WR)
            reset(sock)
        self.gone_but_polite(running)

    def test_close_with_answer_unread__freed_at_once(self):
        running = self.start()
        for _ in range(20):
            sock = self.connect(running)
            sock.sendall(b"unread" * 1000)
            sock.recv(1)
            sock.close()
        self.gone_but_polite(running)

    def test_reset_before_accept__closed_quietly(self):
        running = self.start()
        for pid in self.pids:  # stopped workers accept nothing, so the resets come first
            self.pause(pid)
        for _ in range(10):
            reset(self.connect(running))
        for pid in self.pids:
            resume(pid)
        with running.connect() as sock:
            self.assertEqual(ask(sock), b"HELLO")
        self.gone_but_polite(running)

    def test_never_reading__reset_at_the_write_deadline(self):
        running = self.start("--write-timeout", "300ms")
        sock = self.connect(running)
        sock.setblocking(False)
        sent = 0
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            end = time.monotonic() + DEADLINE_S
            while time.monotonic() < end:
                try:
                    sent += sock.send(b"x" * 65536)
                except BlockingIOError:
                    time.sleep(0.01)
        self.assertGreater(sent, 65536)
        self.gone_but_polite(running)

    def test_reading_again_before_the_write_deadline__gets_everything(self):
        running = self.start("--write-timeout", "5s")
        sock = self.connect(running)
        data = random.Random(2).randbytes(MORE_THAN_THE_KERNEL_TAKES)
        writer = threading.Thread(target=sock.sendall, args=(data,))
        writer.start()
        until(lambda: queue_is_steady(running.port), "the server stops answering")
        answer = receive(sock, len(data))
        writer.join(DEADLINE_S)
        self.assertTrue(answer == data.upper())

    def test_slow_reader_that_never_stops__outlives_the_write_deadline(self):
        running = self.start("--write-timeout", "2s")
        sock = self.connect(running)
        data = bytes(6_000_000)
        writer = threading.Thread(target=sock.sendall, args=(data,))
        writer.start()
        got = 0
        for _ in range(50):  # 5 s in all, longer than the deadline, and each pause is far shorter than it
            got += len(sock.recv(100_000))
            time.sleep(0.1)
        got += len(receive(sock, len(data) - got))
        writer.join(DEADLINE_S)
        self.assertEqual(got, len(data))

    def test_says_nothing__closed_at_the_idle_deadline(self):
        running = self.server("--idle-timeout", "300ms")
        sock = self.connect(running)
        started = time.monotonic()
        self.assert_fin(sock)
        waited = time.monotonic() - started
        self.assertGreater(waited, 0.25)
        self.assertLess(waited, 3)

    def test_talks_within_the_idle_deadline__stays(self):
        running = self.server("--idle-timeout", "2s")
        sock = self.connect(running)
        for _ in range(15):  # 3 s in all, longer than the deadline
            self.assertEqual(ask(sock), b"HELLO")
            time.sleep(0.2)
        self.assert_fin(sock)

    def test_says_nothing_without_idle_deadline__stays(self):
        running = self.start()
        sock = self.connect(running)
        sock.settimeout(0.7)
        with self.assertRaises(TimeoutError):
            sock.recv(1)
        self.assertEqual(ask(sock), b"HELLO")

    def send_urgent_bytes(self, running):
        sock = self.connect(running)
        sock.send(b"abc")
        sock.send(b"u", socket.MSG_OOB)
        sock.send(b"def")
        sock.send(b"v", socket.MSG_OOB)
        sock.send(b"ghi")
        return sock

    def test_urgent_bytes__answered_in_place(self):
        # Symptom: over UNIX, whose sockets inherit no SO_OOBINLINE, they were gone, or the connection was reset.
        for bind in ADDRESSES:
            with self.subTest(bind=bind):
                self.assertEqual(receive(self.send_urgent_bytes(self.start(bind=bind)), 11), b"ABCUDEFVGHI")

    def test_urgent_bytes__worker_dies_before_it_reads_them__answered_in_place(self):
        for bind in ADDRESSES:
            with self.subTest(bind=bind):
                running = self.server(bind=bind, workers=1)
                for _ in range(10):
                    pid = running.worker(0)
                    self.pause(pid)
                    sock = self.send_urgent_bytes(running)
                    os.kill(pid, signal.SIGKILL)
                    self.assertEqual(receive(sock, 11), b"ABCUDEFVGHI")
                    until(lambda: running.worker(0) != pid, "its successor is told of")

    def test_urgent_byte_alone_and_last__answered_then_fin(self):
        for bind in ADDRESSES:
            with self.subTest(bind=bind):
                sock = self.connect(self.start(bind=bind))
                sock.send(b"a", socket.MSG_OOB)
                self.assertEqual(receive(sock, 1), b"A")
                sock.send(b"bc")
                sock.send(b"d", socket.MSG_OOB)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(sock), b"BCD")

    def test_descriptors_over_unix__refused_to_the_sender(self):
        """Symptom: one whose closing took its time (SO_LINGER) put the worker to sleep that dropped it."""
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
            except OSError:
                self.skipTest("a kernel before 6.16 cannot refuse them")
        sock = self.connect(self.start(bind=ADDRESSES[1]))
        with self.assertRaises(PermissionError):
            socket.send_fds(sock, [b"take this"], [0])
        self.assertEqual(ask(sock), b"HELLO")

    def test_smallest_receive_buffer__whole_answer(self):
        running = self.start()
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE_S)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sock.connect(running.sockaddr)
        data = random.Random(3).randbytes(400_000)
        self.assertTrue(exchange(sock, data) == data.upper())


class Full(TestCase):
    def assert_turned_away(self, running):
        """Connects, and is reset: at the first read, or so soon that connect itself says it."""
        with self.assertRaises(ConnectionResetError):
            with running.connect() as sock:
                sock.recv(1)

    def test_more_clients_than_the_limit__accepted_and_reset(self):
        running = self.server("--max-connections", "8", workers=2)
        held = [self.connect(running) for _ in range(16)]
        for sock in held:
            self.assertEqual(ask(sock), b"HELLO")
        for _ in range(10):
            self.assert_turned_away(running)
        for sock in held:
            self.assertEqual(ask(sock), b"HELLO")

    def test_place_that_becomes_free__is_given_to_the_next(self):
        running = self.server("--max-connections", "4", workers=1)
        held = [self.connect(running) for _ in range(4)]
        for sock in held:
            ask(sock)
        self.assert_turned_away(running)
        held.pop().close()

        def served():
            try:
                return ask(self.connect(running)) == b"HELLO"
            except ConnectionResetError:
                return False

        until(served, "a new client is served")


def queue_is_steady(port, pause_s=0.2):
    """True when the server's send queue is not empty and does not change."""

    def queued():
        for line in open("/proc/net/tcp").read().splitlines()[1:]:
            fields = line.split()
            if int(fields[1][-4:], 16) == port and int(fields[3], 16) == ESTABLISHED:
                yield int(fields[4].split(":")[0], 16)

    before = sum(queued())
    time.sleep(pause_s)
    return before > 0 and before == sum(queued())
