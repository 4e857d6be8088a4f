"""What is done to a server while one of its workers dies: loads of the load tool, and crowds beside it.

A load makes some system calls often and others never; `run` finds out which by tracing. To reach a call that no
load makes yet, add one here.
"""

import contextlib
import os
import pathlib
import select
import socket
import threading

from support import DEADLINE_S, ask, children, receive, title


class Crowd(threading.Thread):
    """Clients that the load tool does not play. `faults` says what they did not get as they should."""

    crashes = False  # True: the crowd ends the worker itself
    resets = 0  # how many of its clients recovery must reset

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.faults, self.stopping = server, [], threading.Event()

    def run(self):
        try:
            self.act()
        except OSError as error:
            self.faults.append(f"{type(self).__name__}: {error!r}")

    def finish(self):
        """Called when the load is over."""
        self.stopping.set()
        self.join(3 * DEADLINE_S)
        if self.is_alive():
            self.faults.append(f"{type(self).__name__} did not end")
        return self.faults


class Nobody(Crowd):
    def act(self):
        pass


class Silent(Crowd):
    """Clients that say nothing: each must get a FIN after the idle timeout, never a reset."""

    COUNT = 70

    def act(self):
        clients = [self.server.connect() for _ in range(self.COUNT)]
        for client in clients:
            if client.recv(1) != b"":
                self.faults.append("a silent client got bytes")
            client.close()


class Full(Crowd):
    """More clients than there is room for: each is served, or reset at once; whoever is inside stays so.

    They go on knocking till the load ends, so that every generation of a worker has some to refuse.
    """

    COUNT = 90
    KNOCKS = 20
    PAUSE_S = 0.02

    def act(self):
        inside = self.come(self.COUNT)
        if len(inside) == self.COUNT:
            self.faults.append("nobody was refused")
        while not self.stopping.wait(self.PAUSE_S):
            inside += self.come(self.KNOCKS)
        self.faults += ["a client inside was not served again" for client in inside if not self.ask(client) or not self.served(client)]
        for client in inside:
            client.close()

    def come(self, count):
        """Those of so many new clients that are served."""
        clients = list(filter(None, [self.enter() for _ in range(count)]))
        served = list(filter(self.served, clients))
        for client in set(clients) - set(served):
            client.close()
        return served

    def enter(self):
        """A client that has asked for something; None if it was refused already."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client = self.server.connect()
            return client if self.ask(client) else None

    def ask(self, client):
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(b"room")
            return True

    def served(self, client):
        with contextlib.suppress(ConnectionResetError):
            return receive(client, 4) == b"ROOM"


class Blocked(Crowd):
    """Clients that read nothing till the server's answers fill all buffers, and then everything; again and again."""

    COUNT = 4
    PART = b"blocked!" * 1024
    SENT_MAX = 4 << 20  # more than both kernels' buffers hold, which stay small, since
    WINDOW, SEGMENT = 16 << 10, 1400  # the client's window and segments are, and each time the connection is new
    STILL_S = 0.01  # so long and nothing more was taken: the server is blocked
    PAUSE_S = 0.11  # a little longer than the server's tick, which stops when nobody is blocked

    def act(self):
        while not self.stopping.wait(self.PAUSE_S):
            self.round()

    def round(self):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.connect()) for _ in range(self.COUNT)]
            filled = [(client, self.fill(client)) for client in clients]
            for client, sent in filled:
                if receive(client, sent) != self.PART.upper() * (sent // len(self.PART)):
                    self.faults.append(f"a blocked client did not get its {sent} bytes")

    def connect(self):
        client = socket.socket(self.server.family)
        client.settimeout(DEADLINE_S)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.WINDOW)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self.SEGMENT)
        client.connect(self.server.sockaddr)
        return client

    def fill(self, client):
        """Sends whole parts till no more is taken; returns how many bytes."""
        sent = 0
        while sent < self.SENT_MAX and not self.stopping.is_set():
            if select.select([], [client], [], self.STILL_S)[1]:
                client.sendall(self.PART)
                sent += len(self.PART)
            elif self.is_blocked():
                break
        return sent

    def is_blocked(self):
        """Nothing was taken for a while. Is it so because the server waits for us?"""
        return True


