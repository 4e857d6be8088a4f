"""What every end-to-end test needs: a server of its own, its log as events, sockets with deadlines.

A test never waits without a deadline, and ends only processes that it started, by pid. The test process makes
itself the reaper of orphans: whatever a server leaves behind becomes our child, so "nothing is left" is easy to see.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
SERVER = BUILD / "prefork-upper"
LOADTOOL = BUILD / "loadtool"
SANITIZED = "ASAN_OPTIONS" in os.environ  # slower, and memory figures mean nothing

DEADLINE_S = 10.0  # for one step that is expected at once
TEST_DEADLINE_S = 60  # for a whole test

EXIT_STOPPED, EXIT_START_FAILED, EXIT_USAGE, EXIT_ADDRESS_IN_USE, EXIT_ALL_REST = 0, 1, 64, 69, 70

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")


def unescape(text):
    """The text of a quoted value of the log."""

    def one(match):
        code = match.group(1)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        return {"n": "\n"}.get(code, code)

    return ESCAPE.sub(one, text)


def parse_event(line):
    """One log line as a dict: time, level, event, and its other keys; None for any other line."""
    if line.startswith("{"):
        return {key: str(value) for key, value in json.loads(line).items()}
    parts = line.split(None, 2)
    if len(parts) < 3 or not parts[2].startswith("event="):
        return None
    event = {"time": parts[0], "level": parts[1]}
    for key, quoted, plain in FIELD.findall(parts[2]):
        event[key] = unescape(quoted) if quoted else plain
    return event


def sockaddr(address):
    """(family, address for connect) of an address as the server prints it."""
    if address.startswith("unix:"):
        path = address[5:]
        return socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path
    host, port = address.rsplit(":", 1)
    if host.startswith("["):
        return socket.AF_INET6, (host[1:-1], int(port))
    return socket.AF_INET, (host, int(port))


def free_port():
    """A port below 32768 (above lie the ports that the kernel hands to clients) on which nobody listens now."""
    for _ in range(100):
        port = random.randrange(20000, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port found")


def until(condition, what, deadline_s=DEADLINE_S):
    """Waits for a condition of /proc or the kernel that nobody announces; returns its first true value."""
    end = time.monotonic() + deadline_s
    while True:
        reap_orphans()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"within {deadline_s} s not seen: {what}")
        time.sleep(0.01)


def reap_orphans():
    """Takes the dead of servers whose master has died: they are our children now, and others wait for them to go.

    Whoever we started ourselves is left to subprocess: it is in our session or leads its own."""
    for pid in listed_children(os.getpid()):
        with contextlib.suppress(OSError):
            if not alive(pid) and os.getsid(pid) not in (os.getsid(0), pid):
                os.waitpid(pid, os.WNOHANG)


def children(pid):
    """Pids of the direct children of a process that run."""
    return list(filter(alive, listed_children(pid)))


def listed_children(pid):
    """Pids of all direct children, as the kernel lists them: the dead too, until they are reaped."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def alive(pid):
    """True while the process runs (a zombie does not)."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def resume(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_kb(pid):
    """Resident anonymous memory: what the process itself has written."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


def tcp_states(port):
    """States (as in the kernel: 1 established, 6 TIME_WAIT, 8 CLOSE_WAIT, 10 listening) of the sockets on a local port."""
    states = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rsplit(":", 1)[1], 16) == port:
                states.append(int(fields[3], 16))
    return states


ESTABLISHED, TIME_WAIT, CLOSE_WAIT, LISTEN = 1, 6, 8, 10


