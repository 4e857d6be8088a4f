"""The client of every socket tutorial, as it is written there, against every kind of address."""

import socket

from support import TestCase


class TutorialClient(TestCase):
    def say_hello(self, server, times=1):
        """connect, send, recv, close; small messages arrive whole, as tutorials believe."""
        client = socket.socket(server.family, socket.SOCK_STREAM)
        client.settimeout(5)
        client.connect(server.sockaddr)
        answers = []
        for _ in range(times):
            client.send(b"hello")
            answers.append(client.recv(1024))
        client.close()
        return answers

    def check(self, **options):
        server = self.server(**options)
        self.assertEqual(self.say_hello(server), [b"HELLO"])
        self.assertEqual(self.say_hello(server, times=50), [b"HELLO"] * 50)
        for _ in range(20):
            self.assertEqual(self.say_hello(server), [b"HELLO"])

    def test_ipv4__gets_hello(self):
        self.check(bind="127.0.0.1:{port}")

    def test_ipv6__gets_hello(self):
        self.check(bind="[::1]:{port}")

    def test_host_name__gets_hello(self):
        self.check(bind="localhost:{port}")

    def test_unix_path__gets_hello(self):
        self.check(bind=f"unix:{self.folder}/socket")

    def test_unix_abstract__gets_hello(self):
        self.check(bind="unix:@prefork-upper-test-{port}")

    def test_any_address__both_families_get_hello(self):
        server = self.server(bind=":{port}")
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            server.family, server.sockaddr = family, (host, server.port)
            self.assertEqual(self.say_hello(server), [b"HELLO"])