class Ticking(Blocked):
    """One such client, each round of which starts and stops the server's tick for certain, however slow the machine is.

    The kernel shows how the timer of slot 0 stands. A server that had no processor is not blocked yet, and the tick runs
    on for some time when nobody is blocked any more: both are awaited.
    """

    COUNT = 1  # rounds are what is wanted
    PAUSE_S = 0.005  # between two looks

    def __init__(self, server):
        super().__init__(server)
        # A keeper has the slot's descriptors, and outlives its workers.
        keeper = next(pid for pid in children(server.pid) if title(pid) == "prefork-upper: keeper 0 a")
        numbers = pathlib.Path(f"/proc/{keeper}/fd")
        timer = next(fd.name for fd in numbers.iterdir() if os.readlink(fd) == "anon_inode:[timerfd]")
        self.timer = pathlib.Path(f"/proc/{keeper}/fdinfo/{timer}")

    def act(self):
        while not self.stopping.is_set():
            self.round()
            while self.is_blocked() and not self.stopping.wait(self.PAUSE_S):
                pass

    def is_blocked(self):
        return "it_interval: (0, 0)" not in self.timer.read_text()


class Poison(Crowd):
    """Clients whose message crashes the worker, one after the other. Each must be reset, and nobody else.

    Crashes in a row, with nobody answered in between, would be a crash loop, for which the server resets everybody.
    """

    COUNT = 3
    crashes = True

    def act(self):
        while self.resets < self.COUNT and not self.stopping.is_set():
            with self.server.connect() as client:
                if ask(client, b"well?") != b"WELL?":
                    self.faults.append("nobody is served between two crashes")
            with self.server.connect() as client:
                self.resets += 1
                client.sendall(b"!SEGV!!!")
                with contextlib.suppress(ConnectionResetError):
                    self.faults.append(f"poison was not reset, it got {client.recv(1)}")


class Load:
    """Options of the server and of the load tool, a crowd, and the shortest time in which all of it happens.

    `sure`: calls, or calls of one phase, that other loads make by chance, and this one for as long as it lasts.
    """

    def __init__(self, clients, server=(), workers=1, crowd=Nobody, seconds=0.8, sure=()):
        self.clients, self.server, self.workers, self.crowd, self.seconds = clients, server, workers, crowd, seconds
        self.sure = sure


CHURN = "fin:20%,rst:15%,unread:15%,halfclose:15%,oob:15%"

LOADS = {
    # Small messages; clients that leave in every way.
    "mixed": Load(clients=["-c", "60", "-r", "2000", "--kill", CHURN]),
    # Two workers that share the listener: connections are handed on.
    "shared": Load(clients=["-c", "60", "-r", "2000", "--kill", CHURN], workers=2),
    # Large messages to slow readers: send is short, input waits.
    "bulk": Load(clients=["-c", "12", "-s", "200K", "-r", "60", "--kill", "slowread:50%,halfclose:10%"], crowd=Blocked),
    # Now and then a client blocks the server: deadlines come and go.
    "blocked": Load(clients=["-c", "20", "-r", "500", "--kill", "fin:30%"], crowd=Ticking,
                    sure=["timerfd_settime"]),
    # The server ends silent clients; with patience, since a load tool without processor time is silent too.
    "idle": Load(server=["--idle-timeout", "3s"], clients=["-c", "40", "-r", "400", "--kill", "fin:30%"], crowd=Silent,
                 seconds=4.0),
    # What was answered can often not be taken just now, what was taken not be answered: workers settle debts of their own.
    "debts": Load(server=["--fault", "fetch:ENOMEM:1/2,take:ENOMEM:1/10,send:ENOMEM:1/10"],
                  clients=["-c", "60", "-r", "2000", "--kill", CHURN], sure=["serve:getsockopt", "serve:ioctl"]),
    # The server refuses clients.
    "full": Load(server=["--max-connections", "60"], clients=["-c", "40", "-r", "2000", "--kill", "none"], crowd=Full,
                 sure=["setsockopt"]),
    # The service crashes.
    "crash": Load(server=["--service", "faulty"], clients=["-c", "40", "-r", "2000", "--kill", "fin:30%"], crowd=Poison),
}