def reset(sock):
    """Closes a connection with a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def receive(sock, count):
    """Exactly so many bytes, or fewer if the stream ends before."""
    data = bytearray()
    while len(data) < count:
        part = sock.recv(min(count - len(data), 1 << 20))
        if not part:
            break
        data += part
    return bytes(data)


def receive_all(sock):
    """Everything up to the FIN."""
    data = bytearray()
    while part := sock.recv(1 << 20):
        data += part
    return bytes(data)


def exchange(sock, data):
    """Sends data and receives as many bytes, both at once, so that any length fits."""
    writer = threading.Thread(target=sock.sendall, args=(data,))
    writer.start()
    answer = receive(sock, len(data))
    writer.join(DEADLINE_S)
    return answer


def ask(sock, data=b"hello"):
    sock.sendall(data)
    return receive(sock, len(data))


class Server:
    """A running prefork-upper. `bind` may hold {port}, which becomes a free one; `workers` None leaves -w out."""

    def __init__(self, *args, bind="127.0.0.1:{port}", workers=2, prefix=(), cwd=None, ready=True, env=None, preexec=None,
                 stderr=subprocess.PIPE, program=None, pass_fds=()):
        self.program = program or SERVER  # looked up now: the trials of steps put another one in its place
        self.pass_fds = pass_fds
        self.events_changed = threading.Condition()
        self.all_events, self.lines, self.ended = [], [], False
        for attempt in range(5):
            self.port = free_port()
            self._spawn(bind.format(port=self.port), workers, args, prefix, cwd, env, preexec, stderr)
            self.bound = self._read_ready() if ready else None
            if self.bound or not ready:
                break
            code = self.process.wait(DEADLINE_S)
            if code != EXIT_ADDRESS_IN_USE or "{port}" not in bind:
                raise AssertionError(f"the server did not start (exit {code}):\n" + self.log())
        if self.bound:
            self.family, self.sockaddr = sockaddr(self.bound)
            if self.family != socket.AF_UNIX:
                self.port = self.sockaddr[1]
            self._check_protection(args)

    def _spawn(self, bind, workers, args, prefix, cwd, env, preexec, stderr):
        reading, writing = os.pipe()
        count = [] if workers is None else ["-w", str(workers)]
        command = [*prefix, str(self.program), *count, "-b", bind, "--ready-fd", str(writing), *map(str, args)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            pass_fds=[writing, *self.pass_fds], cwd=cwd, env=env, preexec_fn=preexec, start_new_session=True)
        os.close(writing)
        self.pid, self.ready = self.process.pid, os.fdopen(reading, "rb", 0)
        self.ended = self.process.stderr is None
        if self.process.stderr:
            threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()

    def _read_log(self, stream):
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self.events_changed:
                self.lines.append(line)
                if event := parse_event(line):
                    self.all_events.append(event)
                self.events_changed.notify_all()
        with self.events_changed:
            self.ended = True
            self.events_changed.notify_all()

    def _read_ready(self):
        """The address that the server names when it serves; empty if it ended instead."""
        data = b""
        end = time.monotonic() + DEADLINE_S
        while not data.endswith(b"\n"):
            if not select.select([self.ready], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("the server is not ready in time:\n" + self.log())
            part = self.ready.read(4096)
            if not part:
                break
            data += part
        return data.decode().rstrip("\n")

    def _check_protection(self, args):
        """A server that fell back to --protect off would make tests about deaths pass or fail for no reason."""
        options = " ".join(map(str, args))
        if "--protect off" in options:
            return
        is_silent = "--log-level warn" in options  # it does not say then that it serves
        if not is_silent and "--log-file" not in options and self.process.stderr:
            protect = self.wait_event("serving")["protect"]
            if protect != "on" or self.events("unprotected"):
                raise AssertionError("the server does not protect its connections here:\n" + self.log())

    def log(self):
        with self.events_changed:
            return "\n".join(self.lines)

    def events(self, name, **match):
        with self.events_changed:
            return [e for e in self.all_events
                    if e["event"] == name and all(e.get(k) == str(v) for k, v in match.items())]

    def wait_event(self, name, count=1, deadline_s=DEADLINE_S, **match):
        """The count-th event of that name whose keys have these values; waits for it."""
        end = time.monotonic() + deadline_s
        with self.events_changed:
            while True:
                found = self.events(name, **match)
                if len(found) >= count:
                    return found[count - 1]
                if not self.events_changed.wait(min(0.5, max(0, end - time.monotonic()))) and time.monotonic() >= end:
                    wanted = " ".join([name] + [f"{k}={v}" for k, v in match.items()])
                    raise AssertionError(f"within {deadline_s} s no event {wanted} ({count}x):\n" + "\n".join(self.lines))

    def connect(self, timeout_s=DEADLINE_S):
        sock = socket.socket(self.family)
        sock.settimeout(timeout_s)
        sock.connect(self.sockaddr)
        return sock

    def worker(self, slot):
        """The pid of a slot's newest worker."""
        started = [e for e in self.events("worker_started", slot=slot)]
        return int(started[-1]["pid"])

    def wait_workers(self, count):
        """Waits until every slot has a worker that serves; their pids by slot."""
        for slot in range(count):
            self.wait_event("worker_started", slot=slot)
        return [self.worker(slot) for slot in range(count)]

    def supervisor(self):
        return until(lambda: next((p for p in children(self.pid) if title(p) == "prefork-upper: supervisor"), None),
                     "a process titled prefork-upper: supervisor")

    def processes(self):
        return [self.pid] + descendants(self.pid)

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self, deadline_s=DEADLINE_S):
        """The exit code, negative for a signal; the log is complete then."""
        code = self.process.wait(deadline_s)
        with self.events_changed:
            self.events_changed.wait_for(lambda: self.ended, deadline_s)
        return code

    def stop(self, number=signal.SIGTERM, deadline_s=DEADLINE_S):
        self.send_signal(number)
        return self.wait(deadline_s)


