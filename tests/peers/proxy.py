"""HAProxy as master/package/examples/haproxy.cfg has it: addresses are replaced and nothing else, so that the example is what is tried.

What it says of itself is the witness beside loadtool: counters and states from its admin socket, and its log, a line for
each connection when it has ended.
"""

import csv
import os
import re
import shutil
import socket
import subprocess
import threading

from support import DEADLINE_S, TOP, free_port, until

EXAMPLE = TOP / "master/package/examples/haproxy.cfg"
LISTENS = "bind :9999"
ADMIN_SOCKET = "/run/haproxy/admin.sock"
LOG_SOCKET = "/dev/log"
DATAGRAM_MAX = 65536
LOG_BUFFER = 8 << 20

# option tcplog: who, where to, bytes to the client, how it ended, and how often it was tried elsewhere.
ENDED = re.compile(r": (?P<client>\S+:\d+) \[\S+\] upper upper/(?P<server>\S+) \S+ (?P<bytes>\d+) (?P<end>\S\S) "
                   r"\d+/\d+/\d+/\d+/(?P<retries>\+?\d+) ")
SESSION = re.compile(r"src=(?P<client>\S+) fe=upper be=upper srv=(?P<server>\S+) ")


def found():
    """The program, or None. (Debian has it where an ordinary user's PATH does not lead.)"""
    return shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")


def addresses_replaced(text, replacements):
    """Each must stand in the example exactly once: then what is tried is the example, and all of it."""
    for old, new in replacements.items():
        count = len(re.findall(re.escape(old) + r"(?!\S)", text))
        assert count == 1, f"{EXAMPLE.name} has {old} {count} times"
        text = re.sub(re.escape(old) + r"(?!\S)", lambda _, new=new: new, text)
    return text


def addresses_of_servers():
    """{name: address} of the example."""
    return dict(re.findall(r"^ *server (\S+) (\S+)$", EXAMPLE.read_text(), re.MULTILINE))


class SessionLog:
    """What /dev/log is elsewhere: a socket that HAProxy sends its lines to."""

    def __init__(self, path):
        self.sessions = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LOG_BUFFER)
        self.socket.bind(path)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            match = ENDED.search(self.socket.recv(DATAGRAM_MAX).decode())
            if match:
                self.sessions.append(match.groupdict() | {"bytes": int(match["bytes"])})


class Proxy:
    """A running HAProxy; servers: {name of the example: address}."""

    def __init__(self, folder, servers):
        self.admin = f"{folder}/admin.sock"
        self.log = SessionLog(f"{folder}/log")
        self.output = f"{folder}/haproxy.output"
        for _ in range(5):
            self.port = free_port()
            self.config = self._write(f"{folder}/haproxy.cfg", servers)
            with open(self.output, "w") as output:
                self.process = subprocess.Popen([found(), "-db", "-f", self.config], stdin=subprocess.DEVNULL, stdout=output,
                                                stderr=output, start_new_session=True)
            if until(lambda: self.process.poll() is not None or self._answers(), "HAProxy's admin socket") and self._answers():
                return
        raise AssertionError("HAProxy does not start:\n" + open(self.output).read())

    def _write(self, path, servers):
        replacements = {LISTENS: f"bind 127.0.0.1:{self.port}", ADMIN_SOCKET: self.admin, LOG_SOCKET: f"{os.path.dirname(path)}/log"}
        replacements.update({f"server {name} {old}": f"server {name} {servers[name]}" for name, old in addresses_of_servers().items()})
        with open(path, "w") as file:
            file.write(addresses_replaced(EXAMPLE.read_text(), replacements))
        return path

    def _answers(self):
        try:
            return self.process.poll() is None and "Name: HAProxy" in self.ask("show info")
        except OSError:
            return False

    def ask(self, command):
        """What the admin socket answers to a line."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(DEADLINE_S)
            admin.connect(self.admin)
            admin.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: admin.recv(1 << 16), b"")).decode()

    def order(self, command):
        """A command that answers nothing when it was obeyed."""
        answer = self.ask(command).strip()
        assert answer == "", f"{command}: {answer}"

    def counters(self, name):
        """A row of its statistics: a server's, or that of FRONTEND or BACKEND; whole numbers as such."""
        rows = csv.DictReader(self.ask("show stat").lstrip("# ").splitlines())
        row = next(row for row in rows if row["svname"] == name)
        return {key: int(value) if value and value.isdigit() else value for key, value in row.items()}

    def sessions_on(self, name):
        """The clients' addresses of the connections that a server has now."""
        return {match["client"] for match in SESSION.finditer(self.ask("show sess")) if match["server"] == name}

    def ended_on(self, name):
        """The lines of the log of connections that a server had; all of them, when nobody is connected any more."""
        until(lambda: len(self.log.sessions) == self.counters("FRONTEND")["stot"], "a line of the log for each connection")
        return [session for session in self.log.sessions if session["server"] == name]

    def stop(self):
        self.process.terminate()
        return self.process.wait(DEADLINE_S)
