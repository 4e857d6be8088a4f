#!/usr/bin/env python3
"""An upper server with one planted fault, for planted_case.py: a load tool that misses it is none.

    planted.py FAULT      none, swap, flip, lose, double, leak, exit, hang, half, pause

half: while a half-closed client waits for its FIN, one reply to another client has a wrong byte. pause: 300 ms at each reset.

Prints its port when it listens, and the number of times that its fault happened when it gets SIGTERM.
"""
import os
import random
import selectors
import signal
import socket
import sys
import time

FAULT = sys.argv[1]
AFTER_BYTES = 100_000  # answered rightly before the fault
PAUSE_S = 0.3
PLACE = random.Random(int.from_bytes(os.urandom(4), "little"))


class Server:
    def __init__(self):
        self.ready = selectors.DefaultSelector()
        self.listener = self.listen()
        self.ready.register(self.listener, selectors.EVENT_READ)
        self.answered = self.happened = self.resets = 0
        self.held = None  # (client, answer) that waits to be swapped
        self.leaked = []
        self.half = None  # a half-closed client that waits for its FIN, and who was answered since

    def listen(self):
        while True:
            try:
                return socket.create_server(("127.0.0.1", PLACE.randrange(20000, 32768)), backlog=512)
            except OSError:
                continue

    def run(self):
        while True:
            for key, _ in self.ready.select():
                if key.fileobj is self.listener:
                    client, _ = self.listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.ready.register(client, selectors.EVENT_READ)
                else:
                    self.serve(key.fileobj)

    def serve(self, client):
        try:
            data = client.recv(1 << 16)
            if data:
                self.answer(client, data)
            else:
                self.ended(client)
        except (ConnectionResetError, BrokenPipeError):
            self.reset(client)

    def answer(self, client, data):
        answer = data.upper()
        self.answered += len(data)
        if self.half:
            answer = self.answer_amid_half_close(client, answer)
        if self.answered >= AFTER_BYTES:
            answer = self.plant(client, answer)
        if answer:
            client.sendall(answer)

    def plant(self, client, answer):
        """What is sent in place of the right answer."""
        if FAULT == "swap" and self.happened == 0:
            if self.held is None:
                self.held = client, answer
                return b""
            other, others = self.held
            if other is client:
                return answer
            self.happened = 1
            other.sendall(answer)
            return others
        if FAULT in ("flip", "lose", "double") and self.happened == 0 and len(answer) >= 8:
            self.happened = 1
            at = PLACE.randrange(len(answer))
            flipped = answer[:at] + bytes([answer[at] ^ 0x40]) + answer[at + 1:]
            return {"flip": flipped, "lose": b"", "double": answer[:at] + answer[at:at + 1] + answer[at:]}[FAULT]
        return answer

    def answer_amid_half_close(self, client, answer):
        """The second answer to a client since the half-close: its request was surely sent after it. Then the FIN goes."""
        waiting, answered = self.half
        if client not in answered:
            answered.add(client)
            return answer
        self.half = None
        self.happened += 1
        client.sendall(bytes([answer[0] ^ 0x40]) + answer[1:])
        waiting.close()
        return b""

    def ended(self, client):
        self.ready.unregister(client)
        if FAULT == "half" and not self.half:
            self.half = client, set()
            return
        if FAULT == "hang":
            self.happened += 1
            self.leaked.append(client)  # never closed: its client waits for our FIN
        else:
            client.close()

    def reset(self, client):
        self.ready.unregister(client)
        self.resets += 1
        if FAULT == "pause":
            self.happened += 1
            time.sleep(PAUSE_S)
        if FAULT == "leak":
            self.happened += 1
            self.leaked.append(client)
            return
        if FAULT == "exit" and self.resets == 3:
            os._exit(3)
        client.close()


server = Server()


def finish(*_):
    print(server.happened, flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, finish)
print(server.listener.getsockname()[1], flush=True)
server.run()