class TestCase(unittest.TestCase):
    """One test: a folder of its own, a deadline, and proof that no process is left."""

    maxDiff = 500

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="prefork-upper-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self._nothing_left)
        signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(TEST_DEADLINE_S)
        self.addCleanup(signal.alarm, 0)

    def _too_late(self, *_):
        raise AssertionError(f"the test took longer than {TEST_DEADLINE_S} s")

    def _nothing_left(self):
        """Ends what is still there, and fails if a server that was stopped left something."""
        left = [pid for pid in descendants(os.getpid()) if alive(pid)]
        names = [f"{pid} ({title(pid)})" for pid in left]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                pass
        self.assertEqual(names, [], "processes are left")

    def server(self, *args, **options):
        """A server that is stopped at the end of the test, in order, unless the test ended it itself."""
        server = Server(*args, cwd=self.folder, **options)
        self.addCleanup(self._stop, server)
        return server

    def _stop(self, server):
        if server.process.poll() is None:
            server.send_signal(signal.SIGTERM)
            server.send_signal(signal.SIGTERM)  # the second one: at once
            try:
                code = server.wait()
            except subprocess.TimeoutExpired:
                raise AssertionError("the server did not stop:\n" + server.log()) from None
            self.assertEqual(code, EXIT_STOPPED, server.log())
        self.assertEqual(server.events("check_failed") + server.events("unprotected"), [], server.log())

    def pause(self, pid):
        """Stops a process until resume(), at the latest to the end of the test."""
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(resume, pid)

    def connect(self, server, timeout_s=DEADLINE_S):
        sock = server.connect(timeout_s)
        self.addCleanup(sock.close)
        return sock

    def fails_to_start(self, *args, code, words, program=SERVER, **options):
        """Runs the server, which must end by itself with this code and name all these words in one line."""
        result = subprocess.run([str(program), *map(str, args)], capture_output=True, text=True, timeout=DEADLINE_S,
                                stdin=subprocess.DEVNULL, cwd=self.folder, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        for word in words:
            self.assertIn(str(word), result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, "one line, not:\n" + result.stderr)
        self.assertEqual(result.stdout, "")
        return result.stderr

    def assert_fin(self, sock):
        self.assertEqual(sock.recv(1), b"", "the server should have closed in order")

    def assert_reset(self, sock):
        """The connection must end with a RST, whatever arrives before it."""
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            while sock.recv(1 << 16):
                pass
