"""The bytes: upper is exactly Python's bytes.upper(), however the stream is cut; echo changes nothing."""

import itertools
import random
import socket

from support import TestCase, ask, exchange, receive, receive_all

ALL_BYTES = bytes(range(256))


def cuts(data):
    """Every way of cutting data into pieces."""
    for marks in itertools.product((False, True), repeat=len(data) - 1):
        pieces, start = [], 0
        for i, mark in enumerate(marks, 1):
            if mark:
                pieces.append(data[start:i])
                start = i
        yield pieces + [data[start:]]


class Upper(TestCase):
    def setUp(self):
        super().setUp()
        self.running = self.server()

    def test_every_byte_value__as_python_upper(self):
        sock = self.connect(self.running)
        self.assertEqual(ask(sock, ALL_BYTES), ALL_BYTES.upper())

    def test_every_byte_value_alone__as_python_upper(self):
        sock = self.connect(self.running)
        for value in range(256):
            self.assertEqual(ask(sock, bytes([value])), bytes([value]).upper())

    def test_every_way_of_cutting_six_bytes__same_answer(self):
        data = b"a\xe9Z{`\x00"
        for pieces in cuts(data):
            sock = self.connect(self.running)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answer = b""
            for piece in pieces:
                answer += ask(sock, piece)
            self.assertEqual(answer, data.upper(), pieces)
            sock.close()

    def test_random_cuts_of_a_long_stream__same_answer(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        data = rng.randbytes(300_000)
        sock = self.connect(self.running)
        answer, position = b"", 0
        while position < len(data):
            size = rng.choice((1, 2, 7, 64, 1460, 4096, 65535, 65536, 65537, 90000))
            answer += exchange(sock, data[position:position + size])
            position += size
        self.assertTrue(answer == data.upper(), f"wrong bytes with seed {seed}")

    def test_one_byte_at_a_time__each_answered(self):
        sock = self.connect(self.running)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20):
            for value in b"tutorial":
                self.assertEqual(ask(sock, bytes([value])), bytes([value]).upper())

    def test_five_megabytes_at_once__all_answered(self):
        data = random.Random(5).randbytes(5_000_000)
        self.assertTrue(exchange(self.connect(self.running), data) == data.upper())

    def test_many_messages_without_waiting__answers_in_order(self):
        sock = self.connect(self.running)
        messages = b"".join(b"message %06d;" % i for i in range(5000))
        self.assertTrue(exchange(sock, messages) == messages.upper())

    def test_two_hundred_clients_at_once__each_gets_its_own_bytes(self):
        socks = [self.connect(self.running) for _ in range(200)]
        for round_ in range(3):
            for i, sock in enumerate(socks):
                sock.sendall(b"client %d round %d" % (i, round_))
            for i, sock in enumerate(socks):
                expected = b"CLIENT %d ROUND %d" % (i, round_)
                self.assertEqual(receive(sock, len(expected)), expected)


class OtherServices(TestCase):
    def test_echo__changes_nothing(self):
        sock = self.connect(self.server("--service", "echo"))
        self.assertEqual(ask(sock, ALL_BYTES), ALL_BYTES)

    def test_echo_five_megabytes_then_half_close__the_same_bytes_and_fin(self):
        sock = self.connect(self.server("--service", "echo"))
        data = random.Random(6).randbytes(5_000_000)
        self.assertTrue(exchange(sock, data) == data)
        sock.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(sock), b"")

    def test_faulty_without_its_words__is_upper(self):
        sock = self.connect(self.server("--service", "faulty"))
        self.assertEqual(ask(sock, ALL_BYTES), ALL_BYTES.upper())
