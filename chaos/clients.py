#!/usr/bin/env python3
"""Clients that the load tool does not play, many at once, over one epoll loop.

    clients.py wait_for_fin HOST:PORT COUNT     connect, say nothing; fails unless every one is closed in order
    clients.py never_read HOST:PORT COUNT       send for ever, read nothing, until reset
    clients.py hold HOST:PORT COUNT MS          connect, stay so long, leave
    clients.py pester PATH COUNT MS             at a control socket: half say nothing, half ask for the status without end, and
                                                none ever reads; who is sent away comes again, until the time is over
    clients.py read_slowly HOST:PORT COUNT MS   send as much as is taken, read 4 KB every 50 ms; after so long send no more, read
                                                the rest, compare every byte; fails unless every one gets all, and a FIN
    clients.py churn HOST:PORT MS               one after the other: connect, say hello, wait for HELLO, leave
    Prints what they saw as JSON: {"fin": N, "reset": N, "open": N, "refused": N}; churn: {"right": N, "wrong": N, "lost": N};
    pester: {"connected": N, "sent_away": N, "asked": N}; read_slowly: {"whole": N, "wrong": N, "short": N, "lost": N}.
"""

import json
import select
import selectors
import socket
import sys
import time

DEADLINE_S = 25


def address_of(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


class Crowd:
    def __init__(self, address, count, events):
        self.seen = {"fin": 0, "reset": 0, "open": 0, "refused": 0}
        self.selector = selectors.DefaultSelector()
        for _ in range(count):
            try:
                client = socket.create_connection(address, 5)
            except OSError:
                self.seen["refused"] += 1
                continue
            client.setblocking(False)
            self.selector.register(client, events)

    def end(self, client, how):
        self.seen[how] += 1
        self.selector.unregister(client)
        client.close()

    def run(self, step, seconds=DEADLINE_S):
        """Calls step(client) for every client that is ready, until all have ended or the time is over."""
        end = time.monotonic() + seconds
        while self.selector.get_map() and time.monotonic() < end:
            for key, _ in self.selector.select(0.05):
                try:
                    step(key.fileobj)
                except BlockingIOError:
                    pass
                except OSError:
                    self.end(key.fileobj, "reset")
        self.seen["open"] = len(self.selector.get_map())
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        print(json.dumps(self.seen))


def wait_for_fin(address, count):
    crowd = Crowd(address, count, selectors.EVENT_READ)
    crowd.run(lambda client: client.recv(4096) or crowd.end(client, "fin"))
    return crowd.seen["fin"] == count


def never_read(address, count):
    crowd = Crowd(address, count, selectors.EVENT_READ | selectors.EVENT_WRITE)
    load = b"x" * 65536

    def step(client):
        if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionResetError
        client.send(load)

    crowd.run(step)
    return crowd.seen["reset"] == count


def hold(address, count, milliseconds):
    crowd = Crowd(address, count, selectors.EVENT_READ)
    crowd.run(lambda client: client.recv(4096) or crowd.end(client, "fin"), milliseconds / 1000)
    return True


class SlowReader:
    """Its stream is PATTERN again and again; what it must get is that in capitals."""

    PATTERN = bytes(i * 7 % 251 for i in range(65521))
    CAPITALS = PATTERN.upper() * 3

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.socket.settimeout(5)
        self.socket.connect(address)
        self.socket.setblocking(False)
        self.sent = self.read = 0
        self.outcome = None

    def send(self):
        try:
            for _ in range(4):  # not for ever: the others must read, too
                self.sent += self.socket.send(self.PATTERN[self.sent % len(self.PATTERN) :])
        except BlockingIOError:
            pass
        except OSError:
            self.outcome = "lost"

    def finish(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.outcome = self.outcome or "lost"

    def receive(self, most):
        """False when there is nothing more to read now."""
        try:
            data = self.socket.recv(most)
        except BlockingIOError:
            return False
        except OSError:
            self.outcome = "lost"
            return False
        place = self.read % len(self.PATTERN)
        self.read += len(data)
        if data != self.CAPITALS[place : place + len(data)]:
            self.outcome = "wrong"
        elif not data:
            self.outcome = "whole" if self.read == self.sent else "short"
        return self.outcome is None


def read_slowly(address, count, milliseconds):
    clients = [SlowReader(address) for _ in range(count)]
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end:
        for client in clients:
            if client.outcome is None:
                client.send()
                client.receive(4096)
        time.sleep(0.05)
    for client in clients:
        client.finish()
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and any(client.outcome is None for client in clients):
        ready = select.select([client.socket for client in clients if client.outcome is None], [], [], 0.05)[0]
        for client in clients:
            if client.socket in ready:
                for _ in range(4):  # not all of it at once: the others must not stop reading for as long
                    if not client.receive(65536):
                        break
    seen = {"whole": 0, "wrong": 0, "short": 0, "lost": 0}
    for client in clients:
        seen[client.outcome or "short"] += 1
    print(json.dumps(seen))
    return seen["whole"] == count


def churn(address, milliseconds):
    seen = {"right": 0, "wrong": 0, "lost": 0}
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end:
        try:
            with socket.create_connection(address, 5) as client:
                client.sendall(b"hello")
                seen["right" if client.recv(16) == b"HELLO" else "wrong"] += 1
        except OSError:
            seen["lost"] += 1
    print(json.dumps(seen))
    return True


def pester(path, count, milliseconds):
    seen = {"connected": 0, "sent_away": 0, "asked": 0}
    selector = selectors.DefaultSelector()
    questions = b"status\n" * 1000

    def connect(asks):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(path)
        client.setblocking(False)
        seen["connected"] += 1
        selector.register(client, selectors.EVENT_WRITE if asks else selectors.EVENT_READ, asks)

    def ask(client):
        """True once it was sent away. What is in its receive queue is never read."""
        try:
            seen["asked"] += client.send(questions) // len(b"status\n")
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    def is_sent_away(client):
        try:
            return not client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    for i in range(count):
        connect(i % 2 == 1)
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end:
        for key, _ in selector.select(0.05):
            if ask(key.fileobj) if key.data else is_sent_away(key.fileobj):
                seen["sent_away"] += 1
                selector.unregister(key.fileobj)
                key.fileobj.close()
                connect(key.data)
        time.sleep(0.01)  # rough, but not a flood of the machine
    print(json.dumps(seen))
    return True


if __name__ == "__main__":
    if sys.argv[1] == "pester":
        sys.exit(0 if pester(sys.argv[2], *map(int, sys.argv[3:])) else 1)
    play = {"wait_for_fin": wait_for_fin, "never_read": never_read, "hold": hold, "churn": churn, "read_slowly": read_slowly}[sys.argv[1]]
    sys.exit(0 if play(address_of(sys.argv[2]), *map(int, sys.argv[3:])) else 1)
