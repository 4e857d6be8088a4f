#!/usr/bin/env python3
"""Clients that the load tool does not play, many at once, over one epoll loop.

    clients.py wait_for_fin HOST:PORT COUNT     connect, say nothing; fails unless every one is closed in order
    clients.py never_read HOST:PORT COUNT       send for ever, read nothing, until reset
    clients.py hold HOST:PORT COUNT MS          connect, stay so long, leave
    clients.py pester PATH COUNT MS             at a control socket: half say nothing, half ask for the status without end, and
                                                none ever reads; who is sent away comes again, until the time is over
    clients.py churn HOST:PORT MS               one after the other: connect, say hello, wait for HELLO, leave
    Prints what they saw as JSON: {"fin": N, "reset": N, "open": N, "refused": N}; churn: {"right": N, "wrong": N, "lost": N};
    pester: {"connected": N, "sent_away": N, "asked": N}.
"""

import json
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
    play = {"wait_for_fin": wait_for_fin, "never_read": never_read, "hold": hold, "churn": churn}[sys.argv[1]]
    sys.exit(0 if play(address_of(sys.argv[2]), *map(int, sys.argv[3:])) else 1)
