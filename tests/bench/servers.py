"""The servers of the bench: how each is started, loaded and ended.

A server is a name and a command; ours and those written here are built by make, the others come from Debian packages and
are left out, by name, where they are not installed.
"""
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import processes

BUILD = os.environ.get("BUILD", "build")
HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE_S = 20
SEND_BYTES_MAX = 32 * 1024  # of loadtool --send

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
LoadModule mpm_{mpm}_module /usr/lib/apache2/modules/mod_mpm_{mpm}.so
LoadModule echo_module /usr/lib/apache2/modules/mod_echo.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
{processes}
ListenBacklog 4096
Timeout 3600
KeepAliveTimeout 3600
Listen 127.0.0.1:{place}
ProtocolEcho On
"""
APACHE_PROCESSES = {
    "prefork": "StartServers 64\nServerLimit 600\nMaxRequestWorkers 600\nMinSpareServers 32\nMaxSpareServers 600",
    "event": "StartServers 4\nServerLimit 10\nThreadsPerChild 64\nMaxRequestWorkers 640",
}

XINETD = """
defaults
{{
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 1000000 1
}}
service echo
{{
    type = INTERNAL UNLISTED
    id = echo-stream
    socket_type = stream
    protocol = tcp
    port = {place}
    bind = 127.0.0.1
    user = root
    wait = no
    disable = no
}}
"""

NGINX = """
daemon off; master_process on; worker_processes {workers}; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{place} backlog=4096; location / {{ default_type text/plain; return 200 "{body}"; }} }}
}}
"""
HTTP_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Failed(Exception):
    """A server that did not do its job in a measurement, and what went wrong."""

    def __init__(self, server, what):
        super().__init__(f"{server.kind.name}: {what}")
        self.name, self.what = server.kind.name, what


def found(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")


def build_of_ours():
    """What is measured: with or without the faults of trials."""
    return subprocess.run([f"{BUILD}/prefork-upper", "--version"], capture_output=True, text=True).stdout.splitlines()[0]


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def ours(*options):
    def command(server, folder):
        place = f"unix:{server.place}" if server.over_unix else f"127.0.0.1:{server.place}"
        return [f"{BUILD}/prefork-upper", "-w", str(server.workers), "-b", place, "--log-level", "error",
                "--control", "off", "--max-connections", "12000", *options]
    return command


def written_here(name):
    return lambda server, folder: [f"{BUILD}/bench/{name}", str(server.workers), server.place]


def node(server, folder):
    return [found("node"), f"{HERE}/cluster.js", str(server.workers), server.place]


def forking(server, folder):
    return [sys.executable, f"{HERE}/forking.py", server.place]


def apache(mpm):
    def command(server, folder):
        text = APACHE.format(folder=folder, place=server.place, mpm=mpm, processes=APACHE_PROCESSES[mpm])
        return [found("apache2"), "-f", write(f"{folder}/apache.conf", text), "-DFOREGROUND"]
    return command


def xinetd(server, folder):
    config = write(f"{folder}/xinetd.conf", XINETD.format(place=server.place))
    return [found("xinetd"), "-dontfork", "-f", config, "-pidfile", f"{folder}/pid"]


def socat(server, folder):
    return [found("socat"), f"TCP-LISTEN:{server.place},bind=127.0.0.1,fork,reuseaddr,backlog=4096,nodelay", "PIPE"]


def nginx(body_bytes):
    def command(server, folder):
        text = NGINX.format(folder=folder, place=server.place, workers=server.workers, body="x" * body_bytes)
        return [found("nginx"), "-c", write(f"{folder}/nginx.conf", text), "-e", f"{folder}/error.log"]
    return command


def http_length(reply):
    """Bytes that a reply will have, head and body; None before its head has come."""
    head, end, _ = reply.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)\r?$", head)
    return len(head) + len(end) + int(length[1]) if end and length else None


def http_reply(port):
    """What the server says to one request on a connection that stays open: every reply is as long."""
    reply = b""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=DEADLINE_S) as client:
        client.sendall(HTTP_REQUEST)
        while (length := http_length(reply)) is None or len(reply) < length:
            more = client.recv(65536)
            if not more:
                raise ConnectionError("closed in the middle of a reply")
            reply += more
    return reply


def escaped(text):
    """As loadtool takes it."""
    return text.decode().replace("\\", r"\\").replace("\r", r"\r").replace("\n", r"\n")


class Kind:
    """`check` is what loadtool compares; `lines`: it echoes lines only, so messages are made of them; `http`: it answers a
    small request with a fixed page, of which loadtool compares the length alone, since the date is part of it; `quits`: on
    SIGQUIT it ends at once, with all its processes."""

    def __init__(self, name, command, program=None, check="upper", lines=False, http=False, quits=False):
        self.name, self.command, self.program, self.check, self.lines = name, command, program, check, lines
        self.http, self.quits = http, quits

    def installed(self):
        return self.program is None or found(self.program) is not None


OURS = Kind("prefork-upper", ours(), quits=True)
OFF = Kind("--protect off", ours("--protect", "off"), quits=True)
UNCONFINED = Kind("--sandbox off", ours("--sandbox", "off"), quits=True)
ECHO = Kind("--service echo", ours("--service", "echo"), check="echo", quits=True)
FLOOR = Kind("floor", written_here("floor"))
LIBUV = Kind("libuv", written_here("uv_upper"))
LIBEVENT = Kind("libevent", written_here("event_upper"))
BUILT_HERE = [OURS, OFF, UNCONFINED, FLOOR, LIBUV, LIBEVENT]
PEERS = [
    Kind("Node cluster", node, "node"),
    Kind("Apache prefork, mod_echo", apache("prefork"), "apache2", "echo", lines=True),
    Kind("Apache event, mod_echo", apache("event"), "apache2", "echo", lines=True),
    Kind("xinetd echo", xinetd, "xinetd", "echo"),
    Kind("socat fork", socat, "socat", "echo"),
    Kind("Python ForkingTCPServer", forking),
    Kind("nginx, fixed HTTP page", nginx(64), "nginx", "none", http=True),
]


class Server:
    """One that runs. `place` is a port or a path; self.pid is the root of its process tree."""

    def __init__(self, kind, workers, folder, over_unix=False):
        self.kind, self.workers, self.over_unix = kind, workers, over_unix
        self.folder = os.path.join(folder, kind.name.replace(" ", "-"))
        os.makedirs(self.folder, exist_ok=True)

    def start(self):
        for _ in range(20):
            self.place = f"{self.folder}/socket" if self.over_unix else str(random.randrange(20000, 32000))
            if self.over_unix and os.path.exists(self.place):
                os.unlink(self.place)
            with open(f"{self.folder}/output", "w") as output:
                self.process = subprocess.Popen(self.kind.command(self, self.folder), stdout=output, stderr=output,
                                                start_new_session=True)
            self.pid = self.process.pid
            if self.answers():
                return self
            self.stop()
        raise Failed(self, "does not start: " + processes.read(f"{self.folder}/output").strip())

    def target(self):
        return f"unix:{self.place}" if self.over_unix else f"127.0.0.1:{self.place}"

    def answers(self):
        """Waits until a first message is answered: some print nothing when they listen."""
        end = time.monotonic() + DEADLINE_S
        while self.process.poll() is None and time.monotonic() < end:
            if self.answers_one():
                return True
            time.sleep(0.02)
        return False

    def answers_one(self):
        if self.kind.http:
            try:
                self.reply = http_reply(self.place)
                return True
            except OSError:
                return False
        return subprocess.run(self.loadtool("-c", "1", "-n", "1", "--kill", "none"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def loadtool(self, *options, size=64):
        """The command of a load whose messages this server answers as it should."""
        command = [f"{BUILD}/loadtool", self.target(), *options]
        if self.kind.http:
            return command + ["--send", escaped(HTTP_REQUEST), "--expect", escaped(self.reply), "--check", "none"]
        if not self.kind.lines:
            return command + ["--check", self.kind.check, "-s", str(size)]
        line = "x" * 62 + r"\r\n" if size >= 64 else "x" * (size - 2) + r"\r\n"
        text = line * max(1, size // self.pieces(size) // 64)
        return command + ["--send", text, "--expect", text]

    def pieces(self, size):
        """Lines are a text that loadtool is given, which has a limit: a longer message is several, all outstanding at once."""
        return max(1, size // SEND_BYTES_MAX) if self.kind.lines else 1

    def reply_bytes(self, size):
        """The length of a reply to a message of that size."""
        return len(self.reply) if self.kind.http else size

    def stop(self):
        """Its process group is its own, so what it leaves behind for a connection ends with it."""
        if self.kind.quits:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


@contextlib.contextmanager
def standing(kinds, workers, folder, over_unix=False):
    """One server of each kind, all up and answering, ended at the end of the block."""
    started = []
    try:
        for kind in kinds:
            started.append(Server(kind, workers, folder, over_unix).start())
        yield started
    finally:
        for server in started:
            server.stop()
